//! What is held and what it brought, as the service shows it.

use super::views::{Setting, origin};
use plimsoll_core::{Amount, Facts, MarketKind};
use plimsoll_dashboard::view::{Decimal, Figure, Origin, PositionView, PositionsView, RangeView};
use plimsoll_execute::chain::vault::Place;
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::{Account, Brought, Kept, Look, signed};
use plimsoll_execute::protocol::Reading;
use plimsoll_frame::PoolShape;
use std::collections::BTreeMap;

const UNREADABLE: &str = "the market cannot be read";
const NO_POOL: &str = "it is in no pool: traders pay nothing and no curve bends it";
const NO_INDEX: &str =
    "nothing there grows by an index: what befalls a pool's tokens is in its price";
const NO_REWARDS: &str = "no rewards are claimed there";
const NO_PRICE: &str = "it is redeemed in the vault's own asset: no price moves it";
const NO_QUEUE: &str = "it has no queue";

/// Every market in which something is held, brought something since the books began, or cannot be read.
pub(crate) fn positions(tick: &Tick, setting: &Setting<'_>, kept: &Kept) -> PositionsView {
    let readings = tick.reads.iter().flatten().flat_map(|read| &read.readings);
    let readings: BTreeMap<_, _> = readings.map(|reading| (&reading.market, reading)).collect();
    let each = setting.desk.places.iter().filter_map(|(market, contract)| {
        let place = tick.vault.place(*contract);
        let account = kept.accounts.get(market);
        let is_held = place.is_some_and(|place| place.worth.is_none_or(|worth| !worth.is_zero()));
        let has_brought = account.is_some_and(|account| account.brought != Brought::default());
        let held = Held { tick, place, reading: readings.get(market).copied(), kept, account };
        (is_held || has_brought).then(|| held.view(market.as_str()))
    });
    PositionsView { positions: each.collect() }
}

/// Everything that is known of one position.
struct Held<'a> {
    tick: &'a Tick,
    place: Option<&'a Place>,
    reading: Option<&'a Reading>,
    kept: &'a Kept,
    account: Option<&'a Account>,
}

