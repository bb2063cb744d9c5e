//! Every market's recent days side by side, cut out of a view.

use plimsoll_core::{Day, MarketId};
use plimsoll_frame::{Column, View};

/// Days in the year over which rates are simple.
pub const YEAR_DAYS: f64 = 365.0;

/// One day of one market; unknown is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DayRow {
    /// Advertised interest.
    pub supply_apr: Option<f64>,
    /// Advertised rewards.
    pub reward_apr: Option<f64>,
    /// The index.
    pub share_price: Option<f64>,
    /// Borrowed over supplied.
    pub utilization: Option<f64>,
    /// Total value, USD.
    pub tvl_usd: Option<f64>,
    /// What can leave now, USD.
    pub exit_usd: Option<f64>,
}

/// One day of a market with a pair: a pool, or a staked token; unknown is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PairDay {
    /// What the pair's other token, or the staked token, fetches in the asset.
    pub price: Option<f64>,
    /// Cumulative fees in the asset per unit of liquidity.
    pub fees_asset: Option<f64>,
    /// Cumulative fees in the other token per unit of liquidity.
    pub fees_foreign: Option<f64>,
    /// What a full range as deep as the pool would be worth, USD.
    pub depth_usd: Option<f64>,
}

/// One market's days on a grid without holes: a day without a row is a day of unknowns.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// The market.
    pub market: MarketId,
    /// The first day.
    pub first: Day,
    /// Day by day from the first.
    pub days: Vec<DayRow>,
    /// The same of what only markets with a pair have; empty for all others.
    pub pair: Vec<PairDay>,
}

/// Every market's track, in the order of markets.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The tracks.
    pub tracks: Vec<Track>,
    /// The day on which the view's clock stood.
    pub today: Day,
}

impl Panel {
    /// Reads the last `days` days of every market that `view` has observed.
    #[must_use]
    pub fn new(view: &View<'_>, days: i64) -> Panel {
        let tracks = view.markets().into_iter().filter_map(|market| track(view, market, days));
        Panel { tracks: tracks.collect(), today: view.clock().day() }
    }

    /// Returns what a view at the end of `today` would have shown of the markets that `keeps` names: the
    /// last `days` days up to then, and nothing later.
    #[must_use]
    pub fn as_of(&self, today: Day, days: i64, keeps: &dyn Fn(&MarketId) -> bool) -> Panel {
        let kept = self.tracks.iter().filter(|track| keeps(&track.market));
        let tracks = kept.filter_map(|track| track.between(today.plus(1 - days), today));
        Panel { tracks: tracks.collect(), today }
    }
}

fn track(view: &View<'_>, market: MarketId, days: i64) -> Option<Track> {
    const COLUMNS: [Column; 6] = [
        Column::SupplyApr,
        Column::RewardApr,
        Column::SharePrice,
        Column::Utilization,
        Column::TvlUsd,
        Column::ExitUsd,
    ];
    let since = days;
    let rows = view.series(&market, COLUMNS, days);
    let days = rows.into_iter().map(|(day, numbers)| {
        let [supply_apr, reward_apr, share_price, utilization, tvl_usd, exit_usd] = numbers;
        (day, DayRow { supply_apr, reward_apr, share_price, utilization, tvl_usd, exit_usd })
    });
    let track = Track::from_days(market, days)?;
    let is_lending = view.terms(&track.market).is_none_or(|terms| terms.kind.is_lending());
    Some(if is_lending { track } else { with_pair(view, track, since) })
}

/// Adds what only markets with a pair have.
fn with_pair(view: &View<'_>, mut track: Track, since: i64) -> Track {
    const COLUMNS: [Column; 4] =
        [Column::PairPrice, Column::FeesAsset, Column::FeesForeign, Column::DepthUsd];
    track.pair = vec![PairDay::default(); track.days.len()];
    for (day, [price, fees_asset, fees_foreign, depth_usd]) in
        view.series(&track.market, COLUMNS, since)
    {
        let place = usize::try_from(day.0 - track.first.0).ok();
        if let Some(slot) = place.and_then(|place| track.pair.get_mut(place)) {
            *slot = PairDay { price, fees_asset, fees_foreign, depth_usd };
        }
    }
    track
}

impl Track {
    /// Lays `days`, in order, out on a grid, the last of each day; `None` of nothing.
    #[must_use]
    pub fn from_days(
        market: MarketId,
        days: impl IntoIterator<Item = (Day, DayRow)>,
    ) -> Option<Track> {
        let mut days = days.into_iter().peekable();
        let first = days.peek()?.0;
        let mut grid: Vec<DayRow> = Vec::with_capacity(days.size_hint().0);
        for (day, row) in days {
            let place = usize::try_from(day.0 - first.0).ok()?;
            if grid.len() <= place {
                grid.resize(place + 1, DayRow::default());
            }
            if let Some(slot) = grid.get_mut(place) {
                *slot = row;
            }
        }
        Some(Track { market, first, days: grid, pair: Vec::new() })
    }

    /// The row of `day`.
    #[must_use]
    pub fn at(&self, day: Day) -> Option<&DayRow> {
        self.days.get(usize::try_from(day.0 - self.first.0).ok()?)
    }

    /// What only a market with a pair has, on `day`.
    #[must_use]
    pub fn pair_at(&self, day: Day) -> Option<&PairDay> {
        self.pair.get(usize::try_from(day.0 - self.first.0).ok()?)
    }

    /// Returns the days from `first` to `last`; `None` where the track has none of them.
    fn between(&self, first: Day, last: Day) -> Option<Track> {
        let first = first.max(self.first);
        let start = usize::try_from(first.0 - self.first.0).ok()?;
        let end = usize::try_from(last.0 - self.first.0 + 1).ok()?.min(self.days.len());
        let days = self.days.get(start..end).filter(|days| !days.is_empty())?.to_vec();
        let pair = self.pair.get(start..end).unwrap_or_default().to_vec();
        Some(Track { market: self.market.clone(), first, days, pair })
    }

    /// The last `count` days up to `day`, as far as they are known.
    fn window(&self, day: Day, count: i64) -> &[DayRow] {
        let end = usize::try_from((day.0 - self.first.0 + 1).max(0)).unwrap_or(0);
        let start = usize::try_from((day.0 - self.first.0 + 1 - count).max(0)).unwrap_or(0);
        self.days.get(start.min(self.days.len())..end.min(self.days.len())).unwrap_or_default()
    }

    /// Known numbers of the last `count` days up to `day`, oldest first.
    #[must_use]
    pub fn known(&self, day: Day, count: i64, of: impl Fn(&DayRow) -> Option<f64>) -> Vec<f64> {
        self.window(day, count).iter().filter_map(of).collect()
    }

    /// Returns what the index grew by over the `days` days from `day` on, as a simple yearly rate; `None`
    /// where either end is unknown, as it is while the days lie ahead.
    #[must_use]
    pub fn realised_apr(&self, day: Day, days: i64) -> Option<f64> {
        let (start, end) = (self.at(day)?.share_price?, self.at(day.plus(days))?.share_price?);
        Some((end / start - 1.0) * YEAR_DAYS / f64::from(i32::try_from(days).ok()?))
    }
}

/// The mean, or `None` of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation with `n - 1`, or `None` of fewer than two.
#[must_use]
pub fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let count = values.len();
    let square: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (count > 1).then(|| (square / (count - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_needs_two() {
        assert_eq!(deviation(&[1.0]), None);
        assert!((deviation(&[1.0, 3.0]).unwrap() - 2f64.sqrt()).abs() < 1e-15);
    }
}
