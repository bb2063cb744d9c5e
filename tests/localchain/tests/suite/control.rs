//! The clock, the past and the state of the chain.

use crate::support::{Desk, HOUR, artifacts, units};
use alloy::primitives::U256;
use alloy::sol_types::SolValue;
use plimsoll_localchain::abi::{IAavePool, IToken};
use plimsoll_localchain::{
    Asset, Call, ChainSettings, LocalChain, LocalChainError, Mining, Origin,
};
use std::collections::BTreeMap;

#[tokio::test]
async fn blocks_follow_each_other_by_what_they_stand_for_or_at_an_exact_time() {
    let Some(artifacts) = artifacts() else { return };
    let settings = ChainSettings { block_seconds: 12, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
    let genesis = chain.head().await.unwrap();
    assert_eq!((genesis.number, genesis.time), (0, settings.genesis_time));
    assert_eq!(chain.mine().await.unwrap().time, genesis.time + 12);
    assert_eq!(chain.mine_many(10).await.unwrap().time, genesis.time + 132);
    assert_eq!(chain.mine_at(genesis.time + 200).await.unwrap().time, genesis.time + 200);
    chain.set_block_seconds(HOUR).await.unwrap();
    let head = chain.mine().await.unwrap();
    assert_eq!((head.number, head.time), (13, genesis.time + 200 + HOUR));
    let refused = chain.mine_at(genesis.time).await;
    assert!(matches!(refused, Err(LocalChainError::Request { .. })), "time does not go back");
}

#[tokio::test]
async fn with_automatic_mining_each_transaction_has_its_block() {
    let Some(artifacts) = artifacts() else { return };
    let settings = ChainSettings { mining: Mining::EachTransaction, ..ChainSettings::default() };
    let chain = LocalChain::start(&artifacts, settings).await.unwrap();
    let accounts = chain.accounts();
    let mint = IToken::mintCall { to: accounts[1], amount: U256::from(1) };
    let calls = [0, 1, 2].map(|number| Call::new(accounts[number], accounts[3], &mint));
    chain.execute(&calls).await.unwrap();
    let head = chain.head().await.unwrap();
    assert_eq!((head.number, head.time), (3, settings.genesis_time + 36));
}

#[tokio::test]
async fn a_block_is_final_two_epochs_later() {
    let Some(artifacts) = artifacts() else { return };
    let settings = ChainSettings { epoch_blocks: 3, ..ChainSettings::default() };
    let chain = LocalChain::start(&artifacts, settings).await.unwrap();
    let seventh = chain.mine_many(7).await.unwrap();
    assert_eq!(chain.finalized().await.unwrap().number, 1);
    chain.mine_many(6).await.unwrap();
    assert_eq!(chain.finalized().await.unwrap(), seventh);
}

#[tokio::test]
async fn the_node_drops_what_the_base_fee_overtakes_and_what_it_is_told_to_forget() {
    let Some(artifacts) = artifacts() else { return };
    let chain = LocalChain::start(&artifacts, ChainSettings::default()).await.unwrap();
    let (from, to) = (chain.accounts()[0], chain.accounts()[1]);
    let call = Call::new(from, to, &IToken::decimalsCall {});
    let waiting = chain.send(&call).await.unwrap();
    chain.set_base_fee(50_000_000_000).await.unwrap();
    let refused = chain.send(&call).await;
    assert!(matches!(refused, Err(LocalChainError::Request { .. })), "20 gwei is less than 50");
    chain.mine().await.unwrap();
    chain.set_base_fee(1_000_000_000).await.unwrap();
    chain.mine().await.unwrap();
    assert!(!chain.is_included(waiting).await.unwrap(), "a real node would have kept it");
    let sent = chain.send(&call).await.unwrap();
    chain.mine().await.unwrap();
    assert!(chain.is_included(sent).await.unwrap());

    let lost = chain.send(&call).await.unwrap();
    assert!(chain.forget(lost).await.unwrap());
    assert!(!chain.forget(lost).await.unwrap(), "it knew it no more");
    chain.mine().await.unwrap();
    assert!(!chain.is_included(lost).await.unwrap());
}

#[tokio::test]
async fn the_keys_are_those_of_the_accounts() {
    let Some(artifacts) = artifacts() else { return };
    let chain = LocalChain::start(&artifacts, ChainSettings::default()).await.unwrap();
    assert_eq!((chain.accounts().len(), chain.keys().count()), (10, 10));
    // The first of the well-known mnemonic "test test ... junk".
    let first = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    assert_eq!(alloy::primitives::hex::encode(chain.keys().next().unwrap()), first);
}

#[tokio::test]
async fn the_node_ends_with_its_handle() {
    let Some(artifacts) = artifacts() else { return };
    let chain = LocalChain::start(&artifacts, ChainSettings::default()).await.unwrap();
    let client = alloy::providers::RootProvider::<alloy::network::Ethereum>::new_http(
        chain.http_url().parse().unwrap(),
    );
    use alloy::providers::Provider;
    assert!(client.get_block_number().await.is_ok());
    drop(chain);
    assert!(client.get_block_number().await.is_err());
}

#[tokio::test]
async fn a_snapshot_brings_back_state_height_and_clock() {
    let Some(desk) = Desk::open(12).await else { return };
    let (who, before) = (desk.account(1), desk.chain.head().await.unwrap());
    let snapshot = desk.chain.snapshot().await.unwrap();
    desk.aave_supply(who, Asset::Usdc, units(5, Asset::Usdc)).await;
    desk.chain.mine_at(before.time + 1_000_000).await.unwrap();
    desk.chain.revert(snapshot).await.unwrap();
    assert_eq!(desk.chain.head().await.unwrap(), before);
    assert_eq!(desk.aave_reserve(Asset::Usdc).await.accruedToTreasury, 0);
    assert_eq!(desk.balance(who, Asset::Usdc).await, U256::ZERO);
    assert_eq!(desk.chain.mine().await.unwrap().time, before.time + 12);
}

#[tokio::test]
async fn a_dumped_state_lives_on_elsewhere_with_its_clock() {
    let Some(desk) = Desk::open(HOUR).await else { return };
    let (supplier, borrower) = (desk.account(1), desk.account(2));
    desk.aave_supply(supplier, Asset::Usdc, units(1_000, Asset::Usdc)).await;
    desk.aave_supply(borrower, Asset::Weth, units(1, Asset::Weth)).await;
    desk.aave_borrow(borrower, Asset::Usdc, units(500, Asset::Usdc)).await;
    let (state, head) = (desk.chain.dump().await.unwrap(), desk.chain.head().await.unwrap());

    // This chain's genesis is before the dumped head, so a lost clock would show.
    let settings = ChainSettings { block_seconds: HOUR, ..desk.chain.settings() };
    let other = LocalChain::start(&artifacts().unwrap(), settings).await.unwrap();
    other.load(&state).await.unwrap();
    let next = other.mine().await.unwrap();
    assert_eq!((next.number, next.time), (head.number + 1, head.time + HOUR));
    assert_eq!(other.mine().await.unwrap().time, head.time + 2 * HOUR);
    let asset = desk.token(Asset::Usdc);
    let call = IAavePool::getReserveNormalizedVariableDebtCall { asset };
    let there = other.call(desk.deployed.aave.pool, &call).await.unwrap();
    desk.chain.mine_many(2).await.unwrap();
    let here = desk.chain.call(desk.deployed.aave.pool, &call).await.unwrap();
    assert_eq!(there, here, "the same debt after the same time");
}

#[tokio::test]
async fn a_contract_of_any_origin_can_be_created() {
    let Some(artifacts) = artifacts() else { return };
    let chain = LocalChain::start(&artifacts, ChainSettings::default()).await.unwrap();
    let token = artifacts.read(Origin::StandIn, "Token").unwrap();
    let named = ("Euro".to_owned(), "EUR".to_owned(), U256::from(4)).abi_encode_params();
    let code = token.creation(&BTreeMap::new(), &named).unwrap();
    let created = chain.create(chain.accounts()[2], code).await.unwrap();
    assert_eq!(chain.call(created, &IToken::symbolCall {}).await.unwrap(), "EUR");
    assert_eq!(chain.call(created, &IToken::decimalsCall {}).await.unwrap(), 4);
}

#[tokio::test]
async fn a_reorg_replaces_blocks_and_forgets_or_replays_their_transactions() {
    let Some(desk) = Desk::open(12).await else { return };
    let (who, token) = (desk.account(1), desk.token(Asset::Dai));
    let mint = |amount: u64| IToken::mintCall { to: who, amount: U256::from(amount) };
    desk.chain.mine().await.unwrap();
    let before = desk.chain.head().await.unwrap();
    desk.does(who, token, &mint(5)).await;
    let lost = desk.chain.mine().await.unwrap();
    assert_eq!(desk.balance(who, Asset::Dai).await, U256::from(5));
    let replaced = desk.chain.reorg(2, &[]).await.unwrap();
    assert_eq!((replaced.number, replaced.time), (lost.number, lost.time));
    assert_ne!(replaced.hash, lost.hash);
    assert_eq!(desk.balance(who, Asset::Dai).await, U256::ZERO, "the transaction is gone");

    let instead = [(Call::new(who, token, &mint(7)), 1)];
    desk.chain.reorg(2, &instead).await.unwrap();
    assert_eq!(desk.balance(who, Asset::Dai).await, U256::from(7));
    assert_eq!(desk.chain.rollback(2).await.unwrap(), before);
    assert_eq!(desk.chain.mine().await.unwrap().time, before.time + 12);
}
