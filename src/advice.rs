//! Advice as a document for programs and as text for people.

use crate::allocate::Asked;
use crate::observatory::Observatory;
use crate::output;
use plimsoll_allocate::optimise::Constraint;
use plimsoll_allocate::propose::constraint_text;
use plimsoll_allocate::{Advice, Advised, AdvisedPosition};
use plimsoll_backtests::replay::DECIMALS;
use plimsoll_core::approve::WaiverCause;
use plimsoll_core::{Limit, MarketId, Time};
use serde::Serialize;
use std::collections::BTreeMap;

/// What `allocate --json` prints. Unknown is null.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    schema: u32,
    as_of: Time,
    asset: String,
    amount: f64,
    line: String,
    plans: Vec<PlanLine>,
    horizon_days: f64,
    forecast: String,
    forecast_reason: String,
    data_hash: String,
    labels: Vec<String>,
    left_out: Vec<LeftOutLine>,
}

/// One portfolio.
#[derive(Debug, Serialize)]
struct PlanLine {
    name: &'static str,
    positions: Vec<PositionLine>,
    /// Idle money included, sustainable rates less expected losses.
    expected_net_apr: Option<f64>,
    lo: Option<f64>,
    hi: Option<f64>,
    cvar95_30d: Option<f64>,
    worst_protocol_loss: f64,
    es999_1y: Option<f64>,
    idle: f64,
    /// Net gain over keeping, over the horizon, whole units.
    gain: f64,
    p_gain: Option<f64>,
    break_even_days: Option<f64>,
    /// As far as it is known: `gas_is_known` says whether gas is in it.
    cost: f64,
    gas_is_known: bool,
    /// No portfolio within the limits is better by more, a year.
    gap_apr: f64,
    limits_not_applied: Vec<LimitNote>,
    cuts: Vec<String>,
    steps: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PositionLine {
    market: MarketId,
    symbol: String,
    weight: f64,
    amount: f64,
    advertised_apr: Option<f64>,
    after_deposit_apr: Option<f64>,
    sustainable_apr: Option<f64>,
    realised_apr: Option<f64>,
    score: Option<f64>,
    /// The interval in which the mean rate of the next seven days lies in nine of ten cases.
    lo: Option<f64>,
    hi: Option<f64>,
    p_loss_1y: Option<f64>,
    exit_p50_h: Option<f64>,
    exit_p95_h: Option<f64>,
    binding_constraint: Option<String>,
    /// What a hundredth of everything more room would bring, whole units a year.
    relaxing_brings: Option<f64>,
    /// What a unit more of it adds to the measure of each limit.
    limit_use: BTreeMap<Limit, f64>,
}

#[derive(Debug, Serialize)]
struct LimitNote {
    limit: Limit,
    reason: &'static str,
}

#[derive(Debug, Serialize)]
struct LeftOutLine {
    market: MarketId,
    reason: String,
}

/// What `rebalance --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Rebalance {
    schema: u32,
    as_of: Time,
    asset: String,
    decision: &'static str,
    gain: f64,
    p_gain: Option<f64>,
    break_even_days: Option<f64>,
    cost: f64,
    gas_is_known: bool,
    horizon_days: f64,
    plans: Vec<PlanLine>,
    labels: Vec<String>,
}

impl Document {
    pub(crate) fn new(asked: &Asked, sight: &Observatory, advice: &Advice) -> Document {
        Document {
            schema: 1,
            as_of: sight.clock,
            asset: asked.asset.clone(),
            amount: asked.amount,
            line: asked.line.clone(),
            plans: advice.plans.iter().map(|plan| plan_line(asked, sight, plan)).collect(),
            horizon_days: asked.horizon_days,
            forecast: sight.scores.service.forecast.clone(),
            forecast_reason: sight.scores.service.reason.clone(),
            data_hash: sight.data_hash.clone(),
            labels: sight.labels.clone(),
            left_out: left_out(advice),
        }
    }
}

