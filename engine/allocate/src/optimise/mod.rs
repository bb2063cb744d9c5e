//! Where the money goes: the optimiser.
//!
//! Maximises what the deposits earn over a horizon, less expected losses and the costs of moving,
//! within caps. Income is not concave: its marginal jumps where a deposit pushes utilization through a
//! kink, and a fixed cost makes staying a point of its own. So two solvers stand side by side. The
//! *fast path* fills upper concave envelopes in the order of their slopes and proves how far from the
//! best it can be at most; where that is not near enough, the *dynamic programme* over a grid decides.
//! Both are polished by exchanges between pairs.
//!
//! Amounts are `f64` whole units of the vault's denomination: this plans, it settles nothing.

mod binding;
mod dynamic;
mod fast;
mod polish;
mod table;

pub use binding::{Binding, Constraint};

use fast::Filled;
use plimsoll_core::{Lending, Pooled};

/// Tolerance of amounts, as a share of everything.
const AMOUNT_TOLERANCE: f64 = 1e-9;
/// Halvings of a price that a cap across markets asks for.
const PRICE_HALVINGS: usize = 20;
/// Steps of the dynamic programme where such a price is looked for.
const PRICED_STEPS: usize = 100;
/// How near to the best the fast path must prove itself to be: 0.1 bp of income a year.
pub const INCOME_TOLERANCE: f64 = 1e-5;

/// What a market pays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Earns {
    /// By its curve: our own deposit lowers the rate.
    Curve(Lending),
    /// As a pool or a campaign: our own deposit takes its share of what all are paid.
    Pooled(Pooled),
    /// A rate; what our own deposit does to it is unknown.
    Flat(f64),
}

impl Earns {
    /// Returns the sustainable rate with our `deposit`.
    #[must_use]
    pub fn apr(&self, deposit: f64) -> f64 {
        match self {
            Earns::Curve(lending) => lending.sustainable_apr(deposit),
            Earns::Pooled(pooled) => pooled.apr(deposit),
            Earns::Flat(apr) => *apr,
        }
    }
}

/// One market that money may sit in.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What it pays.
    pub earns: Earns,
    /// What sits there now.
    pub held: f64,
    /// Yearly share of the deposit that is expected to be lost, with what risk is charged for.
    pub charge: f64,
    /// The most that may sit there.
    pub cap: f64,
    /// The least total at which more may be brought in: below it utilization would stay above target.
    pub least: f64,
    /// What could leave within the owner's horizon in a run, whatever sits there.
    pub exits: f64,
    /// Cost per unit brought in.
    pub entry_cost: f64,
    /// Cost per unit taken out.
    pub exit_cost: f64,
    /// Cost of touching the market at all.
    pub fixed_cost: f64,
    /// What was brought in lately: taking it out again has to pay what bringing it in cost, too.
    pub entered: f64,
    /// What was taken out lately: bringing it in again has to pay what taking it out cost, too.
    pub left: f64,
    /// The groups whose caps it counts against.
    pub groups: Vec<usize>,
}

impl Choice {
    /// The most that may sit there after a decision: what is held is never forced out by a cap.
    fn ceiling(&self) -> f64 {
        self.cap.max(self.held)
    }

    /// Whether `deposit` may be the new total.
    fn allows(&self, deposit: f64, slack: f64) -> bool {
        deposit >= -slack
            && (deposit <= self.held + slack
                || deposit <= self.cap + slack && deposit >= self.least - slack)
    }

    /// What cannot leave in a run.
    fn stuck(&self, deposit: f64) -> f64 {
        (deposit - self.exits).max(0.0)
    }

    /// What moving from what is held to `deposit` costs.
    fn cost(&self, deposit: f64, slack: f64) -> f64 {
        let moved = deposit - self.held;
        if moved.abs() <= slack {
            return 0.0;
        }
        let rate = if moved > 0.0 { self.entry_cost } else { self.exit_cost };
        self.fixed_cost + rate * moved.abs()
    }

