//! The data-quality gate: which rows enter a frame, and what is withheld from them.
//!
//! The gate is causal: what it does to a row depends on that row and on earlier rows of its market,
//! never on a later one, so the same gate serves a replay and a live feed. It deletes only what
//! cannot be a reading of the market (another network, no number, a duplicate). A reading that is
//! true but cannot be relied on keeps its index, so that a holder is valued, and loses its rate, so
//! that nobody buys on it. A falling index is kept and flagged.

mod doubts;
mod memory;

use crate::quality::{Action, Defect, Finding, QualityReport};
use crate::row::{MarketRow, Observation};
use crate::schema::Column;
use memory::{Memory, is_one};
use plimsoll_core::{Day, MarketId};
use std::collections::{BTreeMap, BTreeSet};

/// What the gate does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateMode {
    /// Drops and withholds.
    Enforce,
    /// Flags, and drops only what no frame can hold: duplicates, NaN, numbers out of range. For
    /// checks of arithmetic against figures that were computed on the raw rows.
    FlagOnly,
}

/// Thresholds of the gate.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSettings {
    /// What is done.
    pub mode: GateMode,
    /// Days without a change of the index, while the rate says it should change, after which a feed
    /// is frozen.
    pub frozen_after_days: f64,
    /// Days without a change of any number after which a feed without an index is frozen.
    pub frozen_rates_after_days: f64,
    /// Rate above which an index has to confirm it.
    pub confirm_above_apr: f64,
    /// Rate above which a feed without an index is not believed.
    pub believe_below_apr: f64,
    /// A rate is taken for percent when it is this many times what the index or the past says; the
    /// upper end of the range is 200.
    pub slip_from: f64,
}

impl Default for GateSettings {
    fn default() -> GateSettings {
        GateSettings {
            mode: GateMode::Enforce,
            frozen_after_days: 3.0,
            frozen_rates_after_days: 7.0,
            confirm_above_apr: 1.0,
            believe_below_apr: 5.0,
            slip_from: 50.0,
        }
    }
}

/// The first day that a row can be about: 2009-01-03, of Bitcoin's first block.
const EARLIEST: Day = Day(14_247);
/// The last day that a row can be about: 2099-12-31.
const LATEST: Day = Day(47_481);

/// The gate with what it remembers of each market.
#[derive(Debug)]
pub struct Gate {
    source: String,
    settings: GateSettings,
    /// `None` only while a row of the market is being judged.
    markets: BTreeMap<MarketId, Option<Box<Memory>>>,
    days: BTreeSet<Day>,
    report: QualityReport,
}

impl Gate {
    /// Returns a gate that has seen nothing, for one source: what is missing from all its markets at
    /// once is told apart from what is missing from one.
    #[must_use]
    pub fn new(source: &str, settings: GateSettings) -> Gate {
        Gate {
            source: source.to_owned(),
            settings,
            markets: BTreeMap::new(),
            days: BTreeSet::new(),
            report: QualityReport::default(),
        }
    }

    /// Takes the next observation, in the order of time for each market, and returns the row that
    /// may enter the frame, if any.
    pub fn admit(&mut self, mut observation: Observation) -> Option<MarketRow> {
        if !(EARLIEST..=LATEST).contains(&observation.row.time.day()) {
            self.note(&observation, Defect::OutOfRange, Action::Dropped, || {
                format!("its time lies outside {EARLIEST} to {LATEST}: milliseconds since 1970?")
            });
            return None;
        }
        self.days.insert(observation.row.time.day());
        if self.is_no_reading(&observation) {
            return None;
        }
        self.clear_broken(&mut observation);
        let enforce = self.settings.mode == GateMode::Enforce;
        let market = observation.row.market.clone();
        let Some(mut memory) = self.markets.get_mut(&market).and_then(Option::take) else {
            self.markets.insert(market, Some(Box::new(Memory::first(&observation))));
            if !enforce {
                return Some(observation.row);
            }
            self.note(&observation, Defect::FirstObservation, Action::Dropped, || {
                "nothing to check it against; the market enters with its next row".to_owned()
            });
            return None;
        };
        let judged = self.judge(&observation, &mut memory);
        self.markets.insert(market, Some(memory));
        let withhold = judged?;
        let mut row = observation.row;
        if enforce {
            if withhold {
                row.set(Column::SupplyApr, None);
                row.set(Column::RewardApr, None);
            }
            if observation.takes_deposits == Some(false) {
                row.set(Column::EntryUsd, Some(0.0));
            }
        }
        Some(row)
    }

