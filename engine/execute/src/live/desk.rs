//! The pure part of the live driver: what was written down becomes a decision.

use super::inputs::Inputs;
use super::moves::proposal;
use super::window::Window;
use crate::chain::Proposal;
use alloy::primitives::Address;
use plimsoll_allocate::{Observed, RunScenario, State, step};
use plimsoll_core::journal::{Decided, Executed, Marked};
use plimsoll_core::preference::Fraction;
use plimsoll_core::{
    Amount, Bps, Enforcement, MarketId, Policy, Portfolio, Position, Ray, RiskPreference, Shares,
    Time,
};
use plimsoll_frame::{
    Asked, FrameError, GateSettings, MarketFrame, RiskModel, Scores, Strategy, StrategyError,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What decisions are taken with: everything that a replay of the journal needs to know besides the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeskSettings {
    /// The strategy, as it is configured.
    pub strategy: String,
    /// The owner's line.
    pub preference: RiskPreference,
    /// The issuer of the vault's own asset.
    pub own_issuer: Option<String>,
    /// The share of everything supplied that leaves before us in a run.
    pub leaving_first: f64,
    /// The market contract of each market.
    pub places: BTreeMap<MarketId, Address>,
    /// How far what a move brings may be from what was planned.
    pub guard: Bps,
    /// Seconds for which a plan is valid.
    pub valid_seconds: u64,
    /// Days that models look back on.
    pub window_days: i64,
    /// Days over which a decision earns.
    pub horizon_days: f64,
}

/// A decision, and what is to be sent for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// What was owned.
    pub marked: Marked,
    /// The decision as the journal keeps it.
    pub decided: Decided,
    /// The plan, ready to be sent; `None` where nothing moves.
    pub proposal: Option<Proposal>,
    /// The scores that it rests on.
    pub scores: Scores,
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The vault was not read.
    #[error("nothing is decided without the vault: it was not read at this block")]
    NoVault,
    /// The strategy has no answer.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// Rows that are no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// What lasts between decisions.
#[derive(Debug)]
pub struct Desk {
    settings: DeskSettings,
    policy: Policy,
    window: Window,
    executed: Vec<Executed>,
    /// What each market was last worth, raw units.
    worths: BTreeMap<MarketId, Amount>,
}

impl Desk {
    /// Returns a desk that knows nothing yet.
    #[must_use]
    pub fn new(settings: DeskSettings) -> Desk {
        let mut policy = Policy::new(settings.preference, Enforcement::Strict);
        policy.own_issuer.clone_from(&settings.own_issuer);
        let window = Window::new(GateSettings::default(), settings.window_days);
        Desk { settings, policy, window, executed: Vec::new(), worths: BTreeMap::new() }
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &DeskSettings {
        &self.settings
    }

    /// What was seen.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// What was carried out so far, oldest first.
    #[must_use]
    pub fn executed(&self) -> &[Executed] {
        &self.executed
    }

    /// Takes in what was seen at `time`.
    pub fn take(&mut self, time: Time, inputs: &Inputs) {
        for seen in &inputs.seen {
            self.window.take(time, seen);
        }
        let Some(vault) = &inputs.vault else { return };
        for (market, contract) in &self.settings.places {
            if let Some(worth) = vault.place(*contract).and_then(|place| place.worth) {
                self.worths.insert(market.clone(), worth);
            }
        }
    }

    /// Takes in what a plan did.
    pub fn settle(&mut self, executed: Executed) {
        self.executed.push(executed);
    }

    /// Returns the decision that follows from `inputs`, which were taken in before.
    ///
    /// Pure: the same journal gives the same decision, byte for byte.
    ///
    /// # Errors
    /// [`DeskError`]; nothing moves then.
    pub fn rule(
        &self,
        (model, strategy): (&dyn RiskModel, &dyn Strategy),
        time: Time,
        inputs: &Inputs,
    ) -> Result<Ruling, DeskError> {
        let vault = inputs.vault.as_ref().ok_or(DeskError::NoVault)?;
        let frame = self.window.frame()?;
        let view = frame.view(time);
        let scores = model.scores(&view, Asked::Everything);
        let portfolio = self.portfolio(inputs, vault.free_idle());
        let leaving_first = Fraction::new(self.settings.leaving_first);
        let observed = Observed {
            view,
            scores: &scores,
            portfolio: portfolio.clone(),
            run: RunScenario { leaving_first: leaving_first.unwrap_or(Fraction::of_percent(100)) },
            costs: inputs.costs,
            executed: &self.executed,
        };
        let decision = step(&State { strategy, policy: &self.policy }, &observed)?;
        let marked = self.marked(time, &frame, &portfolio, inputs);
        let plan = decision.approved.plan();
        let proposal = proposal(plan, inputs, vault, (&self.settings, &view, &scores));
        Ok(Ruling { marked, decided: decision.entry, proposal, scores })
    }

    /// What the vault holds, as the loop sees it: one share a unit, so that nothing is lost to rounding. A market that says
    /// nothing of its worth counts as what it was last: it has not gone, and the others have not grown.
    fn portfolio(&self, inputs: &Inputs, idle: Amount) -> Portfolio {
        let decimals = inputs.vault.as_ref().map_or(0, |vault| vault.decimals);
        let mut portfolio = Portfolio::of_idle(idle, decimals);
        let Some(vault) = &inputs.vault else { return portfolio };
        for (market, contract) in &self.settings.places {
            let worth = vault.place(*contract).and_then(|place| place.worth);
            let worth = worth.or_else(|| self.worths.get(market).copied());
            let Some(worth) = worth.filter(|worth| !worth.is_zero()) else { continue };
            let position = Position { shares: Shares(worth.0), share_price: Ray::ONE };
            portfolio.positions.insert(market.clone(), position);
            let facts = inputs.seen.iter().find_map(|seen| seen.facts.get(market));
            if let Some(facts) = facts {
                portfolio.facts.insert(market.clone(), *facts);
            }
        }
        portfolio
    }

    fn marked(
        &self,
        time: Time,
        frame: &MarketFrame,
        portfolio: &Portfolio,
        inputs: &Inputs,
    ) -> Marked {
        let nav = portfolio.nav();
        let view = frame.view(time);
        let is_stale = |market: &&MarketId| {
            view.quote(market).is_none_or(|quote| quote.share_price.is_none() || !quote.is_fresh)
        };
        let stale = portfolio.positions.keys().filter(is_stale).cloned().collect();
        let places = inputs.vault.iter().flat_map(|vault| &vault.places);
        let free = places.filter_map(|place| place.available);
        let out =
            free.fold(nav.idle, |sum, free| sum.saturating_add(free)).to_f64(portfolio.decimals);
        let total = nav.total.to_f64(portfolio.decimals);
        Marked {
            time,
            nav: nav.total,
            idle: nav.idle,
            by_market: nav.by_market,
            stale,
            exitable_24h: (total > 0.0).then(|| (out / total).min(1.0)),
        }
    }
}
