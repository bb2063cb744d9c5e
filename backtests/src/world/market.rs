//! One market of a generated world: its books, what it pays, and what we may do in it.

use super::events::Campaign;
use super::structure::Structure;
use plimsoll_core::curve::Curve;
use plimsoll_core::lending::Lending;
use std::sync::Arc;

/// A market with our deposit in it.
///
/// # Units
/// USD; rates per 365-day year, simple, as fractions.
#[derive(Debug, Clone)]
pub struct WorldMarket {
    pub(super) structure: Arc<Structure>,
    pub(super) curve: Curve,
    pub(super) others: f64,
    pub(super) our_shares: f64,
    pub(super) our_rewards: f64,
    pub(super) borrowed: f64,
    pub(super) index: f64,
    pub(super) reward_index: f64,
    pub(super) campaign: Option<Campaign>,
    pub(super) is_open: bool,
    /// What others wait for in a run.
    pub(super) queue: f64,
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
}
