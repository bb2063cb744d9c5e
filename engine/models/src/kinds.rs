//! What staking, pools and campaigns are expected to pay, on the scale of lending: a year's rate less what is
//! expected to be lost, in the vault's own asset.
//!
//! - *Staking*: the growth of what the token is redeemed for, and the discount at which it is sold, as far as
//!   redeeming brings it back within the horizon. A discount beyond [`KindSettings::most_discount`] brings nothing
//!   in: somebody may know more.
//! - *Pools*: fees of the past, per unit of liquidity, less what price moves cost (LVR) and what setting the range
//!   anew costs; the width is the one that pays best at the size that we may have.
//! - *Campaigns*: rewards shared by all who stake, for as long as the campaign lasts, less what selling them costs.

use crate::panel::{PairDay, Track, YEAR_DAYS, deviation};
use plimsoll_core::pooled::range_value;
use plimsoll_core::{Day, MarketKind, Pooled};
use plimsoll_frame::{Doubt, PoolShape, Score, Terms};

/// Days over which a pair's swings are measured.
const SWING_DAYS: i64 = 60;
/// Fewest daily moves that say how far a pair swings.
const FEWEST_MOVES: usize = 20;
/// Days over which fees are averaged, and over which the growth of a staked token is.
const FEE_DAYS: [i64; 2] = [7, 30];
/// The deposit for which a width is chosen, where it is smaller than the pool: a share of its depth.
const PROBE: f64 = 0.02;

/// Parameters of what is expected of the kinds other than lending.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KindSettings {
    /// Days over which a decision earns.
    pub horizon_days: f64,
    /// How much of a forecast is the last week; the rest is the mean of thirty days.
    pub week_share: f64,
    /// The discount of a staked token beyond which nothing is brought in.
    pub most_discount: f64,
    /// Days of a queue beyond which nothing is brought in.
    pub most_queue_days: f64,
}

impl Default for KindSettings {
    fn default() -> KindSettings {
        KindSettings {
            horizon_days: 30.0,
            week_share: 0.3,
            most_discount: 0.02,
            most_queue_days: 45.0,
        }
    }
}

/// One market of a kind other than lending, as it is known on a day.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its days.
    pub track: &'a Track,
    /// What its contracts say.
    pub terms: &'a Terms,
    /// Today.
    pub today: Day,
    /// The share of the horizon that rewards last.
    pub lasting: f64,
    /// Days before a withdrawal pays.
    pub queue_days: Option<f64>,
}

impl Seen<'_> {
    fn pair(&self) -> Option<&PairDay> {
        self.track.pair_at(self.today).or_else(|| self.track.pair_at(self.today.plus(-1)))
    }

    /// A forecast from two spans: the last week and the last month, as far as both are known.
    fn blended(&self, settings: &KindSettings, rate: impl Fn(i64) -> Option<f64>) -> Option<f64> {
        let [week, month] = FEE_DAYS.map(rate);
        let week = week.or(month)?;
        Some(settings.week_share * week + (1.0 - settings.week_share) * month.unwrap_or(week))
    }

    /// The longest known span of at most `days`, and its two ends.
    fn span<'t, T>(
        &'t self,
        days: i64,
        known: impl Fn(Day) -> Option<T> + 't,
    ) -> Option<(f64, T, T)> {
        let last = [0, -1].into_iter().map(|back| self.today.plus(back));
        let (end_day, end) = last.filter_map(|day| Some((day, known(day)?))).next()?;
        let starts = (self.today.0 - days..end_day.0).map(Day);
        let (start_day, start) = starts.filter_map(|day| Some((day, known(day)?))).next()?;
        let length = f64::from(i32::try_from(end_day.0 - start_day.0).ok()?);
        Some((length, start, end))
    }
}

/// Returns what is expected of a market of a kind other than lending; `score` brings what all kinds have.
#[must_use]
pub fn scored(settings: &KindSettings, seen: &Seen<'_>, score: Score) -> Score {
    let moving = seen.terms.moving.unwrap_or_default();
    let score = Score {
        kind: seen.terms.kind,
        moving: (moving.spent(), moving.exit),
        lending: None,
        target_utilization: None,
        interval: None,
        ..score
    };
    match seen.terms.kind {
        MarketKind::Lending => score,
        MarketKind::Staking => staking(settings, seen, score),
        MarketKind::Lp | MarketKind::Mining => pool(settings, seen, score),
    }
}

