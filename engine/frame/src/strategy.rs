//! The trait [`Strategy`]: given what is known, where should the money be?

use crate::score::Scores;
use crate::view::View;
use plimsoll_core::journal::{Executed, Expected, Scored};
use plimsoll_core::preference::Fraction;
use plimsoll_core::{
    Apr, ChainId, Enforcement, Facts, Limit, MarketId, Policy, Scenarios, UpkeepKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Given everything observed so far, where should the money be?
///
/// Pure: the same situation gives the same target.
pub trait Strategy: Send + Sync + fmt::Debug {
    /// The name under which it is chosen and reported.
    fn name(&self) -> &'static str;

    /// Its parameters, by name, as they are reported.
    fn params(&self) -> BTreeMap<&'static str, String>;

    /// Whether it reads the scores; a replay without limits makes none for rules that do not.
    fn reads_scores(&self) -> bool {
        false
    }

    /// Returns where the money should be.
    ///
    /// # Errors
    /// [`StrategyError`] where no answer is possible; nothing moves then.
    fn target(&self, now: &Situation<'_>) -> Result<Target, StrategyError>;
}

/// Everything a strategy may look at.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Everything observed so far.
    pub view: View<'a>,
    /// What is expected of each market; empty where no model runs.
    pub scores: &'a Scores,
    /// The weights held now, each above zero.
    pub held: &'a BTreeMap<MarketId, f64>,
    /// What is known of positions beyond their worth.
    pub facts: &'a BTreeMap<MarketId, Facts>,
    /// What the vault is worth, whole units of its denomination.
    pub nav: f64,
    /// What was carried out so far, oldest first.
    pub executed: &'a [Executed],
    /// Decimals of the amounts in `executed`.
    pub decimals: u8,
    /// What moving costs.
    pub costs: Costs,
    /// The owner's limits, which hold whatever a strategy wants.
    pub policy: &'a Policy,
    /// The share of everything supplied that leaves before us in a run.
    pub leaving_first: Fraction,
}

/// What a reverse move in a market would undo, whole units.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recent {
    /// What was brought in.
    pub entered: f64,
    /// What was taken out.
    pub left: f64,
}

/// Markets that share a cap of the line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// One protocol.
    Protocol(String),
    /// One issuer.
    Issuer(String),
    /// One chain.
    Chain(ChainId),
    /// Everything whose worth moves with a price foreign to the vault.
    Foreign,
}

/// The caps of the line that markets share, as far as they hold now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SharedCaps {
    /// The most of everything in one protocol; `None` where it does not hold.
    per_protocol: Option<f64>,
    /// The most of everything on one issuer; `None` where it does not hold.
    per_issuer: Option<f64>,
    /// The most of everything on one chain; `None` where it does not hold.
    per_chain: Option<f64>,
    /// The most of everything that moves with a foreign price; `None` where it does not hold.
    foreign: Option<f64>,
}

impl SharedCaps {
    /// Whether what caps a protocol holds: with one to choose from it could only keep money idle. Where
    /// limits are strict it holds even so.
    #[must_use]
    pub fn caps_protocols(&self) -> bool {
        self.per_protocol.is_some()
    }
}

