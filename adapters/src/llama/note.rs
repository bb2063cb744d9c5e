//! What a person should know about what was read: none of it stops a run.

use plimsoll_core::MarketId;
use std::fmt;

/// Something the source put up with, or did without.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Pools were chosen by what the listing says today.
    ChosenToday {
        /// How many are listed.
        listed: usize,
        /// How many of them pass the filter.
        fitting: usize,
        /// How many were chosen.
        chosen: usize,
    },
    /// Entries of the listing, or points of a chart, that name no pool or no time.
    Unreadable {
        /// Where.
        url: String,
        /// How many.
        rows: usize,
    },
    /// A pool that has no history to read.
    Skipped {
        /// The pool.
        market: MarketId,
        /// Its name.
        symbol: String,
        /// Why.
        detail: String,
    },
    /// A pool that was called something else when it was first read.
    Renamed {
        /// The pool, which keeps its id.
        market: MarketId,
        /// Its project and symbol then.
        was: String,
        /// Its project and symbol now.
        is: String,
    },
    /// Days with more than one reading; the last of each was kept.
    RepeatedDays {
        /// The pool.
        market: MarketId,
        /// Readings left out.
        rows: usize,
    },
    /// A kept copy that is not what was written; it was fetched again.
    DamagedCopy {
        /// What it is a copy of.
        url: String,
        /// What is wrong.
        detail: String,
    },
    /// The names under which pools were first read could not be read back.
    NamesLost {
        /// What is wrong.
        detail: String,
    },
    /// A copy that could not be kept; the next run fetches again.
    NotKept {
        /// What it is a copy of.
        url: String,
        /// What the system said.
        detail: String,
    },
    /// A copy within its age limit, used unasked.
    YoungCopy {
        /// Its age, days.
        age_days: f64,
    },
    /// A copy beyond its age limit, used because the server did not answer.
    OlderCopy {
        /// What it is a copy of.
        url: String,
        /// Its age, days.
        age_days: f64,
        /// Why nothing newer was to be had.
        detail: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::ChosenToday { listed, fitting, chosen } => {
                write!(f, "{chosen} of {listed} pools")?;
                if chosen < fitting {
                    write!(f, " (the largest of {fitting} that fit)")?;
                }
                f.write_str(
                    ", chosen by what they are today: pools that have ended are not among them, and \
                     results on their past flatter",
                )
            }
            Note::Unreadable { url, rows } => write!(
                f,
                "{url}: {rows} left out: without an id, a project or a time, or with text for a number"
            ),
            Note::Skipped { market, symbol, detail } => {
                write!(f, "{symbol} ({market}) left out: {detail}")
            }
            Note::Renamed { market, was, is } => {
                write!(f, "{market} was called {was} and is called {is} now; it is the same pool")
            }
            Note::RepeatedDays { market, rows } => {
                write!(f, "{market}: {rows} readings left out; the last of each day is kept")
            }
            Note::DamagedCopy { url, detail } => {
                write!(f, "the kept copy of {url} is damaged ({detail}); it is fetched again")
            }
            Note::NamesLost { detail } => write!(
                f,
                "the names of pools are damaged ({detail}); a pool renamed since it was first read has a \
                 new id from now on"
            ),
            Note::NotKept { url, detail } => write!(f, "no copy of {url} could be kept: {detail}"),
            Note::YoungCopy { age_days } => write!(f, "a kept copy, {} old", age(*age_days)),
            Note::OlderCopy { url, age_days, detail } => {
                write!(f, "{url}: a copy {} old is used, because {detail}", age(*age_days))
            }
        }
    }
}