/// Every market that the recommended plan leaves alone, with the reason.
fn left_out(advice: &Advice) -> Vec<LeftOutLine> {
    let barred = advice.candidates.left_out.iter();
    let mut lines: Vec<LeftOutLine> = barred
        .map(|(market, reason)| LeftOutLine {
            market: market.clone(),
            reason: reason.text().to_owned(),
        })
        .collect();
    let Some(best) = advice.plans.iter().find(|plan| plan.name == "recommended") else {
        return lines;
    };
    let candidates = &advice.candidates;
    for (place, market) in candidates.markets.iter().enumerate() {
        let is_held = best.positions.iter().any(|position| position.scored.market == *market);
        let is_barred = candidates.left_out.iter().any(|(known, _)| known == market);
        let constraint = candidates.book.constraint(&best.proposal.deposits, place);
        if let Some(constraint) = constraint.filter(|_| !is_held && !is_barred) {
            let reason = match constraint {
                Constraint::Wealth => "others pay more".to_owned(),
                Constraint::Utilization => "its utilization would stay above target".to_owned(),
                Constraint::Stuck => "in a run too little could leave".to_owned(),
                Constraint::Rate => "it pays less than it is expected to lose".to_owned(),
                Constraint::Costs => "moving costs more than it brings".to_owned(),
                Constraint::OwnEffect => "our own deposit would take its rate away".to_owned(),
                Constraint::Cap | Constraint::Entries | Constraint::Group(_) => {
                    format!("the limit {} is full", constraint_text(candidates, constraint))
                }
            };
            lines.push(LeftOutLine { market: market.clone(), reason });
        }
    }
    lines
}

fn plan_line(asked: &Asked, sight: &Observatory, plan: &Advised) -> PlanLine {
    let proposal = &plan.proposal;
    let deployed: f64 = plan.positions.iter().map(|position| position.scored.weight).sum();
    // What is held of a market that says nothing is in no figure: then there is none.
    let is_known = plan.positions.iter().all(|position| position.scored.sustainable_apr.is_some());
    let interval = proposal.interval.filter(|_| is_known);
    PlanLine {
        name: plan.name,
        positions: plan.positions.iter().map(|position| position_line(sight, position)).collect(),
        expected_net_apr: is_known.then_some(proposal.net_apr),
        lo: interval.map(|interval| interval.0),
        hi: interval.map(|interval| interval.1),
        // Idle money does not swing, whatever else is unknown.
        cvar95_30d: if plan.positions.is_empty() { Some(0.0) } else { plan.cvar95_30d },
        worst_protocol_loss: plan.worst_protocol_loss,
        es999_1y: plan.es999_1y,
        idle: (1.0 - deployed).max(0.0),
        gain: proposal.gain,
        p_gain: probability(sight, proposal.p_gain),
        break_even_days: proposal.break_even_days,
        cost: proposal.cost,
        gas_is_known: asked.is_gas_known,
        gap_apr: proposal.gap,
        limits_not_applied: plan
            .waivers
            .iter()
            .map(|waiver| LimitNote { limit: waiver.limit, reason: waiver_text(waiver.cause) })
            .collect(),
        cuts: plan.refusals.iter().map(|cut| format!("{}: {:?}", cut.market, cut.cause)).collect(),
        steps: steps(plan),
    }
}

fn waiver_text(cause: WaiverCause) -> &'static str {
    match cause {
        WaiverCause::Off => "this plan ignores the line",
        WaiverCause::Unanswerable => {
            "the source does not say what it needs; --strict buys nothing then"
        }
        WaiverCause::OneProtocol => "there is one protocol to choose from",
        WaiverCause::OneChain => "there is one chain to choose from",
    }
}

fn position_line(sight: &Observatory, position: &AdvisedPosition) -> PositionLine {
    let scored = &position.scored;
    PositionLine {
        market: scored.market.clone(),
        symbol: sight.names.get(&scored.market).cloned().unwrap_or_default(),
        weight: scored.weight,
        amount: position.amount,
        advertised_apr: scored.advertised_apr,
        after_deposit_apr: scored.after_deposit_apr,
        sustainable_apr: scored.sustainable_apr,
        realised_apr: scored.realised_apr,
        score: scored.net_apr,
        lo: scored.interval.map(|interval| interval.0),
        hi: scored.interval.map(|interval| interval.1),
        p_loss_1y: scored.p_loss_1y,
        exit_p50_h: scored.exit_p50_h,
        exit_p95_h: scored.exit_p95_h,
        binding_constraint: scored.binding_constraint.clone(),
        relaxing_brings: position.relaxing_brings,
        limit_use: scored.limit_use.clone(),
    }
}

