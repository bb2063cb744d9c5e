//! What the data-quality gate dropped or flagged, and why.

use plimsoll_core::{Day, MarketId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What is wrong with rows of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// A number is NaN or infinite.
    NotANumber,
    /// A number is outside the range of its column: a negative rate, an index of zero.
    OutOfRange,
    /// A second row for the same market and time.
    Duplicate,
    /// Rows of the file are not in the order of time.
    OutOfOrder,
    /// The row belongs to another network than the one it is filed under.
    ForeignNetwork,
    /// The network has no known chain id, so its markets cannot be named.
    UnknownNetwork,
    /// The first row of a market: there is nothing to check it against.
    FirstObservation,
    /// The rate is a hundred times what the index or the market's own past says: percent read as a
    /// fraction.
    UnitSlip,
    /// The rate is so high that only an index could confirm it, and none does.
    ImplausibleRate,
    /// The rate is zero where nothing explains a zero.
    ZeroRate,
    /// The index, or every number of the market, has stood still while the rate says it should move.
    FrozenFeed,
    /// The row is older than one seen before it, or is marked so by its source.
    StaleSnapshot,
    /// The index is lower than before: a loss, or an old node.
    FallingIndex,
    /// The asset goes by another name than before.
    RenamedSymbol,
    /// The protocol takes no deposits.
    DepositsClosed,
    /// Days without a row.
    Gap,
}

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The row is not in the frame.
    Dropped,
    /// The row is in the frame without the number that is wrong.
    ValueWithheld,
    /// The row is in the frame without its rates: it can be held and valued, never bought.
    RateWithheld,
    /// The row is in the frame as it was.
    Flagged,
    /// The rows were put in order.
    Sorted,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Defect::NotANumber => "not a number",
            Defect::OutOfRange => "out of range",
            Defect::Duplicate => "duplicate row",
            Defect::OutOfOrder => "out of order",
            Defect::ForeignNetwork => "row of another network",
            Defect::UnknownNetwork => "unknown network",
            Defect::FirstObservation => "first observation",
            Defect::UnitSlip => "unit slip",
            Defect::ImplausibleRate => "implausible rate",
            Defect::ZeroRate => "zero without cause",
            Defect::FrozenFeed => "frozen feed",
            Defect::StaleSnapshot => "stale snapshot",
            Defect::FallingIndex => "falling index",
            Defect::RenamedSymbol => "renamed symbol",
            Defect::DepositsClosed => "deposits closed",
            Defect::Gap => "gap",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Dropped => "dropped",
            Action::ValueWithheld => "kept without that number",
            Action::RateWithheld => "kept without its rate",
            Action::Flagged => "kept and flagged",
            Action::Sorted => "sorted",
        })
    }
}

/// One line of the quality table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QualityRow {
    /// The market, or `*` for the whole source.
    pub market: String,
    /// What is wrong.
    pub defect: Defect,
    /// How many rows it touches; for a gap, how many days have none.
    pub rows: u64,
    /// What was done.
    pub action: Action,
    /// The name of the market's asset, for a person.
    pub symbol: String,
    /// The first day it touches.
    pub first: Day,
    /// The last day it touches.
    pub last: Day,
    /// The first instance, in figures.
    pub detail: String,
}

/// The market, or for the whole source what is meant by it; the defect; the action.
type Key = (Option<MarketId>, String, Defect, Action);

/// The quality table of a source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QualityReport {
    lines: BTreeMap<Key, QualityRow>,
}

/// One instance of a defect.
#[derive(Debug, Clone)]
pub struct Finding<'a> {
    /// The market; `None` for the whole source.
    pub market: Option<&'a MarketId>,
    /// The asset's name.
    pub symbol: &'a str,
    /// What is wrong.
    pub defect: Defect,
    /// What was done.
    pub action: Action,
    /// The first day it touches.
    pub day: Day,
    /// The last day it touches.
    pub until: Day,
    /// How many rows.
    pub rows: u64,
}

impl QualityReport {
    /// Adds an instance; `detail` is asked for only when the line is new.
    pub fn add(&mut self, finding: &Finding<'_>, detail: impl FnOnce() -> String) {
        let about = if finding.market.is_none() { finding.symbol } else { "" };
        let key = (finding.market.cloned(), about.to_owned(), finding.defect, finding.action);
        let line = self.lines.entry(key).or_insert_with(|| QualityRow {
            market: finding.market.map_or_else(|| "*".to_owned(), ToString::to_string),
            defect: finding.defect,
            rows: 0,
            action: finding.action,
            symbol: finding.symbol.to_owned(),
            first: finding.day,
            last: finding.until,
            detail: detail(),
        });
        line.rows += finding.rows;
        line.first = line.first.min(finding.day);
        line.last = line.last.max(finding.until);
    }

    /// Adds the lines of another source.
    pub fn merge(&mut self, other: QualityReport) {
        for (key, line) in other.lines {
            match self.lines.get_mut(&key) {
                Some(own) => {
                    own.rows += line.rows;
                    own.first = own.first.min(line.first);
                    own.last = own.last.max(line.last);
                }
                None => {
                    self.lines.insert(key, line);
                }
            }
        }
    }

    /// Keeps the lines of the whole source and of the markets that `wanted` names.
    pub fn retain(&mut self, wanted: impl Fn(&MarketId) -> bool) {
        self.lines.retain(|(market, ..), _| market.as_ref().is_none_or(&wanted));
    }

    /// The lines: the whole source first, then by market and defect.
    pub fn rows(&self) -> impl Iterator<Item = &QualityRow> {
        self.lines.values()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