impl Note {
    /// Returns what a person should read: the notes in their order, with those that say the same of many
    /// answers or pools as one line.
    #[must_use]
    pub fn summary(notes: &[Note]) -> Vec<String> {
        let mut lines: Vec<String> = notes.iter().filter_map(Note::alone).collect();
        let repeated = notes.iter().filter_map(|note| match note {
            Note::RepeatedDays { rows, .. } => Some(*rows),
            _ => None,
        });
        let (pools, rows) = repeated.fold((0, 0), |(pools, all), rows| (pools + 1, all + rows));
        if pools > 0 {
            lines.push(format!(
                "{} of {} left out: only the last of each day is kept",
                counted(rows, "reading"),
                counted(pools, "pool")
            ));
        }
        let unkept: Vec<&Note> =
            notes.iter().filter(|note| matches!(note, Note::NotKept { .. })).collect();
        if let [first, rest @ ..] = unkept.as_slice() {
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(", and of {} more", rest.len())
            };
            lines.push(format!("{first}{more}"));
        }
        lines.extend(young(notes));
        lines.extend(older(notes));
        lines
    }

    /// The line of a note that stands alone.
    fn alone(&self) -> Option<String> {
        let is_grouped = matches!(
            self,
            Note::RepeatedDays { .. }
                | Note::NotKept { .. }
                | Note::YoungCopy { .. }
                | Note::OlderCopy { .. }
        );
        (!is_grouped).then(|| self.to_string())
    }
}

/// The copies that were used unasked.
fn young(notes: &[Note]) -> Option<String> {
    let ages = notes.iter().filter_map(|note| match note {
        Note::YoungCopy { age_days } => Some(*age_days),
        _ => None,
    });
    let (count, oldest) =
        ages.fold((0, 0.0f64), |(count, oldest), age| (count + 1, oldest.max(age)));
    let copies = counted(count, "kept copy");
    (count > 0).then(|| format!("{copies} used, up to {} old", age(oldest)))
}

/// The copies that were used for want of something newer, with the first reason.
fn older(notes: &[Note]) -> Option<String> {
    let copies = notes.iter().filter_map(|note| match note {
        Note::OlderCopy { url, age_days, detail } => Some((url, *age_days, detail)),
        _ => None,
    });
    let copies: Vec<_> = copies.collect();
    let (url, _, detail) = copies.first()?;
    let oldest = copies.iter().map(|(_, age, _)| *age).fold(0.0, f64::max);
    Some(format!(
        "{} used, up to {} old, for want of newer answers: {url}: {detail}",
        counted(copies.len(), "kept copy"),
        age(oldest)
    ))
}

/// "1 pool", "2 pools".
fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
}

/// An age for a person.
fn age(days: f64) -> String {
    let hours = days * 24.0;
    match () {
        () if hours < 2.0 => format!("{:.0} minutes", hours * 60.0),
        () if hours < 48.0 => format!("{hours:.1} hours"),
        () => format!("{days:.1} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_many_answers_is_one_line() {
        let market: MarketId = "aave-v3:1:p-1".parse().unwrap();
        let old = |pool: &str, age_days: f64| Note::OlderCopy {
            url: format!("http://h/chart/{pool}"),
            age_days,
            detail: "no answer".to_owned(),
        };
        let unkept = |url: &str| Note::NotKept { url: url.to_owned(), detail: "full".to_owned() };
        let notes = [
            old("a", 0.5),
            Note::YoungCopy { age_days: 0.125 },
            Note::RepeatedDays { market: market.clone(), rows: 2 },
            unkept("u"),
            old("b", 2.5),
            Note::YoungCopy { age_days: 0.01 },
            Note::RepeatedDays { market: market.clone(), rows: 1 },
            unkept("v"),
            Note::Skipped { market, symbol: "USDC".to_owned(), detail: "gone".to_owned() },
        ];
        let expected = [
            "USDC (aave-v3:1:p-1) left out: gone",
            "3 readings of 2 pools left out: only the last of each day is kept",
            "no copy of u could be kept: full, and of 1 more",
            "2 kept copies used, up to 3.0 hours old",
            "2 kept copies used, up to 2.5 days old, for want of newer answers: http://h/chart/a: no answer",
        ];
        assert_eq!(Note::summary(&notes), expected);
        assert_eq!(
            Note::summary(&notes[1..3]),
            [
                "2 readings of 1 pool left out: only the last of each day is kept",
                "1 kept copy used, up to 3.0 hours old",
            ]
        );
        assert!(Note::summary(&[]).is_empty());
    }

    #[test]
    fn an_age_is_in_the_unit_a_person_would_take() {
        assert_eq!(
            [0.0, 0.05, 0.125, 1.9, 2.0].map(age),
            ["0 minutes", "72 minutes", "3.0 hours", "45.6 hours", "2.0 days"]
        );
    }
}
