//! What only pairs have: fees in the index, campaigns that are shared and end, a price that gets old, a pair that is emptied,
//! and two market contracts in one pair.

use crate::bench::{came_true, is_true};
use crate::on_pairs::{OnPairs, protocol_takes};
use crate::pairs_stage::{IPooledMarket, PairPlace, Pairs, post_to, told};
use crate::ranges_stage::{HEARTBEAT, post};
use crate::stage::{EMPTY, Stage, units};
use crate::subject::{Subject, Wanted};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_adapters::live::{UniswapV2, UniswapV2Settings, V2Market};
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::Amount;
use plimsoll_core::{MarketKind, UpkeepKind};
use plimsoll_execute::chain::vault::LegKind;
use plimsoll_execute::protocol::{Protocol, Reading};
use plimsoll_frame::{Column, PoolShape};
use plimsoll_localchain::abi::{IStakingRewards, IUniswapV2Pair};
use plimsoll_localchain::{Asset, CHAIN_ID, Origin};

/// Seconds of a campaign.
const CAMPAIGN: u64 = 60 * 86_400;

async fn opened() -> Option<Stage> {
    let mut stage = Stage::open(Line::V3_0).await?;
    Pairs::open(&mut stage).await;
    Some(stage)
}

fn pairs(stage: &Stage) -> &Pairs {
    stage.pairs.as_ref().unwrap()
}

fn spot(stage: &Stage, place: usize) -> &PairPlace {
    &pairs(stage).places[place]
}

pub(crate) async fn read(stage: &Stage) -> Vec<Reading> {
    let read = OnPairs.adapter(stage, None).read(&stage.nodes, &stage.at().await).await.unwrap();
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    read.readings
}

async fn enter(stage: &Stage, place: usize, whole: u64) {
    let asset = spot(stage, place).asset;
    let time = stage.chain.head().await.unwrap().time + 12;
    let act = (true, units(whole, asset));
    assert!(stage.act(spot(stage, place).contract, asset, act, time).await, "entered {place}");
}