    /// Judges a row by what came before it, and remembers it. Returns whether its rates are withheld, or
    /// `None` for a row that was there already.
    fn judge(&mut self, observation: &Observation, memory: &mut Memory) -> Option<bool> {
        if observation.row.time <= memory.time {
            self.note(observation, Defect::Duplicate, Action::Dropped, || {
                format!("a second row at {}; the first is kept", observation.row.time)
            });
            return None;
        }
        self.note_past(observation, memory);
        let doubts = self.doubts(observation, memory);
        if observation.row.get(Column::SupplyApr).is_some_and(|apr| apr > 0.0) {
            memory.rated.0 += 1;
            memory.rated.1 += u64::from(doubts.contains(&Defect::UnitSlip));
        }
        memory.learn(observation, !doubts.is_empty());
        Some(!doubts.is_empty())
    }

    /// Adds rows that the source found out of order before it sorted them.
    pub fn note_out_of_order(
        &mut self,
        market: &MarketId,
        symbol: &str,
        days: (Day, Day),
        rows: u64,
    ) {
        let finding = Finding {
            market: Some(market),
            symbol,
            defect: Defect::OutOfOrder,
            action: Action::Sorted,
            day: days.0,
            until: days.1,
            rows,
        };
        self.report.add(&finding, || "earlier than the row before them in the file".to_owned());
    }

    /// Adds rows of a network that has no known chain id, and what the source did with them.
    pub fn note_unknown_network(
        &mut self,
        name: &str,
        days: (Day, Day),
        rows: u64,
        action: Action,
    ) {
        let finding = Finding {
            market: None,
            symbol: name,
            defect: Defect::UnknownNetwork,
            action,
            day: days.0,
            until: days.1,
            rows,
        };
        self.report.add(&finding, || format!("no chain id is known for {name:?}"));
    }

    /// Returns how many markets have rates that look like percent, and of how many, where it is most of
    /// them: then it is the source that is in percent, not a market that slipped.
    #[must_use]
    pub fn looks_like_percent(&self) -> Option<(usize, usize)> {
        let judged = self
            .markets
            .values()
            .flatten()
            .map(|memory| memory.rated)
            .filter(|(rows, _)| *rows >= 10);
        let (slipped, all) = judged.fold((0, 0), |(slipped, all), (rows, slips)| {
            (slipped + usize::from(2 * slips >= rows), all + 1)
        });
        (all >= 3 && 2 * slipped >= all).then_some((slipped, all))
    }

    /// Returns the quality table of everything admitted so far.
    #[must_use]
    pub fn report(&self) -> QualityReport {
        let mut report = self.report.clone();
        if let (Some(first), Some(last)) = (self.days.first(), self.days.last()) {
            for day in (first.0..=last.0).map(Day).filter(|day| !self.days.contains(day)) {
                let finding = Finding {
                    market: None,
                    symbol: &self.source,
                    defect: Defect::Gap,
                    action: Action::Flagged,
                    day,
                    until: day,
                    rows: 1,
                };
                report.add(&finding, || {
                    format!("no market has a row on {day}; nothing is filled in")
                });
            }
        }
        let known =
            self.markets.iter().filter_map(|(market, memory)| Some((market, memory.as_ref()?)));
        for (market, memory) in known {
            for (from, to) in &memory.gaps {
                let days = (from.0..=to.0).map(Day).filter(|day| self.days.contains(day)).count();
                let rows = u64::try_from(days).unwrap_or(u64::MAX);
                if rows == 0 {
                    continue;
                }
                let finding = Finding {
                    market: Some(market),
                    symbol: &memory.symbol,
                    defect: Defect::Gap,
                    action: Action::Flagged,
                    day: *from,
                    until: *to,
                    rows,
                };
                report
                    .add(&finding, || format!("no row from {from} to {to}; nothing is filled in"));
            }
        }
        report
    }

