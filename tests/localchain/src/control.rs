//! The chain's clock, its past and its accounts: what no public network would let us set.

use crate::{Call, LocalChain, LocalChainError};
use alloy::consensus::BlockHeader;
use alloy::eips::eip1559::BaseFeeParams;
use alloy::network::primitives::HeaderResponse;
use alloy::primitives::{Address, B256, Bytes, U64, U256};
use alloy::rpc::types::Header;
use serde_json::{Value, json};

/// A block, as far as tests look at it.
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
        self.block("latest").await
    }

    /// Returns the block that can no longer be replaced, as the node says: two epochs back.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node does not answer.
    pub async fn finalized(&self) -> Result<Head, LocalChainError> {
        self.block("finalized").await
    }

    async fn block(&self, tag: &str) -> Result<Head, LocalChainError> {
        let header = self.header(tag).await?;
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
        if !self.request::<_, bool>("evm_revert", json!([snapshot.0])).await? {
            let found = format!("no snapshot {}", snapshot.0);
            return Err(LocalChainError::Answer { method: "evm_revert", found });
        }
        self.hold_base_fee().await
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
        self.hold_clock().await?;
        self.hold_base_fee().await
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
        let pairs = instead.iter().map(|(call, block)| json!([call.to_request(), block]));
        self.replace(depth, pairs.collect()).await
    }

    /// The same with signed transactions, such as those that were in the blocks that go.
    ///
    /// # Errors
    /// As [`LocalChain::reorg`]; also for bytes that are no transaction.
    pub async fn reorg_signed(
        &self,
        depth: u64,
        instead: &[(Bytes, u64)],
    ) -> Result<Head, LocalChainError> {
        let pairs = instead.iter().map(|(raw, block)| json!([raw, block]));
        self.replace(depth, pairs.collect()).await
    }

    async fn replace(&self, depth: u64, pairs: Vec<Value>) -> Result<Head, LocalChainError> {
        let _: Value = self.request("anvil_reorg", json!([depth, pairs])).await?;
        self.hold_base_fee().await?;
        self.head().await
    }

    /// Removes the last `depth` blocks.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when `depth` reaches below the first block.
    pub async fn rollback(&self, depth: u64) -> Result<Head, LocalChainError> {
        let _: Value = self.request("anvil_rollback", json!([depth])).await?;
        self.hold_base_fee().await?;
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

    /// Sets the base fee of the next block, in wei per gas. What pays less then is dropped, not
    /// kept for later as a real node would.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn set_base_fee(&self, wei: u64) -> Result<(), LocalChainError> {
        let fee = U256::from(wei);
        let _: Value = self.request("anvil_setNextBlockBaseFeePerGas", json!([fee])).await?;
        Ok(())
    }

    /// Makes the node forget a transaction that it has not included yet; whether it knew it.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn forget(&self, transaction: B256) -> Result<bool, LocalChainError> {
        let dropped: Option<B256> =
            self.request("anvil_dropTransaction", json!([transaction])).await?;
        Ok(dropped.is_some())
    }

    /// Makes the node forget every transaction that it has not included yet.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn forget_all(&self) -> Result<(), LocalChainError> {
        let _: Value = self.request("anvil_dropAllTransactions", json!([])).await?;
        Ok(())
    }

    /// Hands the node a signed transaction, as any other node would, and returns its hash.
    ///
    /// # Errors
    /// [`LocalChainError::Request`] when the node refuses.
    pub async fn gossip(&self, raw: &Bytes) -> Result<B256, LocalChainError> {
        self.request("eth_sendRawTransaction", json!([raw])).await
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

    /// Has the next block's base fee follow from its parent, as it does unless the past changed:
    /// the node goes on from the block that was last before.
    async fn hold_base_fee(&self) -> Result<(), LocalChainError> {
        let header = self.header("latest").await?;
        match header.next_block_base_fee(BaseFeeParams::ethereum()) {
            Some(fee) => self.set_base_fee(fee).await,
            None => Ok(()),
        }
    }

    async fn header(&self, tag: &str) -> Result<Header, LocalChainError> {
        self.request("eth_getBlockByNumber", json!([tag, false])).await
    }
}
