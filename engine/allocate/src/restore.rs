//! What brings a portfolio back within the line after prices, or other people's moves, have taken it out.
//!
//! The limits of a line bind what is bought. What is held moves on: a pool's token rises, borrowers take what could have
//! left, a price begins to swing. An allocator with headroom buys up to a part of each limit alone, and where a limit is
//! passed all the same, it takes out what is beyond that part, to idle money, whatever leaving costs.

use crate::candidates::Candidates;
use crate::propose::weights;
use plimsoll_core::{Enforcement, Limit, MarketId};
use plimsoll_frame::{Group, Situation};
use std::collections::BTreeMap;

/// How many times as much of CVaR95 and of what may be stuck is left free: both move faster than what is held does.
const MOVES_FAST: f64 = 5.0;
/// A limit is passed where it is by more than this share of everything.
const PASSED: f64 = 1e-6;
/// Days within which the limit on what may be stuck asks for money.
const IN_TIME_DAYS: f64 = 1.0;
/// What adds less than this part of what the steepest does is not sold for a limit on losses.
const MUCH: f64 = 0.05;
/// Halvings in the search for the part that fits.
const HALVINGS: usize = 40;

/// The part of a limit that may be bought up to.
#[must_use]
pub(crate) fn usable(limit: Limit, headroom: f64) -> f64 {
    let times =
        if matches!(limit, Limit::Cvar95_30d | Limit::Exit24hRun) { MOVES_FAST } else { 1.0 };
    (1.0 - times * headroom).max(0.0)
}

/// A portfolio that was brought back.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// The deposit in each candidate, whole units.
    pub deposits: Vec<f64>,
    /// The limits that it had passed.
    pub passed: Vec<Limit>,
}

/// Returns `deposits` with what is beyond the line taken out; `None` where it is within, or limits are off, or the
/// allocator has no headroom.
#[must_use]
pub fn restored(
    now: &Situation<'_>,
    candidates: &Candidates,
    deposits: &[f64],
) -> Option<Restored> {
    if candidates.headroom <= 0.0 || now.policy.enforcement == Enforcement::Off {
        return None;
    }
    let cut = Cut { now, candidates, deposits: deposits.to_vec(), passed: Vec::new() };
    let cut = cut.groups().stuck();
    let line = &now.policy.preference;
    let scenarios = now.scenarios();
    let cut = cut.losses(Limit::Cvar95_30d, line.cvar95_30d.value(), &|weights| {
        (scenarios.cvar95_30d(weights), scenarios.cvar95_slopes(weights))
    });
    let cut = if candidates.shared.caps_protocols() {
        cut.losses(Limit::Es999_1y, line.es999_1y.value(), &|weights| {
            (scenarios.es999_1y(weights), scenarios.es999_slopes(weights))
        })
    } else {
        cut
    };
    let Cut { deposits, passed, .. } = cut;
    (!passed.is_empty()).then_some(Restored { deposits, passed })
}

/// A measure of loss of some weights, and what a unit more of each market adds to it.
type Measured = (Option<f64>, Option<Vec<f64>>);

struct Cut<'a> {
    now: &'a Situation<'a>,
    candidates: &'a Candidates,
    deposits: Vec<f64>,
    passed: Vec<Limit>,
}