/// A cause with what it brought, and why it would not be one.
type Cause = (i128, bool, &'static str);

impl Held<'_> {
    fn view(&self, market: &str) -> PositionView {
        let state = &self.tick.vault;
        let contract = self.place.map(|place| place.contract.to_string()).unwrap_or_default();
        let from = |function: &str| origin(self.tick, &format!("{contract}.{function}"));
        let protocol = self.protocol(market);
        let (worth, available) =
            (self.place.and_then(|place| place.worth), self.place.and_then(|it| it.available));
        let total = state.gross.to_f64(state.decimals);
        let part = |worth: Amount| worth.to_f64(state.decimals) / total;
        let shares = |reading: &Reading| Decimal::shares(reading.held.shares, reading.decimals);
        let kind = self.kind();
        let [income, rewards, fees, price, cost, impairment] = self.brought(kind);
        let profit = self.books(|account| (account.brought.total(), true, ""));
        let basis = |account: &Account| signed(account.look.worth) - account.brought.total();
        let [impermanent_loss, lvr] = self.bent();
        let [fees_due, rewards_due, queued, claimable] = self.facts(&protocol, kind);
        PositionView {
            market: market.to_owned(),
            kind: kind.map(Into::into),
            worth: from("totalAssets()").maybe(worth.map(|it| self.money(it)), UNREADABLE),
            shares: protocol.maybe(self.reading.map(shares), UNREADABLE),
            weight: from("totalAssets()")
                .by("of value().gross")
                .maybe(worth.filter(|_| total > 0.0).map(part), UNREADABLE),
            available: from("liquidity()").maybe(available.map(|it| self.money(it)), UNREADABLE),
            share_price: protocol
                .maybe(self.reading.map(|reading| Decimal::ray(reading.share_price)), UNREADABLE),
            mark: origin(self.tick, "vault").maybe(
                self.place.map(|place| f64::from(place.mark_bps) / 10_000.0),
                "the vault does not list it",
            ),
            cost_basis: self.books(|account| (basis(account), true, "")),
            profit,
            since_block: self.account.map(|account| account.since),
            income,
            rewards,
            fees,
            price,
            cost,
            impairment,
            impermanent_loss,
            lvr,
            fees_due,
            rewards_due,
            queued,
            claimable,
            discount: self.discount(&protocol, kind),
            range: self.range(&protocol),
        }
    }

    fn money(&self, amount: Amount) -> Decimal {
        Decimal::of(amount, self.tick.vault.decimals)
    }

    fn protocol(&self, market: &str) -> Origin {
        origin(self.tick, market.split(':').next().unwrap_or(market))
    }

    fn kind(&self) -> Option<MarketKind> {
        let read = self.reading.map(|reading| reading.terms.kind);
        read.or_else(|| self.account?.look.kind())
    }

    fn shape(&self) -> Option<PoolShape> {
        match self.reading {
            Some(reading) => reading.terms.pool.map(|pool| pool.shape),
            None => self.account?.look.shape(),
        }
    }

    /// Where figures of the books come from.
    fn kept(&self) -> Origin {
        let source = format!("{}: worth of its markets and its events", self.tick.vault.address);
        let Some(through) = self.kept.through else { return origin(self.tick, &source) };
        let from = Origin::new(Some(through.block.number), through.time(), &source);
        match self.account {
            Some(account) if self.kept.trouble.is_some() => from.by(&format!(
                "since block {}; later events could not be had from the nodes yet",
                account.since
            )),
            Some(account) => from.by(&format!("since block {}", account.since)),
            None => from,
        }
    }

    /// A figure of the books: what there is of it in raw units, whether the market can have it, and why not.
    fn books(&self, pick: impl Fn(&Account) -> Cause) -> Figure<Decimal> {
        let from = self.kept();
        let Some(account) = self.account else {
            return from.unknown(match self.kept.since {
                None => "the books have not begun: the vault's events have not been read yet",
                Some(_) => "its worth could not be read since the books began",
            });
        };
        let (raw, applies, why) = pick(account);
        let decimals = self.tick.vault.decimals;
        from.maybe((applies || raw != 0).then(|| Decimal::gain(raw, decimals)), why)
    }

    fn brought(&self, kind: Option<MarketKind>) -> [Figure<Decimal>; 6] {
        let has_index = matches!(kind, Some(MarketKind::Lending | MarketKind::Staking));
        let is_pool = self.shape().is_some();
        let pays = self.pays_rewards(kind);
        let is_priced = is_pool || kind == Some(MarketKind::Staking);
        [
            self.books(|account| (account.brought.income, has_index, NO_INDEX)),
            self.books(|account| (account.brought.rewards, pays, NO_REWARDS)),
            self.books(|account| (account.brought.fees, is_pool, NO_POOL)),
            self.books(|account| (account.brought.price, is_priced, NO_PRICE)),
            self.books(|account| (account.brought.cost, true, "")),
            self.books(|account| (account.brought.impairment, has_index, NO_INDEX)),
        ]
    }

    fn pays_rewards(&self, kind: Option<MarketKind>) -> bool {
        let is_claimed = |reading: &Reading| {
            !reading.terms.rewards_unclaimed
                && reading.rewards.as_ref().is_some_and(|rewards| !rewards.is_empty())
        };
        kind == Some(MarketKind::Mining) || self.reading.is_some_and(is_claimed)
    }

    /// Impermanent loss and loss-versus-rebalancing.
    fn bent(&self) -> [Figure<Decimal>; 2] {
        let why = match self.shape() {
            None => NO_POOL,
            Some(PoolShape::Stable) => "of a stable pool it is not told apart from the price",
            Some(_) => "nothing is held there",
        };
        let loss = |account: &Account, lost: f64| (raw(lost), account.look.is_bent(), why);
        [
            self.books(|account| loss(account, account.bent.impermanent_loss())),
            self.books(|account| loss(account, account.bent.lvr())),
        ]
    }

    /// Fees due, rewards due, what is queued and what of it can be claimed.
    fn facts(&self, protocol: &Origin, kind: Option<MarketKind>) -> [Figure<Decimal>; 4] {
        let fact = |applies: bool, pick: fn(&Facts) -> Amount, why: &str| {
            let Some(reading) = self.reading else { return protocol.unknown(UNREADABLE) };
            let amount = pick(&reading.beyond.facts);
            protocol.maybe((applies || !amount.is_zero()).then(|| self.money(amount)), why)
        };
        let (collects, why) = match self.shape() {
            None => (false, NO_POOL),
            Some(PoolShape::Ranges { .. }) => (true, ""),
            Some(_) => (false, "they are not collected: the share grows by them"),
        };
        let waits = kind == Some(MarketKind::Staking);
        [
            fact(collects, |facts| facts.fees_due, why),
            fact(self.pays_rewards(kind), |facts| facts.rewards_due, NO_REWARDS),
            fact(waits, |facts| facts.queued, NO_QUEUE),
            fact(waits, |facts| facts.claimable, NO_QUEUE),
        ]
    }

    fn discount(&self, protocol: &Origin, kind: Option<MarketKind>) -> Figure<f64> {
        let from = protocol.by("1 less its price over what it is redeemed for");
        if kind.is_some() && kind != Some(MarketKind::Staking) {
            return from.unknown("it is no staked token");
        }
        let Some(reading) = self.reading else { return from.unknown(UNREADABLE) };
        from.maybe(Look::new(Amount::ZERO, Some(reading)).discount(), "its price is not known")
    }

    fn range(&self, protocol: &Origin) -> Option<RangeView> {
        let PoolShape::Ranges { .. } = self.shape()? else { return None };
        let range = self.reading.and_then(|reading| reading.beyond.facts.range);
        let price = self.reading.and_then(|reading| reading.beyond.pair.map(|pair| pair.price));
        let why = if self.reading.is_none() { UNREADABLE } else { "no range is laid" };
        let end = |way: f64| Some(price? * (way * range?.half_width - range?.offset).exp());
        let ends = protocol.by("the price by half width and offset, to a tick");
        Some(RangeView {
            lower: ends.maybe(end(-1.0), why),
            upper: ends.maybe(end(1.0), why),
            price: protocol.by("by the oracle").maybe(price, UNREADABLE),
            half_width: logarithm(protocol).maybe(range.map(|range| range.half_width), why),
            offset: logarithm(protocol).maybe(range.map(|range| range.offset), why),
        })
    }
}

fn logarithm(from: &Origin) -> Origin {
    from.by("in the logarithm of the price")
}

/// Whole raw units of a loss, toward the larger loss.
fn raw(lost: f64) -> i128 {
    let size = Amount::from_f64_floor((-lost).max(0.0).ceil(), 0).unwrap_or_default();
    -signed(size)
}
