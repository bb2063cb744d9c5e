//! The page of a run of generated worlds: what came out in words, every rule, the paired differences, and
//! where the rule loses.
//!
//! It says which of two rules copes better with markets of this kind, and nothing of what either earns
//! outside: the banner says so whether or not the caller does. The ceiling is no rule, so it shares no
//! axis with the rules and is not given figures that were never looked for.

use super::chart::{WIDTH, px};
use super::scale::{Scale, is_drawable};
use super::{SCRIPT, head, section, summary, text};
use crate::worlds::{FORESIGHT, Paired, WorldsLine, WorldsReport};
use maud::{DOCTYPE, Markup, PreEscaped, html};

#[cfg(test)]
#[path = "worlds_tests.rs"]
mod tests;

/// The title.
const TITLE: &str = "Rules in generated worlds";
/// What the banner says where no label given does.
const SYNTHETIC: &str = "Synthetic: every rate, event and price here was generated from a seed. This says \
                         nothing about real returns.";
/// Why a mean can be unknown.
const NO_WORLD: &str = "No world was run, or a world's result is not a number.";
/// Why the ceiling has no more than a result.
const CEILING: &str =
    "Of the best plan found with the future known only the result is kept, not what it did.";
/// Why a comparison can be unknown.
const NO_PAIR: &str = "The results of the two in the same worlds were not recorded.";
/// Height of a whisker, pixels.
const WHISKER: f64 = 30.0;
/// Height of the bars, pixels.
const BARS: f64 = 110.0;
/// Bars from one tick to the next.
const BARS_A_STEP: f64 = 4.0;

