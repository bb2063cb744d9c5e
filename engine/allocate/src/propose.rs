//! What to do with the money: the plan that is best within the owner's line, against staying put.

use crate::candidates::{Candidates, YEAR_DAYS};
use crate::optimise::{Binding, Book, Constraint, Solution, solve, solve_fast};
use crate::restore::{restored, usable};
use plimsoll_core::{Enforcement, Limit, MarketId, MarketKind};
use plimsoll_frame::{Group, Situation};
use std::collections::BTreeMap;

/// Rounds in which the charge for rare losses follows the portfolio that it makes.
const CHARGE_ROUNDS: usize = 3;
/// Halvings of the price of a limit on losses.
const LIMIT_HALVINGS: usize = 10;
/// How many times as much a unit of CVaR95 is charged for as one of ES99.9, while the price is looked for at which
/// both limits hold.
const FREQUENT_PER_RARE: f64 = 50.0;
/// A portfolio may pass a limit on losses by so much: `approve` cuts the rest.
const LIMIT_TOLERANCE: f64 = 1e-4;
/// Less than this share of everything may stay idle without a second look.
pub(crate) const LEAST_IDLE: f64 = 0.01;
/// Less than this share of everything is not worth a leg.
const LEAST_MOVE: f64 = 2e-5;
/// A deposit within this share of everything of what is held has not moved.
const UNMOVED: f64 = 1e-9;
/// Standard deviations to either side of the mean that hold nine of ten outcomes of a normal variable.
const NINE_OF_TEN: f64 = 1.645;

/// Parameters of the allocator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AllocatorSettings {
    /// How long an advantage is expected to last, days: what a move has to pay its costs in.
    pub horizon_days: f64,
    /// What a unit of ES99.9 costs a year.
    pub aversion: f64,
    /// The least probability that a move's net gain is above zero.
    pub confidence: f64,
    /// The least net gain of a move, a year, as a share of everything.
    pub least_lift: f64,
    /// The most that is brought into markets at one decision, as a share of everything.
    pub most_entered: f64,
    /// Within so many days a move is undone only where that pays both ways.
    pub undo_days: f64,
    /// How long idle money is expected to stay once it is placed, days: an advantage over another market
    /// passes, one over nothing lasts. No effect below `horizon_days`.
    pub stay_days: f64,
    /// The share of each limit that is left free; with some, what passes a limit later is brought back.
    pub headroom: f64,
    /// The kinds of markets that may be bought; all where nothing is said.
    pub kinds: Option<&'static [MarketKind]>,
}

impl Default for AllocatorSettings {
    fn default() -> AllocatorSettings {
        AllocatorSettings {
            horizon_days: 30.0,
            aversion: 0.001,
            confidence: 0.7,
            least_lift: 0.000_5,
            most_entered: 1.0,
            undo_days: 14.0,
            stay_days: 90.0,
            headroom: 0.0,
            kinds: None,
        }
    }
}

/// A portfolio with what is expected of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The wanted deposit in each candidate, whole units.
    pub deposits: Vec<f64>,
    /// Whether it differs from what is held enough to be worth moving.
    pub is_move: bool,
    /// Net gain over staying put, over the horizon, whole units.
    pub gain: f64,
    /// The probability that the gain is above zero.
    pub p_gain: f64,
    /// Days until the gain has paid for the move; `None` where it never does.
    pub break_even_days: Option<f64>,
    /// What moving costs.
    pub cost: f64,
    /// Expected yearly net rate of the whole, idle money included: sustainable rates less expected losses.
    pub net_apr: f64,
    /// The interval in which the net rate lies in nine of ten cases, as far as intervals are known.
    pub interval: Option<(f64, f64)>,
    /// No portfolio within the limits has a higher objective than this much more, a year, as a share of
    /// everything.
    pub gap: f64,
    /// The limits that what is held had passed, where it brings back within them.
    pub passed: Vec<Limit>,
}

