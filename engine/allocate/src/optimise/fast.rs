//! The fast path: envelopes filled in the order of their slopes, with a bound.

use super::table::{self, Piece, Tables};
use super::{AMOUNT_TOLERANCE, Book, Choice, Prices, Rooms};

/// How many markets may be pushed to one side of a gap before the rest is left to exchanges.
const SIDES: usize = 6;
/// How often the nodes around the answer are made finer.
const ZOOMS: usize = 2;

/// Where filling came to.
#[derive(Debug, Clone)]
struct Fill {
    deposits: Vec<f64>,
    /// The market that stopped inside a gap, with both its ends.
    stopped: Option<(usize, f64, f64)>,
    /// The slope at which the money ran out; 0 if it did not.
    price: f64,
    /// The slope at which each group was full.
    full: Vec<Option<f64>>,
}

/// Filled envelopes.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub(super) deposits: Vec<f64>,
    /// What the book cannot exceed.
    pub(super) bound: f64,
    /// What a unit in each market costs at the bound: wealth and the caps of its groups.
    pub(super) units: Vec<f64>,
    pub(super) prices: Prices,
    /// The nodes, fine around the deposits.
    pub(super) tables: Tables,
}

/// Returns deposits at `prices`, and what the book cannot exceed.
pub(super) fn fill(book: &Book, tables: &Tables, prices: Prices) -> Filled {
    let mut filled = Filled {
        deposits: Vec::new(),
        bound: f64::INFINITY,
        units: Vec::new(),
        prices,
        tables: tables.clone(),
    };
    let rooms = book.rooms();
    for zoom in 0..=ZOOMS {
        if zoom > 0 {
            filled.tables = filled.tables.zoomed(book, &filled.deposits, &filled.units);
        }
        filled.tables.price(book, prices);
        let pieces = pieces(&filled.tables);
        let open = pour(book, &rooms, &pieces, &vec![None; book.choices.len()]);
        let (units, bound) = limit(book, &rooms, &filled.tables, &open, prices);
        if bound <= filled.bound {
            (filled.units, filled.bound) = (units, bound);
        }
        filled.deposits = settled(book, &rooms, &pieces, open);
    }
    filled
}

/// Which deposits can be part of an answer better than a known one.
pub(super) struct Hopes<'a> {
    filled: &'a Filled,
    /// What each market has to be worth at the bound's prices.
    least: Vec<f64>,
}

impl Hopes<'_> {
    /// Whether `deposit` in `market` can be, before it is valued.
    pub(super) fn may_hold(&self, market: usize, deposit: f64) -> bool {
        let parts = self.filled.tables.each.get(market).zip(self.filled.units.get(market));
        let least = self.least.get(market).copied().unwrap_or(f64::NEG_INFINITY);
        parts.is_none_or(|(table, unit)| table::may_reach(table, *unit, deposit, least))
    }

    /// Whether `deposit` in `market`, worth `value`, can be.
    pub(super) fn is_enough(&self, market: usize, deposit: f64, value: f64) -> bool {
        let parts = self.filled.units.get(market).zip(self.least.get(market));
        parts.is_none_or(|(unit, least)| value - unit * deposit >= *least)
    }
}

impl Filled {
    /// Which deposits can be part of an answer better than `known`.
    pub(super) fn hopes(&self, known: f64) -> Hopes<'_> {
        let gap = self.bound - known;
        let pairs = self.tables.each.iter().zip(&self.units);
        let least = pairs.map(|(table, unit)| table::most(table, *unit) - gap).collect();
        Hopes { filled: self, least }
    }

    /// How far each market of `deposits` falls short of what it could be worth at the bound's prices.
    pub(super) fn shortfalls(&self, book: &Book, deposits: &[f64]) -> Vec<f64> {
        let each = self.tables.each.iter().zip(&book.choices).zip(deposits).zip(&self.units);
        let short = each.map(|(((table, choice), deposit), unit)| {
            let worth = book.worth(choice, *deposit)
                - self.prices.stuck * choice.stuck(*deposit)
                - self.prices.entering * choice.entering(*deposit);
            table::most(table, *unit) - (worth - unit * deposit)
        });
        short.collect()
    }
}

/// Every envelope's pieces, steepest first; of equal ones the longest, whose demand jumps there.
fn pieces(tables: &Tables) -> Vec<Piece> {
    let each = tables.each.iter().enumerate();
    let mut pieces: Vec<Piece> =
        each.flat_map(|(market, table)| table::envelope(market, table)).collect();
    pieces.sort_by(|a, b| {
        let length = |piece: &Piece| piece.to - piece.from;
        b.slope
            .total_cmp(&a.slope)
            .then_with(|| length(b).total_cmp(&length(a)))
            .then_with(|| a.market.cmp(&b.market))
            .then_with(|| a.from.total_cmp(&b.from))
    });
    pieces
}

