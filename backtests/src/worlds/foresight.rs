//! Perfect foresight with costs: the best plan found with the whole future known.
//!
//! With our own effect on rates the best plan cannot be computed, only looked for: from the exact best
//! plan of someone too small to move a rate, and from what each rule did, by changes that help when the
//! world is lived with them. It is never below the best rule; the true ceiling may lie above it.

use super::DECISION_STEP;
use super::run::{Course, Purse, WorldRun};
use crate::outcome::YEAR_DAYS;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Parts of a position that a change moves.
const PARTS: [f64; 4] = [1.0, 0.5, 0.25, 0.1];

/// Wanted shares of everything by market at each decision; `None` to stay.
type Plan = Vec<Option<Vec<f64>>>;

/// Returns the annualised percent of the best plan found with `trials` changes tried on it.
pub(super) fn search(run: &WorldRun, courses: &[Course], seed: u64, trials: u32) -> f64 {
    let start = run.purse().nav();
    let mut starts: Vec<Plan> = courses.iter().map(|course| shares(course, start)).collect();
    starts.push(price_taker(run));
    let mut best = (f64::NEG_INFINITY, Plan::new());
    for plan in starts {
        let end = lived(run, &plan);
        if end > best.0 {
            best = (end, plan);
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..trials {
        let mut plan = best.1.clone();
        if !change(run, &mut plan, &mut random) {
            continue;
        }
        let end = lived(run, &plan);
        if end > best.0 {
            best = (end, plan);
        }
    }
    ((best.0 / start).powf(YEAR_DAYS / f64::from(run.days_left())) - 1.0) * 100.0
}

/// A course as a plan: what it held after each decision, as shares of what there was.
fn shares(course: &Course, capital: f64) -> Plan {
    let navs = course.outcome.days.iter().step_by(DECISION_STEP as usize);
    let each = course.holdings.iter().zip(navs);
    each.map(|(held, day)| {
        let nav = day.nav * capital;
        held.as_ref().map(|held| held.iter().map(|amount| amount / nav).collect())
    })
    .collect()
}

/// The end of a plan that is lived.
fn lived(run: &WorldRun, plan: &Plan) -> f64 {
    let mut purse = run.purse();
    for passed in 0..run.days_left() {
        if passed % DECISION_STEP == 0 {
            let place = (passed / DECISION_STEP) as usize;
            if let Some(Some(wanted)) = plan.get(place) {
                go_to(run, &mut purse, wanted);
            }
        }
        purse.live();
    }
    purse.nav()
}

/// Trades toward `wanted` shares of everything.
fn go_to(run: &WorldRun, purse: &mut Purse, wanted: &[f64]) {
    let nav = purse.nav();
    let (mut exits, mut entries) = (Vec::new(), Vec::new());
    for (place, (market, share)) in purse.world.markets().iter().zip(wanted).enumerate() {
        let change = share * nav - market.ours();
        // Moves below a basis point of everything are noise of the plan.
        if change < -1e-4 * nav {
            let all = if *share <= 1e-6 { market.ours() } else { -change };
            exits.push((place, all));
        } else if change > 1e-4 * nav {
            entries.push((place, change));
        }
    }
    if !(exits.is_empty() && entries.is_empty()) {
        purse.trade(&exits, &entries, run.costing());
    }
}

/// Changes one decision of `plan` in one way; whether it did.
fn change(run: &WorldRun, plan: &mut Plan, random: &mut ChaCha8Rng) -> bool {
    let (weeks, markets) = (plan.len(), run.markets());
    if weeks == 0 || markets == 0 {
        return false;
    }
    let week = random.random_range(0..weeks);
    if random.random_bool(0.15) && week > 0 {
        // Not moving at all is a change too.
        return plan.get_mut(week).is_some_and(|slot| slot.take().is_some());
    }
    let known = plan.iter().take(week + 1).rev().flatten().next().cloned();
    let mut shares = known.unwrap_or_else(|| vec![0.0; markets]);
    let part = PARTS.get(random.random_range(0..PARTS.len())).copied().unwrap_or(1.0);
    let held: Vec<usize> =
        shares.iter().enumerate().filter(|(_, share)| **share > 1e-4).map(|(at, _)| at).collect();
    let to = random.random_range(0..markets);
    // From a market, or from what is idle.
    let from = held.get(random.random_range(0..=held.len())).copied();
    let moved = match from {
        Some(from) if from != to => {
            let share = shares.get(from).copied().unwrap_or_default() * part;
            if let Some(slot) = shares.get_mut(from) {
                *slot -= share;
            }
            share
        }
        Some(_) => return false,
        None => (1.0 - shares.iter().sum::<f64>()).max(0.0) * part,
    };
    if moved <= 1e-6 {
        return false;
    }
    if let Some(slot) = shares.get_mut(to) {
        *slot += moved;
    }
    // The change lasts to the end of the plan, or for some weeks.
    let lasts = if random.random_bool(0.5) { weeks } else { week + random.random_range(1..=8) };
    for slot in plan.iter_mut().take(lasts.min(weeks)).skip(week + 1) {
        *slot = None;
    }
    if let Some(slot) = plan.get_mut(week) {
        *slot = Some(shares);
    }
    true
}

/// The best plan of someone too small to move a rate, all in one market at a time: a dynamic programme over
/// the weeks, with the costs of switching.
fn price_taker(run: &WorldRun) -> Plan {
    let mut world = run.purse().world;
    let markets = run.markets();
    let capital = run.purse().nav();
    let value = |world: &crate::world::World| -> Vec<(f64, f64)> {
        world.markets().iter().map(|market| (market.index(), market.reward_index())).collect()
    };
    let (mut growths, mut gas) = (Vec::new(), Vec::new());
    let mut passed = 0;
    while passed < run.days_left() {
        let before = value(&world);
        gas.push(world.gas_usd(run.costing().gas_units) / capital);
        for _ in 0..DECISION_STEP.min(run.days_left() - passed) {
            world.step();
        }
        passed += DECISION_STEP;
        let pairs = before.into_iter().zip(value(&world));
        growths.push(
            pairs
                .map(|(old, new)| ((new.0 + new.1 - old.1) / old.0).max(1e-9).ln())
                .collect::<Vec<f64>>(),
        );
    }
    let cost = run.costing().turnover.to_fraction();
    let (mut best, mut from) = (vec![0.0; markets], Vec::new());
    for (week, growth) in growths.iter().enumerate() {
        let fee = gas.get(week).copied().unwrap_or_default();
        let (mut next, mut origin) = (Vec::new(), Vec::new());
        for (to, grown) in growth.iter().enumerate() {
            let reach = |at: usize| {
                let stays = best.get(at).copied().unwrap_or(f64::NEG_INFINITY);
                let moves = if week == 0 { fee } else { cost + 2.0 * fee };
                if at == to && week > 0 { stays } else { stays - moves }
            };
            let origins = (0..markets).map(|at| (reach(at), at));
            let (value, at) = origins.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, to));
            next.push(value + grown);
            origin.push(at);
        }
        best = next;
        from.push(origin);
    }
    let mut at = (0..markets)
        .max_by(|a, b| {
            let of = |place: &usize| best.get(*place).copied().unwrap_or(f64::NEG_INFINITY);
            of(a).total_cmp(&of(b))
        })
        .unwrap_or_default();
    let mut plan: Plan = vec![None; growths.len()];
    for (week, origin) in from.iter().enumerate().rev() {
        let before = origin.get(at).copied().unwrap_or(at);
        if week == 0 || before != at {
            let shares = (0..markets).map(|market| f64::from(u8::from(market == at))).collect();
            if let Some(slot) = plan.get_mut(week) {
                *slot = Some(shares);
            }
        }
        at = before;
    }
    plan
}
