//! Snapshots of borrowing accounts in their aggregate form: collateral, debt and mean liquidation
//! threshold of each account.

use super::table::{Table, Wanted};
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_frame::{Leg, Side};
use polars::prelude::{PolarsError, col};
use std::path::Path;

/// An account as the file gives it: two legs, and the health factor that the protocol reported.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedAccount {
    /// One collateral leg and one debt leg over all assets of the account.
    pub legs: [Leg; 2],
    /// The health factor that was recorded.
    pub health_factor: f64,
}

/// Reads accounts of the columns `protocol`, `account`, `collateral`, `debt`, `liquidation_threshold`
/// and `health_factor`, such as `aave_steth_positions_2023_06`.
///
/// Collateral and debt are values in the account's own unit of account (ETH or USD); `unit_usd` gives
/// the USD price of a unit by its name.
///
/// # Errors
/// [`AdapterError`] naming the file and column.
pub fn read_accounts(
    path: &Path,
    unit_usd: impl Fn(&str) -> Option<f64>,
) -> Result<Vec<RecordedAccount>, AdapterError> {
    let table = Table::open(path)?;
    for column in ["protocol", "account", "unit"] {
        table.require(column, Wanted::Text)?;
    }
    for column in ["collateral", "debt", "liquidation_threshold", "health_factor"] {
        table.require(column, Wanted::Number)?;
    }
    let texts = ["protocol", "account", "unit"].map(col);
    let mut wanted = texts.to_vec();
    for column in ["collateral", "debt", "liquidation_threshold", "health_factor", "emode"] {
        wanted.push(table.number(column)?);
    }
    let read = table.collect(table.scan().select(wanted))?;
    let failed = |error: PolarsError| AdapterError::Unreadable {
        file: table.file(),
        detail: error.to_string(),
    };
    let text = |name: &'static str| table.column(&read, name)?.str().map_err(failed);
    let number = |name: &'static str| table.column(&read, name)?.f64().map_err(failed);
    let (protocols, accounts, units) = (text("protocol")?, text("account")?, text("unit")?);
    let (collateral, debt) = (number("collateral")?, number("debt")?);
    let (threshold, health_factor, emode) =
        (number("liquidation_threshold")?, number("health_factor")?, number("emode")?);
    (0..read.height())
        .map(|row| {
            let null =
                |column: &'static str| AdapterError::Null { file: table.file(), column, row };
            let unit = units.get(row).ok_or_else(|| null("unit"))?;
            let protocol = protocols.get(row).ok_or_else(|| null("protocol"))?;
            let leg = |side, amount, liquidation_threshold| Leg {
                market: MarketId::new(protocol, ChainId(1), "pool"),
                borrower: accounts.get(row).unwrap_or_default().to_owned(),
                asset: "aggregate".to_owned(),
                side,
                block: None,
                amount,
                price_usd: unit_usd(unit).unwrap_or(f64::NAN),
                liquidation_threshold,
                emode: emode.get(row).and_then(whole_category),
            };
            let backing = threshold.get(row).ok_or_else(|| null("liquidation_threshold"))?;
            Ok(RecordedAccount {
                legs: [
                    leg(
                        Side::Collateral,
                        collateral.get(row).ok_or_else(|| null("collateral"))?,
                        Some(backing),
                    ),
                    leg(Side::Debt, debt.get(row).ok_or_else(|| null("debt"))?, None),
                ],
                health_factor: health_factor.get(row).ok_or_else(|| null("health_factor"))?,
            })
        })
        .collect()
}

/// A category number read as f64.
fn whole_category(value: f64) -> Option<u32> {
    (0..=255).find(|category| (f64::from(*category) - value).abs() < 1e-9)
}