/// Fills the pieces in order, `pinned` markets first.
fn pour(book: &Book, rooms: &Rooms, pieces: &[Piece], pinned: &[Option<f64>]) -> Fill {
    let slack = AMOUNT_TOLERANCE * book.wealth;
    let mut deposits: Vec<f64> = pinned.iter().map(|pin| pin.unwrap_or(0.0)).collect();
    let mut money = book.wealth - deposits.iter().sum::<f64>();
    let mut rooms = rooms.groups.clone();
    for (choice, deposit) in book.choices.iter().zip(&deposits) {
        for group in &choice.groups {
            if let Some(room) = rooms.get_mut(*group) {
                *room -= deposit;
            }
        }
    }
    let mut fill =
        Fill { deposits: Vec::new(), stopped: None, price: 0.0, full: vec![None; rooms.len()] };
    for piece in pieces {
        if piece.slope <= 0.0 || money <= slack {
            break;
        }
        let (Some(choice), Some(None), Some(deposit)) = (
            book.choices.get(piece.market),
            pinned.get(piece.market),
            deposits.get_mut(piece.market),
        ) else {
            continue;
        };
        // A market that stopped short on a steeper piece goes no further.
        if *deposit < piece.from - slack {
            continue;
        }
        let mut most = money.min(piece.to - piece.from);
        for group in &choice.groups {
            let room = rooms.get(*group).copied().unwrap_or(f64::INFINITY);
            if room < most {
                most = room.max(0.0);
                if let Some(full) = fill.full.get_mut(*group) {
                    full.get_or_insert(piece.slope);
                }
            }
        }
        let is_short = most < piece.to - piece.from - slack;
        if is_short && piece.is_gap && fill.stopped.is_none() && most > slack {
            fill.stopped = Some((piece.market, piece.from, piece.to));
        }
        *deposit = if is_short { *deposit + most } else { piece.to };
        money -= most;
        for group in &choice.groups {
            if let Some(room) = rooms.get_mut(*group) {
                *room -= most;
            }
        }
        if money <= slack {
            fill.price = piece.slope;
        }
    }
    fill.deposits = deposits;
    fill
}

/// Pushes markets that stopped inside a gap to one end or the other, and returns the best outcome.
fn settled(book: &Book, rooms: &Rooms, pieces: &[Piece], open: Fill) -> Vec<f64> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    let mut waiting = vec![(open, vec![None; book.choices.len()], 0)];
    while let Some((fill, pinned, depth)) = waiting.pop() {
        let Some((market, low, high)) = fill.stopped.filter(|_| depth < SIDES) else {
            let deposits = lawful(book, fill.deposits);
            let value = book.value(&deposits);
            if best.as_ref().is_none_or(|(known, _)| value > *known) {
                best = Some((value, deposits));
            }
            continue;
        };
        for end in [low, high] {
            let mut pinned = pinned.clone();
            if let Some(pin) = pinned.get_mut(market) {
                *pin = Some(end);
            }
            let held: f64 = pinned.iter().flatten().sum();
            if held <= book.wealth * (1.0 + AMOUNT_TOLERANCE) {
                waiting.push((pour(book, rooms, pieces, &pinned), pinned, depth + 1));
            }
        }
    }
    best.map(|(_, deposits)| deposits).unwrap_or_default()
}

/// Brings deposits that lie where none may down to what may be.
fn lawful(book: &Book, mut deposits: Vec<f64>) -> Vec<f64> {
    let slack = AMOUNT_TOLERANCE * book.wealth;
    for (choice, deposit) in book.choices.iter().zip(&mut deposits) {
        if !choice.allows(*deposit, slack) {
            *deposit = deposit.min(choice.held);
        }
    }
    deposits
}

/// What no deposits can exceed: by duality, with the prices at which filling stopped. Also what a unit in
/// each market costs at these prices.
fn limit(
    book: &Book,
    rooms: &Rooms,
    tables: &Tables,
    fill: &Fill,
    prices: Prices,
) -> (Vec<f64>, f64) {
    let above = |full: &Option<f64>| full.map_or(0.0, |slope| (slope - fill.price).max(0.0));
    let groups: Vec<f64> = fill.full.iter().map(above).collect();
    let priced = groups.iter().zip(&rooms.groups).filter(|(price, _)| **price > 0.0);
    let shared: f64 = priced.map(|(price, room)| price * room).sum();
    let unit = |choice: &Choice| {
        fill.price + choice.groups.iter().filter_map(|group| groups.get(*group)).sum::<f64>()
    };
    let units: Vec<f64> = book.choices.iter().map(unit).collect();
    let each = tables.each.iter().zip(&units).map(|(table, unit)| table::most(table, *unit));
    let stuck = prices.stuck * rooms.stuck.min(book.wealth);
    let fixed = stuck + prices.entering * book.entry_cap.min(book.wealth);
    let bound = each.sum::<f64>() + fill.price * book.wealth + shared + fixed;
    (units, bound)
}