async fn all_are_true(stage: &Stage) -> Vec<Reading> {
    let readings = read(stage).await;
    for (place, reading) in readings.iter().enumerate() {
        let truth = OnPairs.truth(stage, place).await;
        is_true(reading, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
    }
    readings
}

fn dollars(of: u64, asset: Asset) -> U256 {
    units(of, asset) / U256::from(asset.first_price_usd())
}

/// What is predicted of an act happens.
async fn happens(stage: &Stage, place: usize, (is_entry, amount): (bool, U256)) {
    let now = read(stage).await.remove(place);
    let time = now.at.timestamp + 12;
    let foreseen = now.model.after(is_entry, Amount(amount), time).unwrap();
    let at = spot(stage, place);
    assert!(stage.act(at.contract, at.asset, (is_entry, amount), time).await, "place {place}");
    let truth = OnPairs.truth(stage, place).await;
    came_true(&foreseen, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_of_trades_raise_the_index_by_what_they_pay() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    let before = all_are_true(&stage).await.remove(0);
    for sells_asset in [true, false, true, false] {
        let sold = if sells_asset { spot(&stage, 0).asset } else { spot(&stage, 0).other };
        pairs(&stage).trade(&stage, 0, sells_asset, dollars(40_000_000, sold)).await;
    }
    let after = all_are_true(&stage).await.remove(0);
    assert_eq!(after.beyond.facts.fees_due, Amount::ZERO, "fees are in the index");
    let grown = after.share_price.to_f64() / before.share_price.to_f64() - 1.0;
    // 160 million dollars of trades, 0.3 %, in a pair of forty billion.
    let expected = 160e6 * 0.003 / 40e9;
    assert!((grown / expected - 1.0).abs() < 0.02, "{grown}, expected {expected}");
    let row = after.observation(Some(1.0)).row;
    let depth = row.get(Column::DepthUsd).unwrap();
    assert!((depth / 40e9 - 1.0).abs() < 0.01, "{depth}");
    assert!((row.get(Column::PairPrice).unwrap() / 2_500.0 - 1.0).abs() < 1e-6);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocols_share_of_fees_is_counted_before_it_is_made() {
    let Some(stage) = opened().await else { return };
    protocol_takes(&stage).await;
    // The first act after the switch notes the product.
    enter(&stage, 0, 1_000_000).await;
    enter(&stage, 1, 100).await;
    for (place, sells_asset) in [(0, true), (1, false), (0, false), (1, true)] {
        let at = spot(&stage, place);
        let sold = if sells_asset { at.asset } else { at.other };
        pairs(&stage).trade(&stage, place, sells_asset, dollars(500_000_000, sold)).await;
    }
    all_are_true(&stage).await;
    for place in 0..2 {
        let asset = spot(&stage, place).asset;
        happens(&stage, place, (true, units(77, asset) + U256::from(1))).await;
        happens(&stage, place, (false, units(13, asset) + U256::from(1))).await;
    }
    all_are_true(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_pair_has_a_price_and_takes_nothing() {
    let Some(stage) = opened().await else { return };
    let reading = all_are_true(&stage).await.remove(EMPTY);
    // Twice the root of 2,500.
    assert!((reading.share_price.to_f64() - 100.0).abs() < 0.01, "{:?}", reading.share_price);
    assert_eq!((reading.supplied, reading.exit), (Amount::ZERO, Amount::ZERO));
    assert_eq!(reading.observation(Some(1.0)).takes_deposits, Some(false));
    let (asset, one) = (spot(&stage, EMPTY).asset, units(10, spot(&stage, EMPTY).asset));
    assert!(reading.model.after(true, Amount(one), reading.at.timestamp + 12).is_err());
    let time = reading.at.timestamp + 12;
    assert!(!stage.act(spot(&stage, EMPTY).contract, asset, (true, one), time).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_say_what_moving_costs() {
    let Some(stage) = opened().await else { return };
    for reading in &read(&stage).await[..EMPTY] {
        assert_eq!(reading.terms.kind, MarketKind::Lp, "no campaign runs");
        let pool = reading.terms.pool.unwrap();
        assert_eq!((pool.shape, pool.is_foreign), (PoolShape::ConstantProduct, true));
        let moving = reading.terms.moving.unwrap();
        // Half of the pair's fee, half of a band of ten basis points, and what moving a thousandth of the pair moves its price.
        assert!(moving.entry > 0.002 && moving.entry < 0.002_6, "{}", moving.entry);
        assert!(moving.exit > 0.001 && moving.exit < 0.001_3, "{}", moving.exit);
        let cost = |amount: U256| {
            let foreseen = reading.model.after(true, Amount(amount), reading.at.timestamp);
            let worth = foreseen.unwrap().held.worth.to_f64(reading.decimals);
            1.0 - worth / Amount(amount).to_f64(reading.decimals)
        };
        let (all, little) = (reading.supplied.0, cost(reading.supplied.0 / U256::from(1_000_000)));
        assert!((cost(all / U256::from(1_000)) - moving.entry).abs() < 1e-9);
        assert!((little - 0.002).abs() < 1e-5, "{little}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_shared_by_those_who_stake_and_ends() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000_000).await;
    let at = spot(&stage, 0);
    let reward = units(6_000_000, Asset::Dai);
    pairs(&stage).campaign(&stage, 0, reward).await;
    let alone = all_are_true(&stage).await.remove(0);
    assert_eq!(alone.terms.kind, MarketKind::Mining);
    let staking = at.staking.unwrap();
    let end = stage.asks(staking, &IStakingRewards::periodFinishCall {}).await;
    assert_eq!(alone.terms.rewards_end.map(|time| time.0), Some(end.to::<i64>() * 1_000));
    // Twelve million dollars in sixty days, less the band of ten basis points; hardly anybody stakes: a tenth is taken to.
    let yearly = 12e6 * 0.999 * 365.0 / 60.0;
    let tvl = alone.supplied.to_f64(6);
    let apr = alone.reward_apr(Some(1.0)).unwrap();
    assert!((apr / (yearly / (tvl / 10.0)) - 1.0).abs() < 1e-6, "{apr}");
    pairs(&stage).others_stake(&stage, 0, 2).await;
    let shared = all_are_true(&stage).await.remove(0);
    let staked = stage.asks(staking, &IStakingRewards::totalSupplyCall {}).await;
    let all = stage.asks(at.pair, &IUniswapV2Pair::totalSupplyCall {}).await;
    let part = f64::from(staked) / f64::from(all);
    assert!(part > 0.45 && part < 0.55, "{part}");
    let apr = shared.reward_apr(Some(1.0)).unwrap();
    assert!((apr / (yearly / tvl / part) - 1.0).abs() < 1e-6, "{apr}");
    // A day of it is what is due, at the worst price.
    let before = shared.at.timestamp;
    stage.chain.mine_at(before + 86_400).await.unwrap();
    let due = all_are_true(&stage).await.remove(0);
    assert!(due.rewards.as_ref().unwrap()[0].index > shared.rewards.as_ref().unwrap()[0].index);
    let earned = due.beyond.facts.rewards_due;
    let of_the_day = earned.saturating_sub(shared.beyond.facts.rewards_due);
    let ours = due.held.worth.to_f64(6) * apr / 365.0;
    let found = of_the_day.to_f64(6);
    assert!((found / ours - 1.0).abs() < 0.01, "{found}, expected {ours}");
    // A harvest brings it home, less what the sale costs.
    let (leg, data) = due.beyond.words.leg(UpkeepKind::Harvest).unwrap();
    assert_eq!(leg, LegKind::Harvest);
    let had = stage.balance(stage.owner, stage.token(at.asset)).await;
    told(&stage, at.contract, &IPooledMarket::harvestCall { data }).await.unwrap();
    let got = stage.balance(stage.owner, stage.token(at.asset)).await - had;
    let sale = due.terms.moving.unwrap().reward_sale;
    let least = earned.to_f64(6) * (1.0 - sale) * 0.999;
    assert!(Amount(got).to_f64(6) > least, "{got} of {earned:?}");
    stage.chain.mine_at(before + CAMPAIGN + 10).await.unwrap();
    let over = all_are_true(&stage).await.remove(0);
    assert_eq!(over.reward_apr(Some(1.0)), None, "it has ended");
    assert_eq!((over.terms.kind, over.terms.rewards_end), (MarketKind::Lp, None));
    assert!(!over.beyond.facts.rewards_due.is_zero(), "what was earned is still due");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reward_in_the_asset_needs_no_oracle_and_one_without_a_fresh_price_is_unknown() {
    let Some(stage) = opened().await else { return };
    for place in 0..2 {
        enter(&stage, place, 1_000).await;
        let asset = [Asset::Dai, Asset::Wbtc][place];
        pairs(&stage).campaign(&stage, place, units(600, asset)).await;
    }
    let time = stage.chain.head().await.unwrap().time + 86_400;
    stage.chain.mine_at(time).await.unwrap();
    let readings = all_are_true(&stage).await;
    let own = &readings[1];
    let earned = IStakingRewards::earnedCall { account: spot(&stage, 1).contract };
    let earned = stage.asks(spot(&stage, 1).staking.unwrap(), &earned).await;
    assert_eq!(own.beyond.facts.rewards_due, Amount(earned));
    assert!(own.reward_apr(Some(60_000.0)).unwrap() > 0.0 && !earned.is_zero());
    assert!(own.terms.moving.unwrap().reward_sale.abs() < f64::EPSILON);
    assert!(readings[0].terms.moving.unwrap().reward_sale > 0.003);
    // The reward's feed alone stops.
    let later = time + u64::from(HEARTBEAT);
    stage.chain.mine_at(later).await.unwrap();
    post(&stage, Asset::Weth, 2_500_000_000).await;
    post(&stage, Asset::Usdc, 1_000_000).await;
    pairs(&stage).campaign(&stage, 0, units(600, Asset::Dai)).await;
    let old = all_are_true(&stage).await.remove(0);
    assert!(!old.switches.is_frozen, "the pair itself has a price");
    assert_eq!((old.terms.kind, old.reward_apr(Some(1.0))), (MarketKind::Mining, None));
    assert_eq!(old.beyond.facts.rewards_due, Amount::ZERO, "it cannot be sold");
    let harvest = IPooledMarket::harvestCall { data: Bytes::new() };
    assert!(told(&stage, spot(&stage, 0).contract, &harvest).await.is_err());
    post_to(&stage, pairs(&stage).reward.feed, 1_000_000).await;
    let fresh = all_are_true(&stage).await.remove(0);
    assert!(!fresh.beyond.facts.rewards_due.is_zero());
    told(&stage, spot(&stage, 0).contract, &harvest).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_gets_old_is_foreseen_and_closes_the_market() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    let before = all_are_true(&stage).await.remove(0);
    let mut oldest = u64::MAX;
    for asset in [Asset::Usdc, Asset::Weth] {
        let feed = stage.deployed.token(asset).unwrap().feed;
        let round = plimsoll_localchain::abi::IPriceFeed::latestRoundDataCall {};
        let updated = stage.asks(feed, &round).await.updatedAt.to::<u64>();
        oldest = oldest.min(updated + u64::from(HEARTBEAT));
    }
    let of = |time| before.model.after(true, Amount::ZERO, time).unwrap();
    assert!(!of(oldest).held.available.is_zero() && of(oldest + 1).held.available.is_zero());
    for time in [oldest, oldest + 1] {
        stage.chain.mine_at(time).await.unwrap();
        came_true(&of(time), &OnPairs.truth(&stage, 0).await).unwrap();
    }
    let after = all_are_true(&stage).await.remove(0);
    assert!(after.switches.is_frozen && after.held.available.is_zero());
    assert_eq!(after.observation(Some(1.0)).takes_deposits, Some(false));
    assert!(after.held.worth < before.held.worth, "the band of a stale price comes off");
    let asset = spot(&stage, 0).asset;
    let one = units(500, asset);
    for is_entry in [true, false] {
        assert!(after.model.after(is_entry, Amount(one), after.at.timestamp + 12).is_err());
        let time = after.at.timestamp + 12 * (1 + u64::from(!is_entry));
        assert!(!stage.act(spot(&stage, 0).contract, asset, (is_entry, one), time).await);
    }
    post(&stage, Asset::Weth, 2_500_000_000).await;
    post(&stage, Asset::Usdc, 1_000_000).await;
    assert!(!all_are_true(&stage).await[0].switches.is_frozen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_is_emptied_of_the_asset_lets_nothing_out_and_is_worth_no_less() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    let before = all_are_true(&stage).await.remove(0);
    // Somebody sells the other token far below the oracle's price.
    pairs(&stage).trade(&stage, 0, false, dollars(20_000_000_000, spot(&stage, 0).other)).await;
    let after = all_are_true(&stage).await.remove(0);
    assert!(after.exit.0 < before.exit.0 * U256::from(51) / U256::from(100), "{:?}", after.exit);
    assert!(after.held.worth >= before.held.worth, "valued by the oracle, fees on top");
    assert_eq!(after.held.available, Amount::ZERO, "the sale would bring far too little");
    let asset = spot(&stage, 0).asset;
    let one = units(500, asset);
    assert!(after.model.after(false, Amount(one), after.at.timestamp + 12).is_err());
    let time = after.at.timestamp + 12;
    assert!(!stage.act(spot(&stage, 0).contract, asset, (false, one), time).await);
    // Entering is cheap then: the other token is bought below what the oracle says.
    happens(&stage, 0, (true, one)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_sends_to_the_pair_is_nobodys_until_the_next_act() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 1_000).await;
    }
    let before = all_are_true(&stage).await;
    for place in 0..2 {
        OnPairs.set(&stage, place, Wanted::Donated).await.unwrap();
    }
    let after = all_are_true(&stage).await;
    for place in 0..2 {
        assert_eq!(after[place].held, before[place].held);
        assert_eq!(after[place].supplied, before[place].supplied);
    }
    // With the next act it is in the pair.
    happens(&stage, 0, (true, units(50, Asset::Usdc))).await;
    happens(&stage, 1, (false, units(5, Asset::Wbtc))).await;
    // Shares that were sent to the pair are burned with ours, and come out on our side.
    let (giver, pair) = (stage.account(1), spot(&stage, 0).pair);
    let amount = stage.balance(giver, pair).await / U256::from(1_000_000);
    let call = IUniswapV2Pair::transferCall { to: pair, amount };
    stage.does(giver, pair, &call).await;
    happens(&stage, 0, (false, units(7, Asset::Usdc))).await;
    let kept = stage.asks(spot(&stage, 0).contract, &IPooledMarket::heldCall {}).await;
    assert!(kept > units(1_000, Asset::Usdc), "{kept} of what was sent stays in the contract");
    all_are_true(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_leave_leaves_and_next_to_nothing_stays() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 10).await;
        let all = read(&stage).await.remove(place).held.available;
        happens(&stage, place, (false, all.0)).await;
        let left = OnPairs.truth(&stage, place).await.held.worth;
        assert!(left.0 * U256::from(500) < all.0, "place {place}: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_that_are_not_staked_are_counted_and_leave() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    let before = all_are_true(&stage).await.remove(0);
    let shares = stage.asks(spot(&stage, 0).contract, &IPooledMarket::sharesCall {}).await;
    for part in [3u64, 1_000_000_000] {
        let then = all_are_true(&stage).await.remove(0).held;
        let data = (shares / U256::from(part)).to_be_bytes::<32>().into();
        let call = IPooledMarket::arrangeCall { data };
        told(&stage, spot(&stage, 0).contract, &call).await.unwrap();
        assert_eq!(all_are_true(&stage).await[0].held, then);
        happens(&stage, 0, (false, units(300, Asset::Usdc))).await;
        happens(&stage, 0, (true, units(300, Asset::Usdc))).await;
        let staked = stage.asks(spot(&stage, 0).contract, &IPooledMarket::stakedCall {}).await;
        assert!(!staked.is_zero(), "what enters is staked");
        let call = IPooledMarket::arrangeCall { data: U256::MAX.to_be_bytes::<32>().into() };
        told(&stage, spot(&stage, 0).contract, &call).await.unwrap();
        let time = stage.chain.head().await.unwrap().time + 12;
        stage.chain.mine_at(time).await.unwrap();
        let now = all_are_true(&stage).await.remove(0);
        assert!(now.held.worth.0 > before.held.worth.0 * U256::from(99) / U256::from(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_market_contracts_in_one_pair_are_two_markets_and_keep_their_names() {
    let Some(stage) = opened().await else { return };
    let names = OnPairs.adapter(&stage, None).markets();
    assert_eq!(spot(&stage, 0).pair, spot(&stage, 2).pair);
    assert_ne!(names[0], names[2]);
    enter(&stage, 0, 1_000_000).await;
    let other = all_are_true(&stage).await.remove(2);
    assert!(other.held.worth.is_zero(), "what one holds the other does not");
    let (at, asset) = (spot(&stage, 0), stage.token(spot(&stage, 0).asset));
    let mut market = V2Market::new(at.pair, asset, at.oracle);
    let by_asset = format!("uniswap-v2:31337:{}:{asset}", at.pair).to_lowercase();
    assert_eq!(market.id(31_337).as_str(), by_asset);
    market.contract = Some(at.contract);
    market.forget_contract();
    assert_eq!((market.id(31_337), market.contract), (names[0].clone(), None::<Address>));
}

/// Code that passes `quote` on to an oracle, and has no other function.
fn passes_on(oracle: Address) -> Bytes {
    let head = alloy::primitives::hex!("6037600a5f3960375ff3365f5f375f3560e01c63");
    let jump = alloy::primitives::hex!("146015575f5ffd5b60605f365f73");
    let tail = alloy::primitives::hex!("5afa5060605ff3");
    let selector = <crate::pairs_stage::IPriced::quoteCall as SolCall>::SELECTOR;
    [head.as_slice(), &selector, &jump, oracle.as_slice(), &tail].concat().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_oracle_of_another_kind_the_contracts_word_is_taken() {
    let Some(stage) = opened().await else { return };
    let at = spot(&stage, 0);
    let oracle = stage.chain.create(stage.deployed.admin, passes_on(at.oracle)).await.unwrap();
    let (asset, none) = (stage.token(at.asset), Address::ZERO);
    let bounds = (U256::from(100), U256::from(1_000));
    let settings = (at.pair, oracle, none, none, none, bounds.0, bounds.1);
    let arguments = (stage.owner, asset, settings).abi_encode_params();
    let contract = stage.created(Origin::Plimsoll, "UniswapV2Market", arguments).await;
    let mut market = V2Market::new(at.pair, asset, oracle);
    market.contract = Some(contract);
    let settings = UniswapV2Settings { chain: CHAIN_ID, markets: vec![market] };
    let adapter = UniswapV2::new(settings);
    adapter.check(&stage.nodes, &stage.at().await).await.unwrap();
    // No odd third of a unit is known of such an oracle.
    post(&stage, Asset::Usdc, 999_937).await;
    for (is_entry, whole) in [(true, 1_000), (true, 77), (false, 300)] {
        let read = adapter.read(&stage.nodes, &stage.at().await).await.unwrap();
        let reading = read.readings.into_iter().next().unwrap();
        let value = stage.asks(contract, &IPooledMarket::valueCall {}).await;
        let free = stage.asks(contract, &IPooledMarket::liquidityCall {}).await;
        assert_eq!((reading.held.worth.0, reading.held.available.0), (value.low, free));
        let (amount, time) = (units(whole, at.asset), reading.at.timestamp + 12);
        let foreseen = reading.model.after(is_entry, Amount(amount), time).unwrap();
        assert!(stage.act(contract, at.asset, (is_entry, amount), time).await);
        let value = stage.asks(contract, &IPooledMarket::valueCall {}).await;
        let shares = stage.asks(contract, &IPooledMarket::sharesCall {}).await;
        assert_eq!(foreseen.held.shares.0, shares);
        assert!(foreseen.held.worth.0.abs_diff(value.low) <= U256::from(1), "a unit at most");
    }
}