impl Situation<'_> {
    /// Whether what can be bought, `open`, is all alike and the policy does not hold even so.
    fn is_one<K: Ord>(&self, open: &[MarketId], key: impl Fn(&MarketId) -> K) -> bool {
        let kinds: BTreeSet<K> = open.iter().map(key).collect();
        self.policy.enforcement != Enforcement::Strict && kinds.len() <= 1
    }

    /// Returns the caps that markets share.
    #[must_use]
    pub fn shared_caps(&self) -> SharedCaps {
        if self.policy.enforcement == Enforcement::Off {
            return SharedCaps::default();
        }
        let line = &self.policy.preference;
        let open = self.view.open_markets();
        let is_one_protocol = self.is_one(&open, |market| market.protocol().to_owned());
        let per_protocol = line.per_protocol.value().min(line.worst_protocol_loss.value());
        SharedCaps {
            per_protocol: (!is_one_protocol).then_some(per_protocol),
            per_issuer: Some(line.per_issuer.value()),
            per_chain: (!self.is_one(&open, MarketId::chain)).then_some(line.per_chain.value()),
            foreign: Some(line.foreign_exposure.value()),
        }
    }

    /// Returns the groups that `market` counts against, each with its cap as a share of everything.
    #[must_use]
    pub fn groups(&self, caps: &SharedCaps, market: &MarketId) -> Vec<(Group, f64)> {
        let protocol =
            caps.per_protocol.map(|cap| (Group::Protocol(market.protocol().to_owned()), cap));
        let terms = self.view.terms(market);
        let issuer = terms.and_then(|terms| terms.issuer.clone());
        let issuer = issuer.filter(|issuer| !self.policy.is_own_issuer(issuer));
        let issuer = issuer.zip(caps.per_issuer).map(|(name, cap)| (Group::Issuer(name), cap));
        // A cap of everything caps nothing.
        let chain = caps.per_chain.filter(|cap| *cap < 1.0);
        let chain = chain.map(|cap| (Group::Chain(market.chain()), cap));
        let is_foreign = terms.and_then(|terms| terms.pool).is_some_and(|pool| pool.is_foreign);
        let foreign = caps.foreign.filter(|_| is_foreign).map(|cap| (Group::Foreign, cap));
        protocol.into_iter().chain(issuer).chain(chain).chain(foreign).collect()
    }

    /// Returns the least total that we may have in `market` after an entry, whole units: below it utilization
    /// would stay above target. 0 where limits are off or it is unknown.
    #[must_use]
    pub fn least_deposit(&self, market: &MarketId) -> f64 {
        if self.policy.enforcement == Enforcement::Off {
            return 0.0;
        }
        let held = self.held.get(market).copied().unwrap_or_default() * self.nav;
        let price = self.view.quote(market).and_then(|quote| quote.price_usd);
        let known = self.scores.of(market).zip(price);
        known.and_then(|(score, price)| score.least_deposit(price, held)).unwrap_or_default()
    }

    /// Returns what was brought into each market and taken out of it within the last `days`.
    #[must_use]
    pub fn moved_within(&self, days: f64) -> BTreeMap<MarketId, Recent> {
        let mut moved: BTreeMap<MarketId, Recent> = BTreeMap::new();
        let clock = self.view.clock();
        let is_recent = |done: &&Executed| clock.days_since(done.time) <= days;
        for done in self.executed.iter().rev().take_while(is_recent) {
            for (market, amount) in &done.into {
                moved.entry(market.clone()).or_default().entered += amount.to_f64(self.decimals);
            }
            for (market, amount) in &done.out {
                moved.entry(market.clone()).or_default().left += amount.to_f64(self.decimals);
            }
        }
        moved
    }

    /// The joint scenarios.
    #[must_use]
    pub fn scenarios(&self) -> &Scenarios {
        &self.scores.scenarios
    }
}

/// What moving costs, as models see it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Costs {
    /// Share of one-way turnover; nothing for the first entry.
    pub turnover: f64,
    /// Gas of one action, whole units of the denomination; `None` where its price is not known.
    pub gas_per_action: Option<f64>,
}

/// Why a strategy has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StrategyError {
    /// Its weights are no portfolio.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A market named in its parameters has never been observed.
    #[error(
        "market {market} has not been observed in this part of the universe; select its chain and asset \
         (--chains, --assets), and see `plimsoll data check --json` for the market ids"
    )]
    UnknownMarket {
        /// The market.
        market: MarketId,
    },
}

