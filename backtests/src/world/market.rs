//! One market of a generated world: its books, what it pays, and how it lives a day.
//!
//! The protocol's share of the interest stays in the market as supply of the protocol, as Aave's treasury
//! leaves it; it counts among the others.

use super::events::{Campaign, YEAR};
use super::outside::MarketDay;
use super::structure::Structure;
use plimsoll_core::curve::{Curve, adapted_rate_at_target};
use plimsoll_core::lending::Lending;
use std::sync::Arc;

/// Most that rates can do to the logarithm of what others want to keep in.
const MOST_ATTRACTION: f64 = 0.6;
/// By how many times borrowers hurry when the rate is far above the usual.
const MOST_PAIN: f64 = 5.0;
/// The most of the way that borrowers go in a day.
const MOST_SPEED: f64 = 0.8;
/// Below these a rate and a utilization count as these, so that they have logarithms.
const LEAST_RATE: f64 = 1e-6;
const LEAST_UTILIZATION: f64 = 1e-6;

/// A market with our deposit in it.
///
/// # Units
/// USD; rates per 365-day year, simple, as fractions.
#[derive(Debug, Clone)]
pub struct WorldMarket {
    structure: Arc<Structure>,
    curve: Curve,
    others: f64,
    our_shares: f64,
    our_rewards: f64,
    borrowed: f64,
    index: f64,
    reward_index: f64,
    campaign: Option<Campaign>,
    is_open: bool,
    /// What others wait for in a run.
    queue: f64,
}

impl WorldMarket {
    pub(super) fn new(structure: Structure) -> WorldMarket {
        WorldMarket {
            curve: structure.curve,
            others: structure.size,
            our_shares: 0.0,
            our_rewards: 0.0,
            borrowed: structure.demand,
            index: 1.0,
            reward_index: 0.0,
            campaign: None,
            is_open: true,
            queue: 0.0,
            structure: Arc::new(structure),
        }
    }

