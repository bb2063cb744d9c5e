//! What keeps a position from being larger, and what relaxing it would bring.

use super::{AMOUNT_TOLERANCE, Book, Choice, Earns, solve};

/// What keeps a position where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// There is no more money.
    Wealth,
    /// The market's own cap.
    Cap,
    /// The cap of a group.
    Group(usize),
    /// What may be stuck in a run.
    Stuck,
    /// What may be brought in at once.
    Entries,
    /// Utilization would stay above target.
    Utilization,
    /// Moving costs more than it brings.
    Costs,
    /// The next unit would lower the income: our own effect on the rate.
    OwnEffect,
    /// It pays nothing worth having.
    Rate,
}

/// A constraint with its worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binding {
    /// What binds.
    pub constraint: Constraint,
    /// What the objective would gain a year if it were a hundredth of wealth looser; `None` where nothing
    /// can be loosened.
    pub gain: Option<f64>,
}

impl Book {
    /// Returns what keeps `market` from being larger in `deposits`, without what relaxing it would bring.
    #[must_use]
    pub fn constraint(&self, deposits: &[f64], market: usize) -> Option<Constraint> {
        let (choice, at) = (self.choices.get(market)?, *deposits.get(market)?);
        let slack = 1e-6 * self.wealth;
        // The next bit beyond what standing still is worth: the fixed cost would be paid once moved.
        let bit = 1e-3 * self.wealth;
        let more = self.worth(choice, at + bit) - self.worth(choice, at);
        let least_move = AMOUNT_TOLERANCE * self.wealth;
        let is_still = (at - choice.held).abs() <= least_move;
        let fixed = if is_still { choice.jump(at + bit, least_move) } else { 0.0 };
        if more + fixed + choice.entry_cost * bit <= 0.0 {
            return Some(match choice.earns {
                Earns::Curve(lending) if lending.sustainable_apr(at) > choice.charge => {
                    Constraint::OwnEffect
                }
                Earns::Pooled(pooled) if pooled.apr(at) > choice.charge => Constraint::OwnEffect,
                _ => Constraint::Rate,
            });
        }
        let is_full = |found: f64, cap: f64| found >= cap - slack;
        if is_full(at, choice.cap) {
            return Some(Constraint::Cap);
        }
        let sum_of = |of: &dyn Fn(&Choice, f64) -> f64| -> f64 {
            self.choices.iter().zip(deposits).map(|(choice, deposit)| of(choice, *deposit)).sum()
        };
        let rooms = self.rooms();
        let room = |group: usize| rooms.groups.get(group).copied().unwrap_or(f64::INFINITY);
        let group = choice.groups.iter().copied().find(|group| {
            let held = sum_of(&|choice, deposit| {
                if choice.groups.contains(group) { deposit } else { 0.0 }
            });
            is_full(held, room(*group))
        });
        if let Some(group) = group {
            return Some(Constraint::Group(group));
        }
        if at < choice.least - slack && at <= choice.held + slack {
            return Some(Constraint::Utilization);
        }
        if at + slack > choice.exits && is_full(sum_of(&Choice::stuck), rooms.stuck) {
            return Some(Constraint::Stuck);
        }
        // A bound on entries that lets everything in is no bound.
        let has_bound = self.entry_cap < self.wealth - slack;
        let is_entering = has_bound && at + slack > choice.held;
        if is_entering && is_full(sum_of(&Choice::entering), self.entry_cap) {
            return Some(Constraint::Entries);
        }
        if is_still && more <= 0.0 {
            return Some(Constraint::Costs);
        }
        Some(Constraint::Wealth)
    }

    /// Returns what binds `market` in `deposits` and what a hundredth of wealth more room would bring a
    /// year, by solving the book again with it.
    #[must_use]
    pub fn binding(&self, deposits: &[f64], market: usize) -> Option<Binding> {
        let constraint = self.constraint(deposits, market)?;
        let room = 0.01 * self.wealth;
        let mut looser = self.clone();
        let choice = looser.choices.get_mut(market)?;
        match constraint {
            Constraint::Cap => choice.cap += room,
            Constraint::Utilization => choice.least = 0.0,
            Constraint::Group(group) => *looser.group_caps.get_mut(group)? += room,
            Constraint::Stuck => looser.stuck_cap += room,
            Constraint::Entries => looser.entry_cap += room,
            Constraint::Wealth | Constraint::Costs | Constraint::OwnEffect | Constraint::Rate => {
                return Some(Binding { constraint, gain: None });
            }
        }
        let gain = (solve(&looser).value - self.value(deposits)) / self.horizon.max(1e-9);
        Some(Binding { constraint, gain: Some(gain.max(0.0)) })
    }
}
