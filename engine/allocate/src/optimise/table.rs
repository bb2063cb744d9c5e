//! A market's objective at chosen deposits, and the upper concave envelope over them.

use super::{AMOUNT_TOLERANCE, Book, Choice, Earns, Prices};

/// Equal steps between nothing and the most that may sit in a market.
const STEPS: u32 = 40;
/// Deposits on a market's own scale, as shares of its size.
const OWN_SCALE: [f64; 14] =
    [0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.35, 0.6, 1.0, 1.5, 2.5, 4.0, 8.0, 16.0];
/// A node this near to a chord lies on it, as a share of the largest value.
const STRAIGHT: f64 = 1e-13;
/// How much more than a parabola through three nodes an arc may rise above its chord.
const ARC_SAFETY: f64 = 1.5;

/// One deposit and what it is worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) deposit: f64,
    /// The objective, without prices.
    worth: f64,
    /// The objective at the present prices.
    pub(super) value: f64,
    /// How far the objective may rise above the chord to the next node.
    arc: f64,
    /// Whether nothing between this node and the next may be chosen.
    is_hole: bool,
}

/// A market's nodes, smallest deposit first.
pub(super) type Table = Vec<Node>;

/// Every market's nodes.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) each: Vec<Table>,
}

impl Tables {
    pub(super) fn new(book: &Book) -> Tables {
        Tables { each: book.choices.iter().map(|choice| tabulate(book, choice)).collect() }
    }

    /// Adds nodes around `deposits`, and where the bound at `units`, what a unit in each market costs,
    /// rests on what may lie between nodes.
    pub(super) fn zoomed(&self, book: &Book, deposits: &[f64], units: &[f64]) -> Tables {
        let each = self.each.iter().zip(&book.choices).zip(deposits).zip(units);
        let each = each.map(|(((table, choice), at), unit)| {
            let fine = zoom(book, choice, table, *at);
            match rests_on(&fine, *unit) {
                Some(place) => zoom(book, choice, &fine, place),
                None => fine,
            }
        });
        Tables { each: each.collect() }
    }

    pub(super) fn price(&mut self, book: &Book, prices: Prices) {
        for (table, choice) in self.each.iter_mut().zip(&book.choices) {
            for node in table {
                node.value = node.worth
                    - prices.stuck * choice.stuck(node.deposit)
                    - prices.entering * choice.entering(node.deposit);
            }
        }
    }
}

/// Deposits at which something changes: nothing, what is held, the caps, what can leave, and where
/// utilization comes to a kink.
pub(super) fn landmarks(book: &Book, choice: &Choice) -> Vec<f64> {
    let ceiling = choice.ceiling().min(book.wealth.max(choice.held));
    let mut marks = vec![0.0, choice.held, choice.cap, choice.least, choice.exits, ceiling];
    // A move that undoes all of a late one.
    marks.extend([choice.held - choice.entered, choice.held + choice.left]);
    if let Earns::Curve(lending) = &choice.earns {
        marks.extend(lending.curve.kinks().into_iter().map(|kink| lending.deposit_at(kink)));
        marks.push(lending.deposit_at(1.0));
    }
    let slack = AMOUNT_TOLERANCE * book.wealth;
    marks.retain(|mark| (0.0..=ceiling).contains(mark) && choice.allows(*mark, slack));
    marks.sort_by(f64::total_cmp);
    marks.dedup_by(|a, b| (*a - *b).abs() <= slack);
    marks
}

/// Deposits on the market's own scale: it may be far smaller than we are.
pub(super) fn own_scale(choice: &Choice) -> Vec<f64> {
    let size = match &choice.earns {
        Earns::Curve(lending) => lending.supplied.max(lending.borrowed),
        Earns::Pooled(pooled) => pooled.others / pooled.concentration(),
        Earns::Flat(_) => return Vec::new(),
    };
    OWN_SCALE.iter().map(|share| size * share).collect()
}