/// Why weights are no portfolio.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// A weight that is negative or no number.
    #[error("weight {weight} of {market} is not a number from 0 to 1")]
    Weight {
        /// The market.
        market: MarketId,
        /// Its weight.
        weight: f64,
    },
    /// More than everything.
    #[error("weights sum to {sum}, more than 1")]
    Sum {
        /// The sum.
        sum: f64,
    },
}

/// Where the money should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The wanted weights, the rest idle; `None` to leave everything as it is.
    weights: Option<BTreeMap<MarketId, f64>>,
    /// Why.
    pub reason: Reason,
    /// The markets ranked, best first, with what they were ranked by.
    pub alternatives: Vec<(MarketId, f64)>,
    /// What is expected of it, where the strategy says so in figures.
    pub expected: Option<Expected>,
    /// The markets that it was chosen from, scored.
    pub scores: Vec<Scored>,
    /// What keeps positions in order, by market.
    pub upkeep: BTreeMap<MarketId, Vec<UpkeepKind>>,
    /// Markets that are left by their queue, and not by selling.
    pub by_queue: BTreeSet<MarketId>,
}

/// Tolerance on the sum of weights: what adding a thousand rounded quotients can be off by.
const SUM_TOLERANCE: f64 = 1e-9;
/// How many alternatives a target keeps.
const ALTERNATIVES: usize = 5;

impl Target {
    /// Returns a target that moves to `weights`, the rest idle.
    ///
    /// # Errors
    /// [`TargetError`] where a weight is negative or no number, or they sum to more than one.
    pub fn weights(
        weights: BTreeMap<MarketId, f64>,
        reason: Reason,
    ) -> Result<Target, TargetError> {
        for (market, weight) in &weights {
            if !(0.0..=1.0 + SUM_TOLERANCE).contains(weight) {
                return Err(TargetError::Weight { market: market.clone(), weight: *weight });
            }
        }
        let sum: f64 = weights.values().sum();
        if sum > 1.0 + SUM_TOLERANCE {
            return Err(TargetError::Sum { sum });
        }
        Ok(Target { weights: Some(weights), ..Target::stay(reason) })
    }

    /// Returns a target that leaves everything as it is.
    #[must_use]
    pub fn stay(reason: Reason) -> Target {
        Target {
            weights: None,
            reason,
            alternatives: Vec::new(),
            expected: None,
            scores: Vec::new(),
            upkeep: BTreeMap::new(),
            by_queue: BTreeSet::new(),
        }
    }

    /// Keeps the best of `ranked`, which is in any order.
    #[must_use]
    pub fn among(mut self, mut ranked: Vec<(MarketId, f64)>) -> Target {
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked.truncate(ALTERNATIVES);
        self.alternatives = ranked;
        self
    }

    /// Says what is expected, and of which markets.
    #[must_use]
    pub fn expecting(self, expected: Expected, scores: Vec<Scored>) -> Target {
        Target { expected: Some(expected), scores, ..self }
    }

    /// Says what keeps positions in order, and what is left by a queue.
    #[must_use]
    pub fn keeping(
        self,
        upkeep: BTreeMap<MarketId, Vec<UpkeepKind>>,
        by_queue: BTreeSet<MarketId>,
    ) -> Target {
        Target { upkeep, by_queue, ..self }
    }

    /// The wanted weights, or `None` to leave everything as it is.
    #[must_use]
    pub fn wanted(&self) -> Option<&BTreeMap<MarketId, f64>> {
        self.weights.as_ref()
    }
}

