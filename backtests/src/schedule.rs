//! When decisions are taken.

use chrono::Weekday;
use plimsoll_core::Day;

/// Days of history before the first decision, so that a mean over a week has a week to mean over.
pub const WARM_UP_DAYS: i64 = 8;

/// How often decisions are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decide {
    /// Once a week, on this day.
    Weekly(Weekday),
    /// Every day.
    Daily,
}

/// Decision days, and the day on which the replay ends.
///
/// Decisions are taken at the end of their day, on everything observed by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Decision days, in order; at least one.
    pub decisions: Vec<Day>,
    /// The last day: the portfolio is valued, nothing is decided.
    pub last: Day,
}

/// Why there is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no decision day between {from} and {to}: the data cover {first} to {last}, and the first decision \
     needs {WARM_UP_DAYS} days of history before it; widen --from and --to"
)]
pub struct EmptySchedule {
    /// What was asked for.
    pub from: Day,
    /// What was asked for.
    pub to: Day,
    /// What the data cover.
    pub first: Day,
    /// What the data cover.
    pub last: Day,
}

/// What a schedule is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First day of the data.
    pub first: Day,
    /// Last day of the data.
    pub last: Day,
    /// First day that was asked for.
    pub from: Option<Day>,
    /// Last day that was asked for.
    pub to: Option<Day>,
}

impl Span {
    fn start(&self) -> Day {
        self.from.unwrap_or(self.first).max(self.first.plus(WARM_UP_DAYS))
    }

    fn end(&self) -> Day {
        self.to.unwrap_or(self.last).min(self.last)
    }

    fn empty(&self) -> EmptySchedule {
        EmptySchedule {
            from: self.from.unwrap_or(self.first),
            to: self.to.unwrap_or(self.last),
            first: self.first,
            last: self.last,
        }
    }
}

impl Schedule {
    /// Returns every decision day of `span`, the last day left out.
    ///
    /// # Errors
    /// [`EmptySchedule`] where there is none.
    pub fn regular(span: &Span, decide: Decide) -> Result<Schedule, EmptySchedule> {
        let (start, end) = (span.start(), span.end());
        let decisions: Vec<Day> = (start.0..end.0)
            .map(Day)
            .filter(|day| match decide {
                Decide::Weekly(weekday) => day.weekday() == weekday,
                Decide::Daily => true,
            })
            .collect();
        if decisions.is_empty() {
            return Err(span.empty());
        }
        Ok(Schedule { decisions, last: end })
    }

    /// Returns the decision days of the `aave-weekly` contract: every seventh day from the span's
    /// first, eight days later where the data begin less than eight days before it; each decision has
    /// its whole week within the span. A `weekday` moves the first decision on to that day.
    ///
    /// # Errors
    /// [`EmptySchedule`] where there is none.
    pub fn aave_weekly(span: &Span, weekday: Option<Weekday>) -> Result<Schedule, EmptySchedule> {
        let from = span.from.unwrap_or(span.first).max(span.first);
        let wait = if from.0 - span.first.0 < WARM_UP_DAYS { WARM_UP_DAYS } else { 0 };
        let mut day = from.plus(wait);
        while weekday.is_some_and(|weekday| day.weekday() != weekday) {
            day = day.plus(1);
        }
        let mut decisions = Vec::new();
        while day.plus(7) <= span.end() {
            decisions.push(day);
            day = day.plus(7);
        }
        match decisions.last() {
            Some(last) => Ok(Schedule { last: last.plus(7), decisions }),
            None => Err(span.empty()),
        }
    }

    /// The first decision day.
    #[must_use]
    pub fn first(&self) -> Day {
        self.decisions.first().copied().unwrap_or(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: Option<&str>, to: Option<&str>) -> Span {
        Span {
            first: "2025-07-22".parse().unwrap(),
            last: "2026-02-28".parse().unwrap(),
            from: from.map(|day| day.parse().unwrap()),
            to: to.map(|day| day.parse().unwrap()),
        }
    }

    #[test]
    fn the_contract_has_thirty_decisions_from_the_ninth_row() {
        let schedule = Schedule::aave_weekly(&span(None, None), None).unwrap();
        assert_eq!(schedule.decisions.len(), 30);
        assert_eq!(schedule.first().to_string(), "2025-07-30");
        assert_eq!(schedule.last.to_string(), "2026-02-25");
        let monday = Schedule::aave_weekly(&span(None, None), Some(Weekday::Mon)).unwrap();
        assert_eq!(monday.first().to_string(), "2025-08-04");
        let later = Schedule::aave_weekly(&span(Some("2025-09-01"), None), None).unwrap();
        assert_eq!(later.first().to_string(), "2025-09-01");
        let early = Schedule::aave_weekly(&span(Some("2025-07-25"), None), None).unwrap();
        assert_eq!(early.first().to_string(), "2025-08-02");
    }

    #[test]
    fn weekly_decisions_fall_on_their_weekday_after_the_warm_up() {
        let schedule = Schedule::regular(&span(None, None), Decide::Weekly(Weekday::Mon)).unwrap();
        assert_eq!(schedule.first().to_string(), "2025-08-04");
        assert!(schedule.decisions.iter().all(|day| day.weekday() == Weekday::Mon));
        let daily = Schedule::regular(&span(None, Some("2025-08-05")), Decide::Daily).unwrap();
        assert_eq!(daily.decisions.len(), 6);
    }

    #[test]
    fn a_span_without_a_decision_says_what_the_data_cover() {
        let error = Schedule::regular(&span(None, Some("2025-07-24")), Decide::Daily).unwrap_err();
        assert!(error.to_string().contains("the data cover 2025-07-22 to 2026-02-28"), "{error}");
    }
}