/// Returns the best portfolio of `now` and what it gains over staying put.
#[must_use]
pub fn propose(
    now: &Situation<'_>,
    settings: &AllocatorSettings,
    candidates: &Candidates,
) -> Proposal {
    let (book, solution) = within_limits(now, settings, candidates);
    let moved = judged(now, settings, candidates, &book, solution);
    let placed = placing_idle(now, settings, candidates, moved);
    let held: Vec<f64> = candidates.book.choices.iter().map(|choice| choice.held).collect();
    let wanted = if placed.is_move { &placed.deposits } else { &held };
    let Some(restored) = restored(now, candidates, wanted) else {
        return unmoved(candidates, placed);
    };
    let value = candidates.book.value(&restored.deposits);
    let (deposits, path) = (restored.deposits, crate::optimise::Path::Fast);
    let solution = Solution { deposits, value, bound: value, path };
    let judged = judged(now, settings, candidates, &candidates.book, solution);
    Proposal { is_move: true, passed: restored.passed, gap: placed.gap, ..judged }
}

/// Leaves what would hardly move where it is: the optimiser is no more exact than that.
fn unmoved(candidates: &Candidates, mut proposal: Proposal) -> Proposal {
    if candidates.headroom > 0.0 {
        let least = LEAST_MOVE * candidates.book.wealth;
        for (deposit, choice) in proposal.deposits.iter_mut().zip(&candidates.book.choices) {
            if *deposit > 0.0 && (*deposit - choice.held).abs() <= least {
                *deposit = choice.held;
            }
        }
    }
    proposal
}

/// Places what `moved` leaves idle, where that pays over the longer time for which it would stay.
fn placing_idle(
    now: &Situation<'_>,
    settings: &AllocatorSettings,
    candidates: &Candidates,
    moved: Proposal,
) -> Proposal {
    let book = &candidates.book;
    let held: Vec<f64> = book.choices.iter().map(|choice| choice.held).collect();
    let base = if moved.is_move { &moved.deposits } else { &held };
    let idle = book.wealth - base.iter().sum::<f64>();
    if settings.stay_days <= settings.horizon_days || idle <= LEAST_IDLE * book.wealth {
        return moved;
    }
    let mut later = candidates.clone();
    later.book.horizon = settings.stay_days / YEAR_DAYS;
    for ((choice, base), held) in later.book.choices.iter_mut().zip(base).zip(&held) {
        if (base - held).abs() > UNMOVED * book.wealth {
            // It is touched in any case.
            choice.fixed_cost = 0.0;
        }
        later.book.entry_cap -= (base - held).max(0.0);
        // What the first step decided stays: leaving would cost all of it.
        (choice.held, choice.exit_cost, choice.entered) = (*base, 1.0, 0.0);
    }
    let (placed_book, solution) = within_limits(now, settings, &later);
    let placed = judged(now, settings, &later, &placed_book, solution);
    if !placed.is_move {
        return moved;
    }
    let together = Solution {
        value: book.value(&placed.deposits),
        bound: book.value(&placed.deposits),
        deposits: placed.deposits,
        path: crate::optimise::Path::Fast,
    };
    let judged = judged(now, settings, candidates, book, together);
    let first = if moved.is_move { (moved.gain, moved.p_gain) } else { (0.0, 1.0) };
    Proposal {
        is_move: true,
        // Of the time that it stays, the part that the horizon has.
        gain: first.0 + placed.gain * settings.horizon_days / settings.stay_days,
        p_gain: first.1.min(placed.p_gain),
        gap: moved.gap,
        ..judged
    }
}

/// Returns what is held, judged as a proposal.
#[must_use]
pub fn keep(now: &Situation<'_>, candidates: &Candidates) -> Proposal {
    let book = &candidates.book;
    let deposits: Vec<f64> = book.choices.iter().map(|choice| choice.held).collect();
    let value = book.value(&deposits);
    let solution = Solution { deposits, value, bound: value, path: crate::optimise::Path::Fast };
    judged(now, &AllocatorSettings::default(), candidates, book, solution)
}