/// Returns the page as a complete HTML document.
#[must_use]
pub fn render(report: &WorldsReport, labels: &[String], notes: &[String]) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            (head(TITLE))
            body {
                (header(report, labels))
                main {
                    (section("summary", "What came out", &what_came_out(report)))
                    (section("rules", "Every rule over all worlds", &rules(report)))
                    (section("differences", "Differences in the same worlds", &differences(report)))
                    (section("by-world", "World by world", &histograms(report)))
                    (section("losses", "Where it loses", &losses(report)))
                    (section("forecasts", "Forecasts in service", &services(report)))
                    (section("notes", "Notes", &remarks(notes)))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

fn header(report: &WorldsReport, labels: &[String]) -> Markup {
    let said = labels.join(" ").to_lowercase();
    let says_so = said.contains("synthetic") && said.contains("real returns");
    let own = (!says_so).then(|| SYNTHETIC.to_owned());
    let labels: Vec<String> = own.into_iter().chain(labels.iter().cloned()).collect();
    html! {
        header {
            div.tools { }
            h1 { (TITLE) }
            p.facts {
                span { (text::counted(text::length(&report.seeds), "world", "worlds")) }
                @if let Some((first, last)) = report.seeds.iter().min().zip(report.seeds.iter().max()) {
                    span { "seeds " (first) " to " (last) }
                }
                span { (text::counted(whole(report.markets), "market", "markets")) " in all of them" }
                span { (money(report.capital)) " at the start" }
            }
            (summary::banner(&labels))
            nav aria-label="Contents" {
                ul {
                    li { a href="#summary" { "What came out" } }
                    li { a href="#rules" { "Rules" } }
                    li { a href="#differences" { "Differences" } }
                    li { a href="#by-world" { "World by world" } }
                    li { a href="#losses" { "Where it loses" } }
                    li { a href="#forecasts" { "Forecasts" } }
                    li { a href="#notes" { "Notes" } }
                }
            }
        }
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Whole dollars, grouped.
fn money(usd: f64) -> String {
    let digits = format!("{usd:.0}").parse().ok().filter(|_| usd.is_finite());
    digits
        .map_or_else(|| "unknown USD".to_owned(), |usd| format!("{}\u{a0}USD", text::grouped(usd)))
}

/// Percentage points: their size, without a sign.
fn points(value: f64) -> String {
    text::fixed(value.abs(), 2).unwrap_or_else(|| "unknown".to_owned())
}

fn is_ceiling(name: &str) -> bool {
    name == FORESIGHT
}

/// A name as it stands in a sentence.
fn spoken(name: &str) -> String {
    if name == "allocator" { "the allocator".to_owned() } else { name.to_owned() }
}

/// The rule in question: the one that is compared, else the last.
fn subject(report: &WorldsReport) -> Option<&WorldsLine> {
    let compared = report.paired.first().map(|pair| pair.name.as_str());
    let named = report.lines.iter().find(|line| Some(line.name.as_str()) == compared);
    named.or_else(|| report.lines.iter().rfind(|line| !is_ceiling(&line.name)))
}

/// The pairs with rules, without the ceiling.
fn rivals(report: &WorldsReport) -> impl Iterator<Item = &Paired> {
    report.paired.iter().filter(|pair| !is_ceiling(&pair.against))
}

/// Returns the differences to the rule of `pair`, world by world; empty where they were not recorded.
fn by_world(report: &WorldsReport, pair: &Paired) -> Vec<f64> {
    let of = |name: &str| report.lines.iter().find(|line| line.name == name);
    let both = of(&pair.name).zip(of(&pair.against));
    let both = both.filter(|(a, b)| a.by_seed.len() == pair.n && b.by_seed.len() == pair.n);
    both.map_or_else(Vec::new, |(a, b)| {
        a.by_seed.iter().zip(&b.by_seed).map(|(a, b)| a - b).collect()
    })
}

/// Returns in how many worlds the rule was worse; `None` where that was not recorded.
fn lost(report: &WorldsReport, pair: &Paired) -> Option<usize> {
    let differences = by_world(report, pair);
    (!differences.is_empty()).then(|| differences.iter().filter(|found| **found < 0.0).count())
}

/// The result in plain words.
fn what_came_out(report: &WorldsReport) -> Markup {
    let Some(line) = subject(report).filter(|_| !report.seeds.is_empty()) else {
        return html! { p.note { "No rule was run in any world." } };
    };
    html! {
        p.lead {
            "With " (money(report.capital)) " over "
            (text::counted(text::length(&report.seeds), "world", "worlds")) ", "
            b { (spoken(&line.name)) } " earned " (text::percent(line.annualised_pct)) " a year"
            (best_rival(report)) "." (missed(report, line)) (worst_rival(report))
        }
        @if report.seeds.len() == 1 {
            p.note { "One world tells nothing of another: there is no interval." }
        }
    }
}

fn best_rival(report: &WorldsReport) -> Markup {
    // The hardest comparison: the rule to which the difference is smallest.
    let Some(pair) = rivals(report).min_by(|a, b| a.mean_pct.total_cmp(&b.mean_pct)) else {
        return html! {};
    };
    let end = |value: f64| text::fixed(value, 2).unwrap_or_else(|| "unknown".to_owned());
    let open = pair.lo_pct <= 0.0 && pair.hi_pct >= 0.0;
    html! {
        ", " (points(pair.mean_pct)) " points " (if pair.mean_pct < 0.0 { "less" } else { "more" })
        " than " (pair.against) ", the best of the others (90\u{a0}% interval " (end(pair.lo_pct)) " to "
        (end(pair.hi_pct))
        @if open { ", which has zero in it: these worlds do not tell which is better" } ")"
    }
}

fn missed(report: &WorldsReport, line: &WorldsLine) -> Markup {
    let ceiling = report.lines.iter().find(|other| is_ceiling(&other.name));
    html! {
        @match ceiling {
            Some(ceiling) => {
                " Perfect foresight earned " (text::percent(ceiling.annualised_pct)) ", so "
                (points(ceiling.annualised_pct - line.annualised_pct)) " points were missed."
            }
            None => " What perfect foresight would have earned was not looked for.",
        }
    }
}

fn worst_rival(report: &WorldsReport) -> Markup {
    let counted = rivals(report).filter_map(|pair| Some((lost(report, pair)?, pair)));
    html! {
        @match counted.max_by_key(|(lost, _)| *lost) {
            Some((0, _)) => " It lost to no rule in any world.",
            Some((lost, pair)) => {
                " It lost most often to " (pair.against) ": in " (text::grouped(whole(lost))) " of "
                (text::counted(whole(pair.n), "world", "worlds")) "."
            }
            None => "",
        }
    }
}

/// A column of the table of rules: its heading, its figure, and why it can be unknown.
type Column = (&'static str, fn(&WorldsLine) -> Option<f64>, &'static str);

/// What was measured, left to right, after the mean and its interval.
const COLUMNS: [Column; 7] = [
    ("Max drawdown %", |line| line.max_drawdown_pct, "A world had no NAV to measure a fall from."),
    ("Switches", |line| Some(line.switches), NO_WORLD),
    ("Turnover \u{d7}", |line| Some(line.turnover), NO_WORLD),
    ("Cost %", |line| Some(line.cost_pct), NO_WORLD),
    ("Gas %", |line| Some(line.gas_pct), NO_WORLD),
    ("Idle %", |line| Some(line.idle_pct), NO_WORLD),
    (
        "Exitable 24 h %",
        |line| line.exitable_24h_pct,
        "In at least one world a market held did not say how much could be withdrawn.",
    ),
];

fn rules(report: &WorldsReport) -> Markup {
    if report.lines.is_empty() {
        return html! { p.note { "No rule was run." } };
    }
    html! {
        div.scroll {
            table.sortable.wide.pinned.tight {
                caption { "Means over " (text::counted(text::length(&report.seeds), "world", "worlds")) }
                thead { tr {
                    th scope="col" { "Rule" }
                    @for name in ["Annualised %", "Interval from", "Interval to"] {
                        th.n scope="col" { (name) }
                    }
                    @for (heading, ..) in &COLUMNS { th.n scope="col" { (heading) } }
                    th.n scope="col" { "Worlds stuck" }
                } }
                tbody { @for line in &report.lines { (rule(line)) } }
            }
        }
        p.note {
            "Annualised is net of costs and gas; the interval holds nine of ten means of worlds drawn with "
            "replacement. Drawdown is the largest fall from the running peak. Turnover is one-way, as a "
            "multiple of NAV. Cost and gas are percent of NAV at the time, summed. Idle is the mean share "
            "that sat in no market, exitable the lowest share that could have left within 24 hours. A "
            "world is stuck where something could not leave when it was to."
        }
        (parameters(report))
    }
}

fn rule(line: &WorldsLine) -> Markup {
    let is_ceiling = is_ceiling(&line.name);
    html! {
        tr {
            th scope="row" { (line.name) }
            @for value in [line.annualised_pct, line.lo_pct, line.hi_pct] {
                (text::cell(Some(value), NO_WORLD))
            }
            @for (_, figure, why) in &COLUMNS {
                @if is_ceiling { (text::cell(None, CEILING)) } @else { (text::cell(figure(line), why)) }
            }
            td.n {
                @if is_ceiling { (text::unknown(CEILING)) } @else {
                    (text::grouped(whole(line.worlds_stuck)))
                }
            }
        }
    }
}

fn parameters(report: &WorldsReport) -> Markup {
    let known: Vec<&WorldsLine> =
        report.lines.iter().filter(|line| !line.params.is_empty()).collect();
    html! {
        @if !known.is_empty() {
            details {
                summary { "Parameters" }
                @for line in known {
                    @let params: Vec<(String, String)> =
                        line.params.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
                    h3 { (line.name) }
                    (text::pairs(&params))
                }
            }
        }
    }
}

/// The paired differences: a table with a dot and its whisker in each row.
fn differences(report: &WorldsReport) -> Markup {
    if report.paired.is_empty() {
        return html! { p.note { "There is only one rule, so there is nothing to compare." } };
    }
    let ends = rivals(report).flat_map(|pair| [pair.lo_pct, pair.mean_pct, pair.hi_pct]);
    let scale = Scale::covering(ends.chain([0.0]), 5.0);
    let name = subject(report).map_or_else(String::new, |line| spoken(&line.name));
    html! {
        p { "What " (name) " earned more than each of the others in the same worlds." }
        div.scroll {
            table.strips.pinned {
                caption { "Percentage points a year" }
                thead { tr {
                    th scope="col" { "Against" }
                    th.strip scope="col" { (axis(scale.as_ref())) }
                    @for name in ["Mean", "From", "To", "Better in", "Equal in", "Worse in", "Worlds"] {
                        th.n scope="col" { (name) }
                    }
                } }
                tbody {
                    @for (index, pair) in report.paired.iter().enumerate() {
                        (difference(report, index, pair, scale.as_ref()))
                    }
                }
            }
        }
        p.note {
            "The dot is the mean difference in the same worlds, the line its 90\u{a0}% interval, the firm "
            "vertical is no difference. An interval with zero in it is no ground to prefer either. "
            @if report.paired.iter().any(|pair| is_ceiling(&pair.against)) {
                "Perfect foresight is a ceiling and no rule, so it is not drawn on the rules' axis."
            }
        }
    }
}

fn difference(report: &WorldsReport, index: usize, pair: &Paired, scale: Option<&Scale>) -> Markup {
    let lost = lost(report, pair);
    let equal = lost.and_then(|lost| pair.n.checked_sub(lost)?.checked_sub(pair.wins));
    let count = |count: Option<usize>| {
        html! {
            td.n { @match count { Some(count) => (text::grouped(whole(count))), None => (text::unknown(NO_PAIR)) } }
        }
    };
    html! {
        tr {
            th scope="row" { (pair.against) }
            td.strip {
                @if is_ceiling(&pair.against) {
                    span.quiet { "ceiling, not drawn" }
                } @else if let Some(scale) = scale {
                    (whisker(&format!("pair-{index}"), pair, scale))
                }
            }
            @for value in [pair.mean_pct, pair.lo_pct, pair.hi_pct] {
                td.n { @match text::fixed(value, 2) {
                    Some(digits) => { (if value >= 0.005 { "+" } else { "" }) (digits) }
                    None => (text::unknown(NO_WORLD)),
                } }
            }
            (count(Some(pair.wins))) (count(equal)) (count(lost)) (count(Some(pair.n)))
        }
    }
}

fn whisker(id: &str, pair: &Paired, scale: &Scale) -> Markup {
    let at = |value: f64| px(scale.fraction(value) * 100.0) + "%";
    let middle = px(WHISKER / 2.0);
    let interval = is_drawable(pair.lo_pct) && is_drawable(pair.hi_pct);
    html! {
        svg.dots width="100%" height=(WHISKER) role="img"
            aria-labelledby={ (id) "-title " (id) "-text" } {
            title id={ (id) "-title" } { "Difference to " (pair.against) }
            desc id={ (id) "-text" } {
                "Mean " (text::signed_percent(pair.mean_pct)) ", interval "
                (text::signed_percent(pair.lo_pct)) " to " (text::signed_percent(pair.hi_pct)) "."
            }
            @for tick in scale.ticks() {
                line.grid.zero[tick.abs() < 1e-9] x1=(at(tick)) x2=(at(tick)) y1="0" y2=(WHISKER) {}
            }
            @if interval {
                line.whisker x1=(at(pair.lo_pct)) x2=(at(pair.hi_pct)) y1=(middle) y2=(middle) {}
                @for end in [pair.lo_pct, pair.hi_pct] {
                    line.whisker x1=(at(end)) x2=(at(end)) y1="10" y2=(WHISKER - 10.0) {}
                }
            }
            @if is_drawable(pair.mean_pct) { circle.mean cx=(at(pair.mean_pct)) cy=(middle) r="4.5" {} }
        }
    }
}

fn axis(scale: Option<&Scale>) -> Markup {
    html! {
        @match scale {
            None => "Difference",
            Some(scale) => span.axis {
                @for tick in scale.ticks() {
                    span style={ "left:" (px(scale.fraction(tick) * 100.0)) "%" } {
                        (text::fixed(tick, scale.places()).unwrap_or_default())
                    }
                }
            },
        }
    }
}

/// How the differences to each rule are spread over the worlds.
fn histograms(report: &WorldsReport) -> Markup {
    if report.paired.is_empty() {
        return html! { p.note { "There is nothing to compare." } };
    }
    let name = subject(report).map_or_else(String::new, |line| spoken(&line.name));
    html! {
        p {
            "In how many worlds " (name) " earned how much more or less, percentage points a year. Each "
            "picture has its own axis."
        }
        div.multiples {
            @for (index, pair) in report.paired.iter().enumerate() { (histogram(report, index, pair)) }
        }
    }
}

fn histogram(report: &WorldsReport, index: usize, pair: &Paired) -> Markup {
    let mut values = by_world(report, pair);
    let (all, equal) = (values.len(), values.iter().filter(|value| value.abs() <= 0.0).count());
    values.retain(|value| is_drawable(*value) && value.abs() > 0.0);
    values.sort_by(f64::total_cmp);
    let unknown = all.saturating_sub(equal).saturating_sub(values.len());
    let (low, high) = drawn(&values);
    let beyond = values.iter().filter(|value| **value < low || **value > high).count();
    let kept = values.iter().map(|value| value.clamp(low, high)).chain([0.0]);
    let scale = Scale::covering(kept, 4.0).filter(|_| !values.is_empty());
    let remarks = [
        (equal, "without a difference, not drawn"),
        (beyond, "beyond the ends, drawn in the last bar"),
        (unknown, "of unknown result, not drawn"),
    ];
    html! {
        figure.plain {
            figcaption { "Against " b { (pair.against) } }
            @match scale {
                Some(scale) => (bars(index, pair, &values, &scale)),
                None => p.note { "No world with a difference that could be drawn." },
            }
            @for (count, what) in remarks {
                @if count > 0 { p.note { (text::counted(whole(count), "world", "worlds")) " " (what) "." } }
            }
        }
    }
}

/// Returns the range that is drawn: a world far outside the bulk would flatten all others.
fn drawn(sorted: &[f64]) -> (f64, f64) {
    let at = |tenths: usize| sorted.get(sorted.len().saturating_sub(1) * tenths / 10).copied();
    match at(1).zip(at(9)) {
        Some((low, high)) if high > low => (low - (high - low), high + (high - low)),
        _ => (f64::MIN, f64::MAX),
    }
}

/// One bar: from where to where, and how many worlds.
struct Bar {
    from: f64,
    to: f64,
    worlds: usize,
}

/// Returns the bars; zero is always an edge, and what lies beyond the ends is in the last one.
fn counted(sorted: &[f64], scale: &Scale) -> Vec<Bar> {
    let ticks = scale.ticks();
    let below = |edge: f64| sorted.partition_point(|value| *value < edge);
    let steps = ticks.windows(2).flat_map(|pair| {
        let [from, to] = pair else { return Vec::new() };
        let width = (to - from) / BARS_A_STEP;
        [0.0, 1.0, 2.0, 3.0]
            .map(|place| (from + place * width, from + (place + 1.0) * width))
            .to_vec()
    });
    // An edge that is zero but for rounding would count the smallest losses as gains.
    let snap = |edge: f64| if edge.abs() < 1e-9 { 0.0 } else { edge };
    let mut bars: Vec<Bar> = steps
        .map(|(from, to)| (snap(from), snap(to)))
        .map(|(from, to)| Bar { from, to, worlds: below(to).saturating_sub(below(from)) })
        .collect();
    let left = bars.first().map_or(0, |bar| below(bar.from));
    let right = bars.last().map_or(0, |bar| sorted.len().saturating_sub(below(bar.to)));
    if let Some(bar) = bars.first_mut() {
        bar.worlds += left;
    }
    if let Some(bar) = bars.last_mut() {
        bar.worlds += right;
    }
    bars
}

fn bars(index: usize, pair: &Paired, sorted: &[f64], scale: &Scale) -> Markup {
    let bars = counted(sorted, scale);
    let most = bars.iter().map(|bar| bar.worlds).max().unwrap_or(1).max(1);
    let better = sorted.iter().filter(|value| **value > 0.0).count();
    let worse = sorted.len() - better;
    let tallest = format!("tallest bar {}", text::counted(whole(most), "world", "worlds"));
    let words = format!("Better in {better}, worse in {worse} of {} worlds; {tallest}.", pair.n);
    let id = format!("spread-{index}");
    let x = |value: f64| scale.fraction(value) * WIDTH;
    html! {
        p.sides {
            span.c1 { "worse in " (text::grouped(whole(worse))) }
            span.quiet { (tallest) }
            span.c0 { "better in " (text::grouped(whole(better))) }
        }
        div.frame {
            div.plot {
                svg viewBox={ "0 0 " (WIDTH) " " (BARS) } height=(BARS) preserveAspectRatio="none"
                    role="img" aria-labelledby={ (id) "-title " (id) "-text" } {
                    title id={ (id) "-title" } { "Differences to " (pair.against) " by world" }
                    desc id={ (id) "-text" } { (words) }
                    @for bar in bars.iter().filter(|bar| bar.worlds > 0) {
                        @let height = BARS * bar.worlds as f64 / most as f64;
                        rect.bar.(if bar.from < 0.0 { "c1" } else { "c0" }) x=(px(x(bar.from)))
                            y=(px(BARS - height)) width=(px(x(bar.to) - x(bar.from))) height=(px(height)) {
                            title { (edge(bar.from)) " to " (edge(bar.to)) ": "
                                (text::counted(whole(bar.worlds), "world", "worlds")) }
                        }
                    }
                    line.grid.zero x1="0" x2=(WIDTH) y1=(BARS) y2=(BARS) {}
                    line.grid.zero x1=(px(x(0.0))) x2=(px(x(0.0))) y1="0" y2=(BARS) {}
                }
            }
            div.xticks aria-hidden="true" {
                @for tick in scale.ticks() {
                    span style={ "left:" (px(scale.fraction(tick) * 100.0)) "%" } {
                        (text::fixed(tick, scale.places()).unwrap_or_default())
                    }
                }
            }
        }
    }
}

fn edge(value: f64) -> String {
    text::fixed(value, 3).unwrap_or_default()
}

/// The worlds in which it lost most, with what shows them again.
fn losses(report: &WorldsReport) -> Markup {
    let count: usize = report.paired.iter().map(|pair| pair.worst.len()).sum();
    if count == 0 {
        return html! { p.note { "It lost to none in any world." } };
    }
    let name = subject(report).map_or("Rule", |line| line.name.as_str());
    html! {
        p { "The worlds in which " (spoken(name)) " lost most to each, worst first." }
        div.scroll {
            table.sortable.filterable.wide.pinned {
                caption { "Percentage points a year" }
                thead { tr {
                    th scope="col" { "Against" }
                    th.n scope="col" { "Seed" }
                    th.n scope="col" { "Difference" }
                    th.n scope="col" { (name) " %" }
                    th.n scope="col" { "The other %" }
                    th scope="col" { "To see it again" }
                } }
                tbody {
                    @for pair in &report.paired {
                        @for (seed, difference) in &pair.worst { (loss(report, pair, *seed, *difference)) }
                    }
                }
            }
        }
    }
}

fn loss(report: &WorldsReport, pair: &Paired, seed: u64, difference: f64) -> Markup {
    let place = report.seeds.iter().position(|known| *known == seed);
    let of = |name: &str| {
        let line = report.lines.iter().find(|line| line.name == name)?;
        line.by_seed.get(place?).copied()
    };
    html! {
        tr {
            th scope="row" { (pair.against) }
            td.n { (seed) }
            (text::cell(Some(difference), NO_PAIR))
            (text::cell(of(&pair.name), NO_PAIR))
            (text::cell(of(&pair.against), NO_PAIR))
            td { code { "plimsoll backtest --synthetic " (seed) ".." (seed) } }
        }
    }
}

/// How often each forecast served.
fn services(report: &WorldsReport) -> Markup {
    let all: usize = report.services.values().sum();
    if all == 0 {
        return html! { p.note { "No forecast was in service." } };
    }
    html! {
        div.scroll {
            table.sortable {
                caption.spoken { "Forecasts in service" }
                thead { tr {
                    th scope="col" { "Forecast" }
                    th.n scope="col" { "Decisions" }
                    th.n scope="col" { "Share %" }
                } }
                tbody {
                    @for (name, count) in &report.services {
                        tr {
                            th scope="row" { (name) }
                            td.n { (text::grouped(whole(*count))) }
                            (text::cell(Some(*count as f64 / all as f64 * 100.0), NO_WORLD))
                        }
                    }
                }
            }
        }
        p.note { "Of all decisions over all worlds, how many each forecast served." }
    }
}

fn remarks(notes: &[String]) -> Markup {
    html! {
        @if notes.is_empty() { p.note { "None." } } @else {
            ul.note { @for note in notes { li { (note) } } }
        }
    }
}
