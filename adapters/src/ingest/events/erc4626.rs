//! Events of an ERC-4626 vault and of its shares.
//!
//! # Source
//! ERC-4626 and ERC-20.

use super::{Entry, Fields, Naming, Source, entry};
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::ChainId;
use std::collections::BTreeSet;

sol! {
    #[derive(Debug, serde::Serialize)]
    event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
    #[derive(Debug, serde::Serialize)]
    event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares);
    #[derive(Debug, serde::Serialize)]
    event Transfer(address indexed from, address indexed to, uint256 value);
    #[derive(Debug, serde::Serialize)]
    event Approval(address indexed owner, address indexed spender, uint256 value);
}

/// The events of a vault.
pub(super) fn source(name: &str, chain: ChainId, vault: Address) -> Source {
    Source {
        protocol: name.to_owned(),
        chain,
        contract: vault,
        ids: BTreeSet::new(),
        naming: Naming::Contract,
        entries: entries(),
    }
}

fn moved(pair: (Address, Address), amount: Option<U256>, shares: U256) -> Fields {
    let (account, counterparty) = (Some(pair.0), Some(pair.1));
    Fields { account, counterparty, asset: None, amount, shares: Some(shares) }
}

fn entries() -> Vec<Entry> {
    vec![
        entry(|e: &Deposit| moved((e.owner, e.sender), Some(e.assets), e.shares)),
        entry(|e: &Withdraw| moved((e.owner, e.receiver), Some(e.assets), e.shares)),
        // Shares change hands: the account is the one that gives them.
        entry(|e: &Transfer| moved((e.from, e.to), None, e.value)),
        entry(|e: &Approval| Fields {
            account: Some(e.owner),
            counterparty: Some(e.spender),
            ..Fields::default()
        }),
    ]
}
