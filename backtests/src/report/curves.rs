//! The page of rate curves: for each market what it pays at which utilization, and what our own deposit
//! would do to that.
//!
//! Where our effect is not known the page says so and draws none. Outside the utilization on record a
//! fitted curve is a guess, and the range on record is shaded.

use super::chart::{WIDTH, path, px};
use super::scale::{Scale, is_drawable};
use super::{SCRIPT, head, section, summary, text, thin};
use maud::{DOCTYPE, Markup, PreEscaped, html};

#[cfg(test)]
#[path = "curves_tests.rs"]
pub(in crate::report) mod tests;

/// Everything that the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesPage {
    /// One line.
    pub title: String,
    /// What the reader must know before any figure.
    pub labels: Vec<String>,
    /// Remarks at the end.
    pub notes: Vec<String>,
    /// In what balances and deposits are counted, such as "USD".
    pub unit: String,
    /// One section for each.
    pub markets: Vec<CurveMarket>,
}

/// One market.
///
/// # Units
/// Balances in the page's unit; rates and utilization as fractions, rates per 365-day year.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveMarket {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What others supply.
    pub supplied: Option<f64>,
    /// What is borrowed.
    pub borrowed: Option<f64>,
    /// Borrowed over supplied.
    pub utilization: Option<f64>,
    /// What it pays now.
    pub advertised_apr: Option<f64>,
    /// Percent by which borrowing falls when the rate rises by one percent.
    pub elasticity: Option<f64>,
    /// How well the curve fits, where it was fitted.
    pub fit: Option<CurveFit>,
    /// Whether the curve is the contract's own.
    pub is_exact: bool,
    /// The curve: (utilization, rate), ascending.
    pub rates: Vec<(f64, f64)>,
    /// Observed pairs of the same.
    pub observed: Vec<(f64, f64)>,
    /// What our deposit would do, ascending deposits; empty where that is unknown.
    pub deposits: Vec<DepositPoint>,
    /// Deposits at which utilization crosses a kink.
    pub kinks: Vec<f64>,
}

/// How well a fitted curve fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveFit {
    /// Root of the mean squared error, as a rate.
    pub error: f64,
    /// The largest error, as a rate.
    pub worst: f64,
    /// Pairs fitted on.
    pub pairs: usize,
    /// Lowest and highest utilization seen.
    pub seen: (f64, f64),
}

/// What one deposit of ours would do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DepositPoint {
    /// Our deposit.
    pub deposit: f64,
    /// The rate with the borrowers where they are.
    pub after_deposit_apr: f64,
    /// The rate once the borrowers have answered.
    pub sustainable_apr: f64,
    /// What the deposit earns a year at the sustainable rate, in the page's unit.
    pub income: f64,
    /// What the next unit of it earns a year, a fraction.
    pub marginal_income: f64,
}

/// Height of a chart, pixels.
const HEIGHT: f64 = 200.0;
/// Height of each of two charts above one another, pixels.
const HALF: f64 = 76.0;
/// Most points of one line.
const MOST_POINTS: usize = 400;
/// Most observed pairs drawn.
const MOST_DOTS: usize = 400;
/// Most deposits in figures.
const MOST_ROWS: usize = 24;
/// A curve that rises beyond this many times the highest rate that matters now leaves the picture.
const HEADROOM: f64 = 2.0;

