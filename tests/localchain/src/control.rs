//! The chain's clock, its past and its accounts: what no public network would let us set.

use crate::{Call, LocalChain, LocalChainError};
use alloy::consensus::BlockHeader;
use alloy::network::primitives::HeaderResponse;
use alloy::primitives::{Address, B256, Bytes, U64, U256};
use alloy::rpc::types::Header;
use serde_json::{Value, json};

/// The newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its time, in Unix seconds.
    pub time: u64,
    /// Its hash.
    pub hash: B256,
    /// The root of the state after it.
    pub state_root: B256,
}

/// A state to return to, once.
#[derive(Debug)]
pub struct Snapshot(U256);

impl LocalChain {
    /// Returns the newest block.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node does not answer.
    pub async fn head(&self) -> Result<Head, LocalChainError> {
        let header: Header = self.request("eth_getBlockByNumber", json!(["latest", false])).await?;
        Ok(Head {
            number: header.number(),
            time: header.timestamp(),
            hash: header.hash(),
            state_root: header.state_root(),
        })
    }

    /// Mines one block, later than the last by what a block stands for.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn mine(&self) -> Result<Head, LocalChainError> {
        let _: Value = self.request("evm_mine", json!([])).await?;
        self.head().await
    }

    /// Mines `blocks` blocks, each later than the one before by what a block stands for.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn mine_many(&self, blocks: u64) -> Result<Head, LocalChainError> {
        let _: Value = self.request("anvil_mine", json!([U64::from(blocks)])).await?;
        self.head().await
    }

    /// Mines one block at exactly `time`, in Unix seconds.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when `time` is before the newest block.
    pub async fn mine_at(&self, time: u64) -> Result<Head, LocalChainError> {
        let _: Value = self.request("evm_setNextBlockTimestamp", json!([time])).await?;
        self.mine().await
    }

    /// Lets a block stand for `seconds` from now on.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn set_block_seconds(&mut self, seconds: u64) -> Result<(), LocalChainError> {
        self.settings.block_seconds = seconds;
        self.hold_clock().await
    }

    /// Keeps the state to return to it with [`LocalChain::revert`].
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn snapshot(&self) -> Result<Snapshot, LocalChainError> {
        self.request("evm_snapshot", json!([])).await.map(Snapshot)
    }

    /// Returns to a state kept earlier; blocks, clock and all.
    ///
    /// # Errors
    /// [`LocalChainError::Answer`] for a snapshot of another chain.
    pub async fn revert(&self, snapshot: Snapshot) -> Result<(), LocalChainError> {
        if self.request("evm_revert", json!([snapshot.0])).await? {
            return Ok(());
        }
        let found = format!("no snapshot {}", snapshot.0);
        Err(LocalChainError::Answer { method: "evm_revert", found })
    }

    /// Writes the whole state down, for [`LocalChain::load`].
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn dump(&self) -> Result<Bytes, LocalChainError> {
        self.request("anvil_dumpState", json!([])).await
    }

    /// Takes over a state written down by [`LocalChain::dump`], perhaps on another chain.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when `state` is no state.
    pub async fn load(&self, state: &Bytes) -> Result<(), LocalChainError> {
        let _: Value = self.request("anvil_loadState", json!([state])).await?;
        // A loaded state has lost its clock: without this the next block would go back to the
        // present, before its parent, and every Aave read would panic on a negative time.
        let next = self.head().await?.time.saturating_add(self.settings.block_seconds);
        let _: Value = self.request("evm_setNextBlockTimestamp", json!([next])).await?;
        self.hold_clock().await
    }

    /// Replaces the last `depth` blocks by others of the same numbers and times. Their transactions
    /// are forgotten, not returned to the pool; `instead` puts calls into the new blocks, counted
    /// from 0.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when `depth` reaches below the first block.
    pub async fn reorg(
        &self,
        depth: u64,
        instead: &[(Call, u64)],
    ) -> Result<Head, LocalChainError> {
        let pairs: Vec<Value> =
            instead.iter().map(|(call, block)| json!([call.to_request(), block])).collect();
        let _: Value = self.request("anvil_reorg", json!([depth, pairs])).await?;
        self.head().await
    }

    /// Removes the last `depth` blocks.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when `depth` reaches below the first block.
    pub async fn rollback(&self, depth: u64) -> Result<Head, LocalChainError> {
        let _: Value = self.request("anvil_rollback", json!([depth])).await?;
        self.head().await
    }

    /// Sets how much ether an account holds, in wei.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn set_balance(&self, account: Address, wei: U256) -> Result<(), LocalChainError> {
        let _: Value = self.request("anvil_setBalance", json!([account, wei])).await?;
        Ok(())
    }

    /// Sets the code at an address.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn set_code(&self, account: Address, code: &Bytes) -> Result<(), LocalChainError> {
        let _: Value = self.request("anvil_setCode", json!([account, code])).await?;
        Ok(())
    }

    /// Sets a word of a contract's storage.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn set_storage(
        &self,
        account: Address,
        slot: U256,
        word: U256,
    ) -> Result<(), LocalChainError> {
        let word = B256::from(word);
        let _: Value = self.request("anvil_setStorageAt", json!([account, slot, word])).await?;
        Ok(())
    }

    /// Switches mining with each transaction on or off.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn set_mining(&mut self, mining: crate::Mining) -> Result<(), LocalChainError> {
        let each = mining == crate::Mining::EachTransaction;
        let _: Value = self.request("evm_setAutomine", json!([each])).await?;
        self.settings.mining = mining;
        Ok(())
    }

    /// Has every block follow its parent by what a block stands for, whatever the wall clock says.
    pub(crate) async fn hold_clock(&self) -> Result<(), LocalChainError> {
        let seconds = self.settings.block_seconds;
        let _: Value = self.request("anvil_setBlockTimestampInterval", json!([seconds])).await?;
        Ok(())
    }
}
