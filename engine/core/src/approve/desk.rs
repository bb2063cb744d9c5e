//! The plan on its way through the limits: each cuts entries and leaves exits alone.

use super::{
    Approved, Evidence, MarketEvidence, Policy, Refusal, RefusalCause, Verdict, Waiver, WaiverCause,
};
use crate::ids::MarketId;
use crate::plan::{Action, Plan};
use crate::portfolio::Nav;
use crate::preference::{Fraction, Limit, RiskPreference};
use crate::units::Amount;
use alloy_primitives::U256;
use std::collections::{BTreeMap, BTreeSet};

/// What a measure may exceed its limit by: it is a sum in floating point.
const MEASURE_TOLERANCE: f64 = 1e-9;
/// Measures taken at most when entries are scaled down to a limit.
const MEASURE_ROUNDS: u32 = 60;
/// One, in the unit of [`billionths`].
const BILLION: u64 = 1_000_000_000;

/// The plan on its way through the limits.
pub(super) struct Desk<'a> {
    plan: Plan,
    nav: &'a Nav,
    /// What each held market keeps after the plan's exits.
    kept: BTreeMap<MarketId, Amount>,
    evidence: &'a Evidence,
    refusals: Vec<Refusal>,
    waivers: BTreeSet<Waiver>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(plan: Plan, nav: &'a Nav, evidence: &'a Evidence) -> Desk<'a> {
        let plan = Plan { exits: merged(plan.exits), entries: merged(plan.entries), ..plan };
        let mut kept = nav.by_market.clone();
        for exit in &plan.exits {
            if let Some(held) = kept.get_mut(&exit.market) {
                *held = held.saturating_sub(exit.amount);
            }
        }
        Desk { plan, nav, kept, evidence, refusals: Vec::new(), waivers: BTreeSet::new() }
    }

    pub(super) fn verdict(mut self) -> Verdict {
        self.plan.entries.retain(|entry| !entry.amount.is_zero());
        Verdict {
            approved: Approved(self.plan),
            refusals: self.refusals,
            waivers: self.waivers.into_iter().collect(),
        }
    }

    fn known(&self, market: &MarketId) -> Option<&MarketEvidence> {
        self.evidence.markets.get(market)
    }

    /// NAV when the plan's costs are paid: caps are shares of what is left.
    fn after_costs(&self) -> Amount {
        self.nav.total.saturating_sub(self.plan.cost().known())
    }

    /// What `market` holds after the plan's exits.
    fn kept(&self, market: &MarketId) -> Amount {
        self.kept.get(market).copied().unwrap_or_default()
    }

    /// Cuts every entry for which `limit_to` returns less than is asked.
    fn cut(&mut self, cause: &RefusalCause, limit_to: impl Fn(&Action) -> Option<Amount>) {
        for entry in &mut self.plan.entries {
            let Some(allowed) = limit_to(entry).filter(|allowed| *allowed < entry.amount) else {
                continue;
            };
            self.refusals.push(Refusal {
                market: entry.market.clone(),
                cause: cause.clone(),
                asked: entry.amount,
                allowed,
            });
            entry.amount = allowed;
        }
    }

    /// Cuts the entries of `members` in proportion, so that they sum to at most `room`.
    fn cut_group(&mut self, limit: Limit, members: &BTreeSet<MarketId>, room: Amount) {
        let asked = self.entering(members);
        if asked <= room {
            return;
        }
        self.cut(&RefusalCause::Exceeds(limit), |entry| {
            members
                .contains(&entry.market)
                .then(|| entry.amount.mul_div_down(room, asked).unwrap_or_default())
        });
    }

    fn entering(&self, members: &BTreeSet<MarketId>) -> Amount {
        let amounts = self.plan.entries.iter().filter(|entry| members.contains(&entry.market));
        amounts.fold(Amount::ZERO, |sum, entry| Amount(sum.0.saturating_add(entry.amount.0)))
    }

    /// Either forbids the entries that `affected` names or waives the limit.
    fn unanswerable(&mut self, limit: Limit, strict: bool, affected: impl Fn(&MarketId) -> bool) {
        if strict {
            self.cut(&RefusalCause::Unanswerable(limit), |entry| {
                affected(&entry.market).then_some(Amount::ZERO)
            });
        } else {
            self.waivers.insert(Waiver { limit, cause: WaiverCause::Unanswerable });
        }
    }

    /// Lists every limit as not applied.
    pub(super) fn waive_all(&mut self) {
        let cause = WaiverCause::Off;
        self.waivers.extend(Limit::ALL.map(|limit| Waiver { limit, cause }));
    }

    pub(super) fn keep_open_markets(&mut self) {
        let evidence = self.evidence;
        self.cut(&RefusalCause::NotOpen, |entry| {
            let open = evidence.markets.get(&entry.market).is_some_and(|market| market.open);
            (!open).then_some(Amount::ZERO)
        });
    }

    /// Cuts entries after which utilization would stay above target.
    pub(super) fn keep_below_target(&mut self) {
        let (evidence, kept) = (self.evidence, self.kept.clone());
        self.cut(&RefusalCause::AboveTarget, |entry| {
            let least = evidence.markets.get(&entry.market)?.least?;
            let held = kept.get(&entry.market).copied().unwrap_or_default();
            let total = Amount(held.0.saturating_add(entry.amount.0));
            (total < least).then_some(Amount::ZERO)
        });
    }

    pub(super) fn frequent_losses(&mut self, allowed: Fraction, strict: bool) {
        let scenarios = self.evidence.scenarios.clone();
        self.portfolio_limit(Limit::Cvar95_30d, allowed, strict, &|weights| {
            scenarios.cvar95_30d(weights)
        });
    }

    /// ES99.9 is mostly what the largest protocol can lose: with one protocol to choose from it could only
    /// keep money idle, as the cap per protocol could.
    pub(super) fn rare_losses(&mut self, allowed: Fraction, strict: bool) {
        if self.is_one_protocol(strict) {
            let cause = WaiverCause::OneProtocol;
            self.waivers.insert(Waiver { limit: Limit::Es999_1y, cause });
            return;
        }
        let scenarios = self.evidence.scenarios.clone();
        self.portfolio_limit(Limit::Es999_1y, allowed, strict, &|weights| {
            scenarios.es999_1y(weights)
        });
    }

    fn is_one_protocol(&self, strict: bool) -> bool {
        !strict && self.evidence.protocols.len() <= 1
    }

    /// Scales all entries down by one factor until `measure` of what they make is at most `allowed`.
    fn portfolio_limit(
        &mut self,
        limit: Limit,
        allowed: Fraction,
        strict: bool,
        measure: &dyn Fn(&BTreeMap<MarketId, f64>) -> Option<f64>,
    ) {
        let Some(found) = measure(&self.weights(BILLION)) else {
            self.unanswerable(limit, strict, |_| true);
            return;
        };
        // A limit written 0.3 is 30 %, not the binary number just below it.
        let most = allowed.value() + MEASURE_TOLERANCE;
        if found <= most {
            return;
        }
        let kept = self.largest_part(most, found, measure);
        let (part, one) = (Amount(U256::from(kept)), Amount(U256::from(BILLION)));
        self.cut(&RefusalCause::Exceeds(limit), |entry| entry.amount.mul_div_down(part, one));
    }

    /// The most billionths of the entries with which `measure` stays at `most`; all of them give `found`.
    ///
    /// A measure of loss is convex, so the chord from a part that fits to one that does not lies above it:
    /// where the chord meets the limit fits too, and is nearer.
    fn largest_part(
        &self,
        most: f64,
        found: f64,
        measure: &dyn Fn(&BTreeMap<MarketId, f64>) -> Option<f64>,
    ) -> u64 {
        let at = |part: u64| measure(&self.weights(part)).unwrap_or(f64::NAN);
        let (mut kept, mut refused) = (0, BILLION);
        let (mut low, mut high) = (at(0), found);
        for round in 0..MEASURE_ROUNDS {
            // NaN fits nothing.
            if refused - kept <= 1 || low.is_nan() || low > most || low >= most - MEASURE_TOLERANCE
            {
                break;
            }
            let chord = (most - low) / (high - low) * (refused - kept) as f64;
            let step = Amount::from_f64_floor(chord, 0).and_then(|step| u64::try_from(step.0).ok());
            // Rounding, or a measure that is not convex: halve.
            let is_chord = round % 3 != 2;
            let step = step.filter(|step| is_chord && (1..refused - kept).contains(step));
            let middle = kept + step.unwrap_or((refused - kept) / 2);
            let value = at(middle);
            if value <= most {
                (kept, low) = (middle, value);
            } else {
                (refused, high) = (middle, value);
            }
        }
        kept
    }

    /// The weights after the plan with so many billionths of its entries.
    fn weights(&self, billionths: u64) -> BTreeMap<MarketId, f64> {
        let total = self.after_costs().to_f64(0);
        let mut amounts: BTreeMap<MarketId, f64> =
            self.kept.iter().map(|(market, kept)| (market.clone(), kept.to_f64(0))).collect();
        let part = billionths as f64 / BILLION as f64;
        for entry in &self.plan.entries {
            *amounts.entry(entry.market.clone()).or_default() += part * entry.amount.to_f64(0);
        }
        for amount in amounts.values_mut() {
            *amount = if total > 0.0 { *amount / total } else { 0.0 };
        }
        amounts
    }

    /// The cap per protocol, and the loss if the largest goes to zero, which is the same exposure.
    pub(super) fn protocol_limits(&mut self, preference: &RiskPreference, strict: bool) {
        let limits = [
            (Limit::PerProtocol, preference.per_protocol),
            (Limit::WorstProtocolLoss, preference.worst_protocol_loss),
        ];
        if self.is_one_protocol(strict) {
            let cause = WaiverCause::OneProtocol;
            self.waivers.extend(limits.map(|(limit, _)| Waiver { limit, cause }));
            return;
        }
        for (limit, cap) in limits {
            self.cap_groups(limit, cap, |market, _| Some(market.protocol().to_owned()));
        }
    }

    /// The cap per chain, which no line sets by itself.
    pub(super) fn chain_limit(&mut self, cap: Fraction, strict: bool) {
        let limit = Limit::PerChain;
        if !strict && self.evidence.chains.len() <= 1 {
            if cap.value() < 1.0 {
                self.waivers.insert(Waiver { limit, cause: WaiverCause::OneChain });
            }
            return;
        }
        self.cap_groups(limit, cap, |market, _| Some(market.chain()));
    }

    pub(super) fn issuer_limit(&mut self, policy: &Policy, strict: bool) {
        let cap = policy.preference.per_issuer;
        let evidence = self.evidence;
        let silent = |market: &MarketId| {
            evidence.markets.get(market).is_none_or(|known| known.issuer.is_none())
        };
        if self.plan.entries.iter().any(|entry| silent(&entry.market)) {
            self.unanswerable(Limit::PerIssuer, strict, silent);
        }
        self.cap_groups(Limit::PerIssuer, cap, |_, known| {
            known.and_then(|known| known.issuer.clone()).filter(|name| !policy.is_own_issuer(name))
        });
    }

    /// The cap on everything whose worth moves with a foreign price.
    pub(super) fn foreign_limit(&mut self, cap: Fraction) {
        self.cap_groups(Limit::ForeignExposure, cap, |_, known| {
            known.filter(|known| known.is_foreign).map(|_| ())
        });
    }

    /// Cuts the entries of each group that `group_of` names to `cap` of NAV, less what the group
    /// already holds.
    fn cap_groups<G: Ord>(
        &mut self,
        limit: Limit,
        cap: Fraction,
        group_of: impl Fn(&MarketId, Option<&MarketEvidence>) -> Option<G>,
    ) {
        let ceiling = share_down(self.after_costs(), cap);
        let mut groups: BTreeMap<G, BTreeSet<MarketId>> = BTreeMap::new();
        let entered = self.plan.entries.iter().map(|entry| &entry.market);
        for market in entered.chain(self.nav.by_market.keys()) {
            if let Some(group) = group_of(market, self.known(market)) {
                groups.entry(group).or_default().insert(market.clone());
            }
        }
        for members in groups.values() {
            let kept = members.iter().fold(Amount::ZERO, |sum, market| {
                Amount(sum.0.saturating_add(self.kept(market).0))
            });
            self.cut_group(limit, members, ceiling.saturating_sub(kept));
        }
    }

    pub(super) fn wrap_limit(&mut self, deepest: u8, strict: bool) {
        let evidence = self.evidence;
        let depth =
            |market: &MarketId| evidence.markets.get(market).and_then(|known| known.wrap_depth);
        if self.plan.entries.iter().any(|entry| depth(&entry.market).is_none()) {
            self.unanswerable(Limit::WrapDepth, strict, |market| depth(market).is_none());
        }
        self.cut(&RefusalCause::Exceeds(Limit::WrapDepth), |entry| {
            depth(&entry.market).is_some_and(|depth| depth > deepest).then_some(Amount::ZERO)
        });
    }

    /// Keeps what could not leave within 24 hours of a run below `1 - least` of NAV.
    pub(super) fn exit_limit(&mut self, least: Fraction, strict: bool) {
        let evidence = self.evidence;
        let exit =
            |market: &MarketId| evidence.markets.get(market).and_then(|known| known.exit_24h_run);
        if self.plan.entries.iter().any(|entry| exit(&entry.market).is_none()) {
            self.unanswerable(Limit::Exit24hRun, strict, |market| exit(market).is_none());
        }
        // A held market without an answer counts as stuck.
        let stuck_now = self.nav.by_market.keys().fold(Amount::ZERO, |sum, market| {
            let stuck = self.kept(market).saturating_sub(exit(market).unwrap_or_default());
            Amount(sum.0.saturating_add(stuck.0))
        });
        let total = self.after_costs();
        let allowed = total.saturating_sub(share_up(total, least));
        let room = allowed.saturating_sub(stuck_now);
        let grows: BTreeMap<MarketId, Amount> = self
            .plan
            .entries
            .iter()
            .filter_map(|entry| {
                let (kept, exit) = (self.kept(&entry.market), exit(&entry.market)?);
                let after = Amount(kept.0.saturating_add(entry.amount.0)).saturating_sub(exit);
                Some((entry.market.clone(), after.saturating_sub(kept.saturating_sub(exit))))
            })
            .collect();
        let growth =
            grows.values().fold(Amount::ZERO, |sum, grown| Amount(sum.0.saturating_add(grown.0)));
        if growth <= room {
            return;
        }
        self.cut(&RefusalCause::Exceeds(Limit::Exit24hRun), |entry| {
            let grown = *grows.get(&entry.market)?;
            let stays = grown.mul_div_down(room, growth).unwrap_or_default();
            Some(entry.amount.saturating_sub(grown.saturating_sub(stays)))
        });
    }

    /// Entries never sum to more than idle money and exits pay, less the costs.
    pub(super) fn keep_funded(&mut self) {
        self.plan.entries.retain(|entry| !entry.amount.is_zero());
        // An exit pays no more than what is held, whatever it asks for.
        let freed = self.plan.exits.iter().fold(self.nav.idle, |sum, exit| {
            Amount(sum.0.saturating_add(exit.amount.min(self.nav.held(&exit.market)).0))
        });
        let paid = freed.saturating_sub(self.plan.cost().known());
        let asked = Plan::sum(&self.plan.entries);
        if asked > paid {
            self.cut(&RefusalCause::Unfunded, |entry| {
                Some(entry.amount.mul_div_down(paid, asked).unwrap_or_default())
            });
        }
    }
}

