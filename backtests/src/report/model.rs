//! What the report shows: plain values, ready to be read, with their units in their names.

use plimsoll_core::Day;

/// Everything that one report shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// One line, such as "Backtest of 5 strategies".
    pub title: String,
    /// What the reader must know before any figure: that the data are synthetic, or that the run is a
    /// check of arithmetic and no proof of skill. Several are possible.
    pub labels: Vec<String>,
    /// Where the rows came from.
    pub source: String,
    /// Hash of the rows read, hexadecimal.
    pub data_hash: String,
    /// Version of the engine.
    pub engine_version: String,
    /// First day of the replay.
    pub from: Day,
    /// Last day of the replay.
    pub to: Day,
    /// Decision days.
    pub decisions: usize,
    /// Markets among which the strategies could choose.
    pub markets: usize,
    /// Rows read.
    pub rows_read: u64,
    /// The settings of the run, name and value.
    pub settings: Vec<(String, String)>,
    /// One page for each strategy, in the order in which they were asked for.
    pub strategies: Vec<StrategyPage>,
    /// Results by part of the universe, where there is more than one part.
    pub sleeves: Vec<SleeveRow>,
    /// How far the result moves with the weekday and the start, by strategy; may be empty.
    pub spreads: Vec<Spread>,
    /// Limits that were not applied.
    pub waived: Vec<WaivedLimit>,
    /// What the replay approximates, and how large the error is or that it is unknown.
    pub approximations: Vec<(String, String)>,
    /// What the data-quality gate found.
    pub quality: Vec<QualityLine>,
}

/// One strategy's results.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategyPage {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<(String, String)>,
    /// Compounded over a 365-day year, percent; `None` where nothing could be earned.
    pub annualised_pct: Option<f64>,
    /// Largest fall from the running peak, percent, >= 0.
    pub max_drawdown_pct: Option<f64>,
    /// Mean loss of the worst 5 % of days, percent, positive is a loss.
    pub cvar95_daily_pct: Option<f64>,
    /// Decisions that left a market.
    pub switches: usize,
    /// One-way turnover as a multiple of NAV.
    pub turnover: f64,
    /// Cost on turnover, percent of NAV at the time, summed.
    pub cost_pct: f64,
    /// Gas, percent of NAV at the time, summed; `None` where its price is not known.
    pub gas_pct: Option<f64>,
    /// Lowest share of NAV that could have left within 24 hours, percent; `None` where unknown.
    pub exitable_24h_pct: Option<f64>,
    /// Mean share of NAV that sat in no market, percent.
    pub idle_pct: Option<f64>,
    /// NAV at the end of each day, 1 at the start.
    pub nav: Vec<(Day, f64)>,
    /// Weights at the end of each day, largest first, labels short; what is missing to 1 is idle.
    pub allocation: Vec<(Day, Vec<(String, f64)>)>,
    /// Every decision, moves and non-moves alike, in order.
    pub decisions: Vec<DecisionLine>,
    /// What the last decision in each part said of its markets; empty of a strategy without scores.
    pub scores: Vec<ScoreTable>,
}

/// What one decision said of its markets.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreTable {
    /// The part of the universe.
    pub sleeve: String,
    /// The day of the decision.
    pub day: Day,
    /// The markets.
    pub rows: Vec<ScoreRow>,
}

/// One market at a decision. Unknown is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    /// Its label.
    pub market: String,
    /// Wanted share of NAV, percent.
    pub weight_pct: f64,
    /// What it advertised, percent a year.
    pub advertised_pct: Option<f64>,
    /// What it would pay with our deposit while the borrowers stay, percent a year.
    pub after_deposit_pct: Option<f64>,
    /// What it was expected to pay, percent a year.
    pub sustainable_pct: Option<f64>,
    /// What its index had grown by over seven days, percent a year.
    pub realised_pct: Option<f64>,
    /// The sustainable rate less what is expected to be lost, percent a year.
    pub net_pct: Option<f64>,
    /// The interval of the forecast, percent a year.
    pub interval_pct: Option<(f64, f64)>,
    /// Probability that lenders lose within a year, percent.
    pub p_loss_pct: Option<f64>,
    /// Hours to leave in half of the cases.
    pub exit_p50_h: Option<f64>,
    /// Hours to leave in nineteen of twenty cases.
    pub exit_p95_h: Option<f64>,
    /// What keeps it from holding more.
    pub binds: Option<String>,
    /// What a unit more adds to the measure of each limit.
    pub limit_use: Vec<(String, f64)>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionLine {
    /// The day.
    pub day: Day,
    /// The part of the universe it was taken for, such as "ethereum USD".
    pub sleeve: String,
    /// Whether anything moved.
    pub moved: bool,
    /// The reason, one sentence.
    pub reason: String,
    /// What was left, label and share of NAV (fraction).
    pub out: Vec<(String, f64)>,
    /// What was entered, label and share of NAV (fraction).
    pub into: Vec<(String, f64)>,
    /// What it cost, percent of NAV.
    pub cost_pct: f64,
    /// The markets ranked highest, label and the rate they were ranked by (fraction).
    pub alternatives: Vec<(String, f64)>,
    /// Buys that a limit cut, one sentence each.
    pub refusals: Vec<String>,
}

/// Results of every strategy in one part of the universe.
#[derive(Debug, Clone, PartialEq)]
pub struct SleeveRow {
    /// Its name, such as "ethereum USD".
    pub name: String,
    /// Markets in it.
    pub markets: usize,
    /// Annualised percent by strategy, in the order of [`Report::strategies`].
    pub annualised_pct: Vec<Option<f64>>,
}

/// How far one strategy's annualised result moves with choices that nobody can foresee.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// The strategy's name.
    pub strategy: String,
    /// What was varied: "weekday" or "start".
    pub varied: String,
    /// Label of each variant ("Mon", "2025-08-18") and its annualised percent.
    pub results: Vec<(String, Option<f64>)>,
}

/// A limit that was not applied.
#[derive(Debug, Clone, PartialEq)]
pub struct WaivedLimit {
    /// Its key.
    pub limit: String,
    /// Its value with unit.
    pub value: String,
    /// Why.
    pub reason: String,
}

/// One line of the quality table.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityLine {
    /// Market id, or `*` for the whole source.
    pub market: String,
    /// Its name.
    pub symbol: String,
    /// What is wrong.
    pub defect: String,
    /// How many rows.
    pub rows: u64,
    /// What was done.
    pub action: String,
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// First instance, in figures.
    pub detail: String,
}
