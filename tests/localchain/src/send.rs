//! Calls and transactions: sent unsigned, since every account is unlocked, at one fixed gas price,
//! so that the same calls make the same blocks.

use crate::abi::IMulticall3;
use crate::chain::BLOCK_GAS_LIMIT;
use crate::{LocalChain, LocalChainError, MULTICALL3, Mining};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::sol_types::SolCall;
use serde_json::{Value, json};

/// Wei per gas unless told.
const GAS_PRICE: u128 = 20_000_000_000;
/// Gas of a transaction unless told.
const GAS: u64 = 1_500_000;
/// Gas of a creation: a fixed part, and one per byte. A byte of code costs 200 to keep and up to 16
/// to send; no constructor here costs more than the fixed part.
const CREATION_GAS: u64 = 400_000;
const CREATION_GAS_PER_BYTE: u64 = 225;
/// How often a receipt is asked for where the node mines by itself.
const MOST_ASKS: usize = 2_000;

/// A transaction to send, or a call to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who sends it.
    pub from: Address,
    /// Where it goes; none creates a contract.
    pub to: Option<Address>,
    /// The encoded call, or the creation code.
    pub data: Bytes,
    /// Wei sent along.
    pub value: U256,
    /// The most gas it may use.
    pub gas: u64,
    /// Wei per gas: 20 gwei, above any base fee that these blocks reach, unless told.
    pub gas_price: u128,
}

impl Call {
    /// Returns a transaction that calls a function of `to`.
    #[must_use]
    pub fn new(from: Address, to: Address, call: &impl SolCall) -> Call {
        let data = call.abi_encode().into();
        Call { from, to: Some(to), data, value: U256::ZERO, gas: GAS, gas_price: GAS_PRICE }
    }

    /// Returns a transaction that creates a contract, with gas for its size.
    #[must_use]
    pub fn create(from: Address, code: Bytes) -> Call {
        let bytes = u64::try_from(code.len()).unwrap_or(u64::MAX);
        let gas = bytes.saturating_mul(CREATION_GAS_PER_BYTE).saturating_add(CREATION_GAS);
        Call { from, to: None, data: code, value: U256::ZERO, gas, gas_price: GAS_PRICE }
    }

    /// Returns the same with another gas limit.
    #[must_use]
    pub fn with_gas(mut self, gas: u64) -> Call {
        self.gas = gas;
        self
    }

    /// Returns the same at another price, in wei per gas.
    #[must_use]
    pub fn with_gas_price(mut self, wei: u128) -> Call {
        self.gas_price = wei;
        self
    }

    pub(crate) fn to_request(&self) -> TransactionRequest {
        let request = TransactionRequest::default()
            .with_from(self.from)
            .with_input(self.data.clone())
            .with_value(self.value)
            .with_gas_price(self.gas_price)
            .with_gas_limit(self.gas);
        match self.to {
            Some(to) => request.with_to(to),
            None => request.into_create(),
        }
    }
}

impl LocalChain {
    /// Sends a transaction and returns its hash. It waits for no block.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses it.
    pub async fn send(&self, call: &Call) -> Result<B256, LocalChainError> {
        self.request("eth_sendTransaction", [call.to_request()]).await
    }

    /// Whether a transaction is in a block.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node does not answer.
    pub async fn is_included(&self, transaction: B256) -> Result<bool, LocalChainError> {
        let receipt: Option<TransactionReceipt> =
            self.request("eth_getTransactionReceipt", [transaction]).await?;
        Ok(receipt.is_some())
    }

    /// Sends transactions in their order, has them included in as few blocks as they fit, and
    /// returns their receipts.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] for the first that fails.
    pub async fn execute(
        &self,
        calls: &[Call],
    ) -> Result<Vec<TransactionReceipt>, LocalChainError> {
        let mut receipts = Vec::with_capacity(calls.len());
        let mut rest = calls;
        while !rest.is_empty() {
            let (block, later) = rest.split_at(fitting(rest));
            let mut hashes = Vec::with_capacity(block.len());
            for call in block {
                hashes.push(self.send(call).await?);
            }
            if self.settings.mining == Mining::OnDemand {
                let _: Value = self.request("evm_mine", json!([])).await?;
            }
            for (call, hash) in block.iter().zip(hashes) {
                let receipt = self.included(hash).await?;
                if !receipt.status() {
                    return Err(self.reverted(call, hash).await);
                }
                receipts.push(receipt);
            }
            rest = later;
        }
        Ok(receipts)
    }