    /// Place in the world, from 0.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.structure.number
    }

    /// Name of the protocol, marked as synthetic.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.structure.protocol
    }

    /// Address of the market.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.structure.address
    }

    /// Symbol of the asset, a USD stablecoin.
    #[must_use]
    pub fn symbol(&self) -> &'static str {
        self.structure.symbol
    }

    /// Who issues the asset.
    #[must_use]
    pub fn issuer(&self) -> &'static str {
        self.structure.issuer
    }

    /// The rate curve as it stands now.
    #[must_use]
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The protocol's share of the interest; 0 where it is in the curve.
    #[must_use]
    pub fn reserve_factor(&self) -> f64 {
        self.structure.reserve_factor
    }

    /// Percent by which borrowers want less when the rate rises by one percent: nobody in the world can
    /// see it, and a rule that reads it cheats.
    #[must_use]
    pub fn elasticity(&self) -> f64 {
        self.structure.elasticity
    }

    /// What others and we supply.
    #[must_use]
    pub fn supplied(&self) -> f64 {
        self.others + self.ours()
    }

    /// What we have in, interest included and rewards not.
    #[must_use]
    pub fn ours(&self) -> f64 {
        self.our_shares * self.index
    }

    /// What we have earned in rewards so far, valued as accrued.
    #[must_use]
    pub fn our_rewards(&self) -> f64 {
        self.our_rewards
    }

    /// What is borrowed.
    #[must_use]
    pub fn borrowed(&self) -> f64 {
        self.borrowed
    }

    /// Borrowed over supplied, 0 to 1; 0 in an empty market.
    #[must_use]
    pub fn utilization(&self) -> f64 {
        let supplied = self.supplied();
        if supplied > 0.0 { (self.borrowed / supplied).min(1.0) } else { 0.0 }
    }

    /// What borrowers pay.
    #[must_use]
    pub fn borrow_apr(&self) -> f64 {
        self.curve.borrow_apr(self.utilization())
    }

    /// What suppliers get in interest, net.
    #[must_use]
    pub fn supply_apr(&self) -> f64 {
        self.curve.supply_apr(self.utilization(), self.reserve_factor())
    }

    /// What suppliers get in rewards.
    #[must_use]
    pub fn reward_apr(&self) -> f64 {
        let supplied = self.supplied();
        if supplied > 0.0 { self.reward_usd_per_year() / supplied } else { 0.0 }
    }

    /// What the campaign pays all suppliers together, USD a year; 0 without one.
    #[must_use]
    pub fn reward_usd_per_year(&self) -> f64 {
        self.campaign.map_or(0.0, |campaign| campaign.usd_per_year)
    }

    /// The campaign that runs, with its end.
    #[must_use]
    pub fn campaign(&self) -> Option<Campaign> {
        self.campaign
    }

    /// Asset per share.
    #[must_use]
    pub fn index(&self) -> f64 {
        self.index
    }

    /// Rewards so far, USD per share.
    #[must_use]
    pub fn reward_index(&self) -> f64 {
        self.reward_index
    }

    /// What can be withdrawn now.
    #[must_use]
    pub fn exit(&self) -> f64 {
        (self.supplied() - self.borrowed).max(0.0)
    }

    /// What may still be deposited under the cap, open or not; `None` where there is no cap.
    #[must_use]
    pub fn entry_room(&self) -> Option<f64> {
        self.structure.cap.map(|cap| (cap - self.supplied()).max(0.0))
    }

    /// Whether deposits are taken. Withdrawals always are.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The market without us, as the allocator sees it: at rest, since its elasticity cannot be seen.
    #[must_use]
    pub fn lending(&self) -> Lending {
        Lending {
            rewards: self.reward_usd_per_year(),
            demand_rate: self.borrow_apr(),
            ..Lending::at_rest(self.curve, self.reserve_factor(), self.others, self.borrowed)
        }
    }

    pub(super) fn deposit(&mut self, amount: f64) -> bool {
        let fits = self.entry_room().is_none_or(|room| amount <= room);
        let is_taken = self.is_open && fits && amount >= 0.0 && amount.is_finite();
        if is_taken {
            self.our_shares += amount / self.index;
        }
        is_taken
    }

    pub(super) fn withdraw(&mut self, amount: f64) -> f64 {
        let ours = self.ours();
        let paid = amount.max(0.0).min(self.exit()).min(ours);
        // All of it leaves no dust, which a division by the index might.
        self.our_shares =
            if paid >= ours { 0.0 } else { (self.our_shares - paid / self.index).max(0.0) };
        paid
    }

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
    /// That is `utilization = wanted * (borrow rate / reference rate)^-elasticity`, by two steps of Newton
    /// in logarithms on the right side of the kink. Were they to aim at what they want at today's rate
    /// instead, they would jump back and forth over the kink from day to day.
    fn content_utilization(&self, wanted: f64) -> f64 {
        let elasticity = self.structure.elasticity;
        let reference = wanted.ln() + elasticity * self.structure.reference_rate.ln();
        let excess = |utilization: f64, rate: f64| {
            utilization.ln() + elasticity * rate.max(LEAST_RATE).ln() - reference
        };
        let (kink, now) = (self.curve.target(), self.utilization().max(LEAST_UTILIZATION));
        let is_above = excess(kink, self.curve.borrow_apr(kink)) < 0.0;
        let (low, high) = if is_above { (kink, 1.0) } else { (LEAST_UTILIZATION, kink) };
        // Just inside, so that the slope is the one of this side.
        let mut utilization = now.clamp(low * (1.0 + 1e-9), high * (1.0 - 1e-9));
        for _ in 0..2 {
            let rate = self.curve.borrow_apr(utilization);
            let slope = self.curve.borrow_slope(utilization) / rate.max(LEAST_RATE);
            let step = excess(utilization, rate) / (1.0 + elasticity * utilization * slope);
            utilization = (utilization * (-step).exp()).clamp(low, high);
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
        let change = self.structure.supplier_speed * (wanted - self.others) + today.flow * self.others;
        let room = if self.is_open { self.entry_room().unwrap_or(f64::INFINITY) } else { 0.0 };
        let change = change.max(-liquid.min(self.others));
        self.others += (change + self.watchers_bring(change)).min(room);
    }

    /// Some watch for rates above the kink and fill a part of what is missing on the same day.
    fn watchers_bring(&self, change: f64) -> f64 {
        let missing = self.borrowed / self.curve.target() - (self.supplied() + change);
        self.structure.watchers * missing.max(0.0)
    }

    /// What happened by chance, last: the evening shows it.
    fn meet_events(&mut self, today: &MarketDay) {
        let events = &today.events;
        let supplied = self.supplied();
        if events.loss > 0.0 && supplied > 0.0 {
            let lost = (events.loss * supplied).min(self.borrowed);
            let left = 1.0 - lost / supplied;
            self.index *= left;
            self.others *= left;
            self.borrowed -= lost;
        }
        if let Some(change) = events.change {
            self.curve = change.apply(self.curve);
        }
        self.is_open = !events.is_paused;
        self.campaign = events.campaign;
    }
}
