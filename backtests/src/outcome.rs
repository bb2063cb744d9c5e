//! What a replay came to: a fold over its journal.

use plimsoll_core::approve::Waiver;
use plimsoll_core::journal::Scored;
use plimsoll_core::{Day, Entry, MarketId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Days in the year over which results are compounded.
pub const YEAR_DAYS: f64 = 365.0;

/// The portfolio at the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DayPoint {
    /// The day.
    pub day: Day,
    /// NAV, 1 before the first decision.
    pub nav: f64,
    /// Share of NAV that sits idle.
    pub idle: f64,
    /// Share of NAV that could have left within 24 hours; `None` where a held market's is unknown.
    pub exitable_24h: Option<f64>,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// NAV day by day.
    pub days: Vec<DayPoint>,
    /// Decisions taken.
    pub decisions: usize,
    /// Decisions that left a market.
    pub switches: usize,
    /// One-way turnover as a multiple of NAV.
    pub turnover: f64,
    /// Cost on turnover, each as a fraction of NAV at its time, summed.
    pub cost: f64,
    /// Gas, likewise, of the plans whose gas was known.
    pub gas_charged: f64,
    /// Plans carried out whose gas was known, and all of them.
    pub gas_known: (usize, usize),
    /// Limits that were not applied.
    pub waivers: BTreeSet<Waiver>,
    /// The day of the last decision that scored markets, and what it said of them.
    pub scores: Option<(Day, Vec<Scored>)>,
    /// How often a buy was cut, by market.
    pub cuts: BTreeMap<MarketId, usize>,
}

impl Outcome {
    /// Returns the fold over `entries` of a portfolio with `decimals` and `capital` whole units.
    pub fn of<'e>(
        entries: impl IntoIterator<Item = &'e Entry>,
        decimals: u8,
        capital: f64,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for entry in entries {
            outcome.add(entry, decimals, capital);
        }
        outcome
    }

    /// Adds the next entry of the journal.
    pub fn add(&mut self, entry: &Entry, decimals: u8, capital: f64) {
        match entry {
            Entry::Marked(marked) => self.days.push(DayPoint {
                day: marked.time.day(),
                nav: marked.nav.to_f64(decimals) / capital,
                idle: share(marked.idle.to_f64(decimals), marked.nav.to_f64(decimals)),
                exitable_24h: marked.exitable_24h,
            }),
            Entry::Decided(decided) => {
                self.decisions += 1;
                if !decided.scores.is_empty() {
                    self.scores = Some((decided.time.day(), decided.scores.clone()));
                }
                self.waivers.extend(decided.waivers.iter().cloned());
                for refusal in &decided.refusals {
                    *self.cuts.entry(refusal.market.clone()).or_default() += 1;
                }
            }
            Entry::Executed(executed) => {
                let nav = executed.nav_before.to_f64(decimals);
                self.switches += usize::from(!executed.left.is_empty());
                if nav > 0.0 {
                    self.turnover += executed.turnover.to_f64(decimals) / nav;
                    self.cost += executed.cost.to_f64(decimals) / nav;
                    self.gas_charged += executed.gas.unwrap_or_default().to_f64(decimals) / nav;
                    self.gas_known.0 += usize::from(executed.gas.is_some());
                    self.gas_known.1 += 1;
                }
            }
        }
    }

    /// Joins sleeves that each began with the same capital and moved nothing between them.
    ///
    /// NAV is their mean; switches add up; turnover, cost and gas are means, as multiples of NAV.
    #[must_use]
    pub fn join(sleeves: &[Outcome]) -> Outcome {
        let count = sleeves.len().max(1) as f64;
        let mean = |read: &dyn Fn(&Outcome) -> f64| sleeves.iter().map(read).sum::<f64>() / count;
        let mut days: BTreeMap<Day, (f64, f64, Option<f64>)> = BTreeMap::new();
        for point in sleeves.iter().flat_map(|sleeve| &sleeve.days) {
            let (nav, idle, out) = days.entry(point.day).or_insert((0.0, 0.0, Some(0.0)));
            *nav += point.nav;
            *idle += point.idle * point.nav;
            *out = out.zip(point.exitable_24h).map(|(sum, exitable)| sum + exitable * point.nav);
        }
        let point = |(day, (nav, idle, out)): (Day, (f64, f64, Option<f64>))| DayPoint {
            day,
            nav: nav / count,
            idle: share(idle, nav),
            exitable_24h: out.map(|out| out / nav),
        };
        Outcome {
            days: days.into_iter().map(point).collect(),
            decisions: sleeves.iter().map(|sleeve| sleeve.decisions).max().unwrap_or_default(),
            switches: sleeves.iter().map(|sleeve| sleeve.switches).sum(),
            turnover: mean(&|sleeve| sleeve.turnover),
            cost: mean(&|sleeve| sleeve.cost),
            gas_charged: mean(&|sleeve| sleeve.gas_charged),
            gas_known: sleeves.iter().fold((0, 0), |(known, all), sleeve| {
                (known + sleeve.gas_known.0, all + sleeve.gas_known.1)
            }),
            waivers: sleeves.iter().flat_map(|sleeve| sleeve.waivers.clone()).collect(),
            scores: None,
            cuts: BTreeMap::new(),
        }
    }

    /// Gas as a fraction of NAV, summed; `None` where it was not known for every plan.
    #[must_use]
    pub fn gas(&self) -> Option<f64> {
        (self.gas_known.0 == self.gas_known.1).then_some(self.gas_charged)
    }

    /// Mean share of NAV that sat idle, percent.
    #[must_use]
    pub fn idle_pct(&self) -> Option<f64> {
        let count = self.days.len();
        (count > 0)
            .then(|| self.days.iter().map(|point| point.idle).sum::<f64>() / count as f64 * 100.0)
    }

    /// Growth from the capital at the first decision to the last day, compounded over a 365-day year,
    /// percent; `None` without two days or with nothing left.
    #[must_use]
    pub fn annualised_pct(&self) -> Option<f64> {
        let (first, last) = (self.days.first()?, self.days.last()?);
        let days = (last.day.0 - first.day.0) as f64;
        (days > 0.0 && last.nav > 0.0).then(|| (last.nav.powf(YEAR_DAYS / days) - 1.0) * 100.0)
    }

    /// Largest fall from the running peak, the capital at the start included, percent, at least zero.
    #[must_use]
    pub fn max_drawdown_pct(&self) -> Option<f64> {
        self.days.first()?;
        let mut peak = 1.0f64;
        let mut worst = 0.0f64;
        for point in &self.days {
            peak = peak.max(point.nav);
            worst = worst.max(1.0 - point.nav / peak);
        }
        Some(worst * 100.0)
    }

    /// Mean loss of the worst 5 % of days, percent; negative where even those days gained. `None` with
    /// fewer than twenty daily returns, which have no worst 5 %.
    #[must_use]
    pub fn cvar95_daily_pct(&self) -> Option<f64> {
        // The first day's return is what entering cost.
        let before = std::iter::once(1.0).chain(self.days.iter().map(|point| point.nav));
        let pairs = before.zip(self.days.iter().map(|point| point.nav));
        let mut returns: Vec<f64> = pairs.map(|(before, after)| after / before - 1.0).collect();
        if returns.len() < 20 {
            return None;
        }
        returns.sort_by(f64::total_cmp);
        let count = returns.len().div_ceil(20);
        Some(-returns.iter().take(count).sum::<f64>() / count as f64 * 100.0)
    }

    /// Lowest percentage of NAV that could have left within 24 hours; `None` where the exit of any held
    /// market was unknown on any day.
    #[must_use]
    pub fn exitable_24h_pct(&self) -> Option<f64> {
        let lowest =
            self.days.iter().try_fold(1.0f64, |low, point| Some(low.min(point.exitable_24h?)))?;
        (!self.days.is_empty()).then_some(lowest * 100.0)
    }
}

