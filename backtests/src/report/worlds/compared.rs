//! What of a run is compared with what.

use crate::worlds::{FORESIGHT, Paired, WorldsLine, WorldsReport};

pub(super) fn is_ceiling(name: &str) -> bool {
    name == FORESIGHT
}

/// A name as it stands in a sentence.
pub(super) fn spoken(name: &str) -> String {
    if name == "allocator" { "the allocator".to_owned() } else { name.to_owned() }
}

/// The rule in question: the one that is compared, else the last.
pub(super) fn subject(report: &WorldsReport) -> Option<&WorldsLine> {
    let compared = report.paired.first().map(|pair| pair.name.as_str());
    let named = report.lines.iter().find(|line| Some(line.name.as_str()) == compared);
    named.or_else(|| report.lines.iter().rfind(|line| !is_ceiling(&line.name)))
}

/// The pairs with rules, without the ceiling.
pub(super) fn rivals(report: &WorldsReport) -> impl Iterator<Item = &Paired> {
    report.paired.iter().filter(|pair| !is_ceiling(&pair.against))
}

/// Returns the differences to the rule of `pair`, world by world; empty where they were not recorded.
pub(super) fn by_world(report: &WorldsReport, pair: &Paired) -> Vec<f64> {
    let of = |name: &str| report.lines.iter().find(|line| line.name == name);
    let both = of(&pair.name).zip(of(&pair.against));
    let both = both.filter(|(a, b)| a.by_seed.len() == pair.n && b.by_seed.len() == pair.n);
    both.map_or_else(Vec::new, |(a, b)| {
        a.by_seed.iter().zip(&b.by_seed).map(|(a, b)| a - b).collect()
    })
}

/// Returns in how many worlds the rule was worse; `None` where that was not recorded.
pub(super) fn lost(report: &WorldsReport, pair: &Paired) -> Option<usize> {
    let differences = by_world(report, pair);
    (!differences.is_empty()).then(|| differences.iter().filter(|found| **found < 0.0).count())
}
