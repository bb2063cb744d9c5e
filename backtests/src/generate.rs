//! A small generated history of lending markets, for machines without a real one.
//!
//! Seeded, labelled synthetic by the protocol of every market, and shaped like the recorded files. It
//! shows that the pipeline works; it says nothing about what a rule earns.

use crate::tables::{WriteError, write_parquet};
use plimsoll_core::Day;
use polars::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::path::{Path, PathBuf};

/// How protocols of generated markets begin.
pub const PROTOCOL_PREFIX: &str = "synthetic-";

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// Number of markets.
    pub markets: u32,
    /// Number of days.
    pub days: u32,
    /// Seed; the same seed gives the same bytes.
    pub seed: u64,
}

/// The first day of every generated history.
const FIRST_DAY: &str = "2024-01-01";
/// How many protocols there are; markets take them in turn.
const PROTOCOLS: u32 = 4;
/// Optimal utilization of every market's curve.
const OPTIMAL: f64 = 0.9;
/// Borrow rate at the optimal utilization.
const SLOPE_BELOW: f64 = 0.06;
/// What full utilization adds to it.
const SLOPE_ABOVE: f64 = 0.6;
/// The protocol's share of the interest.
const RESERVE_FACTOR: f64 = 0.1;
/// The day without rows, counted from the first.
const MISSING_DAY: i64 = 100;
/// The market that is renamed on [`MISSING_DAY`].
const RENAMED: u32 = 3;
/// The market whose feed stands still for ten days from [`MISSING_DAY`].
const FROZEN: u32 = 5;

/// Writes `synthetic_reserves_daily.parquet`, `prices_daily_synthetic.parquet` and
/// `gas_price_daily_synthetic.parquet` to `folder`.
///
/// # Errors
/// [`WriteError`].
pub fn write(folder: &Path, world: World) -> Result<Vec<PathBuf>, WriteError> {
    let first: Day = FIRST_DAY.parse().unwrap_or(Day(0));
    let mut random = ChaCha8Rng::seed_from_u64(world.seed);
    let (prices, gas) = surroundings(first, world.days, &mut random);
    Ok(vec![
        write_parquet(
            folder,
            "synthetic_reserves_daily.parquet",
            reserves(first, world, &mut random),
        )?,
        write_parquet(folder, "prices_daily_synthetic.parquet", prices)?,
        write_parquet(folder, "gas_price_daily_synthetic.parquet", gas)?,
    ])
}

/// One market as it goes along.
struct Market {
    number: u32,
    /// Logit of its usual utilization.
    usual: f64,
    logit: f64,
    tvl_usd: f64,
    index: f64,
}

impl Market {
    fn new(number: u32, random: &mut ChaCha8Rng) -> Market {
        let usual = 1.2 + 0.5 * normal(random);
        let tvl_usd = (16.5 + 1.2 * normal(random)).exp();
        Market { number, usual, logit: usual, tvl_usd, index: 1.0 + random.random_range(0.01..0.2) }
    }

    /// Lives one day and returns (utilization, borrow rate, supply rate), each as it is at the end of
    /// the day; the index has earned the supply rate of the day before.
    fn live(&mut self, supply_apr_before: f64, random: &mut ChaCha8Rng) -> (f64, f64, f64) {
        self.index *= 1.0 + supply_apr_before / 365.0;
        self.logit += 0.1 * (self.usual - self.logit) + 0.25 * normal(random);
        self.tvl_usd *= (0.02 * normal(random)).exp();
        let utilization = 1.0 / (1.0 + (-self.logit).exp());
        let above = ((utilization - OPTIMAL) / (1.0 - OPTIMAL)).max(0.0);
        let borrow_apr = SLOPE_BELOW * (utilization / OPTIMAL).min(1.0) + SLOPE_ABOVE * above;
        (utilization, borrow_apr, borrow_apr * utilization * (1.0 - RESERVE_FACTOR))
    }

    fn asset(&self) -> &'static str {
        match self.number % 3 {
            0 => "USDC",
            1 => "USDT",
            _ => "DAI",
        }
    }

    fn protocol(&self) -> String {
        format!("{PROTOCOL_PREFIX}{}", self.number % PROTOCOLS + 1)
    }
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    random.sample(StandardNormal)
}

