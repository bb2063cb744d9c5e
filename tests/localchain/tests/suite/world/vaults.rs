//! Both vaults can enter and leave every market that they list, within their bounds on losses.

use super::Ground;
use alloy::primitives::{Address, B256, Bytes, U256, aliases::I24};
use alloy::sol_types::SolValue;
use plimsoll_localchain::abi::{
    IMarketContract, IPlimsollVault, IStakedEth, IToken, IWrappedStakedEth,
};
use plimsoll_localchain::{Asset, Call, PlimsollVault, VaultMarket, deposit};

const EXIT: u8 = 0;
const HARVEST: u8 = 1;
const ARRANGE: u8 = 2;
const ENTRY: u8 = 3;
/// A guard that holds nothing off: other tests are about guards.
const ANY: (U256, U256) = (U256::ZERO, U256::MAX);
const GAS: u64 = 16_000_000;

impl Ground {
    async fn plan(&self, vault: &PlimsollVault, number: u64, legs: Vec<IPlimsollVault::Leg>) {
        let hash = self.chain.call(vault.address, &IPlimsollVault::preStateHashCall {}).await;
        let call = IPlimsollVault::reallocateCall {
            planId: B256::from(U256::from(number)),
            validUntil: u64::MAX,
            expectedHash: hash.unwrap(),
            legs,
        };
        let call = Call::new(vault.roles.allocator, vault.address, &call).with_gas(GAS);
        self.chain.execute(&[call]).await.unwrap();
    }

    async fn total(&self, vault: &PlimsollVault) -> U256 {
        self.chain.call(vault.address, &IPlimsollVault::totalAssetsCall {}).await.unwrap()
    }

    /// A vault with a deposit, a part of which is in one market.
    async fn enters(
        &self,
        vault: &PlimsollVault,
        market: VaultMarket,
        (asset, whole): (Asset, u64),
        data: Bytes,
    ) -> Address {
        let unit = U256::from(10).pow(U256::from(asset.decimals()));
        let (depositor, contract) = (self.chain.accounts()[5], vault.contract(market).unwrap());
        let all = U256::from(whole) * unit;
        deposit(&self.chain, &self.deployed, vault, (depositor, all)).await.unwrap();
        let entry = leg(contract, (ENTRY, all / U256::from(10)), ANY, data);
        self.plan(vault, 1, vec![entry]).await;
        contract
    }

    /// Raw units of the vault's asset that are in no market.
    async fn idle(&self, vault: &PlimsollVault) -> U256 {
        let call = IToken::balanceOfCall { account: vault.address };
        self.chain.call(vault.asset, &call).await.unwrap()
    }

    async fn wait(&self, seconds: u64) {
        let now = self.chain.head().await.unwrap().time;
        self.chain.mine_at(now + seconds).await.unwrap();
    }

    /// A range of a fifth to either side of the pool's price.
    fn range(&self) -> Bytes {
        let tick = self.world.pools.range.usable_tick(2_500.0);
        let bound = |tick: i32| I24::try_from(tick).unwrap();
        (bound(tick - 2_000), bound(tick + 2_000)).abi_encode_params().into()
    }

    async fn goes_round(&self, vault: &PlimsollVault, (asset, whole): (Asset, u64)) {
        let unit = U256::from(10).pow(U256::from(asset.decimals()));
        let all = U256::from(whole) * unit;
        let depositor = self.chain.accounts()[5];
        deposit(&self.chain, &self.deployed, vault, (depositor, all)).await.unwrap();
        let part = all / U256::from(20);
        for (number, (market, contract)) in (1..).zip(&vault.markets) {
            let data = if *market == VaultMarket::UniswapV3 { self.range() } else { Bytes::new() };
            let least = part * U256::from(99) / U256::from(100);
            let guard = (least, part * U256::from(101) / U256::from(100));
            self.plan(vault, 2 * number, vec![leg(*contract, (ENTRY, part), guard, data)]).await;
            let value = self.chain.call(*contract, &IMarketContract::valueCall {}).await.unwrap();
            assert!(value.isFresh && value.low >= least, "{market:?}: {value:?}");
            assert_eq!(value.high > value.low, market.is_priced(), "{market:?}: {value:?}");
            let (out, none) = (part * U256::from(98) / U256::from(100), U256::ZERO);
            let guard = (none, U256::MAX);
            self.plan(
                vault,
                2 * number + 1,
                vec![leg(*contract, (EXIT, out), guard, Bytes::new())],
            )
            .await;
            let left = self.chain.call(*contract, &IMarketContract::valueCall {}).await.unwrap();
            assert!(left.low < part / U256::from(20), "{market:?}: {left:?}");
        }
        let kept = self.total(vault).await;
        assert!(kept > all * U256::from(997) / U256::from(1_000), "{kept} of {all} is left");
        assert!(kept <= all, "{kept} of {all}");
    }
}

fn leg(
    market: Address,
    (kind, assets): (u8, U256),
    (minimum, maximum): (U256, U256),
    data: Bytes,
) -> IPlimsollVault::Leg {
    IPlimsollVault::Leg { market, kind, assets, minimum, maximum, data }
}