    /// What the late moves cost that moving to `deposit` would undo.
    fn undone(&self, deposit: f64, slack: f64) -> f64 {
        let moved = deposit - self.held;
        let (undone, rate) = if moved > 0.0 {
            (moved.min(self.left), self.exit_cost)
        } else {
            (self.entered.min(-moved), self.entry_cost)
        };
        if undone <= slack { 0.0 } else { self.fixed_cost + rate * undone }
    }

    /// What standing still saves beside the least move toward `deposit`.
    fn jump(&self, deposit: f64, slack: f64) -> f64 {
        let undoes = if deposit > self.held { self.left } else { self.entered };
        self.fixed_cost + if undoes > slack { self.fixed_cost } else { 0.0 }
    }

    /// What is brought in.
    fn entering(&self, deposit: f64) -> f64 {
        (deposit - self.held).max(0.0)
    }
}

/// A decision to be taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    /// The markets.
    pub choices: Vec<Choice>,
    /// Everything there is, idle money included.
    pub wealth: f64,
    /// How long the advantage is expected to last, years.
    pub horizon: f64,
    /// The most that each group may hold.
    pub group_caps: Vec<f64>,
    /// The most that may be stuck in a run, over all markets.
    pub stuck_cap: f64,
    /// The most that may be brought in at once.
    pub entry_cap: f64,
}

/// How a solution was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Envelopes, with proof that nothing is much better.
    Fast,
    /// The dynamic programme.
    Dynamic,
}

/// A solved book.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The new total in each market.
    pub deposits: Vec<f64>,
    /// The objective over the horizon, costs and charges taken off.
    pub value: f64,
    /// No solution of the book has a higher objective than this.
    pub bound: f64,
    /// How it was found.
    pub path: Path,
}

/// What the caps across markets leave room for: what is held already is never forced out by them.
#[derive(Debug, Clone, PartialEq)]
struct Rooms {
    groups: Vec<f64>,
    stuck: f64,
}

/// Prices of the two caps that run across markets, per unit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Prices {
    stuck: f64,
    entering: f64,
}

impl Book {
    /// Returns the objective of one market at `deposit`: income and charges over the horizon, less costs,
    /// those of the late moves that it undoes included.
    #[must_use]
    pub fn worth(&self, choice: &Choice, deposit: f64) -> f64 {
        self.worth_near(choice, deposit, &mut None)
    }

    /// As [`Book::worth`]; `guess` carries utilization from one deposit to a near one.
    fn worth_near(&self, choice: &Choice, deposit: f64, guess: &mut Option<f64>) -> f64 {
        let apr = match &choice.earns {
            Earns::Flat(apr) => *apr,
            Earns::Pooled(pooled) => pooled.apr(deposit),
            Earns::Curve(lending) => {
                let first = guess.unwrap_or_else(|| lending.utilization_after(deposit));
                let utilization = lending.utilization_near(deposit, first);
                *guess = Some(utilization);
                lending.interest_apr(utilization) + lending.reward_apr(deposit)
            }
        };
        let slack = AMOUNT_TOLERANCE * self.wealth;
        let cost = choice.cost(deposit, slack) + choice.undone(deposit, slack);
        self.horizon * deposit * (apr - choice.charge) - cost
    }

    /// Returns what moving from what is held to `deposits` costs.
    #[must_use]
    pub fn cost(&self, deposits: &[f64]) -> f64 {
        let slack = AMOUNT_TOLERANCE * self.wealth;
        let pairs = self.choices.iter().zip(deposits);
        // An empty sum is -0.
        pairs.map(|(choice, deposit)| choice.cost(*deposit, slack)).sum::<f64>() + 0.0
    }

