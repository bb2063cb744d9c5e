//! From one look at a position to the next: what it brought, and why.
//!
//! What can be counted is counted: the growth of an index, fees that are due, what a harvest brought. What a price did is
//! reckoned in `f64` from what was held before. The rest is rounding where nothing of ours moved, and goes where the market
//! earns; where something moved it is what moving cost. So the causes always add up, to the last unit.

use crate::protocol::{Predict, Reading};
use plimsoll_core::lp::loss::RangePosition;
use plimsoll_core::{Amount, Facts, MarketKind};
use plimsoll_frame::PoolShape;
use std::sync::Arc;

/// A fall of less than this, raw units, is rounding.
pub(super) const DUST: i128 = 10;
/// A fall of an index by less than this part is rounding.
const STILL: f64 = 1e-12;

/// What a position brought, raw units of the vault's asset with their sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brought {
    /// Growth of an index: interest, or what validators earn.
    pub income: i128,
    /// Rewards, when they were sold.
    pub rewards: i128,
    /// What traders paid.
    pub fees: i128,
    /// What prices did to what is held, the loss of a pool's position against its tokens among it.
    pub price: i128,
    /// What moving cost: fees of exchanges, what they moved the price by, half of the oracle's band, rounding.
    pub cost: i128,
    /// Falls of an index: bad debt, slashing.
    pub impairment: i128,
}

impl Brought {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> i128 {
        [self.income, self.rewards, self.fees, self.price, self.cost, self.impairment].iter().sum()
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Brought) -> Brought {
        Brought {
            income: self.income.saturating_add(other.income),
            rewards: self.rewards.saturating_add(other.rewards),
            fees: self.fees.saturating_add(other.fees),
            price: self.price.saturating_add(other.price),
            cost: self.cost.saturating_add(other.cost),
            impairment: self.impairment.saturating_add(other.impairment),
        }
    }
}

/// What moved in a market between two looks, raw units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flows {
    /// What came in.
    pub entered: i128,
    /// What exits took out.
    pub left: i128,
    /// What harvests brought.
    pub harvested: i128,
    /// What came out where the position was arranged anew.
    pub over: i128,
    /// Whether anything of ours was done there.
    pub is_moved: bool,
    /// Whether holders of the vault were paid or handed something meanwhile, perhaps out of this market.
    pub is_left: bool,
}

impl Flows {
    /// Everything that moved, into the market.
    pub(super) fn net(&self) -> i128 {
        self.entered - self.left - self.harvested - self.over
    }

    /// Both together.
    pub(super) fn and(&self, other: &Flows) -> Flows {
        Flows {
            entered: self.entered.saturating_add(other.entered),
            left: self.left.saturating_add(other.left),
            harvested: self.harvested.saturating_add(other.harvested),
            over: self.over.saturating_add(other.over),
            is_moved: self.is_moved || other.is_moved,
            is_left: self.is_left || other.is_left,
        }
    }
}

/// A position at a block.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// What the vault counts it as.
    pub worth: Amount,
    /// What the adapter says; `None` where the market could not be read.
    pub known: Option<Known>,
}

/// What an adapter says of a position.
#[derive(Debug, Clone)]
pub struct Known {
    pub(super) kind: MarketKind,
    shape: Option<PoolShape>,
    pub(super) facts: Facts,
    pub(super) shares: Amount,
    index: f64,
    price: Option<f64>,
    model: Arc<dyn Predict>,
    timestamp: u64,
}

impl Look {
    /// A look at a position that the vault counts as `worth`.
    #[must_use]
    pub fn new(worth: Amount, reading: Option<&Reading>) -> Look {
        let known = reading.map(|reading| Known {
            kind: reading.terms.kind,
            shape: reading.terms.pool.map(|pool| pool.shape),
            facts: reading.beyond.facts,
            shares: Amount(reading.held.shares.0),
            index: reading.share_price.to_f64(),
            price: reading.beyond.pair.map(|pair| pair.price),
            model: reading.model.clone(),
            timestamp: reading.at.timestamp,
        });
        Look { worth, known }
    }

    /// What is known beyond its worth.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.known.as_ref().map(|known| known.facts).unwrap_or_default()
    }

    /// How it earns; `None` where it could not be read.
    #[must_use]
    pub fn kind(&self) -> Option<MarketKind> {
        self.known.as_ref().map(|known| known.kind)
    }

    /// What the other token fetches by the oracle, in the market's asset.
    #[must_use]
    pub fn price(&self) -> Option<f64> {
        self.known.as_ref().and_then(|known| known.price)
    }

    /// What kind of pool it is, where it is one.
    #[must_use]
    pub fn shape(&self) -> Option<PoolShape> {
        self.known.as_ref().and_then(|known| known.shape)
    }

    /// How much less than what it is redeemed for a staked token is sold for, as a part; `None` for other markets.
    #[must_use]
    pub fn discount(&self) -> Option<f64> {
        let known = self.known.as_ref().filter(|known| known.kind == MarketKind::Staking)?;
        let price = known.price.filter(|_| known.index > 0.0)?;
        Some(1.0 - price / known.index)
    }

    /// Whether the price moves it along the curve of a pool.
    #[must_use]
    pub fn is_bent(&self) -> bool {
        self.curve().is_some()
    }

    /// The part of it that lies in a pool, a unit at the price of now, and its worth; `None` where no price bends it.
    pub(super) fn curve(&self) -> Option<(RangePosition, f64, f64)> {
        let known = self.known.as_ref()?;
        let price = known.price.filter(|price| *price > 0.0)?;
        let position = match (known.shape?, known.facts.range) {
            (PoolShape::ConstantProduct, _) => RangePosition::everywhere(1.0),
            (PoolShape::Ranges { .. }, Some(range)) => {
                let end = |way: f64| (way * range.half_width - range.offset).exp();
                RangePosition::new(1.0, (end(-1.0), end(1.0)))
            }
            _ => None,
        }?;
        let inside = self.worth.saturating_sub(known.facts.fees_due);
        Some((position, price, inside.to_f64(0)))
    }
}

