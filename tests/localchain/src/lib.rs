//! A local chain with real lending protocols on it, and a seeded market that moves there.
//!
//! [`LocalChain`] runs anvil and holds its clock; [`deploy()`] puts tokens, price feeds, Aave V3,
//! Morpho Blue and a lending vault on it; [`Driver`] lets suppliers, borrowers and liquidators act
//! block by block, the same for the same seed. [`Artifacts`] finds the bytecode that
//! `contracts/tools/prepare` made.
//!
//! It is for tests, benches and `plimsoll demo`. It refuses to know a public network: the chain id
//! is 31337, every account may be impersonated and anyone may mint.

pub mod abi;
mod artifacts;
mod chain;
mod control;
mod deploy;
mod driver;
mod error;
mod send;

pub use artifacts::{Artifact, Artifacts, Origin};
pub use chain::{CHAIN_ID, ChainSettings, LocalChain, Mining};
pub use control::{Head, Snapshot};
pub use deploy::{
    Aave, AaveReserve, AaveV3_2, Asset, Balancer, BothRoles, Campaign, Deployment, Exchanges,
    MULTICALL3, Morpho, MorphoMarket, OpenedPosition, Pair, PlimsollVault, PoolToken, Pools,
    RangePool, ReserveSettings, StablePool, StableToken, StakedEther, TokenAndFeed, UniswapV2,
    UniswapV3, VaultMarket, VaultRoles, World, WorldSettings, deploy, deploy_aave_v3_2,
    deploy_exchanges, deploy_staking_rewards, deploy_vault, deploy_world, deposit, incentive_id,
    take_fee_on_transfer,
};
pub use driver::{
    Driver, Event, Market, MarketSettings, MarketState, PoolName, PricePath, References, Run,
    SceneSettings, StableState, StepReport, View, WorldState,
};
pub use error::LocalChainError;
pub use send::Call;
