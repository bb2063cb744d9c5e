//! Time as an argument: milliseconds since the Unix epoch, and UTC days.
//!
//! Nothing here reads a clock.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Weekday};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// Returns the UTC day the instant falls on.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(DAY_MS))
    }

    /// Returns the days from `earlier` to this instant, negative when it lies before.
    ///
    /// # Units
    /// Days of 86,400 seconds, fractional.
    #[must_use]
    pub fn days_since(self, earlier: Time) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / DAY_MS as f64
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_millis(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// A UTC calendar day: whole days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// Returns the first instant of the day.
    #[must_use]
    pub fn start(self) -> Time {
        Time(self.0.saturating_mul(DAY_MS))
    }

    /// Returns the last millisecond of the day: the clock of a daily replay, by which every row of
    /// the day has been observed.
    #[must_use]
    pub fn end(self) -> Time {
        Time(self.0.saturating_add(1).saturating_mul(DAY_MS).saturating_sub(1))
    }

    /// Returns the day `days` later.
    #[must_use]
    pub fn plus(self, days: i64) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// Returns the calendar date, or `None` outside the range that the calendar library covers.
    #[must_use]
    pub fn date(self) -> Option<NaiveDate> {
        DateTime::from_timestamp_millis(self.start().0).map(|at| at.date_naive())
    }

    /// Returns the day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        match (self.0.rem_euclid(7) + 3).rem_euclid(7) {
            0 => Weekday::Mon,
            1 => Weekday::Tue,
            2 => Weekday::Wed,
            3 => Weekday::Thu,
            4 => Weekday::Fri,
            5 => Weekday::Sat,
            _ => Weekday::Sun,
        }
    }
}

impl From<NaiveDate> for Day {
    fn from(date: NaiveDate) -> Day {
        // 719,163 is the day number, counted from 0001-01-01, of 1970-01-01.
        Day(i64::from(date.num_days_from_ce()) - 719_163)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = chrono::ParseError;

    /// Parses `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Day, Self::Err> {
        text.parse::<NaiveDate>().map(Day::from)
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_round_trips_through_its_date_and_knows_its_weekday() {
        let day: Day = "2025-07-30".parse().unwrap();
        assert_eq!(day.to_string(), "2025-07-30");
        assert_eq!(day.weekday(), Weekday::Wed);
        assert_eq!(day.end().day(), day);
        assert_eq!(day.plus(1).start().0, day.end().0 + 1);
        for offset in 0..800 {
            let day = day.plus(offset);
            assert_eq!(day.weekday(), day.date().unwrap().weekday(), "{day}");
        }
    }

    #[test]
    fn a_time_before_the_epoch_falls_on_the_day_before() {
        assert_eq!(Time(-1).day(), Day(-1));
        assert_eq!(Time(-1).to_string(), "1969-12-31T23:59:59Z");
    }
}