/// What to do, in order.
fn steps(plan: &Advised) -> Vec<String> {
    let line = |verb: &str, action: &plimsoll_core::Action| {
        format!(
            "{verb} {:.2} {} {}",
            action.amount.to_f64(DECIMALS),
            if verb == "withdraw" { "from" } else { "into" },
            action.market
        )
    };
    let exits = plan.plan.exits.iter().map(|action| line("withdraw", action));
    let entries = plan.plan.entries.iter().map(|action| line("deposit", action));
    exits.chain(entries).collect()
}

/// A probability of a gain; `None` where nothing says how far off any rate may be.
fn probability(sight: &Observatory, found: f64) -> Option<f64> {
    let is_known = sight.scores.each.values().any(|score| score.interval.is_some());
    is_known.then_some(found)
}

fn rate(value: Option<f64>) -> String {
    output::percent(value.map(|rate| rate * 100.0))
}

/// A number in running text.
fn told(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "unknown".to_owned(), text)
}

fn hours(value: Option<f64>) -> String {
    told(value, |hours| format!("{hours:.0} h"))
}

/// The advice for a terminal.
pub(crate) fn text(asked: &Asked, sight: &Observatory, advice: &Advice) -> String {
    let mut lines = sight.labels.clone();
    lines.push(format!(
        "{:.2} {} at the {} line, a move has to pay within {} days; rates in percent a year",
        asked.amount, asked.asset, asked.line, asked.horizon_days
    ));
    lines.push(format!("forecast: {}", sight.scores.service.reason));
    for plan in &advice.plans {
        lines.extend(plan_text(asked, sight, plan));
    }
    lines.extend(idle_text(asked, advice));
    lines.join("\n")
}

