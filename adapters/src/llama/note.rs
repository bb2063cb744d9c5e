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
            Note::ChosenToday { listed, chosen } => write!(
                f,
                "{chosen} of {listed} pools, chosen by what they are today: pools that have ended are \
                 not among them, and results on their past flatter"
            ),
            Note::Unreadable { url, rows } => {
                write!(f, "{url}: {rows} entries left out: without an id, a project or a time")
            }
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
            Note::OlderCopy { url, age_days, detail } => {
                write!(f, "{url}: a copy {age_days:.1} days old is used, because {detail}")
            }
        }
    }
}