#[tokio::test]
async fn the_vault_of_usdc_enters_and_leaves_every_market_it_lists() {
    let Some(ground) = Ground::open(12, 20).await else { return };
    let vault = &ground.world.usdc_vault;
    let kinds: Vec<VaultMarket> = vault.markets.iter().map(|(market, _)| *market).collect();
    let expected = [
        VaultMarket::Aave,
        VaultMarket::Morpho(0),
        VaultMarket::Morpho(1),
        VaultMarket::Erc4626,
        VaultMarket::UniswapV3,
        VaultMarket::UniswapV2,
        VaultMarket::BalancerStable,
    ];
    assert_eq!(kinds, expected);
    ground.goes_round(vault, (Asset::Usdc, 1_000_000)).await;
}

#[tokio::test]
async fn the_vault_of_weth_enters_and_leaves_every_market_it_lists() {
    let Some(ground) = Ground::open(12, 20).await else { return };
    let vault = &ground.world.weth_vault;
    let kinds: Vec<VaultMarket> = vault.markets.iter().map(|(market, _)| *market).collect();
    let expected = [
        VaultMarket::Aave,
        VaultMarket::StakedEth,
        VaultMarket::UniswapV3,
        VaultMarket::BalancerStable,
    ];
    assert_eq!(kinds, expected);
    ground.goes_round(vault, (Asset::Weth, 400)).await;
}

#[tokio::test]
async fn a_range_of_the_vault_of_usdc_is_staked_and_its_rewards_are_sold() {
    let Some(ground) = Ground::open(12, 20).await else { return };
    let vault = &ground.world.usdc_vault;
    let of = (Asset::Usdc, 1_000_000);
    let range = ground.enters(vault, VaultMarket::UniswapV3, of, ground.range()).await;
    let key = &ground.world.pools.incentive;
    let stake = (U256::from(1), key.startTime, key.endTime, key.refundee);
    let stake = leg(range, (ARRANGE, U256::ZERO), ANY, stake.abi_encode_params().into());
    ground.plan(vault, 2, vec![stake]).await;
    ground.wait(3_000).await;
    let before = ground.idle(vault).await;
    ground.plan(vault, 3, vec![leg(range, (HARVEST, U256::ZERO), ANY, Bytes::new())]).await;
    // 50 minutes of 5,000 rewards of 5 USD in 20 days are 43 USD for all; the vault has a few percent.
    let got = ground.idle(vault).await - before;
    assert!(got > U256::from(100_000) && got < U256::from(43_000_000), "{got}");
}

#[tokio::test]
async fn a_share_of_the_pair_is_staked_and_its_rewards_are_sold() {
    let Some(ground) = Ground::open(12, 20).await else { return };
    let vault = &ground.world.usdc_vault;
    let of = (Asset::Usdc, 1_000_000);
    let pair = ground.enters(vault, VaultMarket::UniswapV2, of, Bytes::new()).await;
    ground.wait(3_000).await;
    let before = ground.idle(vault).await;
    ground.plan(vault, 2, vec![leg(pair, (HARVEST, U256::ZERO), ANY, Bytes::new())]).await;
    // 50 minutes of 120,000 rewards of 5 USD in 60 days are 347 USD for all who stake.
    let got = ground.idle(vault).await - before;
    assert!(got > U256::from(500_000) && got < U256::from(347_000_000), "{got}");
}

#[tokio::test]
async fn staked_ether_leaves_through_the_queue_for_all_that_it_is_worth() {
    let Some(ground) = Ground::open(12, 20).await else { return };
    let (vault, staked) = (&ground.world.weth_vault, ground.world.staked);
    let of = (Asset::Weth, 400);
    let contract = ground.enters(vault, VaultMarket::StakedEth, of, Bytes::new()).await;
    let held = IWrappedStakedEth::balanceOfCall { account: contract };
    let held = ground.chain.call(staked.wst_eth, &held).await.unwrap();
    let ask = leg(contract, (HARVEST, U256::ZERO), ANY, held.abi_encode().into());
    ground.plan(vault, 2, vec![ask]).await;
    let before = ground.idle(vault).await;
    let finalize = IStakedEth::finalizeCall { lastId: U256::from(1) };
    let finalize = Call::new(staked.reporter, staked.st_eth, &finalize);
    ground.chain.execute(&[finalize]).await.unwrap();
    ground.plan(vault, 3, vec![leg(contract, (HARVEST, U256::ZERO), ANY, Bytes::new())]).await;
    let got = ground.idle(vault).await - before;
    let put = U256::from(10).pow(U256::from(18)) * U256::from(40);
    assert!(got <= put && put - got < U256::from(100), "{got} of {put}");
}

#[tokio::test]
async fn campaigns_have_as_many_days_left_as_asked_for() {
    for days in [5, 20] {
        let Some(ground) = Ground::open(12, days).await else { return };
        let pools = &ground.world.pools;
        let now = ground.chain.head().await.unwrap().time;
        let call = plimsoll_localchain::abi::IStakingRewards::periodFinishCall {};
        let end: u64 = ground.chain.call(pools.staking, &call).await.unwrap().saturating_to();
        let left = [end, pools.incentive.endTime.saturating_to::<u64>()].map(|end| end - now);
        let asked = days * 86_400;
        assert!(left.iter().all(|left| left.abs_diff(asked) < 3_600), "{left:?} of {asked}");
    }
}