/// A staked token: what it grows by, and what its discount brings.
fn staking(settings: &KindSettings, seen: &Seen<'_>, score: Score) -> Score {
    let index = |day: Day| seen.track.at(day)?.share_price;
    let grown = |days: i64| {
        let (length, start, end) = seen.span(days, index)?;
        Some((end / start - 1.0) * YEAR_DAYS / length)
    };
    let newest = seen.track.at(seen.today).or_else(|| seen.track.at(seen.today.plus(-1)));
    let advertised = newest.and_then(|row| row.supply_apr);
    let growth = seen.blended(settings, grown).or(advertised);
    let redeemed = newest.and_then(|row| row.share_price);
    let sold = seen.pair().and_then(|pair| pair.price);
    let discount = redeemed.zip(sold).map(|(redeemed, sold)| 1.0 - sold / redeemed);
    let queue = seen.queue_days.unwrap_or_default();
    let doubt = if discount.is_some_and(|discount| discount > settings.most_discount) {
        Some(Doubt::Discount)
    } else {
        (queue > settings.most_queue_days).then_some(Doubt::Queue)
    };
    // Redeeming closes the discount once the queue has passed; over a longer horizon it counts once.
    let closing = discount.map(|discount| discount.clamp(-1.0, settings.most_discount));
    let within = queue.max(settings.horizon_days);
    let pull = closing.map_or(0.0, |closing| closing * YEAR_DAYS / within);
    let rewards = newest.and_then(|row| row.reward_apr).unwrap_or_default() * seen.lasting;
    Score {
        advertised_apr: advertised.or(growth),
        sustainable_apr: growth.map(|growth| growth + pull + rewards),
        doubt,
        ..score
    }
}

/// A pool or a campaign: fees and rewards shared with all, less what price moves cost.
fn pool(settings: &KindSettings, seen: &Seen<'_>, score: Score) -> Score {
    let newest = seen.track.at(seen.today).or_else(|| seen.track.at(seen.today.plus(-1)));
    let Some(row) = newest else { return score };
    let Some(pool) = seen.terms.pool else {
        // A campaign for the vault's own asset: rewards on top of what the token earns by itself.
        return campaign(settings, seen, score);
    };
    let fees = seen.blended(settings, |days| fee_apr(seen, pool.shape, days));
    let (variance, moves) = variance(seen.track, seen.today);
    let depth = seen.pair().and_then(|pair| pair.depth_usd).or(row.tvl_usd);
    let rewards = net_rewards(seen);
    let (Some(fees), Some(depth)) = (fees, depth) else {
        return Score { doubt: Some(Doubt::ShortHistory), ..score };
    };
    let is_stable = pool.shape == PoolShape::Stable;
    let moving = seen.terms.moving.unwrap_or_default();
    let base = Pooled {
        base: 0.0,
        fees: fees * depth,
        rewards: rewards * row.tvl_usd.unwrap_or(depth),
        others: depth,
        // A stable pool's own growth has the cost of its small moves in it already.
        variance: if is_stable { 0.0 } else { variance },
        half_width: None,
        recentre_cost: moving.spent(),
        recentre_gas: 0.0,
        running: 0.0,
    };
    let pooled = match pool.shape {
        PoolShape::ConstantProduct | PoolShape::Stable => Some(base),
        // Gas and our size are not known here: where they count the width is chosen again.
        PoolShape::Ranges { .. } => base.with_best_width(PROBE * depth, &pool.shape.widths()),
    };
    let advertised = pooled.map(|pooled| pooled.fee_apr(0.0) + pooled.reward_apr(0.0));
    let is_short = moves < FEWEST_MOVES && !is_stable;
    Score {
        advertised_apr: advertised,
        sustainable_apr: pooled.map(|pooled| pooled.apr(0.0)),
        doubt: is_short.then_some(Doubt::ShortHistory),
        pooled,
        ..score
    }
}

/// A campaign for the asset itself.
fn campaign(settings: &KindSettings, seen: &Seen<'_>, score: Score) -> Score {
    let newest = seen.track.at(seen.today).or_else(|| seen.track.at(seen.today.plus(-1)));
    let index = |day: Day| seen.track.at(day)?.share_price;
    let grown = |days: i64| {
        let (length, start, end) = seen.span(days, index)?;
        Some((end / start - 1.0) * YEAR_DAYS / length)
    };
    let base = seen.blended(settings, grown).or(newest.and_then(|row| row.supply_apr));
    let total = newest.and_then(|row| row.tvl_usd);
    let rewards = net_rewards(seen);
    let pooled = base.zip(total).map(|(base, total)| Pooled {
        base,
        fees: 0.0,
        rewards: rewards * total,
        others: total,
        variance: 0.0,
        half_width: None,
        recentre_cost: 0.0,
        recentre_gas: 0.0,
        running: 0.0,
    });
    let gross = newest.and_then(|row| row.reward_apr).unwrap_or_default();
    Score {
        advertised_apr: base.map(|base| base + gross),
        sustainable_apr: base.map(|base| base + rewards),
        pooled,
        ..score
    }
}