/// Tells why a position became from `before` what it is `now`, with what moved meanwhile.
#[must_use]
pub fn causes(before: &Look, now: &Look, flows: &Flows) -> Brought {
    let gained = signed(now.worth) - signed(before.worth) - flows.net();
    let found = found(before, now, (gained, flows));
    let rest = gained - found.total();
    let kind = now.known.as_ref().or(before.known.as_ref()).map(|known| known.kind);
    let has_fallen = found.impairment < 0;
    match kind {
        // Moving brings nothing: what came in between two looks has earned since.
        Some(MarketKind::Lending) | None if flows.is_moved && rest > DUST => {
            Brought { income: found.income + rest, ..found }
        }
        _ if flows.is_moved => Brought { cost: found.cost + rest, ..found },
        Some(MarketKind::Staking) if has_fallen => {
            Brought { impairment: found.impairment + rest, ..found }
        }
        Some(MarketKind::Staking | MarketKind::Lp | MarketKind::Mining) => {
            Brought { price: found.price + rest, ..found }
        }
        Some(MarketKind::Lending) | None if rest < -DUST => {
            Brought { impairment: found.impairment + rest, ..found }
        }
        Some(MarketKind::Lending) | None => Brought { income: found.income + rest, ..found },
    }
}

/// What can be told by itself, the rest being left.
pub(super) fn found(before: &Look, now: &Look, (gained, flows): (i128, &Flows)) -> Brought {
    match (&before.known, &now.known) {
        (Some(from), Some(to)) => match (to.kind, from.price.zip(to.price)) {
            (MarketKind::Lp | MarketKind::Mining, Some(_)) => pool(before, (from, to), flows),
            (MarketKind::Staking, Some(prices)) => staked(before, (from, to), prices),
            _ => index(before, (from, to), (gained, flows)),
        },
        _ => Brought::default(),
    }
}

/// A market with an index alone: what time brought is told apart from what moving cost by what the market's own
/// arithmetic says of a position that nobody moves.
fn index(before: &Look, (from, to): (&Known, &Known), (gained, flows): (i128, &Flows)) -> Brought {
    let mut found = Brought { rewards: flows.harvested, ..Brought::default() };
    let grown = if flows.is_moved {
        let still = from.model.after(true, Amount::ZERO, to.timestamp).ok();
        still.map_or(0, |still| signed(still.held.worth) - signed(before.worth))
    } else {
        gained
    };
    if grown < -DUST {
        found.impairment = grown;
    } else {
        found.income = grown;
    }
    found
}

/// A staked token: what it is redeemed for grows or falls, and what it is sold for follows it nearly.
fn staked(before: &Look, (from, to): (&Known, &Known), prices: (f64, f64)) -> Brought {
    let tokens = before.worth.saturating_sub(from.facts.queued);
    let growth = part(to.index, from.index);
    let grown = times(tokens, growth);
    let moved = times(tokens, part(prices.1, prices.0));
    let mut found = Brought { price: moved - grown, ..Brought::default() };
    if growth < -STILL {
        found.impairment = grown;
    } else {
        found.income = grown;
    }
    found
}

/// A pool: fees as they fall due or as the share grows, rewards as they were sold, and the price along its curve.
fn pool(before: &Look, (from, to): (&Known, &Known), flows: &Flows) -> Brought {
    let mut found = Brought::default();
    match to.shape {
        Some(PoolShape::Ranges { .. }) => {
            let (due, now_due) = (signed(from.facts.fees_due), signed(to.facts.fees_due));
            let collected = if from.facts.rewards_due.is_zero() {
                flows.harvested
            } else {
                flows.harvested.min(due)
            };
            found.rewards = flows.harvested - collected;
            // Where the position was arranged or left, what was due was taken into it.
            let earned = now_due + collected - due;
            found.fees = if flows.is_moved && earned < 0 { now_due } else { earned };
            found.price = along(before, to);
        }
        Some(PoolShape::ConstantProduct) => {
            found.rewards = flows.harvested;
            found.price = along(before, to);
            found.fees = times(before.worth, part(to.index, from.index)) - found.price;
        }
        Some(PoolShape::Stable) => {
            found.rewards = flows.harvested;
            found.fees = times(before.worth, part(to.index, from.index));
        }
        None => found.rewards = flows.harvested,
    }
    found
}

/// What the price did to what was held before, along the curve of the pool.
fn along(before: &Look, to: &Known) -> i128 {
    let change = before.curve().zip(to.price).and_then(|((position, price, inside), now)| {
        let worth = position.value(1.0);
        let inside = Amount::from_f64_floor(inside, 0)?;
        (worth > 0.0).then(|| times(inside, position.value(now / price) / worth - 1.0))
    });
    change.unwrap_or_default()
}

/// By which part `to` is more than `from`.
fn part(to: f64, from: f64) -> f64 {
    if from > 0.0 { to / from - 1.0 } else { 0.0 }
}

/// A part of an amount, with its sign.
fn times(amount: Amount, part: f64) -> i128 {
    let size = Amount::from_f64_floor(amount.to_f64(0) * part.abs(), 0);
    let size = signed(size.unwrap_or_default());
    if part < 0.0 { -size } else { size }
}

/// An amount with a sign; a vault holds less than 2^120.
#[must_use]
pub fn signed(amount: Amount) -> i128 {
    i128::try_from(amount.0).unwrap_or(i128::MAX)
}
