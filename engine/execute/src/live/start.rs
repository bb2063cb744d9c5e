//! What has to hold before the engine plans anything.

use super::desk::DeskSettings;
use crate::adapter::AdapterError;
use crate::chain::vault::{self, VaultError, VaultState};
use crate::chain::{Head, NodeError, Nodes};
use crate::journal::Journal;
use crate::protocol::{At, Protocol};
use alloy::primitives::{Address, B256, keccak256};
use plimsoll_core::execution::State;
use std::collections::BTreeMap;

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The nodes.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A protocol is not what it is said to be.
    #[error(transparent)]
    Adapter(Box<AdapterError>),
    /// The key is not the vault's allocator.
    #[error(
        "the key {key} is not the allocator of vault {vault}, which is {allocator}: configure the right key, or have \
         the owner appoint it"
    )]
    NotAllocator {
        /// The engine's key.
        key: Address,
        /// The vault.
        vault: Address,
        /// Its allocator.
        allocator: Address,
    },
    /// The key can do more than allocate.
    #[error(
        "the key {key} is also {roles} of vault {vault}: the engine's key may be its allocator and nothing else, so that \
         it can never move funds out; give the roles to other accounts"
    )]
    TooManyRoles {
        /// The engine's key.
        key: Address,
        /// The vault.
        vault: Address,
        /// What else it is.
        roles: String,
    },
    /// The vault holds money where no adapter looks.
    #[error(
        "vault {vault} lists market contract {contract}, which holds {worth} raw units and is not in the configuration; add \
         it, or have the curator remove it"
    )]
    UnknownMarket {
        /// The vault.
        vault: Address,
        /// The market contract.
        contract: Address,
        /// What it holds.
        worth: String,
    },
    /// A configured market that the vault does not list.
    #[error(
        "market {market} is configured with contract {contract}, which vault {vault} does not list; have the curator list \
         it, or take it out of the configuration"
    )]
    NotListed {
        /// The vault.
        vault: Address,
        /// The market.
        market: String,
        /// The market contract.
        contract: Address,
    },
    /// Code that is not the code that was expected.
    #[error(
        "the code at {contract} has the fingerprint {found}, expected {wanted}: it is another contract, or it was changed; \
         look at it before you correct the configuration"
    )]
    Fingerprint {
        /// The contract.
        contract: Address,
        /// What is there.
        found: B256,
        /// What was expected.
        wanted: B256,
    },
    /// The chain counts other transactions of the key than the journal.
    #[error(
        "the chain counts {chain} transactions of the key {key} and the journal {journal}: someone else uses the key, or \
         this journal is an old one. Stop whatever else uses it, or restore the newest journal"
    )]
    ForeignUse {
        /// The key.
        key: Address,
        /// By the chain.
        chain: u64,
        /// By the journal.
        journal: u64,
    },
}

impl From<AdapterError> for StartError {
    fn from(error: AdapterError) -> StartError {
        StartError::Adapter(Box::new(error))
    }
}

/// What is checked at the start.
#[derive(Debug)]
pub struct Checked {
    /// The vault at the head.
    pub vault: VaultState,
    /// Fingerprints of the code of the vault and of its market contracts.
    pub fingerprints: BTreeMap<Address, B256>,
}

/// Checks nodes, contracts, roles and nonces at `head`; nothing is planned before.
///
/// # Errors
/// [`StartError`], with what to do.
pub async fn check_start(
    (nodes, head): (&Nodes, &Head),
    protocols: &[Box<dyn Protocol>],
    (desk, vault, key): (&DeskSettings, Address, Address),
    (journal, wanted): (&Journal, &BTreeMap<Address, B256>),
) -> Result<Checked, StartError> {
    nodes.check_chain().await?;
    let at = At { block: head.block, timestamp: head.timestamp };
    let state = vault::read(nodes, vault, &at).await?;
    let allocator = state.roles.allocator;
    if allocator != key {
        return Err(StartError::NotAllocator { key, vault, allocator });
    }
    let more = state.roles.beyond_allocator(key);
    if !more.is_empty() {
        return Err(StartError::TooManyRoles { key, vault, roles: more.join(" and ") });
    }
    places(&state, desk)?;
    for protocol in protocols {
        protocol.check(nodes, &at).await?;
    }
    let mut fingerprints = BTreeMap::new();
    let contracts = state.places.iter().map(|place| place.contract);
    for contract in std::iter::once(vault).chain(contracts).chain(wanted.keys().copied()) {
        let found = keccak256(nodes.code(contract, head.block.hash).await?);
        if let Some(wanted) = wanted.get(&contract).copied().filter(|wanted| *wanted != found) {
            return Err(StartError::Fingerprint { contract, found, wanted });
        }
        fingerprints.insert(contract, found);
    }
    foreign_use(nodes, head, key, journal).await?;
    Ok(Checked { vault: state, fingerprints })
}

/// Every configured market is listed, and every listed one with money in it is configured.
fn places(state: &VaultState, desk: &DeskSettings) -> Result<(), StartError> {
    for (market, contract) in &desk.places {
        if state.place(*contract).is_none() {
            let (vault, market) = (state.address, market.to_string());
            return Err(StartError::NotListed { vault, market, contract: *contract });
        }
    }
    for place in &state.places {
        let is_known = desk.places.values().any(|contract| *contract == place.contract);
        let worth = place.worth.unwrap_or_default();
        if !is_known && !worth.is_zero() {
            let (contract, worth) = (place.contract, worth.0.to_string());
            return Err(StartError::UnknownMarket { vault: state.address, contract, worth });
        }
    }
    Ok(())
}

/// The chain may count one more than the journal, where a plan of ours is on its way.
async fn foreign_use(
    nodes: &Nodes,
    head: &Head,
    key: Address,
    journal: &Journal,
) -> Result<(), StartError> {
    let intents = &journal.folded().intents;
    let Some(next) = intents.next_nonce() else { return Ok(()) };
    let chain = nodes.seen(key, None, (head, 0)).await?.nonce;
    let open = intents.open().filter(|open| open.nonce.is_some());
    // A plan that is not over may still be in no block; one that is frozen is a person's matter already.
    let least = if open.is_some() { next.saturating_sub(1) } else { next };
    let is_frozen = open.is_some_and(|open| open.state == State::Frozen);
    if is_frozen || (least..=next).contains(&chain) {
        return Ok(());
    }
    Err(StartError::ForeignUse { key, chain, journal: next })
}
