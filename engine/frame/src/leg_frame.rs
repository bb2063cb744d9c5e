//! Accounts as legs: one row per (market, borrower, asset, side, block).

use crate::error::FrameError;
use crate::schema::pl;
use plimsoll_core::MarketId;
use polars::prelude::*;

/// Which side of an account a leg is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Supplied as collateral.
    Collateral,
    /// Owed.
    Debt,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Collateral => "collateral",
            Side::Debt => "debt",
        }
    }
}

/// One leg of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// The lending market, or the pool of reserves.
    pub market: MarketId,
    /// The account.
    pub borrower: String,
    /// The asset's address, or `aggregate` where the source sums over assets.
    pub asset: String,
    /// Collateral or debt.
    pub side: Side,
    /// Block; `None` in history that recorded none.
    pub block: Option<u64>,
    /// Whole units of the asset.
    pub amount: f64,
    /// USD per whole unit.
    pub price_usd: f64,
    /// LTV at which the collateral is liquidated, a fraction; `None` on the debt side.
    pub liquidation_threshold: Option<f64>,
    /// Efficiency-mode category, where the account is in one.
    pub emode: Option<u32>,
}

/// Legs of accounts.
///
/// # Frame
/// `block` u64 or null, `market`, `borrower`, `asset`, `side` str, `amount` f64 >= 0, `price_usd`
/// f64 > 0, `liquidation_threshold` f64 in 0..=1 or null on the debt side, `emode` u32 or null; unique on
/// (market, borrower, asset, side, block), in that order.
#[derive(Debug, Clone)]
pub struct LegFrame(DataFrame);

impl LegFrame {
    /// Builds the frame from legs in any order.
    ///
    /// # Errors
    /// [`FrameError::OutOfRange`] on an amount, price or threshold that cannot be,
    /// [`FrameError::Unsorted`] on a leg that is there twice.
    pub fn from_legs(mut legs: Vec<Leg>) -> Result<LegFrame, FrameError> {
        fn key(leg: &Leg) -> (&MarketId, &str, &str, Side, Option<u64>) {
            (&leg.market, &leg.borrower, &leg.asset, leg.side, leg.block)
        }
        legs.sort_by(|a, b| key(a).cmp(&key(b)));
        for (row, leg) in legs.iter().enumerate() {
            check(row, leg)?;
        }
        if let Some(row) =
            legs.windows(2).position(|pair| matches!(pair, [a, b] if key(a) == key(b)))
            && let Some(leg) = legs.get(row + 1)
        {
            return Err(FrameError::Unsorted {
                row: row + 1,
                market: leg.market.clone(),
                time: plimsoll_core::Time(0),
            });
        }
        fn column<T>(legs: &[Leg], read: impl Fn(&Leg) -> T) -> Vec<T> {
            legs.iter().map(read).collect()
        }
        let frame = DataFrame::new_infer_height(vec![
            Column::new(pl("block"), column(&legs, |leg| leg.block)),
            Column::new(pl("market"), column(&legs, |leg| leg.market.to_string())),
            Column::new(pl("borrower"), column(&legs, |leg| leg.borrower.clone())),
            Column::new(pl("asset"), column(&legs, |leg| leg.asset.clone())),
            Column::new(pl("side"), column(&legs, |leg| leg.side.name())),
            Column::new(pl("amount"), column(&legs, |leg| leg.amount)),
            Column::new(pl("price_usd"), column(&legs, |leg| leg.price_usd)),
            Column::new(
                pl("liquidation_threshold"),
                column(&legs, |leg| leg.liquidation_threshold),
            ),
            Column::new(pl("emode"), column(&legs, |leg| leg.emode)),
        ])?;
        Ok(LegFrame(frame))
    }

    /// The legs.
    #[must_use]
    pub fn frame(&self) -> &DataFrame {
        &self.0
    }

