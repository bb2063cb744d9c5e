//! Decisions read back from the journal, for the service.

use super::views::decided_at;
use plimsoll_core::Entry;
use plimsoll_core::execution::{PlanId, Step};
use plimsoll_dashboard::view::{DecisionView, FateView};
use plimsoll_dashboard::{History, Span};
use plimsoll_execute::journal::{JournalError, Line, Reader, Record};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns what reads decisions back from the journal in `folder`.
pub(crate) fn history(folder: &Path) -> History {
    let folder: PathBuf = folder.to_owned();
    Arc::new(move |span| Ok(read(&folder, span)?))
}

/// What a walk through the journal finds.
struct Walk {
    span: Span,
    strategy: String,
    block: Option<(u64, u8)>,
    found: VecDeque<DecisionView>,
    /// The decision before each plan.
    of_plan: BTreeMap<PlanId, u64>,
    last: Option<u64>,
}

fn read(folder: &Path, span: Span) -> Result<Vec<DecisionView>, JournalError> {
    let reader = Reader::open(folder)?;
    let mut walk = Walk {
        span,
        strategy: String::new(),
        block: None,
        found: VecDeque::new(),
        of_plan: BTreeMap::new(),
        last: None,
    };
    reader.lines(0, &mut |line| {
        if let Ok(record) = serde_json::from_str(&line.body) {
            walk.take(&line, &record);
        }
        Ok(())
    })?;
    let verified = reader.verify()?;
    let mut found: Vec<DecisionView> = walk.found.into();
    let line = u64::try_from(verified.head.0).unwrap_or_default();
    for (plan, decision) in &walk.of_plan {
        let intent = verified.folded.intents.get(*plan);
        let place = found.iter_mut().find(|view| view.id == *decision);
        if let (Some(intent), Some(view)) = (intent, place) {
            view.fate = Some(FateView::of(intent, *decision, line));
        }
    }
    Ok(found)
}

impl Walk {
    fn take(&mut self, line: &Line, record: &Record) {
        let number = u64::try_from(line.number).unwrap_or_default();
        match record {
            Record::Started { desk: Some(desk), .. } => self.strategy.clone_from(&desk.strategy),
            Record::Observed(inputs) => {
                let vault = inputs.vault.as_ref();
                self.block = vault.map(|vault| (vault.block.number, vault.decimals));
            }
            Record::Entry(Entry::Decided(decided)) => {
                self.last = Some(number);
                let is_wanted = self.span.after.is_none_or(|after| number > after)
                    && self.span.before.is_none_or(|before| number < before);
                if !is_wanted {
                    return;
                }
                let (block, decimals) = self.block.unzip();
                let at =
                    decided_at(number, block, decided, (&self.strategy, decimals.unwrap_or(0)));
                let is_full = self.found.len() >= self.span.limit;
                if is_full && self.span.after.is_some() {
                    return;
                }
                self.found.push_back(DecisionView::of(decided, at));
                if is_full {
                    self.found.pop_front();
                }
            }
            Record::Step { plan, step: Step::Planned { .. } } => {
                if let Some(last) = self.last {
                    self.of_plan.insert(*plan, last);
                }
            }
            _ => {}
        }
    }
}