/// `part` of `whole`, zero of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(navs: &[f64]) -> Outcome {
        let point = |(day, nav): (usize, &f64)| DayPoint {
            day: Day(i64::try_from(day).unwrap()),
            nav: *nav,
            idle: 0.0,
            exitable_24h: None,
        };
        Outcome { days: navs.iter().enumerate().map(point).collect(), ..Outcome::default() }
    }

    #[test]
    fn growth_is_compounded_over_a_365_day_year() {
        let mut year = outcome(&[1.0, 1.1]);
        year.days[1].day = Day(365);
        assert!((year.annualised_pct().unwrap() - 10.0).abs() < 1e-12);
        year.days[1].day = Day(73);
        // 1.1^5 - 1
        assert!((year.annualised_pct().unwrap() - 61.051).abs() < 1e-9);
        assert_eq!(outcome(&[1.0]).annualised_pct(), None);
    }

    #[test]
    fn drawdown_is_the_largest_fall_from_the_running_peak() {
        assert!(
            (outcome(&[1.0, 1.2, 0.9, 1.3, 1.25]).max_drawdown_pct().unwrap() - 25.0).abs() < 1e-12
        );
        assert!(outcome(&[1.0, 1.1]).max_drawdown_pct().unwrap().abs() < 1e-15);
    }

    #[test]
    fn what_entering_cost_counts_in_growth_drawdown_and_the_worst_days() {
        let mut costly = outcome(&[0.9; 30]);
        costly.days[29].day = Day(365);
        assert!((costly.annualised_pct().unwrap() + 10.0).abs() < 1e-9);
        assert!((costly.max_drawdown_pct().unwrap() - 10.0).abs() < 1e-9);
        assert!((costly.cvar95_daily_pct().unwrap() - 5.0).abs() < 1e-9, "-10 % and 0");
    }

    #[test]
    fn cvar_is_the_mean_of_the_worst_twentieth_of_days() {
        let mut navs = vec![1.0];
        for day in 0..40 {
            let step = match day {
                3 => 0.98,
                17 => 0.96,
                _ => 1.0,
            };
            navs.push(navs.last().unwrap() * step);
        }
        // Forty-one returns, three of them the worst twentieth: -4 %, -2 % and 0.
        assert!((outcome(&navs).cvar95_daily_pct().unwrap() - 2.0).abs() < 1e-9);
        assert_eq!(outcome(&[1.0; 10]).cvar95_daily_pct(), None);
    }

    #[test]
    fn an_unknown_exit_makes_the_lowest_exit_unknown() {
        let mut known = outcome(&[1.0, 1.0]);
        known.days[0].exitable_24h = Some(0.4);
        assert_eq!(known.exitable_24h_pct(), None);
        known.days[1].exitable_24h = Some(0.9);
        assert!((known.exitable_24h_pct().unwrap() - 40.0).abs() < 1e-12);
    }

    #[test]
    fn joined_sleeves_have_the_mean_nav() {
        let joined = Outcome::join(&[outcome(&[1.0, 1.2]), outcome(&[1.0, 1.0])]);
        assert!((joined.days[1].nav - 1.1).abs() < 1e-15);
    }
}
