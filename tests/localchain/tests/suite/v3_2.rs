//! Aave V3.2 lives: loans, liquidations by the same acts, rewards that are claimed, the ERC-4626 token.

use crate::support::{Desk, HOUR, artifacts, units};
use alloy::primitives::{Address, U256};
use plimsoll_localchain::abi::{IAavePool, IAaveRewardsController, IToken, IVault};
use plimsoll_localchain::{
    Asset, Campaign, ChainSettings, Deployment, Driver, LocalChain, MarketSettings, deploy,
    deploy_aave_v3_2,
};

#[tokio::test]
async fn it_stands_beside_the_older_line_and_touches_nothing_of_it() {
    let Some(artifacts) = artifacts() else { return };
    let chain = LocalChain::start(&artifacts, ChainSettings::default()).await.unwrap();
    let deployed = deploy(&chain, &artifacts).await.unwrap();
    let v3_2 = deploy_aave_v3_2(&chain, &artifacts, &deployed).await.unwrap();
    let revision = IAavePool::POOL_REVISIONCall {};
    assert_eq!(chain.call(deployed.aave.pool, &revision).await.unwrap(), U256::from(1));
    assert_eq!(chain.call(v3_2.aave.pool, &revision).await.unwrap(), U256::from(5));
    for asset in Asset::ALL {
        let (old, new) = (deployed.aave.reserves[&asset], v3_2.aave.reserves[&asset]);
        assert_eq!(old.token, new.token);
        assert!(old.a_token != new.a_token && new.a_token != Address::ZERO);
        let inner = chain.call(v3_2.stata[&asset], &IVault::assetCall {}).await.unwrap();
        assert_eq!(inner, new.token);
    }
}

#[tokio::test]
async fn suppliers_claim_what_the_campaign_pays_a_second() {
    let Some((desk, v3_2)) = Desk::open_v3_2(HOUR).await else { return };
    let supplier = desk.account(1);
    desk.aave_supply(supplier, Asset::Usdc, units(1_000, Asset::Usdc)).await;
    let a_token = desk.deployed.aave.reserves[&Asset::Usdc].a_token;
    let start = desk.chain.head().await.unwrap().time;
    let end = u32::try_from(start + 30 * 86_400).unwrap();
    let campaign = Campaign { holders_of: a_token, per_second: 1_000_000, end };
    let call = v3_2.campaign(desk.deployed.admin, campaign).unwrap();
    desk.chain.execute(&[call]).await.unwrap();
    let since = desk.chain.head().await.unwrap().time;
    desk.chain.mine_at(start + 10 * 86_400).await.unwrap();
    let assets = vec![a_token];
    desk.does(
        supplier,
        v3_2.rewards_controller,
        &IAaveRewardsController::claimAllRewardsToSelfCall { assets },
    )
    .await;
    let seconds = desk.chain.head().await.unwrap().time - since;
    let call = IToken::balanceOfCall { account: supplier };
    let claimed = desk.chain.call(v3_2.reward.token, &call).await.unwrap();
    let paid = U256::from(seconds) * U256::from(1_000_000);
    // The index keeps whole units for each whole token supplied: a thousand of them lose less than one each.
    assert!(claimed <= paid && claimed + U256::from(1_000) >= paid, "{claimed} of {paid}");
    let too_much = Campaign { per_second: u128::MAX, ..campaign };
    assert!(v3_2.campaign(desk.deployed.admin, too_much).is_err(), "no uint88 holds it");
}

#[tokio::test]
async fn a_stata_token_grows_with_the_reserve_and_pays_out() {
    let Some((desk, v3_2)) = Desk::open_v3_2(HOUR).await else { return };
    let (holder, borrower) = (desk.account(1), desk.account(2));
    let token = v3_2.stata[&Asset::Usdc];
    desk.fund(holder, Asset::Usdc, units(1_000_000, Asset::Usdc), token).await;
    let assets = units(1_000_000, Asset::Usdc);
    desk.does(holder, token, &IVault::depositCall { assets, receiver: holder }).await;
    desk.aave_supply(borrower, Asset::Weth, units(1_000, Asset::Weth)).await;
    desk.aave_borrow(borrower, Asset::Usdc, units(900_000, Asset::Usdc)).await;
    let time = desk.chain.head().await.unwrap().time;
    desk.chain.mine_at(time + 365 * 86_400).await.unwrap();
    let worth = desk.chain.call(token, &IVault::convertToAssetsCall { shares: assets }).await;
    let worth = worth.unwrap();
    // At the kink 5.5 % is paid on nine tenths, of which the protocol keeps a tenth: 4.455 %.
    assert!((1_044_500_000_000..1_044_600_000_000).contains(&worth.to::<u64>()), "{worth}");
    let most = desk.chain.call(token, &IVault::maxWithdrawCall { owner: holder }).await.unwrap();
    assert!(
        most <= units(100_000, Asset::Usdc) && most + U256::from(2) >= units(100_000, Asset::Usdc)
    );
    let call = IVault::withdrawCall { assets: most, receiver: holder, owner: holder };
    desk.does(holder, token, &call).await;
    assert_eq!(desk.balance(holder, Asset::Usdc).await, most);
}

#[tokio::test]
async fn the_drivers_people_lend_and_borrow_on_it() {
    let Some(artifacts) = artifacts() else { return };
    let settings = ChainSettings { block_seconds: HOUR, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
    let deployed = deploy(&chain, &artifacts).await.unwrap();
    let v3_2 = deploy_aave_v3_2(&chain, &artifacts, &deployed).await.unwrap();
    let deployed = Deployment { aave: v3_2.aave, ..deployed };
    let market = MarketSettings { seed: 5, ..MarketSettings::default() };
    let mut driver = Driver::start(&mut chain, deployed.clone(), market).await.unwrap();
    let (mut sent, mut reverted) = (0, 0);
    for _ in 0..72 {
        let report = driver.step(&chain).await.unwrap();
        sent += report.sent;
        reverted += report.reverted;
    }
    assert!(sent > 200, "{sent} transactions in three days");
    assert!(reverted * 20 < sent, "{reverted} of {sent} reverted");
    let debt = deployed.aave.reserves[&Asset::Usdc].variable_debt_token;
    let owed = chain.call(debt, &IToken::totalSupplyCall {}).await.unwrap();
    assert!(owed > units(1_000, Asset::Usdc), "people borrow on the pool of v3.2");
}