    /// Creates a contract from linked code, see [`Artifact::creation`], and returns where it is.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] when its constructor does.
    ///
    /// [`Artifact::creation`]: crate::Artifact::creation
    pub async fn create(&self, from: Address, code: Bytes) -> Result<Address, LocalChainError> {
        let receipts = self.execute(&[Call::create(from, code)]).await?;
        let created = receipts.first().and_then(|receipt| receipt.contract_address);
        created.ok_or_else(|| LocalChainError::Answer {
            method: "eth_getTransactionReceipt",
            found: "no address of a created contract".to_owned(),
        })
    }

    /// Asks a function of a contract at the newest block.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when it reverts, [`LocalChainError::Answer`] when what it
    /// returns is not of its type.
    pub async fn call<C: SolCall>(
        &self,
        to: Address,
        call: &C,
    ) -> Result<C::Return, LocalChainError> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer: Bytes = self.request("eth_call", json!([request, "latest"])).await?;
        decode::<C>(&answer)
    }

    /// Asks many encoded functions at once, at one block, through Multicall3.
    ///
    /// # Errors
    /// As [`LocalChain::call`]; one that reverts fails all.
    pub async fn call_many(
        &self,
        calls: Vec<(Address, Bytes)>,
    ) -> Result<Vec<Bytes>, LocalChainError> {
        let calls = calls
            .into_iter()
            .map(|(target, data)| IMulticall3::Call3 {
                target,
                allowFailure: false,
                callData: data,
            })
            .collect();
        let answers = self.call(MULTICALL3, &IMulticall3::aggregate3Call { calls }).await?;
        Ok(answers.into_iter().map(|answer| answer.returnData).collect())
    }

    /// The receipt of a transaction; where the node mines by itself it may take a few asks.
    async fn included(&self, hash: B256) -> Result<TransactionReceipt, LocalChainError> {
        for _ in 0..MOST_ASKS {
            if let Some(receipt) = self.request("eth_getTransactionReceipt", [hash]).await? {
                return Ok(receipt);
            }
            if self.settings.mining == Mining::OnDemand {
                break;
            }
        }
        Err(LocalChainError::NotIncluded { hash })
    }

    /// Says why a transaction failed, as far as repeating it tells.
    async fn reverted(&self, call: &Call, hash: B256) -> LocalChainError {
        let again: Result<Bytes, _> =
            self.request("eth_call", json!([call.to_request(), "latest"])).await;
        let reason = again.map_or_else(|error| error.to_string(), |_| "not when repeated".into());
        let function = match call.data.get(..4) {
            Some(selector) if call.to.is_some() => Bytes::copy_from_slice(selector).to_string(),
            _ => "creation".to_owned(),
        };
        LocalChainError::Reverted { hash, to: call.to, function, reason }
    }
}

/// How many of the calls, at least one, go into one block. The node drops the followers of a
/// transaction for which its block had no room, so no more may be sent at once.
fn fitting(calls: &[Call]) -> usize {
    let mut gas: u64 = 0;
    let fit = calls.iter().take_while(|call| {
        gas = gas.saturating_add(call.gas);
        gas <= BLOCK_GAS_LIMIT
    });
    fit.count().max(1).min(calls.len())
}

/// Decodes what a function returned.
pub(crate) fn decode<C: SolCall>(answer: &Bytes) -> Result<C::Return, LocalChainError> {
    C::abi_decode_returns(answer).map_err(|error| LocalChainError::Answer {
        method: C::SIGNATURE,
        found: format!("{answer} ({error})"),
    })
}