/// Returns the page as a complete HTML document.
#[must_use]
pub fn render(page: &CurvesPage) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&page.title))
            body {
                (header(page))
                main {
                    (section("contents", "Markets", &contents(page)))
                    @for (index, market) in page.markets.iter().enumerate() {
                        (Sheet { index, market, unit: &page.unit }.section())
                    }
                    (section("notes", "Notes", &remarks(&page.notes)))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

fn header(page: &CurvesPage) -> Markup {
    let exact = page.markets.iter().filter(|market| market.is_exact).count();
    let fitted = page.markets.iter().filter(|market| fit(market).is_some()).count();
    let count = |count: usize| text::grouped(u64::try_from(count).unwrap_or(u64::MAX));
    html! {
        header {
            div.tools { }
            h1 { (page.title) }
            p.facts {
                span { (text::counted(text::length(&page.markets), "market", "markets")) }
                span { (count(exact)) " with the contract's own curve" }
                span { (count(fitted)) " with a fitted curve" }
                span { "amounts in " (page.unit) }
            }
            (summary::banner(&page.labels))
            nav aria-label="Contents" {
                ul { li { a href="#contents" { "Markets" } } li { a href="#notes" { "Notes" } } }
            }
        }
    }
}

/// The fit, where the curve is not the contract's own.
fn fit(market: &CurveMarket) -> Option<&CurveFit> {
    market.fit.as_ref().filter(|_| !market.is_exact)
}

fn remarks(notes: &[String]) -> Markup {
    html! {
        @if notes.is_empty() { p.note { "None." } } @else {
            ul.note { @for note in notes { li { (note) } } }
        }
    }
}

fn percent_of(fraction: Option<f64>) -> Option<f64> {
    fraction.map(|fraction| fraction * 100.0)
}

fn bps(rate: f64) -> Option<String> {
    text::fixed(rate * 1e4, 1)
}

/// The table of contents, which is also the overview.
fn contents(page: &CurvesPage) -> Markup {
    if page.markets.is_empty() {
        return html! { p.note { "No market was given." } };
    }
    html! {
        div.scroll {
            table.sortable.filterable.wide.pinned {
                caption.spoken { "Markets" }
                thead { tr {
                    th scope="col" { "Market" }
                    th.n scope="col" { "Advertised APR %" }
                    th.n scope="col" { "Utilization %" }
                    th scope="col" { "Curve" }
                    th.n scope="col" { "Fit error bps" }
                    th.n scope="col" { "Supplied, " (page.unit) }
                } }
                tbody {
                    @for (index, market) in page.markets.iter().enumerate() { (overview(index, market)) }
                }
            }
        }
    }
}

fn overview(index: usize, market: &CurveMarket) -> Markup {
    let kind = match (market.is_exact, &market.fit) {
        (true, _) => "exact",
        (false, Some(_)) => "fitted",
        (false, None) => "unknown",
    };
    html! {
        tr {
            th scope="row" { a href={ "#market-" (index) } { (market.name) } code.id { (market.id) } }
            (text::cell(percent_of(market.advertised_apr), "It is not on record."))
            (text::cell(percent_of(market.utilization), "It is not on record."))
            td { (kind) }
            td.n {
                @match (market.is_exact, fit(market).and_then(|fit| bps(fit.error))) {
                    (true, _) => span.quiet { "none" },
                    (false, Some(error)) => (error),
                    (false, None) => (text::unknown("There is no fit.")),
                }
            }
            td.n { @match market.supplied.and_then(grouped) {
                Some(digits) => (digits),
                None => (text::unknown("It is not on record.")),
            } }
        }
    }
}

/// Whole units, grouped.
fn grouped(amount: f64) -> Option<String> {
    let digits = format!("{amount:.0}").parse().ok().map(text::grouped);
    digits.filter(|_| is_amount(amount))
}

fn is_amount(amount: f64) -> bool {
    amount.is_finite() && (0.0..1e15).contains(&amount)
}

/// Returns the size in which amounts up to `most` are counted, and its name.
fn counted_in(most: f64) -> (f64, &'static str) {
    let sizes = [(1e9, "billion "), (1e6, "million "), (1e3, "thousand ")];
    sizes.into_iter().find(|(size, _)| most >= *size).unwrap_or((1.0, ""))
}

/// An amount such as "42.10 million USD".
fn amount(amount: f64, unit: &str) -> Option<String> {
    let (size, name) = counted_in(amount.abs());
    Some(format!("{}\u{a0}{name}{unit}", text::fixed(amount / size, 2)?))
}

/// One picture: its axes, its words, and how wide a unit of it is.
struct Plot<'a> {
    id: String,
    title: &'a str,
    text: String,
    x: Scale,
    y: Scale,
    /// What follows a figure on either axis.
    suffix: (&'static str, &'static str),
    height: f64,
}

impl Plot<'_> {
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.fraction(x) * WIDTH, (1.0 - self.y.fraction(y)) * self.height)
    }

    fn line(&self, class: &str, points: impl Iterator<Item = (f64, f64)>) -> Markup {
        let drawable = points.filter(|(x, y)| is_drawable(*x) && is_drawable(*y));
        let points: Vec<_> = drawable.map(|point| self.at(point)).collect();
        match points.as_slice() {
            [] => html! {},
            [only] => html! { path.points.(class) d={ (path(&[*only])) "h0" } {} },
            _ => {
                html! { path.line.(class) d=(path(&thin::keep_extremes(&points, MOST_POINTS))) {} }
            }
        }
    }

    /// Round marks that keep their shape however the drawing stretches: strokes without a length.
    fn dots(&self, points: &[(f64, f64)]) -> Markup {
        let drawable = points.iter().filter(|(x, y)| is_drawable(*x) && is_drawable(*y));
        let marks: String =
            drawable.map(|point| path(&[self.at(*point)]) + "h0").collect::<Vec<_>>().concat();
        html! { @if !marks.is_empty() { path.points.c1 d=(marks) {} } }
    }

    fn vertical(&self, class: &str, x: f64) -> Markup {
        let is_known = is_drawable(x);
        let x = px(self.at((x, 0.0)).0);
        html! { @if is_known { line.mark.(class) x1=(x) x2=(x) y1="0" y2=(self.height) {} } }
    }

    fn frame(&self, marks: &Markup) -> Markup {
        let (title, text) = (format!("{}-title", self.id), format!("{}-text", self.id));
        let y = |tick: f64| px((1.0 - self.y.fraction(tick)) * self.height);
        let word = |scale: &Scale, tick: f64, suffix: &str| {
            text::fixed(tick, scale.places()).unwrap_or_default() + suffix
        };
        html! {
            div.frame {
                div.yticks aria-hidden="true" {
                    @for tick in self.y.ticks() {
                        span style={ "--y:" (y(tick)) "px" } { (word(&self.y, tick, self.suffix.1)) }
                    }
                }
                div.plot {
                    svg viewBox={ "0 0 " (WIDTH) " " (self.height) } height=(self.height)
                        preserveAspectRatio="none" role="img" aria-labelledby={ (title) " " (text) } {
                        title id=(title) { (self.title) }
                        desc id=(text) { (self.text) }
                        (self.grid())
                        (marks)
                    }
                }
                div.xticks aria-hidden="true" {
                    @for tick in self.x.ticks() {
                        span style={ "left:" (px(self.x.fraction(tick) * 100.0)) "%" } {
                            (word(&self.x, tick, self.suffix.0))
                        }
                    }
                }
            }
        }
    }

    fn grid(&self) -> Markup {
        html! {
            @for tick in self.y.ticks() {
                @let y = px((1.0 - self.y.fraction(tick)) * self.height);
                line.grid.zero[tick.abs() < 1e-9] x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
            }
        }
    }
}