/// Solves the book at the charge for rare losses that its own answer makes, and at such a higher one that
/// the limits on losses hold.
fn within_limits(
    now: &Situation<'_>,
    settings: &AllocatorSettings,
    candidates: &Candidates,
) -> (Book, Solution) {
    let has_limits = now.policy.enforcement != Enforcement::Off;
    let aversion = if has_limits { settings.aversion } else { 0.0 };
    let (book, mut solution) = charged(now, candidates, Charge::rare(aversion));
    let held: Vec<f64> = candidates.book.choices.iter().map(|choice| choice.held).collect();
    if !has_limits || is_within(now, candidates, &solution.deposits) {
        let exact = solve(&book);
        if !has_limits || is_within(now, candidates, &exact.deposits) {
            return (book, exact);
        }
        if solution.deposits == held {
            // The fast path found nothing that fits the caps.
            solution = exact;
        }
    }
    let free = solution.deposits.clone();
    let (mut low, mut high) = (aversion, 1.0);
    // Where something moves with a price it is charged for what it loses in months, too.
    let swings = candidates.swings && !is_calm(now, candidates, &free);
    let at = |rare| Charge { rare, frequent: if swings { FREQUENT_PER_RARE * rare } else { 0.0 } };
    let (mut over, mut best) = (solution, charged(now, candidates, at(high)));
    for _ in 0..LIMIT_HALVINGS {
        let middle = (low * high).sqrt().max(0.5 * low + 1e-6);
        let found = charged(now, candidates, at(middle));
        if is_within(now, candidates, &found.1.deposits) {
            (high, best) = (middle, found);
        } else {
            (low, over) = (middle, found.1);
        }
    }
    // A charge moves money from the risky to the safe, all at once. Between two charges lies the part that
    // fits; and less of what pays most, with the rest idle, may be better than all of what is safe.
    let mut parts = vec![
        part_way(now, candidates, &best.1.deposits, &over.deposits),
        part_way(now, candidates, &held, &free),
    ];
    // No charge is high enough for what swings and pays much.
    let is_found = is_within(now, candidates, &best.1.deposits);
    if !is_found {
        parts.push(part_way(now, candidates, &vec![0.0; free.len()], &free));
    }
    // Judged without the charge that was only there to find it.
    let base = &candidates.book;
    let known = if is_found { base.value(&best.1.deposits) } else { f64::NEG_INFINITY };
    let valued = parts.into_iter().map(|deposits| (base.value(&deposits), deposits));
    let asks = !is_found || candidates.headroom > 0.0;
    let better = valued.filter(|(value, deposits)| {
        *value > known
            && base.is_feasible(deposits)
            && (!asks || is_within(now, candidates, deposits))
    });
    let better = better.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, deposits)| deposits);
    let found = match better {
        // What swings makes the charge so high that leaving anything would look like a gain.
        None if is_found && swings => Some(best.1.deposits.clone()),
        None if !is_found => Some(held),
        better => better,
    };
    match found {
        Some(deposits) => {
            let value = base.value(&deposits);
            (base.clone(), Solution { value, bound: value, deposits, path: best.1.path })
        }
        None => best,
    }
}

/// Goes from the portfolio `near` toward `far` as far as the limits on losses hold; `near` where they do not
/// hold there.
fn part_way(now: &Situation<'_>, candidates: &Candidates, near: &[f64], far: &[f64]) -> Vec<f64> {
    let at = |part: f64| -> Vec<f64> {
        near.iter().zip(far).map(|(near, far)| near + part * (far - near)).collect()
    };
    let (mut fits, mut fails) = (0.0, 1.0);
    for _ in 0..LIMIT_HALVINGS {
        let middle = 0.5 * (fits + fails);
        if is_within(now, candidates, &at(middle)) { fits = middle } else { fails = middle }
    }
    at(fits)
}

/// The weights of `deposits`, frozen markets included.
#[must_use]
pub fn weights(
    now: &Situation<'_>,
    candidates: &Candidates,
    deposits: &[f64],
) -> BTreeMap<MarketId, f64> {
    let share = |amount: f64| if now.nav > 0.0 { (amount / now.nav).max(0.0) } else { 0.0 };
    let decided = candidates.markets.iter().zip(deposits);
    let frozen = candidates.frozen.iter();
    let all = decided.chain(frozen).filter(|(_, amount)| **amount > 0.0);
    all.map(|(market, amount)| (market.clone(), share(*amount))).collect()
}

fn is_within(now: &Situation<'_>, candidates: &Candidates, deposits: &[f64]) -> bool {
    let weights = weights(now, candidates, deposits);
    let scenarios = &now.scenarios();
    let line = &now.policy.preference;
    let fits = |found, most| fits(now, candidates, found, most);
    let most = usable(Limit::Es999_1y, candidates.headroom) * line.es999_1y.value();
    // ES99.9 is mostly what the largest protocol can lose, and holds where the cap per protocol does.
    (!candidates.shared.caps_protocols() || fits(scenarios.es999_1y(&weights), most))
        && is_calm(now, candidates, deposits)
}

