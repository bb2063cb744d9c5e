//! How a market lives a day: accrual, borrowers, other suppliers, events.
//!
//! The protocol's share of the interest stays in the market as supply of the protocol, as Aave's treasury
//! leaves it; it counts among the others. So interest moves no cash.

use super::events::YEAR;
use super::market::WorldMarket;
use super::outside::MarketDay;
use plimsoll_core::curve::{Curve, adapted_rate_at_target};

/// Most that rates can do to the logarithm of what others want to keep in.
const MOST_ATTRACTION: f64 = 0.6;
/// By how many times borrowers hurry when the rate is far above the usual.
const MOST_PAIN: f64 = 5.0;
/// The most of the way that borrowers go in a day.
const MOST_SPEED: f64 = 0.8;
/// Below these a rate and a utilization count as these, so that they have logarithms.
const LEAST_RATE: f64 = 1e-6;
const LEAST_UTILIZATION: f64 = 1e-6;
/// Wanted within this of what is there, in logarithm: one more step of Newton is exact enough.
const NEAR: f64 = 0.02;

impl WorldMarket {
    /// Lives one day; `average_apr` is what all markets paid this morning, rewards included.
    pub(super) fn live(&mut self, today: &MarketDay, average_apr: f64) {
        let (borrow_apr, total_apr) = (self.borrow_apr(), self.supply_apr() + self.reward_apr());
        self.accrue(borrow_apr);
        self.move_borrowers(today.demand, borrow_apr);
        self.move_others(today, total_apr - average_apr);
        self.meet_events(today);
    }

    /// Interest and rewards of a day, and Morpho's curve.
    fn accrue(&mut self, borrow_apr: f64) {
        let (supplied, utilization) = (self.supplied(), self.utilization());
        if supplied <= 0.0 {
            return;
        }
        let growth = self.supply_apr() / YEAR;
        let rewards_per_share = self.reward_usd_per_year() / YEAR * self.index / supplied;
        self.our_rewards += self.our_shares * rewards_per_share;
        self.reward_index += rewards_per_share;
        let interest = self.borrowed * borrow_apr / YEAR;
        let kept = interest - supplied * growth;
        self.index *= 1.0 + growth;
        self.others = (self.others * (1.0 + growth) + kept).max(0.0);
        self.borrowed += interest;
        if let Curve::Adaptive { rate_at_target } = &mut self.curve {
            *rate_at_target = adapted_rate_at_target(*rate_at_target, utilization, 1.0 / YEAR);
        }
    }

    /// Borrowers go a part of the way to where they are content, the faster the more it hurts.
    fn move_borrowers(&mut self, demand: f64, borrow_apr: f64) {
        let supplied = self.supplied();
        if supplied <= 0.0 {
            return;
        }
        let pain = (borrow_apr / self.structure.reference_rate).clamp(1.0, MOST_PAIN);
        let speed = (self.structure.borrower_speed * pain).min(MOST_SPEED);
        let content = supplied * self.content_utilization(demand / supplied);
        self.borrowed += (speed * (content - self.borrowed)).min(self.exit());
    }

    /// The utilization at which borrowers want just what they have, when at the reference rate they want
    /// `wanted` of what is supplied.
    ///
    /// That is `utilization = wanted * (borrow rate / reference rate)^-elasticity`, by steps of Newton
    /// in logarithms on the right side of the kink. Were they to aim at what they want at today's rate
    /// instead, they would jump back and forth over the kink from day to day.
    fn content_utilization(&self, wanted: f64) -> f64 {
        let elasticity = self.structure.elasticity;
        let excess = |utilization: f64, rate: f64| {
            let dearer = rate.max(LEAST_RATE) / self.structure.reference_rate;
            (utilization / wanted).ln() + elasticity * dearer.ln()
        };
        let (kink, now) = (self.curve.target(), self.utilization().max(LEAST_UTILIZATION));
        let is_above = excess(kink, self.curve.borrow_apr(kink)) < 0.0;
        // Just inside, since on the kink the slope is the one above it.
        let (low, high) =
            if is_above { (kink, 1.0) } else { (LEAST_UTILIZATION, kink * (1.0 - 1e-9)) };
        let mut utilization = now.clamp(low, high);
        for _ in 0..8 {
            let rate = self.curve.borrow_apr(utilization);
            let slope = self.curve.borrow_slope(utilization) / rate.max(LEAST_RATE);
            let found = excess(utilization, rate);
            let step = found / (1.0 + elasticity * utilization * slope);
            utilization = (utilization * (-step).exp()).clamp(low, high);
            if found.abs() < NEAR {
                break;
            }
        }
        utilization
    }

