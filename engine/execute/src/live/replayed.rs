//! A journal, decided again: every decision and every plan has to come out as it was written.

use super::desk::{Desk, DeskError, DeskSettings, Ruling};
use super::inputs::Inputs;
use crate::journal::{JournalError, Line, Reader, Record};
use plimsoll_core::execution::{PlanId, Step};
use plimsoll_core::{Entry, Time};
use plimsoll_frame::{RiskModel, Strategy};

/// What a journal was decided with: a model and a strategy made from its settings.
pub type Minds = (Box<dyn RiskModel>, Box<dyn Strategy>);

/// What came of deciding again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Replayed {
    /// Decisions that came out the same, byte for byte.
    pub decisions: u64,
    /// Plans whose call came out the same, byte for byte.
    pub plans: u64,
    /// Times that the engine started.
    pub starts: u64,
}

/// Why a journal cannot be decided again, or came out otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ParityError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It was written by an engine that did not say what it decides with.
    #[error("line {line}: a decision, and no line before says what it was taken with")]
    NoSettings {
        /// The line.
        line: i64,
    },
    /// Settings of which nothing can be made.
    #[error("line {line}: {detail}")]
    Settings {
        /// The line.
        line: i64,
        /// Why.
        detail: String,
    },
    /// No decision comes out.
    #[error("line {line}: {cause}")]
    Desk {
        /// The line.
        line: i64,
        /// Why.
        cause: DeskError,
    },
    /// Another decision comes out.
    #[error("line {line}: the journal says\n{written}\nand what comes out is\n{found}")]
    Differs {
        /// The line.
        line: i64,
        /// As it was written.
        written: String,
        /// As it comes out.
        found: String,
    },
}

/// What is known while a journal is read.
struct Reading<'a> {
    minds: &'a dyn Fn(&DeskSettings) -> Result<Minds, String>,
    desk: Option<(Desk, Minds)>,
    /// Everything observed and settled so far: a start reads it again.
    past: Vec<Past>,
    ruling: Option<Ruling>,
    last: Option<(Time, Inputs)>,
    found: Replayed,
}

/// One thing that a desk takes in.
#[derive(Debug, Clone)]
pub(super) enum Past {
    Observed(Time, Box<Inputs>),
    Settled(Box<plimsoll_core::journal::Executed>),
}

impl Past {
    /// What of `record` a desk takes in.
    pub(super) fn of(time: Time, record: &Record) -> Option<Past> {
        match record {
            Record::Observed(inputs) => Some(Past::Observed(time, inputs.clone())),
            Record::Settled { executed, .. } => Some(Past::Settled(Box::new(executed.clone()))),
            _ => None,
        }
    }

    /// Lets `desk` take it in.
    pub(super) fn into_desk(self, desk: &mut Desk) {
        match self {
            Past::Observed(time, inputs) => desk.take(time, &inputs),
            Past::Settled(executed) => desk.settle(*executed),
        }
    }
}

/// Decides everything in the journal again, with what `minds` makes of its settings.
///
/// # Errors
/// [`ParityError`] at the first line that comes out otherwise.
pub fn replayed(
    reader: &Reader,
    minds: &dyn Fn(&DeskSettings) -> Result<Minds, String>,
) -> Result<Replayed, ParityError> {
    reader.verify()?;
    let mut reading = Reading {
        minds,
        desk: None,
        past: Vec::new(),
        ruling: None,
        last: None,
        found: Replayed::default(),
    };
    let mut failed = None;
    reader.lines(0, &mut |line| {
        if failed.is_none() {
            failed = reading.read(&line).err();
        }
        Ok(())
    })?;
    failed.map_or(Ok(reading.found), Err)
}

impl Reading<'_> {
    fn read(&mut self, line: &Line) -> Result<(), ParityError> {
        let damaged = |error: serde_json::Error| ParityError::Settings {
            line: line.number,
            detail: error.to_string(),
        };
        let record: Record = serde_json::from_str(&line.body).map_err(damaged)?;
        if let Some(past) = Past::of(line.time, &record) {
            if let Some((desk, _)) = &mut self.desk {
                past.clone().into_desk(desk);
            }
            self.past.push(past);
        }
        match &record {
            Record::Started { desk: Some(settings), .. } => self.start(line, settings)?,
            Record::Observed(inputs) => {
                self.last = Some((line.time, (**inputs).clone()));
                self.ruling = None;
            }
            Record::Entry(Entry::Marked(_)) => {
                let ruling = self.rule(line)?;
                let found = Record::Entry(Entry::Marked(ruling.marked.clone()));
                self.ruling = Some(ruling);
                same(line, &found)?;
            }
            Record::Entry(Entry::Decided(_)) => {
                let ruling = self.ruling.as_ref();
                let ruling = ruling.ok_or(ParityError::NoSettings { line: line.number })?;
                let found = Record::Entry(Entry::Decided(Box::new(ruling.decided.clone())));
                same(line, &found)?;
                self.found.decisions += 1;
            }
            Record::Step { plan, step: Step::Planned { .. } } => {
                self.planned(line, *plan, &record)?
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, line: &Line, settings: &DeskSettings) -> Result<(), ParityError> {
        let made = (self.minds)(settings);
        let minds = made.map_err(|detail| ParityError::Settings { line: line.number, detail })?;
        let mut desk = Desk::new(settings.clone());
        for past in &self.past {
            past.clone().into_desk(&mut desk);
        }
        self.desk = Some((desk, minds));
        self.found.starts += 1;
        Ok(())
    }

    fn rule(&self, line: &Line) -> Result<Ruling, ParityError> {
        let missing = || ParityError::NoSettings { line: line.number };
        let (desk, (model, strategy)) = self.desk.as_ref().ok_or_else(missing)?;
        let (time, inputs) = self.last.as_ref().ok_or_else(missing)?;
        let ruled = desk.rule((model.as_ref(), strategy.as_ref()), *time, inputs);
        ruled.map_err(|cause| ParityError::Desk { line: line.number, cause })
    }

    /// A plan is the call that follows from the decision before it.
    fn planned(&mut self, line: &Line, plan: PlanId, record: &Record) -> Result<(), ParityError> {
        // A person's order to leave follows from no decision.
        let Some(proposal) = self.ruling.take().and_then(|ruling| ruling.proposal) else {
            return Ok(());
        };
        let Record::Step { step: Step::Planned { data, valid_until, .. }, .. } = record else {
            return Ok(());
        };
        let is_same =
            proposal.id == plan && proposal.data == *data && proposal.valid_until == *valid_until;
        if !is_same {
            return Err(ParityError::Differs {
                line: line.number,
                written: format!("{plan} {data} until {valid_until}"),
                found: format!("{} {} until {}", proposal.id, proposal.data, proposal.valid_until),
            });
        }
        self.found.plans += 1;
        Ok(())
    }
}

fn same(line: &Line, found: &Record) -> Result<(), ParityError> {
    let found = serde_json::to_string(found).unwrap_or_default();
    if found == line.body {
        return Ok(());
    }
    Err(ParityError::Differs { line: line.number, written: line.body.clone(), found })
}