    /// Returns the objective of all markets together.
    #[must_use]
    pub fn value(&self, deposits: &[f64]) -> f64 {
        self.choices
            .iter()
            .zip(deposits)
            .map(|(choice, deposit)| self.worth(choice, *deposit))
            .sum()
    }

    /// Returns whether `deposits` respect every cap.
    #[must_use]
    pub fn is_feasible(&self, deposits: &[f64]) -> bool {
        self.fits(&self.rooms(), deposits)
    }

    /// As [`Book::is_feasible`] with the rooms known.
    fn fits(&self, rooms: &Rooms, deposits: &[f64]) -> bool {
        let slack = AMOUNT_TOLERANCE * self.wealth;
        let mut groups = vec![0.0; self.group_caps.len()];
        let (mut sum, mut stuck, mut entering) = (0.0, 0.0, 0.0);
        for (choice, deposit) in self.choices.iter().zip(deposits) {
            if !choice.allows(*deposit, slack) {
                return false;
            }
            sum += deposit;
            stuck += choice.stuck(*deposit);
            entering += choice.entering(*deposit);
            for group in &choice.groups {
                if let Some(total) = groups.get_mut(*group) {
                    *total += deposit;
                }
            }
        }
        let fits = |found: f64, cap: f64| found <= cap + slack;
        fits(sum, self.wealth)
            && fits(stuck, rooms.stuck)
            && fits(entering, self.entry_cap)
            && groups.iter().zip(&rooms.groups).all(|(found, room)| fits(*found, *room))
    }

    /// What is held now.
    fn held(&self) -> Vec<f64> {
        self.choices.iter().map(|choice| choice.held).collect()
    }

    /// The caps across markets, or what they hold already where that is more.
    fn rooms(&self) -> Rooms {
        let mut held = vec![0.0; self.group_caps.len()];
        let mut stuck = 0.0;
        for choice in &self.choices {
            stuck += choice.stuck(choice.held);
            for group in &choice.groups {
                if let Some(total) = held.get_mut(*group) {
                    *total += choice.held;
                }
            }
        }
        let groups = self.group_caps.iter().zip(&held).map(|(cap, held)| cap.max(*held));
        Rooms { groups: groups.collect(), stuck: self.stuck_cap.max(stuck) }
    }

    /// The tolerance of the objective: 0.1 bp a year on everything.
    fn tolerance(&self) -> f64 {
        INCOME_TOLERANCE * self.wealth * self.horizon
    }
}

/// Returns the best deposits found, and what no deposits can exceed.
///
/// Never worse than staying put. A book without wealth or choices is left alone.
#[must_use]
pub fn solve(book: &Book) -> Solution {
    let Some(filled) = filled(book) else { return stay(book, Path::Fast) };
    let fast = finished(book, &filled, vec![filled.deposits.clone(), book.held()], Path::Fast);
    if fast.bound - fast.value <= book.tolerance() {
        return fast;
    }
    let deposits = programmed(book, &filled, dynamic::STEPS, fast.value);
    let dynamic = finished(book, &filled, vec![deposits], Path::Dynamic);
    let best = if dynamic.value > fast.value { dynamic } else { fast };
    Solution { path: Path::Dynamic, ..best }
}

/// Returns the solution of the fast path, proven near or not.
#[must_use]
pub fn solve_fast(book: &Book) -> Solution {
    let Some(filled) = filled(book) else { return stay(book, Path::Fast) };
    finished(book, &filled, vec![filled.deposits.clone(), book.held()], Path::Fast)
}

/// Returns the solution of the dynamic programme over `steps` steps of wealth, polished: the reference.
#[must_use]
pub fn solve_dynamic(book: &Book, steps: usize) -> Solution {
    let Some(filled) = filled(book) else { return stay(book, Path::Dynamic) };
    let deposits = programmed(book, &filled, steps, f64::NEG_INFINITY);
    finished(book, &filled, vec![deposits, book.held()], Path::Dynamic)
}

