//! What a replay came to: a fold over its journal.

use plimsoll_core::approve::Waiver;
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
    /// NAV, 1 at the first decision.
    pub nav: f64,
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
    /// Gas, likewise; `None` where its price was not known for any plan.
    pub gas: Option<f64>,
    /// Limits that were not applied.
    pub waivers: BTreeSet<Waiver>,
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
        let mut outcome = Outcome { gas: Some(0.0), ..Outcome::default() };
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
                exitable_24h: marked.exitable_24h,
            }),
            Entry::Decided(decided) => {
                self.decisions += 1;
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
                    let gas = executed.gas.map(|gas| gas.to_f64(decimals) / nav);
                    self.gas = self.gas.zip(gas).map(|(sum, gas)| sum + gas);
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
        let mut days: BTreeMap<Day, (f64, Option<f64>)> = BTreeMap::new();
        for point in sleeves.iter().flat_map(|sleeve| &sleeve.days) {
            let (nav, out) = days.entry(point.day).or_insert((0.0, Some(0.0)));
            *nav += point.nav;
            *out = out.zip(point.exitable_24h).map(|(sum, exitable)| sum + exitable * point.nav);
        }
        let point = |(day, (nav, out)): (Day, (f64, Option<f64>))| DayPoint {
            day,
            nav: nav / count,
            exitable_24h: out.map(|out| out / nav),
        };
        Outcome {
            days: days.into_iter().map(point).collect(),
            decisions: sleeves.iter().map(|sleeve| sleeve.decisions).max().unwrap_or_default(),
            switches: sleeves.iter().map(|sleeve| sleeve.switches).sum(),
            turnover: mean(&|sleeve| sleeve.turnover),
            cost: mean(&|sleeve| sleeve.cost),
            gas: sleeves
                .iter()
                .try_fold(0.0, |sum, sleeve| sleeve.gas.map(|gas| sum + gas / count)),
            waivers: sleeves.iter().flat_map(|sleeve| sleeve.waivers.clone()).collect(),
            cuts: BTreeMap::new(),
        }
    }

    /// Growth from the first day to the last, compounded over a 365-day year, percent; `None` without
    /// two days or with nothing left.
    #[must_use]
    pub fn annualised_pct(&self) -> Option<f64> {
        let (first, last) = (self.days.first()?, self.days.last()?);
        let days = (last.day.0 - first.day.0) as f64;
        let growth = last.nav / first.nav;
        (days > 0.0 && growth > 0.0).then(|| (growth.powf(YEAR_DAYS / days) - 1.0) * 100.0)
    }

    /// Largest fall from the running peak, percent, at least zero.
    #[must_use]
    pub fn max_drawdown_pct(&self) -> Option<f64> {
        let mut peak = self.days.first()?.nav;
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
        let pairs = self.days.iter().zip(self.days.iter().skip(1));
        let mut returns: Vec<f64> = pairs.map(|(a, b)| b.nav / a.nav - 1.0).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(navs: &[f64]) -> Outcome {
        let point = |(day, nav): (usize, &f64)| DayPoint {
            day: Day(i64::try_from(day).unwrap()),
            nav: *nav,
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
        // Forty returns: the worst two are -4 % and -2 %.
        assert!((outcome(&navs).cvar95_daily_pct().unwrap() - 3.0).abs() < 1e-9);
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