/// The columns of the reserves, in order of (day, market).
#[derive(Default)]
struct Columns {
    times: Vec<i64>,
    protocols: Vec<String>,
    addresses: Vec<String>,
    symbols: Vec<String>,
    numbers: [Vec<f64>; 6],
}

fn reserves(first: Day, world: World, random: &mut ChaCha8Rng) -> PolarsResult<DataFrame> {
    let mut markets: Vec<(Market, f64)> =
        (0..world.markets).map(|number| (Market::new(number, random), 0.0)).collect();
    let mut columns = Columns::default();
    for passed in 0..i64::from(world.days) {
        for (market, supply_apr) in &mut markets {
            let is_frozen =
                market.number == FROZEN && (MISSING_DAY..MISSING_DAY + 10).contains(&passed);
            let still = (market.index, market.tvl_usd);
            let (utilization, borrow_apr, apr) = market.live(*supply_apr, random);
            *supply_apr = apr;
            if is_frozen {
                (market.index, market.tvl_usd) = still;
            }
            if passed == MISSING_DAY {
                continue;
            }
            let renamed = market.number == RENAMED && passed > MISSING_DAY;
            columns.times.push(first.plus(passed).start().0 + 20 * 60 * 1000);
            columns.protocols.push(market.protocol());
            columns.addresses.push(address(market.number));
            columns.symbols.push(format!("{}{}", market.asset(), if renamed { ".e" } else { "" }));
            let free = market.tvl_usd * (1.0 - utilization);
            let row = [apr, borrow_apr, market.index, utilization, market.tvl_usd, free];
            for (column, value) in columns.numbers.iter_mut().zip(row) {
                column.push(value);
            }
        }
    }
    table(columns)
}

/// An address of its own for each market, spread over all addresses as real ones are.
#[must_use]
pub fn address(market: u32) -> String {
    let high = u64::from(market).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("0x{high:016x}{market:024x}")
}

fn table(columns: Columns) -> PolarsResult<DataFrame> {
    let height = columns.times.len();
    let names =
        ["supply_apr", "borrow_apr", "liquidity_index", "utilization", "tvl_usd", "exit_usd"];
    let mut all = vec![
        instants("timestamp", columns.times),
        Column::new("protocol".into(), columns.protocols),
        Column::new("chain".into(), vec!["ethereum"; height]),
        Column::new("asset_address".into(), columns.addresses),
        Column::new("symbol".into(), columns.symbols),
    ];
    for (name, values) in names.into_iter().zip(columns.numbers) {
        all.push(Column::new(name.into(), values));
    }
    all.push(Column::new("exit_delay_days".into(), vec![0.0; height]));
    all.push(Column::new("price_usd".into(), vec![1.0; height]));
    all.push(Column::new("borrowing_enabled".into(), vec![true; height]));
    DataFrame::new(height, all)
}

/// Daily ether prices and gas prices, from ten days before the first row.
fn surroundings(
    first: Day,
    days: u32,
    random: &mut ChaCha8Rng,
) -> (PolarsResult<DataFrame>, PolarsResult<DataFrame>) {
    let (mut dates, mut ether, mut gas) = (vec![], vec![], vec![]);
    let (mut price, mut gwei) = (2_500.0f64, 15.0f64);
    for passed in -10..i64::from(days) {
        price *= (0.03 * normal(random)).exp();
        gwei *= (0.1 * (15.0 / gwei).ln() + 0.2 * normal(random)).exp();
        dates.push(first.plus(passed).start().0);
        ether.push(price);
        gas.push(gwei);
    }
    let height = dates.len();
    let prices = DataFrame::new(
        height,
        vec![
            instants("date", dates.clone()),
            Column::new("symbol".into(), vec!["ETH"; height]),
            Column::new("price_usd".into(), ether),
        ],
    );
    let gas = DataFrame::new(
        height,
        vec![
            instants("date", dates),
            Column::new("chain".into(), vec!["ethereum"; height]),
            Column::new("avg_gas_price_gwei".into(), gas),
        ],
    );
    (prices, gas)
}

fn instants(name: &str, times: Vec<i64>) -> Column {
    Int64Chunked::from_vec(name.into(), times)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column()
}