/// Whether the limit on losses of a month holds, or has no answer.
fn is_calm(now: &Situation<'_>, candidates: &Candidates, deposits: &[f64]) -> bool {
    let found = now.scenarios().cvar95_30d(&weights(now, candidates, deposits));
    let line = now.policy.preference.cvar95_30d.value();
    let most = usable(Limit::Cvar95_30d, candidates.headroom) * line;
    fits(now, candidates, found, most)
}

/// Whether a measure of loss is within `most`. What has no answer is not, where `approve` would buy nothing then.
fn fits(now: &Situation<'_>, candidates: &Candidates, found: Option<f64>, most: f64) -> bool {
    let slack = if candidates.headroom > 0.0 { 0.0 } else { LIMIT_TOLERANCE };
    match found {
        Some(found) => found <= most + slack,
        None => candidates.headroom <= 0.0 || now.policy.enforcement != Enforcement::Strict,
    }
}

/// What losses are charged for, a year.
#[derive(Debug, Clone, Copy)]
struct Charge {
    /// A unit of ES99.9.
    rare: f64,
    /// A unit of CVaR95.
    frequent: f64,
}

impl Charge {
    fn rare(rare: f64) -> Charge {
        Charge { rare, frequent: 0.0 }
    }
}

/// Solves, by the fast path, with each market charged for what it adds to the measures of loss.
fn charged(now: &Situation<'_>, candidates: &Candidates, charge: Charge) -> (Book, Solution) {
    let scenarios = now.scenarios();
    let mut book = candidates.book.clone();
    let mut solution = solve_fast(&book);
    if charge.rare <= 0.0 {
        return (book, solution);
    }
    // The charge is the slope at the answer before, averaged so that two equal protocols do not take
    // turns.
    let mut charges = vec![0.0; book.choices.len()];
    for round in 0..CHARGE_ROUNDS {
        let weights = weights(now, candidates, &solution.deposits);
        let Some(slopes) = scenarios.es999_slopes(&weights) else { break };
        let monthly = (charge.frequent > 0.0).then(|| scenarios.cvar95_slopes(&weights)).flatten();
        let step = 1.0 / (1.0 + round as f64);
        for (known, market) in charges.iter_mut().zip(&candidates.markets) {
            let column = scenarios.markets.binary_search(market).ok();
            let of = |slopes: &[f64]| column.and_then(|at| slopes.get(at)).copied();
            let rare = of(&slopes).unwrap_or_default();
            let frequent = monthly.as_deref().and_then(of).unwrap_or_default();
            let wanted = charge.rare * rare + charge.frequent * frequent;
            *known += step * (wanted - *known);
        }
        for ((choice, base), charge) in
            book.choices.iter_mut().zip(&candidates.book.choices).zip(&charges)
        {
            choice.charge = base.charge + charge;
        }
        solution = solve_fast(&book);
    }
    (book, solution)
}

/// Judges a solution against staying put.
fn judged(
    now: &Situation<'_>,
    settings: &AllocatorSettings,
    candidates: &Candidates,
    book: &Book,
    solution: Solution,
) -> Proposal {
    let base = &candidates.book;
    let held: Vec<f64> = base.choices.iter().map(|choice| choice.held).collect();
    let still = book.value(&held);
    let gain = solution.value - still;
    let spread = spread(now, candidates, &solution.deposits, &held) * base.horizon;
    let p_gain = if spread > 0.0 { normal(gain / spread) } else { f64::from(u8::from(gain > 0.0)) };
    let yearly = gain / base.horizon.max(1e-9);
    let lift = if now.nav > 0.0 { yearly / now.nav } else { 0.0 };
    let cost = base.cost(&solution.deposits);
    // Before costs, at the charges it was chosen by.
    let earns_more = net_income(book, &solution.deposits) - net_income(book, &held);
    let net = net_income(base, &solution.deposits);
    let share = |amount: f64| if now.nav > 0.0 { amount / now.nav } else { 0.0 };
    let net_apr = share(net);
    let width =
        self_spread(now, candidates, &solution.deposits).map(|width| share(width) * NINE_OF_TEN);
    Proposal {
        is_move: p_gain >= settings.confidence && lift >= settings.least_lift,
        gain,
        p_gain,
        break_even_days: (earns_more > 0.0 && cost >= 0.0).then(|| cost / earns_more * YEAR_DAYS),
        cost,
        net_apr,
        interval: width.map(|width| (net_apr - width, net_apr + width)),
        gap: share((solution.bound - solution.value).max(0.0)) / base.horizon.max(1e-9),
        deposits: solution.deposits,
        passed: Vec::new(),
    }
}

