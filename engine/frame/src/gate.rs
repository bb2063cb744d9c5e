//! The data-quality gate: which rows enter a frame, and what is withheld from them.
//!
//! The gate is causal: what it does to a row depends on that row and on earlier rows of its market,
//! never on a later one, so the same gate serves a replay and a live feed. It deletes only what
//! cannot be a reading of the market (another network, no number, a duplicate). A reading that is
//! true but cannot be relied on keeps its index, so that a holder is valued, and loses its rate, so
//! that nobody buys on it. A falling index is kept and flagged.

use crate::quality::{Action, Defect, Finding, QualityReport};
use crate::row::{MarketRow, Observation};
use crate::schema::Column;
use plimsoll_core::{Day, MarketId, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

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

/// The upper end of the range in which a rate is taken for percent.
const SLIP_TO: f64 = 200.0;
/// How many admitted rates make the past of a market.
const PAST_RATES: usize = 7;
/// Days in the year of every rate.
const YEAR_DAYS: f64 = 365.0;

/// The gate with what it remembers of each market.
#[derive(Debug)]
pub struct Gate {
    source: String,
    settings: GateSettings,
    markets: BTreeMap<MarketId, Memory>,
    days: BTreeSet<Day>,
    report: QualityReport,
}

/// What the gate remembers of one market.
#[derive(Debug, Clone)]
struct Memory {
    symbol: Arc<str>,
    time: Time,
    share_price: Option<f64>,
    supply_apr: Option<f64>,
    rates: [Option<f64>; 3],
    updated_at: Option<Time>,
    /// When the index last changed.
    moved: Time,
    /// When any of `rates` last changed.
    stirred: Time,
    /// Readings so far, dropped ones left out.
    seen: u64,
    past: VecDeque<f64>,
    /// Runs of days without a row: the first and the last missing day of each.
    gaps: Vec<(Day, Day)>,
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
    pub fn admit(&mut self, observation: Observation) -> Option<MarketRow> {
        self.days.insert(observation.row.time.day());
        if self.is_no_reading(&observation) {
            return None;
        }
        let enforce = self.settings.mode == GateMode::Enforce;
        let market = observation.row.market.clone();
        let Some(before) = self.markets.get(&market).cloned() else {
            self.markets.insert(market, Memory::first(&observation));
            if !enforce {
                return Some(observation.row);
            }
            self.note(&observation, Defect::FirstObservation, Action::Dropped, || {
                "nothing to check it against; the market enters with its next row".to_owned()
            });
            return None;
        };
        if observation.row.time <= before.time {
            self.note(&observation, Defect::Duplicate, Action::Dropped, || {
                format!("a second row at {}; the first is kept", observation.row.time)
            });
            return None;
        }
        self.note_past(&observation, &before);
        let withhold = self.doubts(&observation, &before);
        if let Some(memory) = self.markets.get_mut(&market) {
            memory.learn(&observation, withhold);
        }
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

    /// Adds rows of a network that has no known chain id, which the source left out.
    pub fn note_unknown_network(&mut self, name: &str, days: (Day, Day), rows: u64) {
        let finding = Finding {
            market: None,
            symbol: name,
            defect: Defect::UnknownNetwork,
            action: Action::Dropped,
            day: days.0,
            until: days.1,
            rows,
        };
        self.report.add(&finding, || format!("no chain id is known for {name:?}"));
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
        for (market, memory) in &self.markets {
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

    /// Drops what cannot be a reading of the market.
    fn is_no_reading(&mut self, observation: &Observation) -> bool {
        let row = &observation.row;
        let broken = Column::ALL.into_iter().find_map(|column| {
            row.get(column)
                .filter(|value| !column.allowed().holds(*value))
                .map(|value| (column, value))
        });
        if let Some((column, value)) = broken {
            let defect = if value.is_finite() { Defect::OutOfRange } else { Defect::NotANumber };
            self.note(observation, defect, Action::Dropped, || {
                format!("`{}` is {value}, allowed is {}", column.name(), column.allowed().text())
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
            } else if is < was {
                self.note(observation, Defect::FallingIndex, Action::Flagged, || {
                    format!("from {was} to {is} ({:.4} %)", (is / was - 1.0) * 100.0)
                });
            }
        }
    }

    /// Notes every doubt about the row's rate and returns whether there is one.
    fn doubts(&mut self, observation: &Observation, before: &Memory) -> bool {
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
            found.extend(self.rate_doubt(observation, before, apr));
            found.extend(self.frozen(observation, before, apr));
        }
        for (defect, detail) in &found {
            self.note(observation, *defect, Action::RateWithheld, || detail.clone());
        }
        if observation.takes_deposits == Some(false) {
            self.note(observation, Defect::DepositsClosed, Action::Flagged, || {
                "can be held, never bought".to_owned()
            });
        }
        !found.is_empty()
    }

    fn rate_doubt(
        &self,
        observation: &Observation,
        before: &Memory,
        apr: f64,
    ) -> Option<(Defect, String)> {
        let row = &observation.row;
        let index = row.get(Column::SharePrice);
        if apr <= 0.0 {
            let dead = match index {
                Some(index) => {
                    is_one(index)
                        && observation.borrowable == Some(true)
                        && observation.borrow_apr.is_none_or(|borrow| borrow <= 0.0)
                }
                None => true,
            };
            return dead.then(|| (Defect::ZeroRate, "missing is not zero".to_owned()));
        }
        let slip = self.settings.slip_from..=SLIP_TO;
        if let (Some(was), Some(is), Some(promised)) =
            (before.share_price, index, before.supply_apr)
        {
            let grown = (is / was - 1.0) * YEAR_DAYS / row.time.days_since(before.time);
            if promised > 0.2 && apr > 0.2 && grown > 0.0 && slip.contains(&(promised / grown)) {
                let detail = format!(
                    "{:.0} % promised, {:.2} % grown by the index: percent read as a fraction?",
                    promised * 100.0,
                    grown * 100.0
                );
                return Some((Defect::UnitSlip, detail));
            }
        }
        let usual = median(&before.past);
        if let Some(usual) = usual.filter(|usual| apr > 0.5 && slip.contains(&(apr / usual))) {
            let detail = format!(
                "{:.0} % after a usual {:.2} %: percent read as a fraction?",
                apr * 100.0,
                usual * 100.0
            );
            return Some((Defect::UnitSlip, detail));
        }
        let ceiling = if index.is_some() {
            self.settings.confirm_above_apr
        } else {
            self.settings.believe_below_apr
        };
        let confirmed = match (before.share_price, index) {
            (Some(was), Some(is)) => {
                let grown = (is / was - 1.0) * YEAR_DAYS / row.time.days_since(before.time);
                grown > apr / 4.0
            }
            _ => false,
        };
        (apr > ceiling && !confirmed).then(|| {
            (Defect::ImplausibleRate, format!("{:.0} % that no index confirms", apr * 100.0))
        })
    }

    fn frozen(
        &self,
        observation: &Observation,
        before: &Memory,
        apr: f64,
    ) -> Option<(Defect, String)> {
        let row = &observation.row;
        match row.get(Column::SharePrice) {
            Some(index) => {
                let still = before.share_price.is_some_and(|was| is_same(was, index));
                let days = row.time.days_since(before.moved);
                let decimals = i32::from(observation.index_decimals.unwrap_or(12));
                let visible = 5.0 * 10f64.powi(-decimals);
                let due = apr * days / YEAR_DAYS * index;
                (still && days >= self.settings.frozen_after_days && due >= visible).then(|| {
                    (
                        Defect::FrozenFeed,
                        format!(
                            "index {index} unchanged for {days:.0} days at {:.2} %",
                            apr * 100.0
                        ),
                    )
                })
            }
            None => {
                let still =
                    rates_of(row).iter().zip(before.rates).all(|(is, was)| match (is, was) {
                        (Some(is), Some(was)) => is_same(*is, was),
                        (None, None) => true,
                        _ => false,
                    });
                let days = row.time.days_since(before.stirred);
                (still && apr > 0.0 && days >= self.settings.frozen_rates_after_days).then(|| {
                    (Defect::FrozenFeed, format!("no number has changed for {days:.0} days"))
                })
            }
        }
    }
}

impl Memory {
    fn first(observation: &Observation) -> Memory {
        let row = &observation.row;
        Memory {
            symbol: observation.symbol.clone(),
            time: row.time,
            share_price: row.get(Column::SharePrice),
            supply_apr: row.get(Column::SupplyApr),
            rates: rates_of(row),
            updated_at: observation.updated_at,
            moved: row.time,
            stirred: row.time,
            seen: 1,
            past: VecDeque::with_capacity(PAST_RATES),
            gaps: Vec::new(),
        }
    }

    fn learn(&mut self, observation: &Observation, withheld: bool) {
        let row = &observation.row;
        let (from, to) = (self.time.day().plus(1), row.time.day().plus(-1));
        if from <= to {
            self.gaps.push((from, to));
        }
        if let Some(index) = row.get(Column::SharePrice) {
            if self.share_price.is_none_or(|was| !is_same(was, index)) {
                self.moved = row.time;
            }
            self.share_price = Some(index);
        }
        let rates = rates_of(row);
        let same = |(is, was): (&Option<f64>, &Option<f64>)| match (is, was) {
            (Some(is), Some(was)) => is_same(*is, *was),
            (None, None) => true,
            _ => false,
        };
        if !rates.iter().zip(&self.rates).all(same) {
            self.stirred = row.time;
        }
        self.rates = rates;
        self.supply_apr = row.get(Column::SupplyApr);
        if let Some(apr) = self.supply_apr.filter(|apr| !withheld && *apr > 0.0) {
            if self.past.len() == PAST_RATES {
                self.past.pop_front();
            }
            self.past.push_back(apr);
        }
        self.updated_at = observation.updated_at.max(self.updated_at);
        self.symbol = observation.symbol.clone();
        self.time = row.time;
        self.seen += 1;
    }
}

fn rates_of(row: &MarketRow) -> [Option<f64>; 3] {
    [row.get(Column::SupplyApr), row.get(Column::RewardApr), row.get(Column::TvlUsd)]
}

/// Whether two readings are the same number, bit for bit.
fn is_same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

fn is_one(value: f64) -> bool {
    is_same(value, 1.0)
}

fn median(values: &VecDeque<f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= 3)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
