//! Markets ranked by a rate.

use plimsoll_core::{Apr, MarketId};
use plimsoll_frame::{Column, Group, Quote, Reason, Situation, Target, TargetError, View};
use std::collections::BTreeMap;

/// Days within which a held market whose rate is unknown today still counts as known enough to hold.
const PATIENCE_DAYS: i64 = 7;
/// A weight below this is none.
const SMALLEST_WEIGHT: f64 = 1e-9;

/// The rate of each market, rewards included: the newest one, or its mean over the last days.
#[derive(Debug)]
pub(crate) struct Ranking<'v> {
    view: View<'v>,
    /// Every market with a rate, by market.
    rates: Vec<(MarketId, f64)>,
    /// Those that can be bought, best first.
    open: Vec<(MarketId, f64)>,
}

impl<'v> Ranking<'v> {
    /// Ranks by the mean over `trailing_days`; by the newest rate where that is one.
    pub(crate) fn new(view: &View<'v>, trailing_days: u16) -> Ranking<'v> {
        let quotes = view.quotes();
        let rates: Vec<_> = if trailing_days <= 1 {
            let fresh = quotes.iter().filter(|quote| quote.is_fresh);
            let total =
                |quote: &Quote| Some(quote.supply_apr?.0 + quote.reward_apr.map_or(0.0, |r| r.0));
            fresh.filter_map(|quote| Some((quote.market.clone(), total(quote)?))).collect()
        } else {
            let mut rates = view.trailing_mean(Column::SupplyApr, i64::from(trailing_days));
            for (market, rate) in &mut rates {
                let days = i64::from(trailing_days);
                *rate += view.trailing_mean_of(market, Column::RewardApr, days).unwrap_or_default();
            }
            rates
        };
        let mut open: Vec<_> = quotes
            .into_iter()
            .filter(Quote::is_open)
            .filter_map(|quote| rate_of(&rates, &quote.market).map(|rate| (quote.market, rate)))
            .collect();
        open.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ranking { view: *view, rates, open }
    }

    /// Whether `market` had any rate in the last days.
    fn is_recent(&self, market: &MarketId) -> bool {
        self.view.trailing_mean_of(market, Column::SupplyApr, PATIENCE_DAYS).is_some()
    }

    /// The best market that can be bought.
    pub(crate) fn best(&self) -> Option<(&MarketId, f64)> {
        self.open.first().map(|(market, rate)| (market, *rate))
    }

    /// Everything in the best open market, if it beats what is held by more than `margin`. Where the owner's
    /// caps leave room for a part of it only, the rest goes down the ranking, and the mean of what would be
    /// held has to beat the mean of what is.
    ///
    /// A held market whose rate is unknown today is held, not fled, as long as it had a rate within
    /// the last days.
    pub(crate) fn best_above(
        self,
        now: &Situation<'_>,
        margin: f64,
    ) -> Result<Target, TargetError> {
        let held = now.held;
        let Some((best, _)) = self.best().map(|(market, rate)| (market.clone(), rate)) else {
            return Ok(Target::stay(Reason::NothingOpen));
        };
        let wanted = self.filled(now);
        let rate = self.mean_rate(&wanted).unwrap_or_default();
        let main = held.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(market, _)| market);
        let Some(main) = main else {
            let reason = Reason::Enter { market: best.clone(), apr: Apr(rate) };
            return Ok(Target::weights(wanted, reason)?.among(self.open));
        };
        let held_rate = self.mean_rate(held);
        let is_beaten = match held_rate {
            Some(held_rate) => rate > held_rate + margin,
            None => !self.is_recent(main),
        };
        let is_same = wanted.keys().all(|market| held.contains_key(market));
        if is_same || !is_beaten {
            let other = self
                .open
                .iter()
                .find(|(market, _)| !held.contains_key(market))
                .map(|(_, rate)| Apr(*rate));
            let reason = Reason::Stay {
                held: held_rate.map(Apr),
                best: other,
                margin: (margin > 0.0).then_some(Apr(margin)),
            };
            return Ok(Target::stay(reason).among(self.open));
        }
        let reason = Reason::Switch { to: best, apr: Apr(rate), held: held_rate.map(Apr) };
        Ok(Target::weights(wanted, reason)?.among(self.open))
    }

    /// The open markets filled from the best down, each as far as the caps per protocol and issuer leave room.
    fn filled(&self, now: &Situation<'_>) -> BTreeMap<MarketId, f64> {
        let caps = now.shared_caps();
        let (mut left, mut weights) = (1.0, BTreeMap::new());
        let mut used: BTreeMap<Group, f64> = BTreeMap::new();
        for (market, _) in &self.open {
            let groups = now.groups(&caps, market);
            let room =
                |(group, cap): &(Group, f64)| cap - used.get(group).copied().unwrap_or_default();
            let weight = groups.iter().map(room).fold(left, f64::min);
            // Where utilization would stay above target nothing more is brought in.
            let has_enough = weight * now.nav >= now.least_deposit(market);
            if weight <= SMALLEST_WEIGHT || !has_enough {
                continue;
            }
            for (group, _) in groups {
                *used.entry(group).or_default() += weight;
            }
            weights.insert(market.clone(), weight);
            left -= weight;
            if left <= SMALLEST_WEIGHT {
                break;
            }
        }
        weights
    }

    /// The mean rate of `weights` over those whose rate is known; `None` where the largest is not.
    fn mean_rate(&self, weights: &BTreeMap<MarketId, f64>) -> Option<f64> {
        let main = weights.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(market, _)| market)?;
        let main_rate = rate_of(&self.rates, main)?;
        let (mut sum, mut total) = (0.0, 0.0);
        for (market, weight) in weights {
            if let Some(rate) = rate_of(&self.rates, market) {
                sum += weight * rate;
                total += weight;
            }
        }
        // One market's mean is its rate, not the rate times a weight over the weight.
        Some(if weights.len() == 1 { main_rate } else { sum / total })
    }

    /// The open markets, best first.
    pub(crate) fn into_open(self) -> Vec<(MarketId, f64)> {
        self.open
    }
}

/// The rate of `market` among rates in the order of markets.
fn rate_of(rates: &[(MarketId, f64)], market: &MarketId) -> Option<f64> {
    let place = rates.binary_search_by(|(known, _)| known.cmp(market)).ok()?;
    rates.get(place).map(|(_, rate)| *rate)
}
