//! A time axis with ticks on the first of a month, or on whole days where the run is short.

use chrono::{Datelike, NaiveDate};
use plimsoll_core::Day;

/// Most steps between ticks that fit beside one another on a wide screen.
const MOST_STEPS: i64 = 8;
/// Runs of at most this many days are ticked by the day.
const SHORT_DAYS: i64 = 56;

/// A time axis from one day to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    first: Day,
    last: Day,
}

/// One tick of a time axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DateTick {
    /// Where it lies, 0 at the first day and 1 at the last.
    pub(super) fraction: f64,
    /// What it says: `YYYY-MM`, or `YYYY-MM-DD` where the run is short.
    pub(super) label: String,
}

impl Calendar {
    /// Returns the axis that covers `days`, at least a day long, or `None` where there are none.
    pub(super) fn covering(days: impl Iterator<Item = Day>) -> Option<Calendar> {
        let (first, last) = days.fold(None, |range, day| match range {
            None => Some((day, day)),
            Some((first, last)) => Some((day.min(first), day.max(last))),
        })?;
        Some(Calendar { first, last: last.max(first.plus(1)) })
    }

    /// Returns the first day.
    pub(super) fn first(&self) -> Day {
        self.first
    }

    /// Returns the last day.
    pub(super) fn last(&self) -> Day {
        self.last
    }

    /// Returns where `day` lies, 0 at the first day and 1 at the last.
    pub(super) fn fraction(&self, day: Day) -> f64 {
        let since = day.0.saturating_sub(self.first.0) as f64;
        (since / self.span_days() as f64).clamp(0.0, 1.0)
    }

    /// Returns the ticks in order of time.
    pub(super) fn ticks(&self) -> Vec<DateTick> {
        if self.span_days() <= SHORT_DAYS { self.day_ticks() } else { self.month_ticks() }
    }

    fn span_days(&self) -> i64 {
        self.last.0.saturating_sub(self.first.0)
    }

    fn day_ticks(&self) -> Vec<DateTick> {
        let span = self.span_days();
        let fits = |step: &i64| span / step <= MOST_STEPS;
        let step = [1, 2, 7].into_iter().find(fits).unwrap_or(14);
        (0..=span / step)
            .map(|tick| self.first.plus(tick * step))
            .map(|day| DateTick { fraction: self.fraction(day), label: day.to_string() })
            .collect()
    }

    fn month_ticks(&self) -> Vec<DateTick> {
        let (Some(first), Some(last)) = (self.first.date(), self.last.date()) else {
            return Vec::new();
        };
        let months = month_of(last) - month_of(first);
        let fits = |step: &i64| months / step <= MOST_STEPS;
        let step = [1, 2, 3, 6, 12, 24, 60].into_iter().find(fits).unwrap_or(120);
        let start = (month_of(first) + step - 1).div_euclid(step);
        (start..=month_of(last).div_euclid(step))
            .filter_map(|tick| start_of_month(tick * step))
            .filter(|date| *date >= first)
            .map(|date| DateTick {
                fraction: self.fraction(Day::from(date)),
                label: date.format("%Y-%m").to_string(),
            })
            .collect()
    }
}

/// Returns the months since the start of year 0.
fn month_of(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

fn start_of_month(month: i64) -> Option<NaiveDate> {
    let year = i32::try_from(month.div_euclid(12)).ok()?;
    NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(first: &str, last: &str) -> Vec<String> {
        let days = [first.parse().unwrap(), last.parse().unwrap()];
        let ticks = Calendar::covering(days.into_iter()).unwrap().ticks();
        assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.fraction)), "{ticks:?}");
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn long_runs_are_ticked_by_the_month_and_short_ones_by_the_day() {
        assert_eq!(labels("2025-08-18", "2025-11-20"), ["2025-09", "2025-10", "2025-11"]);
        assert_eq!(labels("2025-08-18", "2025-08-20"), ["2025-08-18", "2025-08-19", "2025-08-20"]);
        assert_eq!(labels("2025-08-18", "2025-08-18").len(), 2);
    }

    #[test]
    fn no_run_has_too_many_ticks() {
        for last in ["2025-03-01", "2026-01-01", "2031-07-07", "2099-12-31"] {
            assert!(labels("2025-01-02", last).len() <= 11, "{last}");
        }
    }
}
