//! The reference: a dynamic programme over a grid of wealth.
//!
//! Every market may take any step of the grid or one of its landmarks: what is held, its caps, and where
//! utilization comes to a kink. A state keeps the exact sum used, so that standing still everywhere is
//! never rounded away.

use super::fast::Hopes;
use super::table::{landmarks, own_scale};
use super::{AMOUNT_TOLERANCE, Book, Choice, Prices};
use plimsoll_core::units::floor_to_index;

/// Steps of wealth in production, where what cannot be in the best answer is left out.
pub(super) const STEPS: usize = 1_000;

/// The best way found to use up to a step of wealth.
#[derive(Debug, Clone, Copy)]
struct State {
    used: f64,
    value: f64,
}

/// What a market may hold, with its value.
type Options = Vec<State>;

/// One level of the programme: states by step, and for each the (step before, deposit) it came from.
struct Level {
    states: Vec<Option<State>>,
    from: Vec<(usize, f64)>,
}

/// The markets that share a first group, and the levels after each of them.
type Family = (Vec<usize>, Vec<Level>);

/// Returns the best deposits on the grid.
///
/// Caps of a market's first group are exact where groups do not overlap. Deposits without hope are left out.
pub(super) fn programme(
    book: &Book,
    steps: usize,
    prices: Prices,
    hopes: Option<&Hopes<'_>>,
) -> Vec<f64> {
    let families = families(book);
    let rooms = book.rooms();
    let mut solved: Vec<Family> = Vec::new();
    for (group, members) in families {
        let cap = group.and_then(|group| rooms.groups.get(group)).copied().unwrap_or(f64::INFINITY);
        let cap = cap.min(book.wealth);
        let mut levels = vec![start(steps)];
        for member in &members {
            let hope = hopes.map(|hopes| (hopes, *member));
            let choice = book.choices.get(*member);
            let options = choice.map(|choice| options(book, choice, steps, prices, hope));
            let options = options.unwrap_or_default();
            if let Some(last) = levels.last() {
                let next = advance(book, last, &options, cap, steps);
                levels.push(next);
            }
        }
        solved.push((members, levels));
    }
    combine(book, &solved, steps)
}

/// Markets by their first group; those without one together.
fn families(book: &Book) -> Vec<(Option<usize>, Vec<usize>)> {
    let mut families: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
    for (market, choice) in book.choices.iter().enumerate() {
        let group = choice.groups.first().copied();
        match families.iter_mut().find(|(known, _)| *known == group) {
            Some((_, members)) => members.push(market),
            None => families.push((group, vec![market])),
        }
    }
    families
}

fn start(steps: usize) -> Level {
    let mut states = vec![None; steps + 1];
    if let Some(first) = states.first_mut() {
        *first = Some(State { used: 0.0, value: 0.0 });
    }
    Level { states, from: vec![(0, 0.0); steps + 1] }
}

/// The deposits that `choice` may have on the grid.
fn options(
    book: &Book,
    choice: &Choice,
    steps: usize,
    prices: Prices,
    hope: Option<(&Hopes<'_>, usize)>,
) -> Options {
    let slack = AMOUNT_TOLERANCE * book.wealth;
    let step = book.wealth / as_f64(steps);
    let grid = (0..=steps).map(|number| step * as_f64(number));
    let mut deposits: Vec<f64> = grid.filter(|deposit| choice.allows(*deposit, 0.0)).collect();
    deposits.extend(landmarks(book, choice));
    deposits.extend(own_scale(choice).into_iter().filter(|deposit| choice.allows(*deposit, 0.0)));
    deposits.retain(|deposit| {
        let may_hold = hope.is_none_or(|(hopes, market)| hopes.may_hold(market, *deposit));
        *deposit <= book.wealth.max(choice.held) && may_hold
    });
    deposits.sort_by(f64::total_cmp);
    deposits.dedup_by(|a, b| (*a - *b).abs() <= slack);
    let mut guess = None;
    let valued = deposits.into_iter().map(|used| {
        let worth = book.worth_near(choice, used, &mut guess);
        let value =
            worth - prices.stuck * choice.stuck(used) - prices.entering * choice.entering(used);
        State { used, value }
    });
    let is_enough = |option: &State| {
        hope.is_none_or(|(hopes, market)| hopes.is_enough(market, option.used, option.value))
    };
    valued.filter(is_enough).collect()
}

fn advance(book: &Book, last: &Level, options: &[State], cap: f64, steps: usize) -> Level {
    let mut next = Level { states: vec![None; steps + 1], from: vec![(0, 0.0); steps + 1] };
    for (place, state) in last.states.iter().enumerate() {
        let Some(state) = state else { continue };
        for option in options {
            let used = state.used + option.used;
            if used > cap * (1.0 + AMOUNT_TOLERANCE) {
                break;
            }
            let value = state.value + option.value;
            keep(book, &mut next, steps, State { used, value }, (place, option.used));
        }
    }
    next
}

/// Keeps `state` where it is the best of its step.
fn keep(book: &Book, level: &mut Level, steps: usize, state: State, from: (usize, f64)) {
    let place = step_of(state.used, book.wealth, steps);
    let (Some(slot), Some(origin)) = (level.states.get_mut(place), level.from.get_mut(place))
    else {
        return;
    };
    let is_better = slot.is_none_or(|known| {
        state.value > known.value || state.value >= known.value && state.used < known.used
    });
    if is_better {
        *slot = Some(state);
        *origin = from;
    }
}

/// Combines the families' last levels, and walks back to the deposits.
fn combine(book: &Book, solved: &[Family], steps: usize) -> Vec<f64> {
    let mut totals = vec![start(steps)];
    for (_, levels) in solved {
        let mut next = Level { states: vec![None; steps + 1], from: vec![(0, 0.0); steps + 1] };
        let (Some(last), Some(family)) = (totals.last(), levels.last()) else { continue };
        for (place, state) in last.states.iter().enumerate() {
            let Some(state) = state else { continue };
            for (step, option) in family.states.iter().enumerate() {
                let Some(option) = option else { continue };
                let used = state.used + option.used;
                if used > book.wealth * (1.0 + AMOUNT_TOLERANCE) {
                    break;
                }
                let value = state.value + option.value;
                keep(book, &mut next, steps, State { used, value }, (place, as_f64(step)));
            }
        }
        totals.push(next);
    }
    let mut deposits = vec![0.0; book.choices.len()];
    let last = totals.last().map(|level| level.states.as_slice()).unwrap_or_default();
    let best = last.iter().enumerate().filter_map(|(place, state)| Some((place, (*state)?)));
    let best = best.max_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let Some((mut place, _)) = best else { return deposits };
    for (level, (members, levels)) in totals.iter().skip(1).zip(solved).rev() {
        let (before, step) = level.from.get(place).copied().unwrap_or_default();
        let mut inner = floor_to_index(step);
        for (member, level) in members.iter().zip(levels.iter().skip(1)).rev() {
            let (earlier, deposit) = level.from.get(inner).copied().unwrap_or_default();
            if let Some(slot) = deposits.get_mut(*member) {
                *slot = deposit;
            }
            inner = earlier;
        }
        place = before;
    }
    deposits
}

/// The step of the grid that `used` reaches.
fn step_of(used: f64, wealth: f64, steps: usize) -> usize {
    floor_to_index((used / wealth * as_f64(steps) - 1e-9).ceil()).min(steps)
}

fn as_f64(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