/// One entry of a legend: its mark's class, and what it says.
fn key(class: &str, words: &str) -> Markup {
    html! { span.key.(class) { span.swatch {} (words) } }
}

/// One market's section.
struct Sheet<'a> {
    index: usize,
    market: &'a CurveMarket,
    unit: &'a str,
}

impl Sheet<'_> {
    fn section(&self) -> Markup {
        html! {
            section.strategy id={ "market-" (self.index) } {
                h2 { (self.market.name) code.id { (self.market.id) } }
                (self.facts())
                p { (self.quality()) @if let Some(words) = self.most() { " " (words) } }
                div.curves {
                    (self.curve())
                    @if !self.market.deposits.is_empty() { (self.rates()) (self.incomes()) }
                }
                @if !self.market.deposits.is_empty() { (self.figures()) }
                p.note { a href="#contents" { "All markets" } }
            }
        }
    }

    fn facts(&self) -> Markup {
        let market = self.market;
        let amount = |value: Option<f64>| value.and_then(|value| amount(value, self.unit));
        let rate =
            |value: Option<f64>| Some(text::percent(value.filter(|v| v.is_finite())? * 100.0));
        let facts = [
            ("Supplied", amount(market.supplied)),
            ("Borrowed", amount(market.borrowed)),
            ("Utilization", rate(market.utilization)),
            ("Advertised APR", rate(market.advertised_apr)),
            ("Elasticity", market.elasticity.and_then(|value| text::fixed(value, 2))),
        ];
        html! {
            dl.pairs.spaced {
                @for (name, value) in facts {
                    div { dt { (name) } dd {
                        @match value { Some(value) => (value), None => (text::unknown("It is not on record.")) }
                    } }
                }
            }
        }
    }

    /// How far the curve can be believed.
    fn quality(&self) -> Markup {
        let market = self.market;
        let known = |digits: Option<String>| digits.unwrap_or_else(|| "unknown".to_owned());
        html! {
            @if market.is_exact {
                "The curve is the contract's own."
            } @else if let Some(fit) = fit(market) {
                "The curve is fitted: it misses by " (known(bps(fit.error)))
                " basis points (root mean square; at worst " (known(bps(fit.worst))) ") over "
                (text::counted(u64::try_from(fit.pairs).unwrap_or(u64::MAX), "pair", "pairs"))
                " with utilization from " (text::percent(fit.seen.0 * 100.0)) " to "
                (text::percent(fit.seen.1 * 100.0)) "; outside that it is a guess."
            } @else {
                "The curve is " (text::unknown("Neither the contract's curve nor a fit is there."))
                ": there is neither the contract's own nor enough on record to fit one."
            }
            @if market.deposits.is_empty() {
                " What our deposit would do is unknown: "
                @if market.supplied.is_none() || market.borrowed.is_none() {
                    "what is supplied or borrowed is not on record."
                } @else if market.is_exact || market.fit.is_some() {
                    "no deposit was worked out."
                } @else {
                    "without a curve there is no telling."
                }
            }
        }
    }

    /// Where income is largest.
    fn best(&self) -> Option<&DepositPoint> {
        let finite = self.market.deposits.iter().filter(|point| point.income.is_finite());
        // Of equal incomes the smallest deposit.
        finite.rev().max_by(|a, b| a.income.total_cmp(&b.income))
    }

    /// Whether more would earn more: then the largest income shown is no maximum.
    fn still_rises(&self) -> bool {
        let points = &self.market.deposits;
        points.len() > 1 && points.last() == self.best()
    }

    fn most(&self) -> Option<String> {
        let best = self.best()?;
        let deposit = amount(best.deposit, self.unit)?;
        let income = amount(best.income, self.unit)?;
        Some(if best.income <= 0.0 {
            "No deposit shown here earns anything.".to_owned()
        } else if self.still_rises() {
            format!(
                "Income still rises at the largest deposit shown: {income} a year at {deposit}."
            )
        } else {
            format!("Income is largest at a deposit of {deposit}: {income} a year.")
        })
    }

    fn id(&self, chart: &str) -> String {
        format!("market-{}-{chart}", self.index)
    }

    /// Chart A: the rate against utilization.
    fn curve(&self) -> Markup {
        let market = self.market;
        let in_percent = |(used, rate): &(f64, f64)| (used * 100.0, rate * 100.0);
        let rates: Vec<_> = market.rates.iter().map(in_percent).collect();
        let observed: Vec<_> = market.observed.iter().map(in_percent).collect();
        let (kinks, top) = (bends(&rates), self.ceiling(&rates, &observed));
        let (curve, cut) = below(&rates, top);
        let both = || curve.iter().chain(&observed);
        let now = percent_of(market.utilization).filter(|now| is_drawable(*now));
        let x = both().map(|point| point.0).chain([0.0, 100.0]).chain(now);
        let x = Scale::covering(x, 4.0);
        let y = Scale::covering(both().map(|point| point.1).chain([0.0]), 4.0);
        let Some((x, y)) =
            x.zip(y).filter(|_| both().any(|(x, y)| is_drawable(*x) && is_drawable(*y)))
        else {
            return html! { p.note { "No curve and no observation to draw." } };
        };
        let title = "Rate against utilization";
        let said: Vec<String> = kinks.iter().map(|kink| text::percent(*kink)).collect();
        let ends = rates.last().map(|(used, rate)| {
            format!("{} at utilization {}", text::percent(*rate), text::percent(*used))
        });
        let text =
            format!("{title}; kinks: {}; at the end {}.", list(&said), list(ends.as_slice()));
        let plot = Plot {
            id: self.id("curve"),
            title,
            text,
            x,
            y,
            suffix: ("\u{a0}%", "\u{a0}%"),
            height: HEIGHT,
        };
        let seen = fit(market).map(|fit| (fit.seen.0 * 100.0, fit.seen.1 * 100.0));
        let seen = seen.filter(|(low, high)| is_drawable(*low) && is_drawable(*high));
        let dots = thin::evenly(&observed, MOST_DOTS);
        html! {
            figure.plain {
                figcaption { b { (title) } }
                (plot.frame(&html! {
                    @if let Some((low, high)) = seen {
                        @let (left, right) = (plot.at((low, 0.0)).0, plot.at((high, 0.0)).0);
                        rect.seen x=(px(left)) y="0" width=(px((right - left).max(2.0))) height=(HEIGHT) {}
                    }
                    @for kink in &kinks { (plot.vertical("kink", *kink)) }
                    @if let Some(now) = now { (plot.vertical("now", now)) }
                    (plot.dots(&dots))
                    (plot.line("c0", curve.iter().copied()))
                }))
                p.keys {
                    @if !curve.is_empty() { (key("c0", "curve")) }
                    @if !observed.is_empty() { (key("point c1", &format!("observed, {}", observed.len()))) }
                    @if seen.is_some() { (key("shade", "range on record")) }
                    @if !kinks.is_empty() { (key("kink", &format!("kink at {}", said.join(", ")))) }
                    @if now.is_some() { (key("now", "now")) }
                }
                @if let Some(ends) = ends.filter(|_| cut) {
                    p.note { "The curve leaves the picture: " (ends) "." }
                }
            }
        }
    }

    /// Returns the highest rate worth drawing, percent: a curve can end at a hundred times what it pays.
    fn ceiling(&self, rates: &[(f64, f64)], observed: &[(f64, f64)]) -> f64 {
        let kinks = bends(rates);
        let at_kink = kinks.iter().filter_map(|kink| rate_at(rates, *kink));
        let now = self.market.utilization.and_then(|used| rate_at(rates, used * 100.0));
        let seen = observed.iter().map(|(_, rate)| *rate);
        let highest = at_kink.chain(now).chain(seen).filter(|rate| is_drawable(*rate));
        let highest = highest.fold(0.0, f64::max);
        if highest > 0.0 { HEADROOM * highest } else { f64::INFINITY }
    }

    /// Returns the deposits' axis with the size in which it counts and what it is called.
    fn deposits(&self) -> Option<(Scale, f64, String)> {
        let most =
            self.market.deposits.iter().map(|point| point.deposit).filter(|most| is_amount(*most));
        let (size, name) = counted_in(most.clone().fold(0.0, f64::max));
        let scale = Scale::covering(most.map(|deposit| deposit / size).chain([0.0]), 4.0)?;
        Some((scale, size, format!("our deposit, {name}{}", self.unit)))
    }

    /// The deposits at which utilization crosses a kink, as far as deposits are shown.
    fn crossings(&self) -> impl Iterator<Item = f64> {
        let most = self.market.deposits.last().map_or(0.0, |point| point.deposit);
        self.market.kinks.iter().copied().filter(move |kink| (0.0..=most).contains(kink))
    }

    fn kinks(&self, plot: &Plot<'_>, size: f64) -> Markup {
        html! { @for kink in self.crossings() { (plot.vertical("kink", kink / size)) } }
    }

    fn kink_key(&self) -> Markup {
        let known: Vec<String> =
            self.crossings().filter_map(|kink| amount(kink, self.unit)).collect();
        let words = format!("utilization at a kink: {}", known.join(", "));
        html! { @if !known.is_empty() { (key("kink", &words)) } }
    }

    /// Chart B: the rates against our deposit.
    fn rates(&self) -> Markup {
        let Some((x, size, label)) = self.deposits() else { return html! {} };
        let points = &self.market.deposits;
        let advertised = percent_of(self.market.advertised_apr).filter(|rate| is_drawable(*rate));
        let rates =
            points.iter().flat_map(|point| [point.after_deposit_apr, point.sustainable_apr]);
        let rates = rates.map(|rate| rate * 100.0).chain(advertised).chain([0.0]);
        let Some(y) = Scale::covering(rates, 4.0) else { return html! {} };
        let title = "Rate against our deposit";
        let text = format!(
            "Advertised {}; at the largest deposit {} after our deposit and {} sustainable.",
            text::percent(advertised.unwrap_or(f64::NAN)),
            text::percent(points.last().map_or(f64::NAN, |point| point.after_deposit_apr * 100.0)),
            text::percent(points.last().map_or(f64::NAN, |point| point.sustainable_apr * 100.0)),
        );
        let plot = Plot {
            id: self.id("rates"),
            title,
            text,
            x,
            y,
            suffix: ("", "\u{a0}%"),
            height: HEIGHT,
        };
        let line = |class: &str, of: fn(&DepositPoint) -> f64| {
            plot.line(class, points.iter().map(|point| (point.deposit / size, of(point) * 100.0)))
        };
        let ends = x.ticks().first().copied().zip(x.ticks().last().copied());
        html! {
            figure.plain {
                figcaption { b { (title) } }
                (plot.frame(&html! {
                    (self.kinks(&plot, size))
                    @if let Some((rate, (from, to))) = advertised.zip(ends) {
                        (plot.line("c5 d2", [(from, rate), (to, rate)].into_iter()))
                    }
                    (line("c2", |point| point.sustainable_apr))
                    (line("c3 d1", |point| point.after_deposit_apr))
                }))
                p.axis-name { (label) }
                p.keys {
                    @if advertised.is_some() { (key("c5 d2", "advertised")) }
                    (key("c3 d1", "after our deposit")) (key("c2", "sustainable")) (self.kink_key())
                }
            }
        }
    }

    /// Chart C: income a year, and below it what the next unit adds.
    fn incomes(&self) -> Markup {
        let Some((x, size, label)) = self.deposits() else { return html! {} };
        let points = &self.market.deposits;
        let known = points.iter().map(|point| point.income).filter(|income| income.is_finite());
        let (worth, name) = counted_in(known.clone().map(f64::abs).fold(0.0, f64::max));
        let income = Scale::covering(known.map(|income| income / worth).chain([0.0]), 3.0);
        let marginal = points.iter().map(|point| point.marginal_income * 100.0).chain([0.0]);
        let Some((income, marginal)) = income.zip(Scale::covering(marginal, 3.0)) else {
            return html! {};
        };
        let text = self.most().unwrap_or_else(|| "The income is unknown.".to_owned());
        let upper = Plot {
            id: self.id("income"),
            title: "Income a year",
            text,
            x,
            y: income,
            suffix: ("", ""),
            height: HALF,
        };
        let lower = Plot {
            id: self.id("marginal"),
            title: "Income of the next unit",
            x,
            y: marginal,
            text: "What the next unit of our deposit earns a year, percent.".to_owned(),
            suffix: ("", "\u{a0}%"),
            height: HALF,
        };
        let best = self.best().filter(|best| best.income > 0.0 && !self.still_rises());
        let best = best.map(|best| best.deposit / size);
        let marked = |plot: &Plot<'_>| {
            html! {
                (self.kinks(plot, size))
                @if let Some(best) = best { (plot.vertical("best", best)) }
            }
        };
        let line = |plot: &Plot<'_>, class: &str, of: &dyn Fn(&DepositPoint) -> f64| {
            plot.line(class, points.iter().map(|point| (point.deposit / size, of(point))))
        };
        html! {
            figure.plain.stacked {
                figcaption { b { "Income a year" } ", " (name) (self.unit) }
                (upper.frame(&html! { (marked(&upper)) (line(&upper, "c0", &|point| point.income / worth)) }))
                p.between { b { "Income of the next unit" } ", a year" }
                (lower.frame(&html! {
                    (marked(&lower)) (line(&lower, "c4", &|point| point.marginal_income * 100.0))
                }))
                p.axis-name { (label) }
                p.keys {
                    @if best.is_some() { (key("best", "income largest")) }
                    (self.kink_key())
                }
            }
        }
    }

    /// The deposits in figures, folded away.
    fn figures(&self) -> Markup {
        let rows = thin::evenly(&self.market.deposits, MOST_ROWS);
        let why = "It is not a number.";
        html! {
            details {
                summary { "In figures" span.quiet { (text::counted(text::length(&rows), "deposit", "deposits")) } }
                div.scroll {
                    table {
                        caption.spoken { "What our deposit would do in " (self.market.name) }
                        thead { tr {
                            th.n scope="col" { "Our deposit, " (self.unit) }
                            @for name in ["After our deposit %", "Sustainable %", "Next unit %"] {
                                th.n scope="col" { (name) }
                            }
                            th.n scope="col" { "Income a year, " (self.unit) }
                        } }
                        tbody {
                            @for row in rows {
                                tr {
                                    td.n { @match grouped(row.deposit) {
                                        Some(digits) => (digits), None => (text::unknown(why)),
                                    } }
                                    @for rate in [row.after_deposit_apr, row.sustainable_apr, row.marginal_income] {
                                        (text::cell(percent_of(Some(rate)), why))
                                    }
                                    (text::cell(Some(row.income), why))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Words separated by commas, or "none".
fn list(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// Returns the value of a broken line at `x`; `None` outside it.
fn rate_at(line: &[(f64, f64)], x: f64) -> Option<f64> {
    line.windows(2).find_map(|pair| match pair {
        [a, b] if a.0 <= x && x <= b.0 && b.0 > a.0 => {
            Some(a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0))
        }
        _ => None,
    })
}

/// Returns the line up to where it first exceeds `top`, and whether anything was cut off.
fn below(line: &[(f64, f64)], top: f64) -> (Vec<(f64, f64)>, bool) {
    let kept: Vec<_> =
        line.iter().copied().take_while(|point| point.1.is_nan() || point.1 <= top).collect();
    let Some((over, last)) = line.get(kept.len()).zip(kept.last().copied()) else {
        return (kept, false);
    };
    let share = (top - last.1) / (over.1 - last.1);
    let crossing = (last.0 + share * (over.0 - last.0), top);
    (kept.into_iter().chain([crossing]).collect(), true)
}

/// Returns where a sampled curve has its kinks: where its slope changes by far more than it does
/// elsewhere. A kink between two samples lies where the lines on both sides of it meet.
fn bends(line: &[(f64, f64)]) -> Vec<f64> {
    let slope = |a: (f64, f64), b: (f64, f64)| (b.1 - a.1) / (b.0 - a.0);
    let slopes: Vec<f64> = line
        .windows(2)
        .filter_map(|pair| if let [a, b] = pair { Some(slope(*a, *b)) } else { None })
        .collect();
    let changes: Vec<f64> = slopes
        .windows(2)
        .filter_map(|pair| if let [a, b] = pair { Some((b - a).abs()) } else { None })
        .collect();
    if changes.iter().any(|change| !change.is_finite()) {
        return Vec::new();
    }
    let mut sorted = changes.clone();
    sorted.sort_by(f64::total_cmp);
    // A few corners tell no usual change: every one of them is a kink.
    let usual = sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() > 3);
    let usual = usual.unwrap_or_default();
    let all: f64 = changes.iter().sum();
    let is_bend = |change: f64| change > 8.0 * usual && change > 0.1 * all && change > 1e-9;
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(change) = changes.get(place).copied() {
        let length = changes.iter().skip(place).take_while(|change| is_bend(**change)).count();
        if is_bend(change) {
            found.extend(meeting(line, place, length));
        }
        place += length.max(1);
    }
    found
}

/// Returns where the segments before and after `length` bends from point `place + 1` on meet.
fn meeting(line: &[(f64, f64)], place: usize, length: usize) -> Option<f64> {
    let [a, b] = line.get(place..place + 2)? else { return None };
    let [c, d] = line.get(place + length..place + length + 2)? else { return None };
    let (left, right) = ((b.1 - a.1) / (b.0 - a.0), (d.1 - c.1) / (d.0 - c.0));
    let x = (c.1 - right * c.0 - a.1 + left * a.0) / (left - right);
    x.is_finite().then(|| x.clamp(b.0, c.0.max(b.0)))
}
