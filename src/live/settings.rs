//! Settings of a live engine: the section `[live]`.

use crate::config::{BasisPoints, Positive};
use alloy::primitives::{Address, B256, U256};
use plimsoll_adapters::live::{PriceSettings, ProtocolSettings};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A live engine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Live {
    /// The chain's id.
    pub(crate) chain: u64,
    /// The nodes.
    pub(crate) nodes: Vec<Hidden>,
    /// A node that tells of new heads over WebSocket; polling goes on beside it.
    pub(crate) websocket: Option<Hidden>,
    /// How many nodes have to agree.
    #[serde(default = "one")]
    pub(crate) quorum: usize,
    /// How long a question may take.
    #[serde(default = "three_seconds")]
    pub(crate) timeout_ms: u64,
    /// How often nodes are asked for a new head.
    #[serde(default = "one_second")]
    pub(crate) poll_ms: u64,
    /// The vault.
    pub(crate) vault: Address,
    /// Folder of the journal.
    pub(crate) state: PathBuf,
    /// Folder to which everything seen is added as Parquet; none without it.
    pub(crate) history: Option<PathBuf>,
    /// Where the service listens; nowhere without it.
    pub(crate) listen: Option<SocketAddr>,
    /// The strategy, as `backtest` takes it.
    #[serde(default = "allocator")]
    pub(crate) strategy: String,
    /// Seconds between decisions.
    #[serde(default = "one_hour")]
    pub(crate) decide_every_seconds: u64,
    /// Units of gas of one move, for what moving costs.
    #[serde(default = "gas_of_a_move")]
    pub(crate) gas_per_action: u64,
    /// The token whose price is that of gas.
    pub(crate) gas_token: Option<Address>,
    /// How far what a move brings may be from what was planned.
    #[serde(default = "guard")]
    pub(crate) guard_bps: BasisPoints,
    /// Seconds for which a plan is valid.
    #[serde(default = "ten_minutes")]
    pub(crate) valid_seconds: u64,
    /// Days of the past that are read from the chain at the start, one block a day.
    #[serde(default = "learnt")]
    pub(crate) learn_days: u32,
    /// Days over which a decision earns.
    #[serde(default = "horizon")]
    pub(crate) horizon_days: Positive,
    /// Who signs.
    pub(crate) signer: SignerSettings,
    /// What may be signed.
    #[serde(default)]
    pub(crate) policy: PolicySettings,
    /// How patiently.
    #[serde(default)]
    pub(crate) sending: Sending,
    /// What stops it by itself.
    #[serde(default)]
    pub(crate) trips: Trips,
    /// Expected fingerprints of code, by contract; `plimsoll init` prints them.
    #[serde(default)]
    pub(crate) fingerprints: BTreeMap<Address, B256>,
    /// The protocols.
    pub(crate) protocols: Vec<ProtocolSettings>,
    /// Price feeds.
    pub(crate) prices: PriceSettings,
}

/// Who signs. Keys and passwords are never in the file: it names where they are.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SignerSettings {
    /// An encrypted keystore.
    Keystore {
        /// The file.
        path: PathBuf,
        /// The file that holds its password.
        password_file: Option<PathBuf>,
        /// The variable that holds its password.
        password_env: Option<String>,
    },
    /// A server that speaks `eth_signTransaction`, such as Web3Signer.
    Remote {
        /// The server.
        url: Hidden,
        /// The address whose key it holds.
        address: Address,
    },
    /// A plain key, on the local chain alone.
    Plain {
        /// The variable that holds it.
        key_env: String,
    },
    /// No key: the engine can only say what it would do.
    Watch {
        /// The vault's allocator.
        address: Address,
    },
}