fn stay(book: &Book, path: Path) -> Solution {
    let deposits = book.held();
    let value = book.value(&deposits);
    Solution { deposits, value, bound: value, path }
}

/// Fills the envelopes; `None` where there is nothing to decide.
fn filled(book: &Book) -> Option<Filled> {
    if book.wealth <= 0.0 || book.choices.is_empty() {
        return None;
    }
    let tables = table::Tables::new(book);
    let at = |prices| fast::fill(book, &tables, prices);
    Some(priced(book, at, |filled| &filled.deposits))
}

/// Solves `book` by the dynamic programme. Deposits that, by the prices of the bound, cannot be part of
/// anything better than `known` are left out.
fn programmed(book: &Book, filled: &Filled, steps: usize, known: f64) -> Vec<f64> {
    if filled.prices == Prices::default() {
        dynamic::programme(book, steps, Prices::default(), Some(&filled.hopes(known)))
    } else {
        // Each price is a programme of its own: a coarse grid and the exchanges afterwards will do.
        let steps = steps.min(PRICED_STEPS);
        let at = |prices| dynamic::programme(book, steps, prices, None);
        priced(book, at, |deposits| deposits)
    }
}

/// Polishes each of `starts` until nothing can be much better, and returns the best; what is held where all
/// of them are worse.
fn finished(book: &Book, filled: &Filled, starts: Vec<Vec<f64>>, path: Path) -> Solution {
    let bound = filled.bound;
    let held = book.held();
    let mut best = Solution { value: book.value(&held), deposits: held, bound, path };
    for start in starts {
        if !book.is_feasible(&start) {
            continue;
        }
        let value = book.value(&start);
        if value >= best.value {
            best = Solution { value, deposits: start.clone(), ..best };
        }
        if bound - best.value <= 0.25 * book.tolerance() {
            break;
        }
        let polished = polish::polish(book, filled, start);
        let value = book.value(&polished);
        if value > best.value {
            best = Solution { value, deposits: polished, ..best };
        }
    }
    Solution { bound: bound.max(best.value), ..best }
}

/// Finds prices at which the caps on stuck money and on entries hold, by bisection one after the other,
/// and returns what `at` gives there.
fn priced<T>(
    book: &Book,
    mut at: impl FnMut(Prices) -> T,
    deposits: impl Fn(&T) -> &Vec<f64>,
) -> T {
    let mut prices = Prices::default();
    let mut found = at(prices);
    let slack = AMOUNT_TOLERANCE * book.wealth;
    let rooms = book.rooms();
    let is_over = |deposits: &[f64], stuck: bool| {
        let pairs = book.choices.iter().zip(deposits);
        let (sum, room): (f64, f64) = if stuck {
            (pairs.map(|(choice, deposit)| choice.stuck(*deposit)).sum(), rooms.stuck)
        } else {
            (pairs.map(|(choice, deposit)| choice.entering(*deposit)).sum(), book.entry_cap)
        };
        sum > room + slack
    };
    // Twice over, since each price moves what the other one sees.
    for stuck in [true, false, true, false] {
        if !is_over(deposits(&found), stuck) {
            continue;
        }
        let (mut low, mut high) = (0.0, ceiling_price(book));
        for _ in 0..PRICE_HALVINGS {
            let price = 0.5 * (low + high);
            if stuck {
                prices.stuck = price
            } else {
                prices.entering = price
            }
            if is_over(deposits(&at(prices)), stuck) { low = price } else { high = price }
        }
        if stuck {
            prices.stuck = high
        } else {
            prices.entering = high
        }
        found = at(prices);
    }
    found
}

/// A price above which nothing is worth buying.
fn ceiling_price(book: &Book) -> f64 {
    let best = book.choices.iter().map(|choice| choice.earns.apr(0.0)).fold(0.0, f64::max);
    2.0 * book.horizon * best + 1.0
}

#[cfg(test)]
mod tests;
