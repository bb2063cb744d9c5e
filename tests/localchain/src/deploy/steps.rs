//! The transactions of a deployment, collected first and sent together: addresses follow from the
//! deployer's nonce, so no step needs to wait for another.

use crate::{Artifacts, Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, U64};
use alloy::sol_types::SolCall;
use serde_json::json;
use std::collections::BTreeMap;

/// Gas that no call here exceeds; the largest creates three proxies.
const CALL_GAS: u64 = 4_000_000;

/// A deployment in the making.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    chain: &'a LocalChain,
    artifacts: &'a Artifacts,
    from: Address,
    nonce: u64,
    libraries: BTreeMap<String, Address>,
    calls: Vec<Call>,
}

impl<'a> Steps<'a> {
    /// Begins at the nonce the first development account has.
    pub(super) async fn start(
        chain: &'a LocalChain,
        artifacts: &'a Artifacts,
    ) -> Result<Steps<'a>, LocalChainError> {
        let from = chain.accounts().first().copied().unwrap_or_default();
        let nonce: U64 = chain.request("eth_getTransactionCount", json!([from, "latest"])).await?;
        let (libraries, calls) = (BTreeMap::new(), Vec::new());
        Ok(Steps { chain, artifacts, from, nonce: nonce.to(), libraries, calls })
    }

    /// Who deploys.
    pub(super) fn from(&self) -> Address {
        self.from
    }

    /// Creates a contract and returns where it will be.
    pub(super) fn create(
        &mut self,
        (origin, name): (Origin, &str),
        arguments: &[u8],
    ) -> Result<Address, LocalChainError> {
        let code = self.artifacts.read(origin, name)?.creation(&self.libraries, arguments)?;
        let address = self.from.create(self.nonce);
        self.push(Call::create(self.from, code));
        Ok(address)
    }

    /// Creates a contract whose constructor uses more than its size tells.
    pub(super) fn create_with_gas(
        &mut self,
        (origin, name): (Origin, &str),
        arguments: &[u8],
        gas: u64,
    ) -> Result<Address, LocalChainError> {
        let address = self.create((origin, name), arguments)?;
        if let Some(call) = self.calls.last_mut() {
            call.gas = gas;
        }
        Ok(address)
    }

    /// Adds a call as it is, of the deployer or of anybody else.
    pub(super) fn add(&mut self, call: Call) {
        if call.from == self.from {
            self.push(call);
        } else {
            self.calls.push(call);
        }
    }

    /// Creates a library, which later contracts link.
    pub(super) fn library(
        &mut self,
        (origin, name): (Origin, &str),
    ) -> Result<(), LocalChainError> {
        let address = self.create((origin, name), &[])?;
        self.libraries.insert(name.to_owned(), address);
        Ok(())
    }

    /// Calls a function.
    pub(super) fn call(&mut self, to: Address, call: &impl SolCall) {
        self.push(Call::new(self.from, to, call).with_gas(CALL_GAS));
    }

    /// Sends every step and has it included.
    pub(super) async fn finish(self) -> Result<(), LocalChainError> {
        self.chain.execute(&self.calls).await.map(|_| ())
    }

    fn push(&mut self, call: Call) {
        self.calls.push(call);
        self.nonce = self.nonce.saturating_add(1);
    }
}
