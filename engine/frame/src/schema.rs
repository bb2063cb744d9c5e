//! The one schema of market frames.

use polars::prelude::{DataType, PlSmallStr, TimeUnit, TimeZone};

/// Name of the block column.
pub const BLOCK: &str = "block";
/// Name of the time column.
pub const TIME: &str = "time";
/// Name of the market column.
pub const MARKET: &str = "market";

/// A number column. The order is the order of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// USD per whole unit of the market's asset.
    PriceUsd,
    /// Asset per share: the index. Null where the source has only advertised rates, which then earn
    /// nothing in a replay.
    SharePrice,
    /// Cumulative rewards per share in USD, valued as accrued.
    RewardIndex,
    /// Advertised supply rate: simple, per 365-day year, net of protocol fees.
    SupplyApr,
    /// Advertised reward rate: simple, per 365-day year.
    RewardApr,
    /// Borrowed over supplied; above 1 on some protocols in stress; null when nothing is lent.
    Utilization,
    /// Total value, USD.
    TvlUsd,
    /// What could be withdrawn in this block, USD.
    ExitUsd,
    /// What could be deposited in this block, USD; 0 where the protocol takes no deposits.
    EntryUsd,
    /// Queue or lock before a withdrawal pays, days; 0 in the same block.
    ExitDelayDays,
    /// What a whole unit of the pair's other token, or of the staked token, fetches in the market's asset.
    PairPrice,
    /// Cumulative fees in the market's asset per unit of liquidity, a unit of which is worth twice the root of
    /// the pair's price as a full range.
    FeesAsset,
    /// Cumulative fees in the pair's other token per unit of liquidity.
    FeesForeign,
    /// What a full range as deep as the pool is now would be worth, USD.
    DepthUsd,
}

/// What a number column may hold besides null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Finite and above zero.
    Positive,
    /// Finite and not below zero.
    NonNegative,
}

impl Allowed {
    /// Whether `value` may stand in the column. NaN and infinities never may.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Allowed::Positive => value > 0.0,
                Allowed::NonNegative => value >= 0.0,
            }
    }

    /// The range as text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Allowed::Positive => "a finite number > 0, or null",
            Allowed::NonNegative => "a finite number >= 0, or null",
        }
    }
}

impl Column {
    /// Every number column, in the order of the frame.
    pub const ALL: [Column; 14] = [
        Column::PriceUsd,
        Column::SharePrice,
        Column::RewardIndex,
        Column::SupplyApr,
        Column::RewardApr,
        Column::Utilization,
        Column::TvlUsd,
        Column::ExitUsd,
        Column::EntryUsd,
        Column::ExitDelayDays,
        Column::PairPrice,
        Column::FeesAsset,
        Column::FeesForeign,
        Column::DepthUsd,
    ];

    /// The column's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Column::PriceUsd => "price_usd",
            Column::SharePrice => "share_price",
            Column::RewardIndex => "reward_index",
            Column::SupplyApr => "supply_apr",
            Column::RewardApr => "reward_apr",
            Column::Utilization => "utilization",
            Column::TvlUsd => "tvl_usd",
            Column::ExitUsd => "exit_usd",
            Column::EntryUsd => "entry_usd",
            Column::ExitDelayDays => "exit_delay_days",
            Column::PairPrice => "pair_price",
            Column::FeesAsset => "fees_asset",
            Column::FeesForeign => "fees_foreign",
            Column::DepthUsd => "depth_usd",
        }
    }

    /// What the column may hold.
    #[must_use]
    pub fn allowed(self) -> Allowed {
        match self {
            Column::PriceUsd | Column::SharePrice | Column::PairPrice => Allowed::Positive,
            _ => Allowed::NonNegative,
        }
    }
}

/// The type of the time column: UTC milliseconds.
#[must_use]
pub fn time_dtype() -> DataType {
    DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
}

/// Every column with its type, in the order of the frame.
#[must_use]
pub fn columns() -> Vec<(&'static str, DataType)> {
    let keys = [(BLOCK, DataType::UInt64), (TIME, time_dtype()), (MARKET, DataType::String)];
    keys.into_iter().chain(Column::ALL.map(|column| (column.name(), DataType::Float64))).collect()
}

/// Every column name, for messages.
#[must_use]
pub fn names() -> String {
    columns().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// A polars name.
pub(crate) fn pl(name: &str) -> PlSmallStr {
    PlSmallStr::from_str(name)
}