    fn note(
        &mut self,
        observation: &Observation,
        defect: Defect,
        action: Action,
        detail: impl FnOnce() -> String,
    ) {
        let row = &observation.row;
        let finding = Finding {
            market: Some(&row.market),
            symbol: &observation.symbol,
            defect,
            action: if self.settings.mode == GateMode::FlagOnly
                && !matches!(defect, Defect::NotANumber | Defect::OutOfRange | Defect::Duplicate)
            {
                Action::Flagged
            } else {
                action
            },
            day: row.time.day(),
            until: row.time.day(),
            rows: 1,
        };
        self.report.add(&finding, detail);
    }

    /// Whether the row cannot be a reading of the market at all.
    fn is_no_reading(&mut self, observation: &Observation) -> bool {
        let row = &observation.row;
        let index = row.get(Column::SharePrice);
        if let Some(index) = index.filter(|index| !Column::SharePrice.allowed().holds(*index)) {
            let defect = if index.is_finite() { Defect::OutOfRange } else { Defect::NotANumber };
            self.note(observation, defect, Action::Dropped, || {
                let allowed = Column::SharePrice.allowed().text();
                format!("`share_price` is {index}, allowed is {allowed}")
            });
            return true;
        }
        let filed = row.market.chain();
        if let Some(named) = observation.key_network.filter(|named| *named != filed) {
            self.note(observation, Defect::ForeignNetwork, Action::Dropped, || {
                format!("filed under {filed}, but its own key names {named}")
            });
            return self.settings.mode == GateMode::Enforce;
        }
        false
    }

    /// Takes numbers that cannot be out of the row; what is left of it, its index first, stays.
    fn clear_broken(&mut self, observation: &mut Observation) {
        for column in Column::ALL {
            let value = observation.row.get(column);
            let Some(value) = value.filter(|value| !column.allowed().holds(*value)) else {
                continue;
            };
            let defect = if value.is_finite() { Defect::OutOfRange } else { Defect::NotANumber };
            self.note(observation, defect, Action::ValueWithheld, || {
                format!("`{}` is {value}, allowed is {}", column.name(), column.allowed().text())
            });
            observation.row.set(column, None);
        }
    }

    /// Notes what the step from the row before says about the rows before.
    fn note_past(&mut self, observation: &Observation, before: &Memory) {
        let row = &observation.row;
        if observation.symbol != before.symbol {
            self.note(observation, Defect::RenamedSymbol, Action::Flagged, || {
                format!(
                    "{} is called {} from {}",
                    before.symbol,
                    observation.symbol,
                    row.time.day()
                )
            });
        }
        if let (Some(was), Some(is)) = (before.share_price, row.get(Column::SharePrice)) {
            if before.seen == 1 && was > 1.0 && is_one(is) {
                // An index starts at one and never returns to it: the only earlier row was read from
                // another contract. It was withheld as a first observation, so nobody has seen it.
                let earlier = Observation {
                    row: MarketRow::empty(row.market.clone(), before.time),
                    ..observation.clone()
                };
                self.note(&earlier, Defect::ForeignNetwork, Action::Dropped, || {
                    format!("index {was} before the index starts at 1 on {}", row.time.day())
                });
            } else if is < was && !before.follows_price(row, is / was) {
                self.note(observation, Defect::FallingIndex, Action::Flagged, || {
                    format!("from {was} to {is} ({:.4} %)", (is / was - 1.0) * 100.0)
                });
            }
        }
    }

    /// Notes every doubt about the row's rate and returns them.
    fn doubts(&mut self, observation: &Observation, before: &Memory) -> Vec<Defect> {
        let row = &observation.row;
        let mut found = Vec::new();
        if observation.marked_stale {
            found.push((Defect::StaleSnapshot, "marked so by its source".to_owned()));
        } else if let (Some(was), Some(is)) = (before.updated_at, observation.updated_at)
            && is < was
        {
            found.push((
                Defect::StaleSnapshot,
                format!("last touched {is}, but {was} in the row before"),
            ));
        }
        if let Some(apr) = row.get(Column::SupplyApr) {
            found.extend(doubts::rate(&self.settings, observation, before, apr));
            found.extend(doubts::frozen(&self.settings, observation, before, apr));
        }
        for (defect, detail) in &found {
            self.note(observation, *defect, Action::RateWithheld, || detail.clone());
        }
        if observation.takes_deposits == Some(false) {
            self.note(observation, Defect::DepositsClosed, Action::Flagged, || {
                "can be held, never bought".to_owned()
            });
        }
        found.into_iter().map(|(defect, _)| defect).collect()
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
