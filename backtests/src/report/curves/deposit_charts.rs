//! What our own deposit would do to one market: the rates against it, what it earns, and what the next
//! unit of it adds.

use super::amount::{amount, counted_in, is_amount};
use super::model::{CurveMarket, DepositPoint};
use super::percent_of;
use crate::report::plot::{HALF, HEIGHT, Plot, key};
use crate::report::scale::{Scale, is_drawable};
use crate::report::text;
use maud::{Markup, html};

/// Says at which deposit income is largest; `None` where no income is known.
pub(super) fn largest_income(market: &CurveMarket, unit: &str) -> Option<String> {
    let best = market.best()?;
    let (deposit, income) = (amount(best.deposit, unit)?, amount(best.income, unit)?);
    Some(if best.income <= 0.0 {
        "No deposit shown here earns anything.".to_owned()
    } else if market.still_rises() {
        format!("Income still rises at the largest deposit shown: {income} a year at {deposit}.")
    } else {
        format!("Income is largest at a deposit of {deposit}: {income} a year.")
    })
}

/// The charts, which share the axis of deposits.
pub(super) struct DepositCharts<'a> {
    market: &'a CurveMarket,
    unit: &'a str,
    /// Deposits, counted in `size`.
    axis: Scale,
    size: f64,
    /// What the axis is called.
    label: String,
}

