//! The newest decisions and fates, for streams and for reading back.
//!
//! What is kept is bounded. A reader never holds up who writes: each stream remembers how far it came and takes
//! what follows; where that is gone, it is told so.

use crate::view::{DecisionView, FateView};
use std::collections::VecDeque;
use std::sync::Arc;

/// Something that the stream tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A decision.
    Decision(Arc<DecisionView>),
    /// What became of a plan.
    Fate(Arc<FateView>),
}

impl Event {
    /// The line of the journal that it is from.
    #[must_use]
    pub fn id(&self) -> u64 {
        match self {
            Event::Decision(decision) => decision.id,
            Event::Fate(fate) => fate.id,
        }
    }
}

/// Lines that a stream missed and that are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The last line that the stream has.
    pub(crate) after: u64,
    /// The last line that is not kept.
    pub(crate) through: u64,
}

/// What follows a place in the stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Following {
    /// What is missing before the events.
    pub(crate) gap: Option<Gap>,
    /// The events, oldest first.
    pub(crate) events: Vec<Event>,
}

/// Which decisions are asked for. Each bound is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Decisions after this line, the first of them; without it the last ones.
    pub after: Option<u64>,
    /// Decisions before this line.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

impl Span {
    /// Returns what of `decisions`, oldest first, is asked for.
    pub(crate) fn of<T>(&self, decisions: Vec<T>, id: impl Fn(&T) -> u64) -> Vec<T> {
        let mut found: Vec<T> = decisions
            .into_iter()
            .filter(|it| self.after.is_none_or(|after| id(it) > after))
            .filter(|it| self.before.is_none_or(|before| id(it) < before))
            .collect();
        if self.after.is_some() {
            found.truncate(self.limit);
            return found;
        }
        found.split_off(found.len().saturating_sub(self.limit))
    }
}

/// An event that is not newer than what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {found} does not come after line {newest}, the newest that was published")]
pub struct OutOfOrder {
    /// Its line.
    pub found: u64,
    /// The newest line.
    pub newest: u64,
}

/// The events that are kept.
#[derive(Debug)]
pub(crate) struct Events {
    kept: VecDeque<Event>,
    most: usize,
    /// Everything after this line was published here and is kept; `None` before the first event.
    complete_after: Option<u64>,
}

impl Events {
    pub(crate) fn new(most: usize) -> Events {
        Events { kept: VecDeque::new(), most: most.max(1), complete_after: None }
    }

    /// Says that everything after `line` of the journal will be published.
    pub(crate) fn begin_after(&mut self, line: u64) {
        self.complete_after = Some(self.complete_after.map_or(line, |known| known.min(line)));
    }

    /// Takes an event.
    pub(crate) fn push(&mut self, event: Event) -> Result<(), OutOfOrder> {
        let found = event.id();
        if let Some(newest) = self.newest().filter(|newest| found <= *newest) {
            return Err(OutOfOrder { found, newest });
        }
        self.complete_after.get_or_insert(found.saturating_sub(1));
        if let Event::Fate(fate) = &event {
            self.settle(fate);
        }
        self.kept.push_back(event);
        if self.kept.len() > self.most {
            self.complete_after = self.kept.pop_front().map(|gone| gone.id());
        }
        Ok(())
    }

    /// Writes what became of a plan to its decision.
    fn settle(&mut self, fate: &Arc<FateView>) {
        for event in &mut self.kept {
            if let Event::Decision(decision) = event
                && decision.id == fate.decision
            {
                Arc::make_mut(decision).fate = Some(FateView::clone(fate));
            }
        }
    }

    /// The newest line that is known.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.kept.back().map(Event::id)
    }

    /// Returns at most `most` events after `after`, and what is missing before them.
    pub(crate) fn following(&self, after: u64, most: usize) -> Following {
        let Some(complete_after) = self.complete_after else { return Following::default() };
        let newest = self.newest().unwrap_or(complete_after);
        if after > newest {
            // A place that this journal has not reached: it is another one. What follows is told from here on.
            return Following { gap: Some(Gap { after: 0, through: newest }), events: Vec::new() };
        }
        let gap = (after < complete_after).then_some(Gap { after, through: complete_after });
        let start = self.kept.partition_point(|event| event.id() <= after);
        Following { gap, events: self.kept.iter().skip(start).take(most).cloned().collect() }
    }

    /// The decisions that are kept, oldest first.
    pub(crate) fn decisions(&self) -> Vec<Arc<DecisionView>> {
        let decision = |event: &Event| match event {
            Event::Decision(decision) => Some(Arc::clone(decision)),
            Event::Fate(_) => None,
        };
        self.kept.iter().filter_map(decision).collect()
    }

    /// Whether all decisions of `span` that there are, are kept.
    pub(crate) fn covers(&self, span: Span) -> bool {
        let Some(complete_after) = self.complete_after else { return false };
        match span.after {
            Some(after) => after >= complete_after,
            None => {
                let found = span.of(self.decisions(), |decision| decision.id);
                complete_after == 0 || found.len() >= span.limit
            }
        }
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
