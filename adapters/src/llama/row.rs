//! One reading of a chart as an observation.

use super::schema::Reading;
use crate::apy::apr_from_apy_pct;
use plimsoll_core::MarketId;
use plimsoll_frame::{Column, MarketRow, Observation};
use std::sync::Arc;

/// Returns what a reading says of a market, in the frame's units.
///
/// A base rate that is missing is the total less the rewards, as in the Parquet source. A rate of zero
/// stays zero here: whether to believe it is the gate's to say. `exit_usd` stays null: a lending pool's
/// `tvlUsd` is what can be withdrawn, another pool's is not, and nothing says which is which.
pub(super) fn row(market: &MarketId, symbol: &Arc<str>, reading: &Reading) -> Observation {
    let base = reading.apy_base_pct.or_else(|| {
        reading.apy_pct.map(|total| total - reading.apy_reward_pct.unwrap_or_default())
    });
    let row = MarketRow::empty(market.clone(), reading.time)
        .with(Column::SupplyApr, base.map(apr_from_apy_pct))
        .with(Column::RewardApr, reading.apy_reward_pct.map(apr_from_apy_pct))
        .with(Column::TvlUsd, reading.tvl_usd);
    Observation { symbol: symbol.clone(), ..Observation::of(row, "") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::Time;

    fn observed(values: [Option<f64>; 4]) -> [Option<f64>; 3] {
        let [tvl_usd, apy_pct, apy_base_pct, apy_reward_pct] = values;
        let reading = Reading { time: Time(7), tvl_usd, apy_pct, apy_base_pct, apy_reward_pct };
        let market: MarketId = "aave-v3:1:p-1".parse().unwrap();
        let observation = row(&market, &"USDC".into(), &reading);
        assert_eq!(observation.row.time, Time(7));
        assert_eq!(observation.row.market, market);
        assert_eq!(observation.symbol.as_ref(), "USDC");
        for unknown in [Column::SharePrice, Column::PriceUsd, Column::ExitUsd, Column::Utilization]
        {
            assert_eq!(observation.row.get(unknown), None, "what the source does not say is null");
        }
        [Column::SupplyApr, Column::RewardApr, Column::TvlUsd].map(|one| observation.row.get(one))
    }

    /// Equal to seven decimals: the vectors below are rounded to them.
    fn assert_near(found: Option<f64>, expected: f64) {
        assert!((found.unwrap() - expected).abs() < 1e-7, "{found:?} is not {expected}");
    }

    // By hand: 365 (1.05^(1/365) - 1) = 0.0487934, 365 (1.03^(1/365) - 1) = 0.0295600.
    #[test]
    fn percent_apy_becomes_a_fraction_of_apr() {
        let [supply, reward, tvl] = observed([Some(1e6), Some(8.0), Some(5.0), Some(3.0)]);
        assert_near(supply, 0.048_793_4);
        assert_near(reward, 0.029_560_0);
        assert_eq!(tvl, Some(1e6));
    }

    #[test]
    fn a_missing_base_is_the_total_less_the_rewards() {
        let [supply, reward, _] = observed([None, Some(8.0), None, Some(3.0)]);
        assert_near(supply, 0.048_793_4);
        assert_near(reward, 0.029_560_0);
        let [supply, reward, _] = observed([None, Some(5.0), None, None]);
        assert_near(supply, 0.048_793_4);
        assert_eq!(reward, None);
    }

    #[test]
    fn what_is_missing_is_null_and_what_is_zero_is_zero() {
        assert_eq!(observed([None; 4]), [None; 3]);
        let zero = Some(0.0);
        assert_eq!(observed([zero, zero, zero, None]), [zero, None, zero]);
        assert_eq!(observed([zero, zero, None, None]), [zero, None, zero]);
    }

    #[test]
    fn an_absurd_rate_is_passed_on_to_the_gate() {
        // By hand: 365 (1e7 + 1)^(1/365) - 365 = 365 (e^(16.1180957/365) - 1).
        let [supply, _, _] = observed([Some(1.0), None, Some(1e9), None]);
        assert!((supply.unwrap() - 16.479_273).abs() < 1e-5, "{supply:?}");
        let [supply, _, _] = observed([Some(1.0), None, Some(-20.0), None]);
        assert!(supply.unwrap() < 0.0);
        let [supply, _, _] = observed([Some(1.0), None, Some(-101.0), None]);
        assert!(supply.unwrap().is_nan());
    }
}