impl<'a> DepositCharts<'a> {
    /// Returns the charts of `market`, or `None` where what a deposit would do is not known.
    pub(super) fn of(market: &'a CurveMarket, unit: &'a str) -> Option<DepositCharts<'a>> {
        if market.deposits.is_empty() {
            return None;
        }
        let known = market.deposits.iter().map(|point| point.deposit);
        let known = known.filter(|deposit| is_amount(*deposit));
        let (size, name) = counted_in(known.clone().fold(0.0, f64::max));
        let axis = Scale::covering(known.map(|deposit| deposit / size).chain([0.0]), 4.0)?;
        let label = format!("our deposit, {name}{unit}");
        Some(DepositCharts { market, unit, axis, size, label })
    }

    /// The rates against our deposit.
    pub(super) fn rates(&self, id: String) -> Markup {
        let points = &self.market.deposits;
        let advertised = percent_of(self.market.advertised_apr).filter(|rate| is_drawable(*rate));
        let rates =
            points.iter().flat_map(|point| [point.after_deposit_apr, point.sustainable_apr]);
        let rates = rates.map(|rate| rate * 100.0).chain(advertised).chain([0.0]);
        let Some(y) = Scale::covering(rates, 4.0) else { return html! {} };
        let (x, title, suffix) = (self.axis, "Rate against our deposit", ("", "\u{a0}%"));
        let text = self.rates_in_words(advertised);
        let plot = Plot { id, title, text, x, y, suffix, height: HEIGHT };
        let ends = x.ticks().first().copied().zip(x.ticks().last().copied());
        html! {
            figure.plain {
                figcaption { b { (title) } }
                (plot.frame(&html! {
                    (self.kinks(&plot))
                    @if let Some((rate, (from, to))) = advertised.zip(ends) {
                        (plot.line("c5 d2", [(from, rate), (to, rate)].into_iter()))
                    }
                    (self.line(&plot, "c2", |point| point.sustainable_apr * 100.0))
                    (self.line(&plot, "c3 d1", |point| point.after_deposit_apr * 100.0))
                }))
                p.axis-name { (self.label) }
                p.keys {
                    @if advertised.is_some() { (key("c5 d2", "advertised")) }
                    (key("c3 d1", "after our deposit")) (key("c2", "sustainable")) (self.kink_key())
                }
            }
        }
    }

    fn rates_in_words(&self, advertised: Option<f64>) -> String {
        let last = self.market.deposits.last();
        let of_last = |rate: fn(&DepositPoint) -> f64| {
            text::percent(last.map_or(f64::NAN, |point| rate(point) * 100.0))
        };
        format!(
            "Advertised {}; at the largest deposit {} after our deposit and {} sustainable.",
            text::percent(advertised.unwrap_or(f64::NAN)),
            of_last(|point| point.after_deposit_apr),
            of_last(|point| point.sustainable_apr),
        )
    }

    /// Income a year, and below it what the next unit adds: two pictures of these identifiers.
    pub(super) fn incomes(&self, [upper, lower]: [String; 2]) -> Markup {
        let known = self.market.deposits.iter().map(|point| point.income);
        let known = known.filter(|income| income.is_finite());
        let (worth, name) = counted_in(known.clone().map(f64::abs).fold(0.0, f64::max));
        let income = Scale::covering(known.map(|income| income / worth).chain([0.0]), 3.0);
        let Some((upper, lower)) =
            income.map(|income| self.upper(upper, income)).zip(self.lower(lower))
        else {
            return html! {};
        };
        let best = self.best();
        let marks = |plot: &Plot<'_>| {
            html! {
                (self.kinks(plot))
                @if let Some(best) = best { (plot.vertical("best", best)) }
            }
        };
        html! {
            figure.plain.stacked {
                figcaption { b { (upper.title) } ", " (name) (self.unit) }
                (upper.frame(&html! {
                    (marks(&upper)) (self.line(&upper, "c0", |point| point.income / worth))
                }))
                p.between { b { (lower.title) } ", a year" }
                (lower.frame(&html! {
                    (marks(&lower))
                    (self.line(&lower, "c4", |point| point.marginal_income * 100.0))
                }))
                p.axis-name { (self.label) }
                p.keys {
                    @if best.is_some() { (key("best", "income largest")) }
                    (self.kink_key())
                }
            }
        }
    }

    fn upper(&self, id: String, y: Scale) -> Plot<'static> {
        let text = largest_income(self.market, self.unit)
            .unwrap_or_else(|| "The income is unknown.".to_owned());
        let title = "Income a year";
        Plot { id, title, text, x: self.axis, y, suffix: ("", ""), height: HALF }
    }

    fn lower(&self, id: String) -> Option<Plot<'static>> {
        let marginal = self.market.deposits.iter().map(|point| point.marginal_income * 100.0);
        let y = Scale::covering(marginal.chain([0.0]), 3.0)?;
        let title = "Income of the next unit";
        let text = "What the next unit of our deposit earns a year, percent.".to_owned();
        Some(Plot { id, title, text, x: self.axis, y, suffix: ("", "\u{a0}%"), height: HALF })
    }

    /// Where on the axis income is largest, where that is a maximum.
    fn best(&self) -> Option<f64> {
        let best = self.market.best().filter(|best| best.income > 0.0);
        best.filter(|_| !self.market.still_rises()).map(|best| best.deposit / self.size)
    }

    fn line(&self, plot: &Plot<'_>, class: &str, of: impl Fn(&DepositPoint) -> f64) -> Markup {
        let points = self.market.deposits.iter();
        plot.line(class, points.map(|point| (point.deposit / self.size, of(point))))
    }

    /// The deposits at which utilization crosses a kink, as far as deposits are shown.
    fn crossings(&self) -> impl Iterator<Item = f64> {
        let most = self.market.deposits.last().map_or(0.0, |point| point.deposit);
        self.market.kinks.iter().copied().filter(move |kink| (0.0..=most).contains(kink))
    }

    fn kinks(&self, plot: &Plot<'_>) -> Markup {
        html! { @for kink in self.crossings() { (plot.vertical("kink", kink / self.size)) } }
    }

    fn kink_key(&self) -> Markup {
        let known: Vec<String> =
            self.crossings().filter_map(|kink| amount(kink, self.unit)).collect();
        let words = format!("utilization at a kink: {}", known.join(", "));
        html! { @if !known.is_empty() { (key("kink", &words)) } }
    }
}
