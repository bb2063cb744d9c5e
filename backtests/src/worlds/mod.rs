//! Rules in generated worlds that answer to their deposits, seed by seed, with perfect foresight as the
//! ceiling.
//!
//! A world says which of two rules copes better with markets of its kind. It says nothing of what either
//! earns outside.

mod foresight;
mod observe;
mod run;
mod summary;

pub use observe::{address, first_day, market_ids, observed};
pub(crate) use observe::{market_ids_after, rows};
pub use run::{Costing, Course, Rules, WorldRun};
pub use summary::{FORESIGHT, Paired, WorldsLine, WorldsReport};

use crate::replay::ReplayError;
use crate::world::WorldSettings;
use plimsoll_core::Policy;
use plimsoll_frame::{RiskModel, Strategy};
use rayon::prelude::*;

/// Days that are observed before the first decision: enough for a regression to be fitted and judged.
pub const WARM_UP_DAYS: u32 = 90;
/// Days from the first decision to the end.
pub const DECIDED_DAYS: u32 = 182;
/// Days between decisions.
pub const DECISION_STEP: u32 = 7;

/// What worlds are run with.
pub struct WorldsSettings<'a> {
    /// Seeds, in order.
    pub seeds: Vec<u64>,
    /// Money at the start, USD.
    pub capital: f64,
    /// The rules, in the order of the report.
    pub strategies: &'a [Box<dyn Strategy>],
    /// Makes the model that scores a world; each world has its own.
    pub model: &'a (dyn Fn() -> Box<dyn RiskModel> + Sync),
    /// The limits.
    pub policy: &'a Policy,
    /// What moving costs.
    pub costing: Costing,
    /// Changes tried in the search for the best plan with the whole future known; 0 looks for none.
    pub foresight_trials: u32,
}

/// One world's results: a course for each strategy, and the ceiling.
#[derive(Debug, Clone)]
pub struct WorldResult {
    /// The seed.
    pub seed: u64,
    /// How many markets it has.
    pub markets: usize,
    /// Each strategy's course.
    pub courses: Vec<Course>,
    /// Annualised percent of the best plan found with the whole future known; `None` unless asked for.
    pub ceiling_pct: Option<f64>,
}

/// Runs every strategy in every world. `on_progress` hears how many worlds of how many are done.
///
/// # Errors
/// [`ReplayError`] of the first world that fails.
pub fn run(
    settings: &WorldsSettings<'_>,
    on_progress: &(dyn Fn() + Sync),
) -> Result<Vec<WorldResult>, ReplayError> {
    let each = settings.seeds.par_iter().map(|seed| {
        let result = one(settings, *seed);
        on_progress();
        result
    });
    each.collect()
}

fn one(settings: &WorldsSettings<'_>, seed: u64) -> Result<WorldResult, ReplayError> {
    let world = WorldSettings { markets: None, days: WARM_UP_DAYS + DECIDED_DAYS, seed };
    let prepared = WorldRun::prepare(&world, settings.capital, settings.costing);
    let has_limits = settings.policy.enforcement != plimsoll_core::Enforcement::Off;
    let mut courses = Vec::new();
    for strategy in settings.strategies {
        let model = (has_limits || strategy.reads_scores()).then(|| (settings.model)());
        let rules =
            Rules { strategy: strategy.as_ref(), model: model.as_deref(), policy: settings.policy };
        courses.push(prepared.follow(&rules)?);
    }
    let best = courses.iter().filter_map(|course| course.outcome.annualised_pct());
    let ceiling_pct = (settings.foresight_trials > 0).then(|| {
        let found = foresight::search(&prepared, &courses, seed, settings.foresight_trials);
        best.fold(found, f64::max)
    });
    Ok(WorldResult { seed, markets: prepared.markets(), courses, ceiling_pct })
}

#[cfg(test)]
mod tests;