/// Rewards as a rate, for as long as they last, less what selling them costs.
fn net_rewards(seen: &Seen<'_>) -> f64 {
    let newest = seen.track.at(seen.today).or_else(|| seen.track.at(seen.today.plus(-1)));
    let gross = newest.and_then(|row| row.reward_apr).unwrap_or_default();
    let sale = seen.terms.moving.unwrap_or_default().reward_sale;
    gross * seen.lasting * (1.0 - sale).max(0.0)
}

/// What a full range earned in fees over the last `days`, as a yearly rate.
fn fee_apr(seen: &Seen<'_>, shape: PoolShape, days: i64) -> Option<f64> {
    let track = seen.track;
    match shape {
        PoolShape::Ranges { .. } => {
            let known = |day: Day| {
                let pair = track.pair_at(day)?;
                Some((pair.price?, pair.fees_asset?, pair.fees_foreign?))
            };
            let (length, start, end) = seen.span(days, known)?;
            let earned = (end.1 - start.1).max(0.0) + (end.2 - start.2).max(0.0) * end.0;
            // A unit of liquidity as a full range is worth twice the root of the price.
            let worth = start.0.sqrt() + end.0.sqrt();
            Some(earned / worth * YEAR_DAYS / length)
        }
        PoolShape::ConstantProduct => {
            // The worth of a share over the root of the price is what fees alone made of it.
            let known = |day: Day| {
                Some(track.at(day)?.share_price? / track.pair_at(day)?.price?.max(0.0).sqrt())
            };
            let (length, start, end) = seen.span(days, known)?;
            Some((end / start - 1.0) * YEAR_DAYS / length)
        }
        PoolShape::Stable => {
            let known = |day: Day| track.at(day)?.share_price;
            let (length, start, end) = seen.span(days, known)?;
            Some((end / start - 1.0) * YEAR_DAYS / length)
        }
    }
}

/// The variance of the logarithm of the pair's price a year, and the number of daily moves that say so.
fn variance(track: &Track, today: Day) -> (f64, usize) {
    let price = |day: i64| track.pair_at(Day(day))?.price.filter(|price| *price > 0.0);
    let days = (today.0 - SWING_DAYS).max(track.first.0)..today.0;
    let moves: Vec<f64> =
        days.filter_map(|day| Some((price(day + 1)? / price(day)?).ln())).collect();
    let daily = deviation(&moves).unwrap_or_default();
    (daily * daily * YEAR_DAYS, moves.len())
}

/// Returns what a market of a kind other than lending grew by from `start` to `end`, had it been held as `pooled`
/// would be; `None` where either day is unknown.
///
/// A token or a pool that moves with a price is followed by its price: its months hold what it may lose.
#[must_use]
pub fn growth(
    kind: MarketKind,
    pooled: Option<&Pooled>,
    track: &Track,
    days: (Day, Day),
) -> Option<f64> {
    let (start, end) = days;
    let length = f64::from(i32::try_from(end.0 - start.0).ok()?);
    let price = |day: Day| track.pair_at(day)?.price;
    let index = |day: Day| track.at(day)?.share_price;
    match kind {
        MarketKind::Lending => Some(index(end)? / index(start)?),
        MarketKind::Staking => match (price(start), price(end)) {
            (Some(from), Some(to)) => Some(to / from),
            _ => Some(index(end)? / index(start)?),
        },
        MarketKind::Lp | MarketKind::Mining => {
            let years = length / YEAR_DAYS;
            let Some(pooled) = pooled else { return Some(index(end)? / index(start)?) };
            let carried = (pooled.base + pooled.fee_apr(0.0) + pooled.reward_apr(0.0)
                - pooled.upkeep_apr(0.0))
                * years;
            match (price(start), price(end)) {
                (Some(from), Some(to)) if pooled.variance > 0.0 => {
                    Some(range_value(pooled.half_width, to / from) + carried)
                }
                // Its index has its fees in it.
                _ => Some(index(end)? / index(start)? + pooled.reward_apr(0.0) * years),
            }
        }
    }
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod tests;