fn tabulate(book: &Book, choice: &Choice) -> Table {
    let ceiling = choice.ceiling().min(book.wealth.max(choice.held));
    let slack = AMOUNT_TOLERANCE * book.wealth;
    let mut deposits = landmarks(book, choice);
    let step = ceiling / f64::from(STEPS);
    deposits.extend((0..=STEPS).map(|number| step * f64::from(number)));
    deposits.extend(own_scale(choice).into_iter().filter(|deposit| *deposit < ceiling));
    deposits
        .retain(|deposit| choice.allows(*deposit, 0.0) || (deposit - choice.held).abs() <= slack);
    nodes(book, choice, deposits)
}

/// Adds nodes between the neighbours of `at`; the others stay as they are.
fn zoom(book: &Book, choice: &Choice, table: &Table, at: f64) -> Table {
    let place = table.partition_point(|node| node.deposit < at);
    let (first, last) = (place.saturating_sub(2), (place + 1).min(table.len().saturating_sub(1)));
    let (before, from) = table.split_at(first.min(table.len()));
    let (within, after) = from.split_at((last + 1 - first).min(from.len()));
    let ([low, ..], [.., high]) = (within, within) else { return table.clone() };
    let width = high.deposit - low.deposit;
    let more = (1..24).map(|number| low.deposit + width * f64::from(number) / 24.0);
    let known = within.iter().map(|node| node.deposit);
    let slack = AMOUNT_TOLERANCE * book.wealth;
    let allowed = more.filter(|deposit| choice.allows(*deposit, slack));
    let mut fine = nodes(book, choice, known.chain(allowed).collect());
    // What lies between the last of them and the next is as it was.
    if let Some(end) = fine.last_mut() {
        (end.arc, end.is_hole) = (high.arc, high.is_hole);
    }
    before.iter().copied().chain(fine).chain(after.iter().copied()).collect()
}

/// Sorts `deposits`, adds the middles between them, and values all.
fn nodes(book: &Book, choice: &Choice, mut deposits: Vec<f64>) -> Table {
    let slack = AMOUNT_TOLERANCE * book.wealth;
    deposits.sort_by(f64::total_cmp);
    deposits.dedup_by(|b, a| {
        let is_same = *b - *a <= slack;
        // What is held must stay exactly what it is: standing still is free.
        if is_same && (*b - choice.held).abs() <= slack {
            *a = choice.held;
        }
        is_same
    });
    let mut guess = None;
    let mut at = |deposit: f64| {
        let worth = book.worth_near(choice, deposit, &mut guess);
        Node { deposit, worth, value: worth, arc: 0.0, is_hole: false }
    };
    let mut table: Table = Vec::with_capacity(2 * deposits.len());
    let mut previous: Option<f64> = None;
    for deposit in deposits {
        if let Some(before) = previous {
            let middle = 0.5 * (before + deposit);
            if !choice.allows(middle, slack) {
                if let Some(last) = table.last_mut() {
                    last.is_hole = true;
                }
            } else {
                let (centre, end) = (at(middle), at(deposit));
                // Standing still is a point apart: an arc is measured between moves.
                let chord = |node: &Node| {
                    let is_still = (node.deposit - choice.held).abs() <= slack;
                    node.worth - if is_still { choice.jump(middle, slack) } else { 0.0 }
                };
                if let Some(last) = table.last_mut() {
                    let rise = chord(&centre) - 0.5 * (chord(last) + chord(&end));
                    let arc = ARC_SAFETY * 0.25 * rise.max(0.0);
                    last.arc = arc;
                    table.push(Node { arc, ..centre });
                }
                table.push(end);
                previous = Some(deposit);
                continue;
            }
        }
        table.push(at(deposit));
        previous = Some(deposit);
    }
    table
}

/// A straight piece of an envelope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) market: usize,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) slope: f64,
    /// Whether the objective lies below the piece between its ends.
    pub(super) is_gap: bool,
}

