//! Lending reserves with an index, such as `aave_v3_reserves_daily`.
//!
//! # Units
//! Rates are fractions: simple, per 365-day year, net of the reserve factor. `liquidity_index` is the
//! share price of the aToken.

use super::table::{Table, Wanted};
use plimsoll_execute::AdapterError;
use polars::prelude::*;

/// Returns the columns of an observation from a file of reserves.
pub(super) fn columns(table: &Table) -> Result<Vec<Expr>, AdapterError> {
    table.require("timestamp", Wanted::Instant)?;
    table.require("chain", Wanted::Text)?;
    table.require("asset_address", Wanted::Text)?;
    table.require("symbol", Wanted::Text)?;
    table.require("supply_apr", Wanted::Number)?;
    table.require("liquidity_index", Wanted::Number)?;
    let has_utilization = table.allow("utilization", Wanted::Number)?;
    let utilization = if has_utilization { "utilization" } else { "implied_utilization" };
    Ok(vec![
        table.instant("timestamp")?.alias("time"),
        table.text("protocol")?.fill_null(lit("aave-v3")).alias("protocol"),
        table.text("chain")?,
        table.text("asset_address")?.alias("address"),
        table.text("symbol")?,
        table.text("pool_id")?.alias("key"),
        table.number("supply_apr")?,
        table.number("reward_apr")?,
        table.number("liquidity_index")?.alias("share_price"),
        table.number("reward_index")?,
        table.number(utilization)?.alias("utilization"),
        table.number("tvl_usd")?,
        table.number("exit_usd")?,
        table.number("entry_usd")?,
        table.number("exit_delay_days")?,
        table.number("pair_price")?,
        table.number("fees_asset")?,
        table.number("fees_foreign")?,
        table.number("depth_usd")?,
        table.number("price_usd")?,
        table.number("borrow_apr")?,
        table.instant("reserve_last_update")?.alias("updated_at"),
        table.flag("borrowing_enabled")?.alias("borrowable"),
        table.flag("active")?.alias("is_active"),
        takes_deposits(table)?.alias("takes_deposits"),
        table.flag("stale_snapshot")?.fill_null(lit(false)).alias("marked_stale"),
    ])
}

/// Active, not frozen, not paused, as far as the file says.
fn takes_deposits(table: &Table) -> Result<Expr, AdapterError> {
    let active = table.flag("active")?;
    let frozen = table.flag("frozen")?;
    let paused = table.flag("paused")?;
    let nothing_said =
        active.clone().is_null().and(frozen.clone().is_null()).and(paused.clone().is_null());
    Ok(when(nothing_said).then(lit(NULL)).otherwise(
        active
            .fill_null(lit(true))
            .and(frozen.fill_null(lit(false)).not())
            .and(paused.fill_null(lit(false)).not()),
    ))
}