/// One action a market: several of one market are one of their sum.
fn merged(actions: Vec<Action>) -> Vec<Action> {
    let mut merged: Vec<Action> = Vec::with_capacity(actions.len());
    let mut places: BTreeMap<MarketId, usize> = BTreeMap::new();
    for action in actions {
        let place = *places.entry(action.market.clone()).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(known) => known.amount = Amount(known.amount.0.saturating_add(action.amount.0)),
            None => merged.push(action),
        }
    }
    merged
}

/// A fraction to the nearest billionth, so that a limit written 0.35 is 35 % and not the binary number
/// just below it.
fn billionths(fraction: Fraction) -> Amount {
    Amount::from_f64_floor(fraction.value() + 0.5e-9, 9).unwrap_or_default()
}

/// `fraction` of `amount`, rounded down: a most.
fn share_down(amount: Amount, fraction: Fraction) -> Amount {
    let one = Amount(U256::from(BILLION));
    amount.mul_div_down(billionths(fraction), one).unwrap_or_default()
}

/// `fraction` of `amount`, rounded up: a least.
fn share_up(amount: Amount, fraction: Fraction) -> Amount {
    let rest = Fraction::new(1.0 - fraction.value()).unwrap_or(fraction);
    amount.saturating_sub(share_down(amount, rest))
}
