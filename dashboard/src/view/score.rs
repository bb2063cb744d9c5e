//! Markets against the owner's line.

use super::figure::{Aging, Figure, Forget, Origin};
use plimsoll_core::journal::Scored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The newest scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoresView {
    /// The forecast that is in service.
    pub forecast: String,
    /// Why that one, in words, with the trailing errors of model and baseline.
    pub reason: String,
    /// The scores by market id.
    pub scores: Vec<ScoreView>,
}

/// An interval of a yearly rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl super::figure::Value for Interval {
    fn is_sound(&self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }
}

/// One market against the owner's line. Rates are simple yearly fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreView {
    /// The market.
    pub market: String,
    /// Its wanted share of everything.
    pub weight: Figure<f64>,
    /// What it advertises now, rewards included.
    pub advertised_apr: Figure<f64>,
    /// What it pays with our deposit while the borrowers stay.
    pub after_deposit_apr: Figure<f64>,
    /// What it is expected to pay with our deposit.
    pub sustainable_apr: Figure<f64>,
    /// What its index grew by over the last seven days.
    pub realised_apr: Figure<f64>,
    /// The sustainable rate less what is expected to be lost: what it is ranked by.
    pub net_apr: Figure<f64>,
    /// Where the mean rate of the next seven days lies in nine of ten cases.
    pub interval: Figure<Interval>,
    /// Probability that lenders lose within a year.
    pub p_loss_1y: Figure<f64>,
    /// Hours in which the position leaves in half of the cases.
    pub exit_p50_h: Figure<f64>,
    /// Hours in which it leaves in nineteen of twenty cases.
    pub exit_p95_h: Figure<f64>,
    /// What keeps it from holding more; null where nothing does.
    #[schema(required = true)]
    pub binding_constraint: Option<String>,
    /// What a unit more of it adds to the measure of each limit; a limit without an answer is absent.
    pub limit_use: BTreeMap<String, Figure<f64>>,
}

impl ScoreView {
    /// Returns `scored` with `origin` on every figure.
    #[must_use]
    pub fn of(scored: &Scored, origin: &Origin) -> ScoreView {
        let silent = "the model has no answer for this market";
        let figure = |value: Option<f64>| origin.maybe(value, silent);
        let interval = scored.interval.map(|(low, high)| Interval { low, high });
        ScoreView {
            market: scored.market.to_string(),
            weight: origin.known(scored.weight),
            advertised_apr: figure(scored.advertised_apr),
            after_deposit_apr: figure(scored.after_deposit_apr),
            sustainable_apr: figure(scored.sustainable_apr),
            realised_apr: figure(scored.realised_apr),
            net_apr: figure(scored.net_apr),
            interval: origin.maybe(interval, silent),
            p_loss_1y: figure(scored.p_loss_1y),
            exit_p50_h: figure(scored.exit_p50_h),
            exit_p95_h: figure(scored.exit_p95_h),
            binding_constraint: scored.binding_constraint.clone(),
            limit_use: scored
                .limit_use
                .iter()
                .map(|(limit, added)| (limit.key().to_owned(), origin.known(*added)))
                .collect(),
        }
    }
}

impl Aging for ScoresView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        self.scores.iter_mut().flat_map(ScoreView::figures).collect()
    }
}

impl ScoreView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        let mut figures: Vec<&mut dyn Forget> = vec![
            &mut self.weight,
            &mut self.advertised_apr,
            &mut self.after_deposit_apr,
            &mut self.sustainable_apr,
            &mut self.realised_apr,
            &mut self.net_apr,
            &mut self.interval,
            &mut self.p_loss_1y,
            &mut self.exit_p50_h,
            &mut self.exit_p95_h,
        ];
        figures.extend(self.limit_use.values_mut().map(|figure| figure as &mut dyn Forget));
        figures
    }
}

/// A market's score as a decision used it; its origin is the decision's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoredView {
    /// The market.
    pub market: String,
    /// Its wanted share of everything.
    pub weight: f64,
    /// What it advertised, rewards included.
    #[schema(required = true)]
    pub advertised_apr: Option<f64>,
    /// What it would pay with our deposit while the borrowers stay.
    #[schema(required = true)]
    pub after_deposit_apr: Option<f64>,
    /// What it was expected to pay with our deposit.
    #[schema(required = true)]
    pub sustainable_apr: Option<f64>,
    /// What its index had grown by over seven days.
    #[schema(required = true)]
    pub realised_apr: Option<f64>,
    /// What it was ranked by.
    #[schema(required = true)]
    pub net_apr: Option<f64>,
    /// Where the mean rate of the next seven days was to lie in nine of ten cases.
    #[schema(required = true)]
    pub interval: Option<Interval>,
    /// Probability that lenders lose within a year.
    #[schema(required = true)]
    pub p_loss_1y: Option<f64>,
    /// Hours to leave in half of the cases.
    #[schema(required = true)]
    pub exit_p50_h: Option<f64>,
    /// Hours to leave in nineteen of twenty cases.
    #[schema(required = true)]
    pub exit_p95_h: Option<f64>,
    /// What kept it from holding more.
    #[schema(required = true)]
    pub binding_constraint: Option<String>,
    /// What a unit more of it added to the measure of each limit.
    pub limit_use: BTreeMap<String, f64>,
}

impl From<&Scored> for ScoredView {
    fn from(scored: &Scored) -> ScoredView {
        ScoredView {
            market: scored.market.to_string(),
            weight: scored.weight,
            advertised_apr: scored.advertised_apr,
            after_deposit_apr: scored.after_deposit_apr,
            sustainable_apr: scored.sustainable_apr,
            realised_apr: scored.realised_apr,
            net_apr: scored.net_apr,
            interval: scored.interval.map(|(low, high)| Interval { low, high }),
            p_loss_1y: scored.p_loss_1y,
            exit_p50_h: scored.exit_p50_h,
            exit_p95_h: scored.exit_p95_h,
            binding_constraint: scored.binding_constraint.clone(),
            limit_use: scored
                .limit_use
                .iter()
                .map(|(limit, added)| (limit.key().to_owned(), *added))
                .collect(),
        }
    }
}
