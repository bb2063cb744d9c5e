//! What the small engine of `faults-engine` is told, and what it says: the runner writes the one and reads the
//! other.

use crate::policy::Limits;
use alloy::primitives::{Address, B256, U256};
use plimsoll_core::execution::{AdmissionPolicy, Call, Patience};
use plimsoll_core::{Amount, Bps, ChainId, MarketId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What the engine is started with: a JSON file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineSettings {
    /// Addresses of nodes.
    pub nodes: Vec<String>,
    /// How many of them have to agree.
    pub quorum: usize,
    /// A WebSocket that tells of heads; without one nodes are asked again and again, also for a head that is known.
    pub websocket: Option<String>,
    /// Milliseconds that a node has for an answer.
    pub timeout_ms: u64,
    /// Milliseconds between two looks at the chain.
    pub poll_ms: u64,
    /// The chain.
    pub chain: u64,
    /// The vault.
    pub vault: Address,
    /// The key; the local chain's are public.
    pub key: String,
    /// The journal's folder.
    pub folder: PathBuf,
    /// Markets with the most that may be in each.
    pub caps: BTreeMap<Address, U256>,
    /// See [`Limits`].
    pub per_market_bps: u32,
    /// See [`Limits`].
    pub entries_per_plan_bps: u32,
    /// See [`Limits`].
    pub entries_per_day_bps: u32,
    /// Wei; see [`Limits`].
    pub gas_per_day: U256,
    /// Wei; see [`Limits`].
    pub exit_gas_per_day: U256,
    /// Wei for a unit of gas.
    pub max_fee: u128,
    /// Wei for a unit of gas.
    pub tip: u128,
    /// Blocks before a block is taken to stay.
    pub confirmations: u64,
    /// Blocks before the same bytes are sent again.
    pub resend_after: u64,
    /// Blocks before more is paid.
    pub bump_after: u64,
    /// Blocks that a used nonce may go without a transaction of ours.
    pub unknown_for: u64,
    /// Seconds that a plan has.
    pub valid_for: u64,
    /// What the names of its plans begin with: two engines that know nothing of each other make other names.
    pub label: String,
    /// What it is to do, in this order, each once.
    pub moves: Vec<Move>,
}

/// One move between idle and a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The market.
    pub market: Address,
    /// Whether money goes into it.
    pub is_entry: bool,
    /// How much, raw units.
    pub assets: u64,
}

/// What the engine says, a line of JSON each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// It has its journal, and asked the chain for the first time with success.
    Ready,
    /// It looked at the chain and did what there was to do.
    Polled {
        /// The how manieth look, from 1.
        poll: u64,
        /// The newest block.
        head: u64,
        /// Its hash.
        hash: B256,
        /// How far the plan came.
        progress: Progress,
    },
    /// A look failed.
    Failed {
        /// The how manieth look, from 1.
        poll: u64,
        /// Why.
        detail: String,
    },
    /// It stops for good.
    Stops {
        /// Why.
        detail: String,
    },
}

/// How far a plan came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Every move is done.
    AllDone,
    /// A plan is on its way.
    Waiting,
    /// A plan ended; more is to do.
    Between,
    /// A plan needs a person.
    Frozen,
    /// The breaker allows nothing any more.
    Halted,
}

impl EngineSettings {
    /// The name of a market's contract.
    ///
    /// # Errors
    /// Never for an address.
    pub fn market(&self, address: Address) -> Result<MarketId, String> {
        let text = format!("local:{}:{}", self.chain, address.to_string().to_lowercase());
        text.parse().map_err(|error| format!("{text}: {error:?}"))
    }

    /// The policy that the engine keeps to.
    ///
    /// # Errors
    /// As [`EngineSettings::market`].
    pub fn policy(&self) -> Result<AdmissionPolicy, String> {
        let cap = |(market, most): (&Address, &U256)| Ok((self.market(*market)?, Amount(*most)));
        let caps: Result<BTreeMap<MarketId, Amount>, String> = self.caps.iter().map(cap).collect();
        let selector = <crate::abi::reallocateCall as alloy::sol_types::SolCall>::SELECTOR;
        Ok(AdmissionPolicy {
            chain: ChainId(self.chain),
            calls: BTreeSet::from([Call { to: self.vault, selector }]),
            caps: caps?,
            per_market: Bps(self.per_market_bps),
            entries_per_plan: Bps(self.entries_per_plan_bps),
            entries_per_day: Bps(self.entries_per_day_bps),
            gas_per_day: self.gas_per_day,
            exit_gas_per_day: self.exit_gas_per_day,
            max_fee: self.max_fee,
        })
    }

    /// The same limits for the second opinion.
    #[must_use]
    pub fn limits(&self, signer: Address) -> Limits {
        Limits {
            chain: self.chain,
            signer,
            vault: self.vault,
            caps: self.caps.clone(),
            per_market_bps: self.per_market_bps,
            entries_per_plan_bps: self.entries_per_plan_bps,
            entries_per_day_bps: self.entries_per_day_bps,
            gas_per_day: self.gas_per_day,
            exit_gas_per_day: self.exit_gas_per_day,
            max_fee: self.max_fee,
            slack_bps: 5,
        }
    }

    /// How patient the engine is.
    #[must_use]
    pub fn patience(&self) -> Patience {
        Patience {
            confirmations: self.confirmations,
            resend_after: self.resend_after,
            bump_after: self.bump_after,
            unknown_for: self.unknown_for,
            max_fee: self.max_fee,
        }
    }
}