fn plan_text(asked: &Asked, sight: &Observatory, plan: &Advised) -> Vec<String> {
    let line = plan_line(asked, sight, plan);
    let title = match plan.name {
        "keep" => "KEEP what is held",
        "recommended" if plan.plan.is_empty() => "RECOMMENDED: stay",
        "recommended" => "RECOMMENDED within the line",
        _ => "HIGHEST return, whatever the line says (not recommended)",
    };
    let mut lines = vec![String::new(), title.to_owned()];
    if !line.positions.is_empty() {
        let head = [
            "market",
            "asset",
            "weight",
            "advertised",
            "after us",
            "sustainable",
            "realised 7d",
            "less losses",
            "P(loss) 1y",
            "exit p50",
            "exit p95",
            "binds",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(line.positions.iter().map(|position| {
            vec![
                position.market.to_string(),
                position.symbol.clone(),
                format!("{:.1} %", position.weight * 100.0),
                rate(position.advertised_apr),
                rate(position.after_deposit_apr),
                rate(position.sustainable_apr),
                rate(position.realised_apr),
                rate(position.score),
                rate(position.p_loss_1y),
                hours(position.exit_p50_h),
                hours(position.exit_p95_h),
                binds(position),
            ]
        }));
        lines.push(output::columns(&rows));
    }
    let interval = match (line.lo, line.hi) {
        (Some(lo), Some(hi)) => {
            format!(" (nine of ten cases {} to {})", rate(Some(lo)), rate(Some(hi)))
        }
        _ => " (interval unknown)".to_owned(),
    };
    lines.push(format!(
        "idle {:.1} %; expected net {}{interval}; CVaR95 30 d {}; ES99.9 1 y {}; lost if the largest \
         protocol goes to zero {:.1} %",
        line.idle * 100.0,
        told(line.expected_net_apr, |apr| format!("{} % a year", rate(Some(apr)))),
        told(line.cvar95_30d, |share| format!("{} %", rate(Some(share)))),
        told(line.es999_1y, |share| format!("{} %", rate(Some(share)))),
        line.worst_protocol_loss * 100.0
    ));
    if plan.name != "keep" {
        let pays = line
            .break_even_days
            .map_or("never pays".to_owned(), |days| format!("pays after {days:.1} days"));
        let gas = if line.gas_is_known { "" } else { " without gas" };
        lines.push(format!(
            "net gain over keeping {:+.2} in {} days, P(gain > 0) {}; moving costs {:.2}{gas} and {pays}",
            line.gain,
            asked.horizon_days,
            told(line.p_gain, |p| format!("{p:.2}")),
            line.cost
        ));
    }
    for (number, step) in line.steps.iter().enumerate() {
        lines.push(format!("  {}. {step}", number + 1));
    }
    if plan.name == "recommended" && !line.limits_not_applied.is_empty() {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for note in &line.limits_not_applied {
            by_reason.entry(note.reason).or_default().push(note.limit.key());
        }
        for (reason, limits) in by_reason {
            lines.push(format!("  limits not applied ({reason}): {}", limits.join(", ")));
        }
    }
    lines
}

fn binds(position: &PositionLine) -> String {
    let Some(binding) = &position.binding_constraint else { return "unknown".to_owned() };
    match position.relaxing_brings {
        Some(gain) if gain >= 0.005 => format!("{binding} (1 % more: {gain:+.2} a year)"),
        _ => binding.clone(),
    }
}

/// Why money stays idle, where much of it does.
fn idle_text(asked: &Asked, advice: &Advice) -> Vec<String> {
    let mut lines = Vec::new();
    let recommended = advice.plans.iter().find(|plan| plan.name == "recommended");
    let deployed: f64 = recommended
        .map_or(0.0, |plan| plan.positions.iter().map(|position| position.scored.weight).sum());
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for line in left_out(advice) {
        *reasons.entry(line.reason).or_default() += 1;
    }
    let reasons: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{count} because {reason}")).collect();
    if !reasons.is_empty() {
        lines.push(String::new());
        lines.push(format!("not bought: {}", reasons.join("; ")));
    }
    if advice.candidates.markets.is_empty() {
        lines.push(format!(
            "nothing of {} can be bought within this line: everything stays as it is",
            asked.asset
        ));
    } else if deployed < 0.99 {
        lines.push(format!(
            "{:.2} {} stay idle: more would pass a limit of the line, cost more than it brings, or lower \
             what is earned already",
            asked.amount * (1.0 - deployed),
            asked.asset
        ));
    }
    lines
}

impl Rebalance {
    pub(crate) fn new(asked: &Asked, sight: &Observatory, advice: &Advice) -> Rebalance {
        let best = advice.plans.iter().find(|plan| plan.name == "recommended");
        let is_move = best.is_some_and(|plan| !plan.plan.is_empty());
        let proposal = best.map(|plan| &plan.proposal);
        Rebalance {
            schema: 1,
            as_of: sight.clock,
            asset: asked.asset.clone(),
            decision: if is_move { "move" } else { "wait" },
            gain: proposal.map_or(0.0, |proposal| proposal.gain),
            p_gain: probability(sight, proposal.map_or(0.0, |proposal| proposal.p_gain)),
            break_even_days: proposal.and_then(|proposal| proposal.break_even_days),
            cost: proposal.map_or(0.0, |proposal| proposal.cost),
            gas_is_known: asked.is_gas_known,
            horizon_days: asked.horizon_days,
            plans: advice.plans.iter().map(|plan| plan_line(asked, sight, plan)).collect(),
            labels: sight.labels.clone(),
        }
    }

    /// Move or wait, and then the plans.
    pub(crate) fn text(&self, asked: &Asked, sight: &Observatory, advice: &Advice) -> String {
        let pays = self.break_even_days.map_or_else(
            || "it never pays for itself".to_owned(),
            |days| format!("it pays for itself after {days:.1} days"),
        );
        let gas = if self.gas_is_known { "" } else { " of all but gas" };
        let verdict = format!(
            "{}: the best move gains {:+.2} {} net{gas} in {} days with P(net gain > 0) {}; {pays}",
            self.decision.to_uppercase(),
            self.gain,
            asked.asset,
            self.horizon_days,
            told(self.p_gain, |p| format!("= {p:.2}"))
        );
        format!("{verdict}\n{}", text(asked, sight, advice))
    }
}