/// The upper concave envelope of `table`, from its first node on.
pub(super) fn envelope(market: usize, table: &Table) -> Vec<Piece> {
    let largest = table.iter().map(|node| node.value.abs()).fold(0.0, f64::max);
    let straight = STRAIGHT * largest;
    // How far `middle` lies above the chord between its neighbours.
    let above = |before: &Node, middle: &Node, after: &Node| {
        let part = (middle.deposit - before.deposit) / (after.deposit - before.deposit);
        middle.value - before.value - part * (after.value - before.value)
    };
    // Places of the hull's corners, leftmost first; nodes on a straight stretch stay.
    let mut corners: Vec<(usize, Node)> = Vec::with_capacity(table.len());
    for (place, node) in table.iter().enumerate() {
        while let [.., (_, before), (_, last)] = corners.as_slice() {
            if above(before, last, node) >= -straight {
                break;
            }
            corners.pop();
        }
        corners.push((place, *node));
    }
    let mut pieces: Vec<(Node, Node, bool)> = Vec::with_capacity(corners.len());
    for ((first, from), (second, to)) in corners.iter().zip(corners.iter().skip(1)) {
        let is_gap = from.is_hole || second - first > 1;
        match pieces.last_mut() {
            // One straight stretch is one piece.
            Some((start, end, gap)) if above(start, end, to) <= straight => {
                *end = *to;
                *gap |= is_gap;
            }
            _ => pieces.push((*from, *to, is_gap)),
        }
    }
    let piece = |(from, to, is_gap): (Node, Node, bool)| Piece {
        market,
        from: from.deposit,
        to: to.deposit,
        slope: (to.value - from.value) / (to.deposit - from.deposit),
        is_gap,
    };
    let mut pieces: Vec<Piece> = pieces.into_iter().map(piece).collect();
    // Rounding must not put a later piece before an earlier one.
    let mut steepest = f64::INFINITY;
    for piece in &mut pieces {
        piece.slope = piece.slope.min(steepest);
        steepest = piece.slope - STRAIGHT * piece.slope.abs();
    }
    pieces
}

/// Whether, when each unit of deposit costs `price`, `table` may be worth `least` at `deposit` or between its
/// nodes.
pub(super) fn may_reach(table: &Table, price: f64, deposit: f64, least: f64) -> bool {
    let net = |node: &Node| node.value - price * node.deposit;
    let place = table.partition_point(|node| node.deposit <= deposit);
    let from = place.checked_sub(1).and_then(|place| table.get(place));
    let to = table.get(place);
    let highest = from.into_iter().chain(to).map(net).fold(f64::NEG_INFINITY, f64::max);
    highest + from.map_or(0.0, |from| from.arc) >= least
}

/// The deposit beside which [`most`] rests on an arc, if it does.
fn rests_on(table: &Table, price: f64) -> Option<f64> {
    let net = |node: &Node| node.value - price * node.deposit;
    let alone = table.iter().map(net).fold(f64::NEG_INFINITY, f64::max);
    let pairs = table.iter().zip(table.iter().skip(1)).filter(|(from, _)| !from.is_hole);
    let highest = pairs.map(|(from, to)| (net(from).max(net(to)) + from.arc, from, to));
    let (found, from, to) = highest.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (found > alone).then_some(0.5 * (from.deposit + to.deposit))
}

/// The most that `table` can be worth when each unit of deposit costs `price`.
pub(super) fn most(table: &Table, price: f64) -> f64 {
    let net = |node: &Node| node.value - price * node.deposit;
    let alone = table.iter().map(net).fold(f64::NEG_INFINITY, f64::max);
    let pairs = table.iter().zip(table.iter().skip(1)).filter(|(from, _)| !from.is_hole);
    pairs.map(|(from, to)| net(from).max(net(to)) + from.arc).fold(alone, f64::max)
}
