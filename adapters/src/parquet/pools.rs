//! Advertised pool yields, such as `pool_yields_daily`. There is no index, so these markets can be
//! ranked and shown, and earn nothing in a replay.
//!
//! # Units
//! The file's APYs are percent, compounded; here they become APR fractions. `tvl_usd` is as the source
//! gives it: for lending pools that is supply less borrows.

use super::table::{Table, Wanted};
use plimsoll_execute::AdapterError;
use polars::prelude::*;

/// Returns the columns of an observation from a file of pool yields; the rates still are APY percent.
pub(super) fn columns(table: &Table) -> Result<Vec<Expr>, AdapterError> {
    table.require("timestamp", Wanted::Instant)?;
    table.require("pool_id", Wanted::Text)?;
    table.require("protocol", Wanted::Text)?;
    table.require("chain", Wanted::Text)?;
    table.require("symbol", Wanted::Text)?;
    table.require("apy_pct", Wanted::Number)?;
    let reward = table.number("apy_reward_pct")?;
    let total = table.number("apy_pct")?;
    let base = when(table.number("apy_base_pct")?.is_not_null())
        .then(table.number("apy_base_pct")?)
        .otherwise(total - reward.clone().fill_null(lit(0.0)));
    let none = |name: &str| lit(NULL).cast(DataType::Float64).alias(name);
    Ok(vec![
        table.instant("timestamp")?.alias("time"),
        table.text("protocol")?,
        table.text("chain")?,
        table.text("pool_id")?.alias("address"),
        table.text("symbol")?,
        lit(NULL).cast(DataType::String).alias("key"),
        base.alias("supply_apr"),
        reward.alias("reward_apr"),
        none("share_price"),
        none("reward_index"),
        none("utilization"),
        table.number("tvl_usd")?,
        none("exit_usd"),
        none("entry_usd"),
        none("exit_delay_days"),
        none("pair_price"),
        none("fees_asset"),
        none("fees_foreign"),
        none("depth_usd"),
        none("price_usd"),
        none("borrow_apr"),
        lit(NULL).cast(DataType::Int64).alias("updated_at"),
        lit(NULL).cast(DataType::Boolean).alias("borrowable"),
        lit(NULL).cast(DataType::Boolean).alias("is_active"),
        lit(NULL).cast(DataType::Boolean).alias("takes_deposits"),
        lit(false).alias("marked_stale"),
    ])
}
