//! `allocator`: the portfolio that is best within the owner's line, moved to only where moving pays.

use plimsoll_allocate::propose::weights;
use plimsoll_allocate::scored::{Holding, noted};
use plimsoll_allocate::{AllocatorSettings, Candidates, propose, upkeep};
use plimsoll_core::MarketKind;
use plimsoll_core::journal::Expected;
use plimsoll_frame::{Reason, Situation, Strategy, StrategyError, Target};
use std::collections::BTreeMap;

/// Maximises sustainable income less expected losses, the charge for rare ones and the costs of moving,
/// within the line; stays where the gain is small or doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Allocator {
    /// Its parameters.
    pub settings: AllocatorSettings,
}

impl Strategy for Allocator {
    fn name(&self) -> &'static str {
        match self.settings.kinds {
            Some([MarketKind::Staking]) => "stake",
            Some([MarketKind::Lp]) => "lp-range",
            Some([MarketKind::Mining]) => "mine",
            _ => "allocator",
        }
    }

    fn params(&self) -> BTreeMap<&'static str, String> {
        let settings = &self.settings;
        BTreeMap::from([
            ("horizon_days", settings.horizon_days.to_string()),
            ("aversion", settings.aversion.to_string()),
            ("confidence", settings.confidence.to_string()),
            ("least_lift", settings.least_lift.to_string()),
            ("most_entered", settings.most_entered.to_string()),
            ("undo_days", settings.undo_days.to_string()),
            ("stay_days", settings.stay_days.to_string()),
            ("headroom", settings.headroom.to_string()),
        ])
    }

    fn reads_scores(&self) -> bool {
        true
    }

    fn target(&self, now: &Situation<'_>) -> Result<Target, StrategyError> {
        let candidates = Candidates::new(now, &self.settings);
        let ranked: Vec<_> = candidates
            .markets
            .iter()
            .filter_map(|market| Some((market.clone(), now.scores.of(market)?.net_apr()?)))
            .collect();
        if candidates.book.choices.iter().all(|choice| choice.cap <= 0.0 && choice.held <= 0.0) {
            return Ok(Target::stay(Reason::NothingOpen));
        }
        let best = propose(now, &self.settings, &candidates);
        let lift = if now.nav > 0.0 { best.gain / candidates.book.horizon / now.nav } else { 0.0 };
        let (p_gain, forecast) = (best.p_gain, now.scores.service.forecast.clone());
        let expected =
            Expected { gain: best.gain, p_gain, net_apr: best.net_apr, interval: best.interval };
        let weights = weights(now, &candidates, &best.deposits);
        let weights = if best.is_move { within_one(weights) } else { now.held.clone() };
        let (keeping, by_queue) = upkeep(now, &candidates, &weights);
        let amounts = weights.iter().map(|(market, weight)| (market.clone(), weight * now.nav));
        let held: Vec<f64> = candidates.book.choices.iter().map(|choice| choice.held).collect();
        let deposits = if best.is_move { &best.deposits } else { &held };
        let holding = Holding { deposits, amounts: &amounts.collect(), total: now.nav };
        let scores = noted(now, &candidates, &holding);
        let target = if !best.passed.is_empty() {
            Target::weights(weights, Reason::Restore { limits: best.passed, lift })?
        } else if best.is_move {
            Target::weights(weights, Reason::Allocate { lift, p_gain, forecast })?
        } else {
            Target::stay(Reason::Keep { lift, p_gain, forecast })
        };
        Ok(target.among(ranked).expecting(expected, scores).keeping(keeping, by_queue))
    }
}

impl Allocator {
    /// Returns the allocator that buys nothing but staked tokens.
    #[must_use]
    pub fn stake() -> Allocator {
        Allocator::of_kinds(&[MarketKind::Staking])
    }

    /// Returns the allocator that buys nothing but liquidity.
    #[must_use]
    pub fn lp_range() -> Allocator {
        Allocator::of_kinds(&[MarketKind::Lp])
    }

    /// Returns the allocator that buys nothing but campaigns.
    #[must_use]
    pub fn mine() -> Allocator {
        Allocator::of_kinds(&[MarketKind::Mining])
    }

    fn of_kinds(kinds: &'static [MarketKind]) -> Allocator {
        Allocator {
            settings: AllocatorSettings { kinds: Some(kinds), ..AllocatorSettings::default() },
        }
    }
}

/// Weights that sum to at most one: the optimiser's sums are off by its tolerance.
fn within_one<K: Ord>(weights: BTreeMap<K, f64>) -> BTreeMap<K, f64> {
    let sum = weights.values().sum::<f64>().max(1.0);
    weights.into_iter().map(|(market, weight)| (market, weight / sum)).collect()
}
