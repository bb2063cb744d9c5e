//! Every protocol lives: deposits, loans, the vault's yield, prices, one multicall.

use crate::support::{Desk, HOUR, units};
use alloy::primitives::{I256, U256};
use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use alloy::sol_types::SolCall;
use plimsoll_localchain::abi::{IMorpho, IMorphoOracle, IPriceFeed, IToken, IVault};
use plimsoll_localchain::{Asset, CHAIN_ID, Call, LocalChainError, MULTICALL3};

#[tokio::test]
async fn tokens_have_their_decimals_and_feeds_their_rounds() {
    let Some(desk) = Desk::open(12).await else { return };
    for asset in Asset::ALL {
        let token = desk.deployed.token(asset).unwrap();
        let decimals = desk.chain.call(token.token, &IToken::decimalsCall {}).await.unwrap();
        assert_eq!(decimals, asset.decimals());
        let symbol = desk.chain.call(token.token, &IToken::symbolCall {}).await.unwrap();
        assert_eq!(symbol, asset.symbol());
        let round = desk.chain.call(token.feed, &IPriceFeed::latestRoundDataCall {}).await;
        let round = round.unwrap();
        assert_eq!((round.roundId.to::<u64>(), round.answeredInRound.to::<u64>()), (1, 1));
        let cents = u64::from(asset.first_price_usd()) * 100_000_000;
        assert_eq!(round.answer, I256::try_from(cents).unwrap());
    }
    desk.post_usd(Asset::Weth, 2_400).await;
    let feed = desk.deployed.token(Asset::Weth).unwrap().feed;
    let round = desk.chain.call(feed, &IPriceFeed::latestRoundDataCall {}).await.unwrap();
    assert_eq!(round.roundId.to::<u64>(), 2);
    assert_eq!(round.updatedAt, U256::from(desk.chain.head().await.unwrap().time));
    let late = IPriceFeed::postAtCall { answer: round.answer, updatedAt: U256::from(7) };
    desk.does(desk.account(5), feed, &late).await;
    let round = desk.chain.call(feed, &IPriceFeed::latestRoundDataCall {}).await.unwrap();
    assert_eq!(round.updatedAt, U256::from(7), "a feed may lag");
    let before = IPriceFeed::getRoundDataCall { id: "1".parse().unwrap() };
    let first = desk.chain.call(feed, &before).await.unwrap();
    assert_eq!(first.answer, I256::try_from(2_500 * 100_000_000u64).unwrap());
}

#[tokio::test]
async fn morphos_oracle_prices_raw_ether_in_raw_dollars() {
    let Some(desk) = Desk::open(12).await else { return };
    let oracle = desk.morpho().oracle;
    let price = desk.chain.call(oracle, &IMorphoOracle::priceCall {}).await.unwrap();
    // 1e18 raw ether is worth 2,500e6 raw USDC, times 1e36.
    assert_eq!(price, U256::from(2_500) * U256::from(10).pow(U256::from(36 + 6 - 18)));
}

#[tokio::test]
async fn one_multicall_reads_many_contracts() {
    let Some(desk) = Desk::open(12).await else { return };
    assert_eq!(desk.deployed.multicall3, MULTICALL3);
    let calls = Asset::ALL
        .iter()
        .map(|asset| (desk.token(*asset), IToken::decimalsCall {}.abi_encode().into()))
        .collect();
    let answers = desk.chain.call_many(calls).await.unwrap();
    for (asset, answer) in Asset::ALL.iter().zip(answers) {
        let decimals = IToken::decimalsCall::abi_decode_returns(&answer).unwrap();
        assert_eq!(decimals, asset.decimals());
    }
}

#[tokio::test]
async fn the_vault_earns_what_its_market_pays_and_lets_out_what_is_not_lent() {
    let Some(desk) = Desk::open(HOUR).await else { return };
    let (depositor, vault) = (desk.account(1), desk.deployed.vault);
    let million = units(1_000_000, Asset::Usdc);
    desk.fund(depositor, Asset::Usdc, million, vault).await;
    let deposit = IVault::depositCall { assets: million, receiver: depositor };
    desk.does(depositor, vault, &deposit).await;
    let lent = units(900_000, Asset::Usdc);
    desk.morpho_borrow(desk.account(2), units(500, Asset::Weth), lent).await;
    let before = desk.morpho_totals().await;
    desk.chain.mine_many(24 * 30).await.unwrap();

    let assets = desk.chain.call(vault, &IVault::totalAssetsCall {}).await.unwrap();
    let gained = assets - million;
    // 4 % on 900,000 USDC for 30 days is 2,959 USDC; the rate fell in the hours before the loan.
    assert!(gained > units(2_800, Asset::Usdc) && gained < units(2_959, Asset::Usdc), "{gained}");
    let call = IVault::maxWithdrawCall { owner: depositor };
    let out = desk.chain.call(vault, &call).await.unwrap();
    assert_eq!(out, U256::from(before.totalSupplyAssets - before.totalBorrowAssets));
    let (receiver, owner) = (depositor, depositor);
    desk.does(depositor, vault, &IVault::withdrawCall { assets: out, receiver, owner }).await;
    assert_eq!(desk.balance(depositor, Asset::Usdc).await, out);
    let more = IVault::withdrawCall { assets: U256::from(1), receiver, owner };
    let refused = desk.tries(depositor, vault, &more).await;
    assert!(matches!(refused, Err(LocalChainError::Reverted { .. })), "the rest is lent");

    // What the vault foresees at a time is what the market books when it accrues then, to the unit
    // that the vault rounds down.
    let (snapshot, time) = (desk.chain.snapshot().await.unwrap(), desk.chain.head().await.unwrap());
    desk.chain.mine_at(time.time + 86_400).await.unwrap();
    let foreseen = desk.chain.call(vault, &IVault::totalAssetsCall {}).await.unwrap();
    desk.chain.revert(snapshot).await.unwrap();
    let accrue = IMorpho::accrueInterestCall { params: desk.morpho() };
    desk.chain.send(&Call::new(depositor, desk.deployed.morpho.blue, &accrue)).await.unwrap();
    desk.chain.mine_at(time.time + 86_400).await.unwrap();
    let booked = U256::from(desk.morpho_totals().await.totalSupplyAssets);
    assert!(booked - foreseen <= U256::from(1), "{booked} {foreseen}");
}

#[tokio::test]
async fn blocks_are_announced_over_websocket() {
    let Some(desk) = Desk::open(12).await else { return };
    let socket = ProviderBuilder::new()
        .disable_recommended_fillers()
        .connect_ws(WsConnect::new(desk.chain.ws_url()))
        .await
        .unwrap();
    assert_eq!(socket.get_chain_id().await.unwrap(), CHAIN_ID);
    let mut blocks = socket.subscribe_blocks().await.unwrap();
    let head = desk.chain.mine().await.unwrap();
    assert_eq!(blocks.recv().await.unwrap().hash, head.hash);
}