/// Why a strategy wants what it wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Nothing can be bought now.
    NothingOpen,
    /// The first entry.
    Enter {
        /// Into this market.
        market: MarketId,
        /// At this rate.
        apr: Apr,
    },
    /// A better market.
    Switch {
        /// Into this market.
        to: MarketId,
        /// At this rate.
        apr: Apr,
        /// The rate of what is held; `None` where it is unknown.
        held: Option<Apr>,
    },
    /// What is held is best, or not beaten by enough.
    Stay {
        /// The rate of what is held; `None` where it is unknown.
        held: Option<Apr>,
        /// The best other rate.
        best: Option<Apr>,
        /// What it would have to be beaten by, where there is a margin.
        margin: Option<Apr>,
    },
    /// The rule never moves once it is in.
    Hold,
    /// A better portfolio.
    Allocate {
        /// Net gain a year over staying put, as a share of everything.
        lift: f64,
        /// The probability that it gains at all.
        p_gain: f64,
        /// The forecast that it rests on.
        forecast: String,
    },
    /// What is held had passed limits of the line.
    Restore {
        /// The limits.
        limits: Vec<Limit>,
        /// Net gain a year over staying put, as a share of everything; below zero where it costs.
        lift: f64,
    },
    /// No portfolio is better by enough.
    Keep {
        /// Net gain a year of the best one.
        lift: f64,
        /// The probability that it gains at all.
        p_gain: f64,
        /// The forecast that it rests on.
        forecast: String,
    },
    /// The same in every open market.
    Equal {
        /// How many there are.
        markets: usize,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |apr: &Option<Apr>| {
            apr.map_or_else(|| "an unknown rate".to_owned(), |apr| apr.to_string())
        };
        match self {
            Reason::NothingOpen => f.write_str("no market can be bought now"),
            Reason::Enter { market, apr } => write!(f, "first entry: {market} at {apr}"),
            Reason::Switch { to, apr, held } => {
                write!(f, "{to} at {apr} beats what is held at {}", rate(held))
            }
            Reason::Stay { held, best: Some(best), margin: Some(margin) } => write!(
                f,
                "stay: the best other rate, {best}, does not beat {} by {margin}",
                rate(held)
            ),
            Reason::Stay { held, best: Some(best), margin: None } => {
                write!(f, "stay: the best other rate, {best}, does not beat {}", rate(held))
            }
            Reason::Stay { held, best: None, .. } => {
                write!(f, "stay at {}: nothing else can be bought", rate(held))
            }
            Reason::Allocate { lift, p_gain, forecast } => write!(
                f,
                "move: {:+.2} % a year over staying put, costs taken off, gains with probability {p_gain:.2} ({forecast})",
                lift * 100.0
            ),
            Reason::Restore { limits, lift } => {
                let names: Vec<&str> = limits.iter().map(|limit| limit.key()).collect();
                write!(
                    f,
                    "back within the line: {} passed; {:+.2} % a year over staying put, costs taken off",
                    names.join(", "),
                    lift * 100.0
                )
            }
            Reason::Keep { lift, p_gain, forecast } => write!(
                f,
                "stay: the best move brings {:+.2} % a year with costs taken off, gains with probability \
                 {p_gain:.2} ({forecast})",
                lift * 100.0
            ),
            Reason::Hold => f.write_str("hold: the rule never moves once it is in"),
            Reason::Equal { markets } => write!(f, "the same in each of {markets} open markets"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(pairs: &[(&str, f64)]) -> BTreeMap<MarketId, f64> {
        pairs.iter().map(|(name, weight)| (name.parse().unwrap(), *weight)).collect()
    }

    #[test]
    fn weights_that_are_no_portfolio_are_refused() {
        let error =
            Target::weights(weights(&[("a:1:x", 0.7), ("a:1:y", 0.7)]), Reason::Hold).unwrap_err();
        assert_eq!(error.to_string(), "weights sum to 1.4, more than 1");
        for bad in [-0.1, f64::NAN, 1.5] {
            assert!(Target::weights(weights(&[("a:1:x", bad)]), Reason::Hold).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_third_three_times_is_everything() {
        let third = 1.0 / 3.0;
        let all = weights(&[("a:1:x", third), ("a:1:y", third), ("a:1:z", third)]);
        assert!(Target::weights(all, Reason::Hold).is_ok());
    }
}
