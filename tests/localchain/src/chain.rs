//! The node: an anvil process that ends with its handle.

use crate::{Artifacts, LocalChainError};
use alloy::network::Ethereum;
use alloy::node_bindings::{Anvil, AnvilInstance};
use alloy::primitives::Address;
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RpcRecv, RpcSend};
use tempfile::TempDir;

/// The chain id of every local chain.
pub const CHAIN_ID: u64 = 31_337;

/// Gas of a block, as on Ethereum's main network.
pub(crate) const BLOCK_GAS_LIMIT: u64 = 60_000_000;

/// When a block is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mining {
    /// Only when asked for: [`LocalChain::mine`].
    OnDemand,
    /// With each transaction, at once.
    EachTransaction,
}

/// What a local chain is started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainSettings {
    /// The time of the first block, in Unix seconds. With the same transactions it gives the same
    /// block hashes.
    pub genesis_time: u64,
    /// How many seconds a block stands for.
    pub block_seconds: u64,
    /// When blocks are made.
    pub mining: Mining,
    /// Blocks of an epoch: the tag `safe` is one behind the newest block, `finalized` two.
    pub epoch_blocks: u64,
}

impl Default for ChainSettings {
    fn default() -> ChainSettings {
        // 2025-01-01 00:00 UTC, and Ethereum's slots and epochs.
        ChainSettings {
            genesis_time: 1_735_689_600,
            block_seconds: 12,
            mining: Mining::OnDemand,
            epoch_blocks: 32,
        }
    }
}

/// A running local chain. The node's process is ended when this is dropped.
///
/// Any account may send: anvil impersonates whoever is named.
#[derive(Debug)]
pub struct LocalChain {
    node: AnvilInstance,
    provider: RootProvider<Ethereum>,
    pub(crate) settings: ChainSettings,
    /// Old states, which the node would otherwise leave in the home folder for ever. Removed after the node's end.
    _states: TempDir,
}

impl LocalChain {
    /// Starts a chain on a free port. The thread waits for the node, about 0.1 s.
    ///
    /// # Errors
    /// [`LocalChainError::NoNode`] when anvil does not come up.
    pub async fn start(
        artifacts: &Artifacts,
        settings: ChainSettings,
    ) -> Result<LocalChain, LocalChainError> {
        let path = artifacts.anvil();
        let mut anvil = Anvil::at(&path).chain_id(CHAIN_ID).auto_impersonate();
        anvil = anvil
            .args(["--order", "fifo", "--accounts", "10", "--balance", "1000000"])
            .args(["--no-request-size-limit", "--gas-limit", &BLOCK_GAS_LIMIT.to_string()])
            .args(["--timestamp", &settings.genesis_time.to_string()])
            .args(["--slots-in-an-epoch", &settings.epoch_blocks.to_string()]);
        let states = TempDir::with_prefix("plimsoll-chain-")
            .map_err(|source| LocalChainError::NoFolder { source })?;
        anvil = anvil.arg("--cache-path").arg(states.path());
        if settings.mining == Mining::OnDemand {
            anvil = anvil.arg("--no-mining");
        }
        let node = anvil
            .try_spawn()
            .map_err(|source| LocalChainError::NoNode { path, source: Box::new(source) })?;
        let provider = RootProvider::new(RpcClient::new_http(node.endpoint_url()));
        let chain = LocalChain { node, provider, settings, _states: states };
        chain.hold_clock().await?;
        Ok(chain)
    }

    /// Returns the HTTP address.
    #[must_use]
    pub fn http_url(&self) -> String {
        self.node.endpoint()
    }

    /// Returns the WebSocket address.
    #[must_use]
    pub fn ws_url(&self) -> String {
        self.node.ws_endpoint()
    }

    /// Returns what the chain was started with.
    #[must_use]
    pub fn settings(&self) -> ChainSettings {
        self.settings
    }

    /// Returns a client over HTTP that fills nothing in and remembers nothing.
    #[must_use]
    pub fn provider(&self) -> &RootProvider<Ethereum> {
        &self.provider
    }

    /// Returns the ten development accounts, each with a million ether.
    #[must_use]
    pub fn accounts(&self) -> &[Address] {
        self.node.addresses()
    }

    /// Returns the private keys of [`LocalChain::accounts`]. They are public knowledge.
    pub fn keys(&self) -> impl Iterator<Item = [u8; 32]> {
        self.node.keys().iter().map(|key| key.to_bytes().into())
    }

    /// Sends one request.
    pub(crate) async fn request<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        parameters: P,
    ) -> Result<R, LocalChainError> {
        self.provider
            .raw_request(method.into(), parameters)
            .await
            .map_err(|source| LocalChainError::Request { method, source: Box::new(source) })
    }
}
