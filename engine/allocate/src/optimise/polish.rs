//! Exchanges between pairs until none helps.

use super::fast::Filled;
use super::table::landmarks;
use super::{AMOUNT_TOLERANCE, Book, Rooms};

/// Rounds of exchanges at most.
const ROUNDS: usize = 12;
/// Points looked at between two landmarks before the best is narrowed down.
const SAMPLES: u32 = 3;
/// Halvings of the golden section.
const NARROWINGS: usize = 24;
/// Markets without money in them that may join, at most.
const NEWCOMERS: usize = 8;
/// A gain below this share of the objective's tolerance is none.
const WORTHWHILE: f64 = 1e-3;

/// What no exchange changes.
struct Fixed {
    marks: Vec<Vec<f64>>,
    rooms: Rooms,
}

/// One side of an exchange: a market, or idle money.
type Side = Option<usize>;

/// Returns deposits at least as good as the feasible `deposits`, and feasible.
///
/// Only exchanges are tried that touch a market which falls short of what it is worth at the prices of
/// `filled`'s bound, or idle money: others cannot gain.
pub(super) fn polish(book: &Book, filled: &Filled, mut deposits: Vec<f64>) -> Vec<f64> {
    let marks = book.choices.iter().map(|choice| landmarks(book, choice)).collect();
    let fixed = Fixed { marks, rooms: book.rooms() };
    for _ in 0..ROUNDS {
        let sides = sides(book, &deposits);
        let shortfalls = filled.shortfalls(book, &deposits);
        let is_short = |side: Side| {
            side.is_none_or(|market| {
                shortfalls.get(market).is_none_or(|short| *short > WORTHWHILE * book.tolerance())
            })
        };
        let mut gained = 0.0;
        for from in &sides {
            for to in &sides {
                if from != to && (is_short(*from) || is_short(*to)) {
                    gained += exchange(book, &fixed, &mut deposits, *from, *to);
                }
            }
        }
        if gained <= WORTHWHILE * book.tolerance() {
            break;
        }
    }
    deposits
}

/// Markets with money in them, those that pay best of the others, and idle money.
fn sides(book: &Book, deposits: &[f64]) -> Vec<Side> {
    let slack = AMOUNT_TOLERANCE * book.wealth;
    let mut sides: Vec<Side> = vec![None];
    let mut others = Vec::new();
    for (market, (choice, deposit)) in book.choices.iter().zip(deposits).enumerate() {
        if *deposit > slack || choice.held > slack {
            sides.push(Some(market));
        } else {
            let trial = (0.05 * book.wealth).max(choice.least).min(choice.cap);
            let gain = book.worth(choice, trial) - book.worth(choice, 0.0);
            others.push((gain / trial.max(slack), market));
        }
    }
    others.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    sides.extend(others.into_iter().take(NEWCOMERS).map(|(_, market)| Some(market)));
    sides
}

/// Moves the best amount from one side to the other, if any helps, and returns the gain.
fn exchange(book: &Book, fixed: &Fixed, deposits: &mut [f64], from: Side, to: Side) -> f64 {
    let at = |side: Side| side.and_then(|market| deposits.get(market).copied());
    let idle = book.wealth - deposits.iter().sum::<f64>();
    let (gives, takes) = (at(from).unwrap_or(idle), at(to).unwrap_or(0.0));
    let room = gives.min(to.map_or(f64::INFINITY, |market| {
        book.choices.get(market).map_or(0.0, |choice| choice.ceiling() - takes)
    }));
    let slack = AMOUNT_TOLERANCE * book.wealth;
    if room <= slack {
        return 0.0;
    }
    let worth = |side: Side, deposit: f64| {
        let choice = side.and_then(|market| book.choices.get(market));
        choice.map_or(0.0, |choice| book.worth(choice, deposit))
    };
    let (mut trial, before) = (deposits.to_vec(), worth(from, gives) + worth(to, takes));
    let mut gain_of = |amount: f64| {
        for (side, deposit) in [(from, gives - amount), (to, takes + amount)] {
            if let Some(slot) = side.and_then(|market| trial.get_mut(market)) {
                *slot = deposit;
            }
        }
        if book.fits(&fixed.rooms, &trial) {
            worth(from, gives - amount) + worth(to, takes + amount) - before
        } else {
            f64::NEG_INFINITY
        }
    };
    let mut stops: Vec<f64> = vec![0.0, room];
    let of = |side: Side| side.and_then(|market| fixed.marks.get(market)).into_iter().flatten();
    stops.extend(of(from).map(|mark| gives - mark));
    stops.extend(of(to).map(|mark| mark - takes));
    stops.retain(|stop| (0.0..=room).contains(stop));
    stops.sort_by(f64::total_cmp);
    stops.dedup_by(|a, b| (*a - *b).abs() <= slack);
    let (mut best, mut gain) = (0.0, 0.0);
    let mut around = None;
    for (low, high) in stops.iter().zip(stops.iter().skip(1)) {
        for number in 1..=SAMPLES {
            let amount = low + (high - low) * f64::from(number) / f64::from(SAMPLES);
            let found = gain_of(amount);
            if found > gain {
                let width = (high - low) / f64::from(SAMPLES);
                around = Some(((amount - width).max(0.0), (amount + width).min(room)));
                (best, gain) = (amount, found);
            }
        }
    }
    // Steps from zero may all overshoot what is left to gain, or what a cap leaves room for.
    let first = stops.get(1).copied().unwrap_or(room) / f64::from(SAMPLES);
    if around.is_some() || gain_of(1e-3 * first) > 0.0 {
        let (low, high) = around.unwrap_or((0.0, first));
        let (amount, found) = narrowed(&mut gain_of, low, high);
        if found > gain {
            (best, gain) = (amount, found);
        }
    }
    if gain <= 0.0 || best <= slack {
        return 0.0;
    }
    for (side, deposit) in [(from, gives - best), (to, takes + best)] {
        if let Some(slot) = side.and_then(|market| deposits.get_mut(market)) {
            *slot = deposit.max(0.0);
        }
    }
    gain
}

/// The best amount between `low` and `high` by golden section, with its gain.
fn narrowed(gain_of: &mut impl FnMut(f64) -> f64, mut low: f64, mut high: f64) -> (f64, f64) {
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (gain_of(left), gain_of(right));
    for _ in 0..NARROWINGS {
        // Amounts that a cap forbids lie at the upper end: between two of them look lower.
        if at_left >= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = gain_of(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = gain_of(right);
        }
    }
    if at_left >= at_right { (left, at_left) } else { (right, at_right) }
}