/// What may be signed, besides what the owner's line and the vault allow.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PolicySettings {
    /// The most of everything in one market after an entry.
    pub(crate) per_market_bps: BasisPoints,
    /// The most of everything that entries of one plan bring in.
    pub(crate) entries_per_plan_bps: BasisPoints,
    /// The most of everything that entries of 24 hours bring in.
    pub(crate) entries_per_day_bps: BasisPoints,
    /// The most gas of 24 hours for plans with entries, gwei.
    pub(crate) gas_per_day_gwei: u64,
    /// The same for plans that only leave.
    pub(crate) exit_gas_per_day_gwei: u64,
    /// The most in each market, raw units; a market that is not named has no cap of its own.
    pub(crate) caps: BTreeMap<String, U256>,
}

/// How patiently plans are sent.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sending {
    /// Blocks on top of one before it is taken to stay.
    pub(crate) confirmations: u64,
    /// Blocks before the same bytes are sent again.
    pub(crate) resend_after: u64,
    /// Blocks before more is paid.
    pub(crate) bump_after: u64,
    /// Blocks that a used nonce may go without a transaction of ours being found.
    pub(crate) unknown_for: u64,
    /// The highest fee for a unit of gas, gwei.
    pub(crate) max_fee_gwei: u64,
    /// The tip, gwei.
    pub(crate) tip_gwei: u64,
    /// The most gas of a plan.
    pub(crate) most_gas: u64,
    /// Gas allowed beyond what a trial needed, percent.
    pub(crate) gas_margin_pct: u64,
}

/// What stops it by itself.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trips {
    /// Reverts in a row.
    pub(crate) reverts: u32,
    /// Fall of the share price from its highest, basis points.
    pub(crate) nav_drop_bps: BasisPoints,
    /// Heads in a row at which the nodes did not agree.
    pub(crate) disagreements: u32,
}

/// An address of a node, or where it is kept: `env:NAME`. It may hold a key and is never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.strip_prefix("env:") {
            Some(name) => write!(f, "env:{name}"),
            None => f.write_str("(not shown)"),
        }
    }
}

impl Hidden {
    /// Returns an address, or `env:NAME`, that is never shown.
    pub(crate) fn new(text: String) -> Hidden {
        Hidden(text)
    }

    /// The value itself, read from the environment where it is kept there.
    pub(crate) fn reveal(&self) -> anyhow::Result<String> {
        match self.0.strip_prefix("env:") {
            Some(name) => std::env::var(name).map_err(|_| {
                anyhow::anyhow!("{name} is not set; it is to hold the address of a node")
            }),
            None => Ok(self.0.clone()),
        }
    }
}

impl Default for PolicySettings {
    fn default() -> PolicySettings {
        PolicySettings {
            per_market_bps: BasisPoints(5_000),
            entries_per_plan_bps: BasisPoints(10_000),
            entries_per_day_bps: BasisPoints(10_000),
            gas_per_day_gwei: 50_000_000,
            exit_gas_per_day_gwei: 500_000_000,
            caps: BTreeMap::new(),
        }
    }
}

impl Default for Sending {
    fn default() -> Sending {
        Sending {
            confirmations: 12,
            resend_after: 3,
            bump_after: 5,
            unknown_for: 20,
            max_fee_gwei: 100,
            tip_gwei: 1,
            most_gas: 6_000_000,
            gas_margin_pct: 30,
        }
    }
}

impl Default for Trips {
    fn default() -> Trips {
        Trips { reverts: 3, nav_drop_bps: BasisPoints(100), disagreements: 20 }
    }
}

fn one() -> usize {
    1
}

fn one_second() -> u64 {
    1_000
}

fn three_seconds() -> u64 {
    3_000
}

fn one_hour() -> u64 {
    3_600
}

fn ten_minutes() -> u64 {
    600
}

fn learnt() -> u32 {
    60
}

fn gas_of_a_move() -> u64 {
    400_000
}

fn guard() -> BasisPoints {
    BasisPoints(5)
}

fn horizon() -> Positive {
    Positive(30.0)
}

fn allocator() -> String {
    "allocator@headroom=0.02".to_owned()
}