    /// Others go a part of the way to what they want; in a run they queue for what is liquid.
    fn move_others(&mut self, today: &MarketDay, advantage: f64) {
        let liquid = self.exit();
        if today.events.is_run {
            self.queue += today.events.leaving * (self.others - self.queue).max(0.0);
            let paid = self.queue.min(liquid).min(self.others);
            self.others -= paid;
            self.queue -= paid;
            return;
        }
        self.queue = 0.0;
        let pull = self.structure.attraction * advantage;
        let wanted = today.inclination * pull.clamp(-MOST_ATTRACTION, MOST_ATTRACTION).exp();
        let change =
            self.structure.supplier_speed * (wanted - self.others) + today.flow * self.others;
        self.others -= (-change).max(0.0).min(liquid).min(self.others);
        let room = if self.is_open { self.entry_room().unwrap_or(f64::INFINITY) } else { 0.0 };
        self.others += change.max(0.0).min(room);
        // Some watch for rates above the kink and bring a part of what is missing on the same day.
        let missing = self.borrowed / self.curve.target() - self.supplied();
        self.others += (self.structure.watchers * missing).min(room - change.max(0.0)).max(0.0);
    }

    /// What happened by chance, last: the evening shows it.
    fn meet_events(&mut self, today: &MarketDay) {
        let events = &today.events;
        if events.loss > 0.0 {
            self.lose(events.loss);
        }
        if let Some(change) = events.change {
            self.curve = change.apply(self.curve);
        }
        self.is_open = !events.is_paused;
        self.campaign = events.campaign;
    }

    /// Strikes off debt worth a part of what is supplied, at most all debt; all suppliers bear it alike.
    fn lose(&mut self, part: f64) {
        let supplied = self.supplied();
        if supplied <= 0.0 {
            return;
        }
        let lost = (part * supplied).min(self.borrowed);
        let left = 1.0 - lost / supplied;
        self.index *= left;
        self.others *= left;
        self.borrowed -= lost;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{World, WorldSettings};
    use plimsoll_core::{Curve, Lending};

    #[test]
    fn interest_and_losses_move_no_cash() {
        for seed in 0..30 {
            let mut world = World::new(&WorldSettings { markets: None, days: 0, seed });
            for market in &mut world.markets {
                let before = (market.exit(), market.supplied());
                for _ in 0..365 {
                    market.accrue(market.borrow_apr());
                }
                assert!((market.exit() - before.0).abs() < 1e-9 * before.1, "interest");
                market.lose(0.1);
                assert!((market.exit() - before.0).abs() < 1e-9 * before.1, "loss");
            }
        }
    }

    #[test]
    fn suppliers_never_get_more_than_borrowers_pay_where_they_have_no_curve_of_their_own() {
        for seed in 0..30 {
            let world = World::new(&WorldSettings { markets: None, days: 0, seed });
            for market in world.markets() {
                if matches!(market.curve(), Curve::Separate { .. }) {
                    continue;
                }
                let earned = market.supplied() * market.supply_apr();
                assert!(earned <= market.borrowed() * market.borrow_apr() * (1.0 + 1e-12));
            }
        }
    }

    #[test]
    fn borrowers_aim_at_the_utilization_that_the_allocator_calls_sustainable() {
        for seed in 0..100 {
            let world = World::new(&WorldSettings { markets: None, days: 0, seed });
            for market in world.markets() {
                for wanted in [0.5, 0.8, 0.95, 1.2] {
                    let lending = Lending {
                        supplied: 1.0,
                        borrowed: wanted,
                        demand_rate: market.structure.reference_rate,
                        elasticity: market.elasticity(),
                        ..market.lending()
                    };
                    let found = market.content_utilization(wanted);
                    let exact = lending.sustainable_utilization(0.0);
                    assert!((found - exact).abs() < 1e-3, "{found} {exact}");
                }
            }
        }
    }
}