    /// Returns one row per (market, borrower, block) with `collateral_usd`, `debt_usd` and
    /// `health_factor` = sum(collateral x liquidation threshold) / debt.
    ///
    /// # Frame
    /// Sorted by (market, borrower, block). The health factor is null where nothing is owed: such an
    /// account cannot be liquidated, whatever the price.
    ///
    /// # Errors
    /// [`FrameError::Polars`] only.
    ///
    /// # Source
    /// Aave V3 `GenericLogic.calculateUserAccountData`, the health factor before its rounding to a wad.
    pub fn health_factors(&self) -> Result<DataFrame, FrameError> {
        let value = || col("amount") * col("price_usd");
        let on = |side: Side| col("side").eq(lit(side.name()));
        let keys = [col("market"), col("borrower"), col("block")];
        let folded = self
            .0
            .clone()
            .lazy()
            .group_by(keys.clone())
            .agg([
                value().filter(on(Side::Collateral)).sum().alias("collateral_usd"),
                (value() * col("liquidation_threshold"))
                    .filter(on(Side::Collateral))
                    .sum()
                    .alias("backing_usd"),
                value().filter(on(Side::Debt)).sum().alias("debt_usd"),
            ])
            .with_column(
                when(col("debt_usd").gt(lit(0.0)))
                    .then(col("backing_usd") / col("debt_usd"))
                    .otherwise(lit(NULL))
                    .alias("health_factor"),
            )
            .select(
                keys.into_iter()
                    .chain([col("collateral_usd"), col("debt_usd"), col("health_factor")])
                    .collect::<Vec<_>>(),
            )
            .sort(["market", "borrower", "block"], SortMultipleOptions::default());
        Ok(folded.collect()?)
    }
}

fn check(row: usize, leg: &Leg) -> Result<(), FrameError> {
    let threshold = leg.liquidation_threshold;
    let (column, found, allowed) = if !(leg.amount.is_finite() && leg.amount >= 0.0) {
        ("amount", leg.amount, "a finite number >= 0")
    } else if !(leg.price_usd.is_finite() && leg.price_usd > 0.0) {
        ("price_usd", leg.price_usd, "a finite number > 0")
    } else if let Some(bad) = threshold.filter(|found| !(0.0..=1.0).contains(found)) {
        ("liquidation_threshold", bad, "0 to 1")
    } else if leg.side == Side::Collateral && threshold.is_none() {
        ("liquidation_threshold", f64::NAN, "0 to 1, never null, on the collateral side")
    } else {
        return Ok(());
    };
    let market = format!("{} of {}", leg.market, leg.borrower);
    Err(FrameError::OutOfRange {
        row,
        market,
        time: plimsoll_core::Time(0),
        column,
        found,
        allowed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(side: Side, asset: &str, amount: f64, price: f64, threshold: Option<f64>) -> Leg {
        Leg {
            market: "aave-v3:1:0xpool".parse().unwrap(),
            borrower: "0xb".to_owned(),
            asset: asset.to_owned(),
            side,
            block: Some(1),
            amount,
            price_usd: price,
            liquidation_threshold: threshold,
            emode: None,
        }
    }

    #[test]
    fn a_health_factor_is_the_fold_over_all_legs_of_an_account() {
        let legs = LegFrame::from_legs(vec![
            leg(Side::Debt, "usdc", 10_000.0, 1.0, None),
            leg(Side::Collateral, "weth", 5.0, 3_000.0, Some(0.83)),
            leg(Side::Collateral, "wbtc", 0.1, 60_000.0, Some(0.78)),
        ])
        .unwrap();
        let folded = legs.health_factors().unwrap();
        let found = folded.column("health_factor").unwrap().f64().unwrap().get(0).unwrap();
        // (5 x 3000 x 0.83 + 0.1 x 60000 x 0.78) / 10000
        assert!((found - 1.713).abs() < 1e-12, "{found}");
    }

    #[test]
    fn an_account_without_debt_has_no_health_factor() {
        let legs =
            LegFrame::from_legs(vec![leg(Side::Collateral, "weth", 5.0, 3_000.0, Some(0.83))])
                .unwrap();
        let folded = legs.health_factors().unwrap();
        assert_eq!(folded.column("health_factor").unwrap().f64().unwrap().get(0), None);
    }

    #[test]
    fn a_leg_that_cannot_be_is_refused_with_its_place() {
        let error =
            LegFrame::from_legs(vec![leg(Side::Debt, "usdc", -1.0, 1.0, None)]).unwrap_err();
        assert!(
            error.to_string().contains("`amount` is -1, allowed is a finite number >= 0"),
            "{error}"
        );
        let error =
            LegFrame::from_legs(vec![leg(Side::Collateral, "weth", 1.0, 1.0, None)]).unwrap_err();
        assert!(error.to_string().contains("never null, on the collateral side"), "{error}");
        let twice =
            vec![leg(Side::Debt, "usdc", 1.0, 1.0, None), leg(Side::Debt, "usdc", 2.0, 1.0, None)];
        assert!(matches!(LegFrame::from_legs(twice), Err(FrameError::Unsorted { row: 1, .. })));
    }
}