/// What `deposits` earn a year at sustainable rates, less expected losses.
fn net_income(book: &Book, deposits: &[f64]) -> f64 {
    let pairs = book.choices.iter().zip(deposits);
    pairs.map(|(choice, deposit)| deposit * (choice.earns.apr(*deposit) - choice.charge)).sum()
}

/// Half the width of a market's interval as a standard deviation of its mean rate.
fn deviation(now: &Situation<'_>, market: &MarketId) -> Option<f64> {
    let (low, high) = now.scores.of(market)?.interval?;
    Some((high - low) / (2.0 * NINE_OF_TEN))
}

/// The standard deviation of the yearly gain of moving from `held` to `deposits`, markets apart; those whose
/// interval is unknown count as far off as the most uncertain one.
fn spread(now: &Situation<'_>, candidates: &Candidates, deposits: &[f64], held: &[f64]) -> f64 {
    let each: Vec<Option<f64>> =
        candidates.markets.iter().map(|market| deviation(now, market)).collect();
    let worst = each.iter().flatten().copied().fold(0.0, f64::max);
    let squares = each.iter().zip(deposits).zip(held).map(|((deviation, deposit), held)| {
        (deviation.unwrap_or(worst) * (deposit - held)).powi(2)
    });
    squares.sum::<f64>().sqrt()
}

/// The standard deviation of the yearly income of `deposits`; `None` where one of them has no interval.
fn self_spread(now: &Situation<'_>, candidates: &Candidates, deposits: &[f64]) -> Option<f64> {
    let pairs = candidates.markets.iter().zip(deposits).filter(|(_, deposit)| **deposit > 0.0);
    let squares: Option<Vec<f64>> =
        pairs.map(|(market, deposit)| Some((deviation(now, market)? * deposit).powi(2))).collect();
    Some(squares?.iter().sum::<f64>().sqrt())
}

/// The normal distribution function.
///
/// # Source
/// Abramowitz and Stegun 26.2.17; absolute error below 7.5e-8.
fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let tail = density
        * t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    if x >= 0.0 { 1.0 - tail } else { tail }
}

/// Returns what binds the place-th candidate, and what relaxing it would bring.
#[must_use]
pub fn binding(candidates: &Candidates, deposits: &[f64], place: usize) -> Option<Binding> {
    candidates.book.binding(deposits, place)
}

/// The words for a constraint.
#[must_use]
pub fn constraint_text(candidates: &Candidates, constraint: Constraint) -> String {
    match constraint {
        Constraint::Wealth => "capital".to_owned(),
        Constraint::Cap => "market_cap".to_owned(),
        Constraint::Group(group) => match candidates.groups.get(group) {
            Some(Group::Protocol(name)) => format!("per_protocol:{name}"),
            Some(Group::Issuer(name)) => format!("per_issuer:{name}"),
            Some(Group::Chain(chain)) => format!("per_chain:{chain}"),
            Some(Group::Foreign) => "foreign_exposure".to_owned(),
            None => "group".to_owned(),
        },
        Constraint::Stuck => "exit_24h_run".to_owned(),
        Constraint::Entries => "turnover".to_owned(),
        Constraint::Utilization => "target_utilization".to_owned(),
        Constraint::Costs => "costs".to_owned(),
        Constraint::OwnEffect => "own_effect_on_rate".to_owned(),
        Constraint::Rate => "rate".to_owned(),
    }
}

/// The rate of a candidate with `deposit` in it while the borrowers stay where they are; `None` where our own
/// effect is unknown.
#[must_use]
pub fn after_deposit_apr(candidates: &Candidates, place: usize, deposit: f64) -> Option<f64> {
    let standing = candidates.standing.get(place).copied().flatten()?;
    Some(standing.after_deposit_apr(deposit))
}

/// The sustainable rate of a candidate with `deposit` in it.
#[must_use]
pub fn sustainable_apr(candidates: &Candidates, place: usize, deposit: f64) -> Option<f64> {
    candidates.book.choices.get(place).map(|choice| choice.earns.apr(deposit))
}