impl Cut<'_> {
    fn slack(&self) -> f64 {
        PASSED * self.now.nav
    }

    /// Each group, back to its cap.
    fn groups(mut self) -> Self {
        let book = &self.candidates.book;
        let caps = book.group_caps.iter().zip(&self.candidates.line.groups);
        // What waits in a queue is on its way out.
        let queued: Vec<f64> = self
            .candidates
            .markets
            .iter()
            .map(|market| {
                let facts = self.now.facts.get(market);
                facts.map_or(0.0, |facts| facts.queued.to_f64(self.now.decimals))
            })
            .collect();
        for (place, ((cap, line), group)) in caps.zip(&self.candidates.groups).enumerate() {
            let members: Vec<bool> =
                book.choices.iter().map(|choice| choice.groups.contains(&place)).collect();
            let stays = |deposit: f64, queued: f64| (deposit - queued).max(0.0);
            let each = self.deposits.iter().zip(&queued).zip(&members);
            let each = each.filter(|(_, is)| **is);
            let sum: f64 = each.map(|((deposit, queued), _)| stays(*deposit, *queued)).sum();
            if sum <= line + self.slack() {
                continue;
            }
            let each = self.deposits.iter_mut().zip(&queued).zip(&members);
            for ((deposit, queued), _) in each.filter(|(_, is)| **is) {
                *deposit -= (1.0 - cap / sum) * stays(*deposit, *queued);
            }
            self.passed.push(match group {
                Group::Protocol(_) => Limit::PerProtocol,
                Group::Issuer(_) => Limit::PerIssuer,
                Group::Chain(_) => Limit::PerChain,
                Group::Foreign => Limit::ForeignExposure,
            });
        }
        self
    }

    /// What could not leave in a run, back to what may be stuck. A queue of more than a day brings nothing back in time, so
    /// that what has one stays where it is.
    fn stuck(mut self) -> Self {
        let book = &self.candidates.book;
        let stuck =
            |choice: &crate::optimise::Choice, deposit: f64| (deposit - choice.exits).max(0.0);
        let pairs = book.choices.iter().zip(&self.deposits);
        let sum: f64 = pairs.map(|(choice, deposit)| stuck(choice, *deposit)).sum();
        if sum <= self.candidates.line.stuck + self.slack() {
            return self;
        }
        let in_time: Vec<bool> = self
            .candidates
            .markets
            .iter()
            .map(|market| {
                let days = self.now.view.quote(market).and_then(|quote| quote.exit_delay_days);
                days.is_none_or(|days| days <= IN_TIME_DAYS)
            })
            .collect();
        let each = book.choices.iter().zip(&self.deposits).zip(&in_time);
        let each = each.filter(|(_, is)| **is);
        let movable: f64 = each.map(|((choice, deposit), _)| stuck(choice, *deposit)).sum();
        if movable <= self.slack() {
            return self;
        }
        let part = ((sum - book.stuck_cap) / movable).min(1.0);
        let each = book.choices.iter().zip(&mut self.deposits).zip(&in_time);
        for ((choice, deposit), _) in each.filter(|(_, is)| **is) {
            *deposit -= part * stuck(choice, *deposit);
        }
        self.passed.push(Limit::Exit24hRun);
        self
    }

    /// A measure of loss: what adds much to it is scaled down by one part. Where the rest alone is beyond the room, down to
    /// the line; where it is beyond the line nothing is sold, since it would not help.
    fn losses(
        mut self,
        limit: Limit,
        line: f64,
        measure: &dyn Fn(&BTreeMap<MarketId, f64>) -> Measured,
    ) -> Self {
        let of = |deposits: &[f64]| measure(&weights(self.now, self.candidates, deposits));
        let (Some(found), Some(slopes)) = of(&self.deposits) else { return self };
        if found <= line + PASSED {
            return self;
        }
        let scenarios = self.now.scenarios();
        let slope = |market: &MarketId| {
            let slope = scenarios.column(market).and_then(|column| slopes.get(column));
            slope.copied().unwrap_or_default()
        };
        let markets = &self.candidates.markets;
        let held = markets.iter().zip(&self.deposits).filter(|(_, deposit)| **deposit > 0.0);
        let steepest = held.map(|(market, _)| slope(market)).fold(0.0, f64::max);
        let adds: Vec<bool> =
            markets.iter().map(|market| slope(market) > MUCH * steepest).collect();
        let scaled = |part: f64| -> Vec<f64> {
            let pairs = self.deposits.iter().zip(&adds);
            pairs.map(|(deposit, adds)| if *adds { part * deposit } else { *deposit }).collect()
        };
        let Some(rest) = of(&scaled(0.0)).0 else { return self };
        let wanted = line * usable(limit, self.candidates.headroom);
        let most = if rest <= wanted { wanted } else { line };
        if rest > most {
            return self;
        }
        let (mut fits, mut fails) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (fits + fails);
            let is_fit = of(&scaled(middle)).0.is_some_and(|found| found <= most);
            if is_fit { fits = middle } else { fails = middle }
        }
        self.deposits = scaled(fits);
        self.passed.push(limit);
        self
    }
}
