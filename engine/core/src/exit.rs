//! How long leaving takes, from how much of a market was free day by day.

use crate::statistics::quantile;

/// Hours in a day: history is daily.
const DAY_HOURS: f64 = 24.0;

/// How long a stated amount takes to leave.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExitTimes {
    /// Half of the time it takes at most so many hours; `None` where it could not leave, or nothing is
    /// known.
    pub p50_hours: Option<f64>,
    /// In nineteen of twenty cases.
    pub p95_hours: Option<f64>,
}

/// Returns how long `amount` takes to leave a market of which `free_shares` of everything supplied was free
/// day by day, when `leaving_first` of everything leaves before us.
///
/// From each day of the history, the days until so much was free; a wait that outlasts the history counts
/// as for ever. Zero hours is the same day.
#[must_use]
pub fn exit_times(
    free_shares: &[f64],
    amount: f64,
    supplied: f64,
    leaving_first: f64,
) -> ExitTimes {
    if amount <= 0.0 {
        return ExitTimes { p50_hours: Some(0.0), p95_hours: Some(0.0) };
    }
    if supplied <= 0.0 || free_shares.is_empty() {
        return ExitTimes::default();
    }
    let needed = (amount / supplied).min(1.0) + leaving_first;
    let mut wait = f64::INFINITY;
    let mut waits: Vec<f64> = Vec::with_capacity(free_shares.len());
    for free in free_shares.iter().rev() {
        wait = if *free >= needed { 0.0 } else { wait + DAY_HOURS };
        waits.push(wait);
    }
    let at = |share: f64| {
        // Interpolating with a wait for ever gives no number: the next whole wait is taken.
        let mut sorted = waits.clone();
        sorted.sort_by(f64::total_cmp);
        let known = sorted.iter().filter(|wait| wait.is_finite()).count();
        let enough = known as f64 >= share * sorted.len() as f64;
        enough.then(|| quantile(&sorted, share)).flatten().filter(|hours| hours.is_finite())
    };
    ExitTimes { p50_hours: at(0.5), p95_hours: at(0.95) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_always_free_leaves_at_once() {
        let times = exit_times(&[0.3; 30], 10.0, 100.0, 0.1);
        assert_eq!((times.p50_hours, times.p95_hours), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn a_market_that_was_full_one_day_in_five_takes_a_day_at_worst() {
        let free: Vec<f64> = (0..50).map(|day| if day % 5 == 0 { 0.0 } else { 0.3 }).collect();
        let times = exit_times(&free, 10.0, 100.0, 0.1);
        assert_eq!((times.p50_hours, times.p95_hours), (Some(0.0), Some(24.0)));
    }

    #[test]
    fn what_was_never_free_cannot_be_promised() {
        assert_eq!(exit_times(&[0.05; 30], 10.0, 100.0, 0.1), ExitTimes::default());
        assert_eq!(exit_times(&[], 10.0, 100.0, 0.1), ExitTimes::default());
        // Free at first and full since: from most days there was no way out.
        let mut free = vec![0.5; 10];
        free.extend(vec![0.0; 30]);
        assert_eq!(exit_times(&free, 10.0, 100.0, 0.1).p50_hours, None);
    }

    #[test]
    fn nothing_leaves_at_once_from_anywhere() {
        assert_eq!(exit_times(&[], 0.0, 0.0, 0.1).p95_hours, Some(0.0));
    }
}
