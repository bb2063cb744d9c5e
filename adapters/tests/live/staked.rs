//! What only staked ETH has: a queue, a discount, slashing, switches, a price that gets old, sales.

use crate::bench::is_true;
use crate::on_staked::OnStaked;
use crate::stage::{EMPTY, Stage};
use crate::staked_stage::{
    HEARTBEAT, IReporter, IStakedMarket, SLIPPAGE, StakedPlace, StakedWorld, ether, lido_earns,
    lido_loses,
};
use crate::subject::Subject;
use alloy::primitives::U256;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::Amount;
use plimsoll_core::{MarketKind, UpkeepKind};
use plimsoll_execute::Reading;
use plimsoll_execute::chain::vault::LegKind;
use plimsoll_execute::protocol::{Cause, Protocol};
use plimsoll_frame::Column;
use plimsoll_localchain::Asset;
use plimsoll_localchain::abi::IPriceFeed;

const DAY: u64 = 86_400;

async fn opened() -> Option<Stage> {
    let mut stage = Stage::open(Line::V3_0).await?;
    StakedWorld::open(&mut stage).await;
    Some(stage)
}

fn spot(stage: &Stage, place: usize) -> &StakedPlace {
    &stage.staked.as_ref().unwrap().places[place]
}

async fn enter(stage: &Stage, place: usize, whole: u64) {
    let time = stage.chain.head().await.unwrap().time + 12;
    let act = (true, ether(whole));
    assert!(stage.act(spot(stage, place).contract, Asset::Weth, act, time).await);
}

/// Reads with an adapter that may remember, and compares every place with its contracts.
pub(crate) async fn all_are_true(stage: &Stage, adapter: &dyn Protocol) -> Vec<Reading> {
    let read = adapter.read(&stage.nodes, &stage.at().await).await.unwrap();
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    for (place, reading) in read.readings.iter().enumerate() {
        let truth = OnStaked.truth(stage, place).await;
        is_true(reading, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
        let queued = stage.asks(spot(stage, place).contract, &IStakedMarket::queuedCall {}).await;
        assert_eq!(reading.beyond.facts.queued, Amount(queued), "place {place}");
    }
    read.readings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_worth_what_it_pays_until_it_is_claimed() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    for place in 0..EMPTY {
        enter(&stage, place, 3_000).await;
        let at = spot(&stage, place);
        let before = all_are_true(&stage, adapter.as_ref()).await.remove(place);
        assert!(before.beyond.facts.queued.is_zero());
        // As the engine asks: in the asset, said in wrapped tokens.
        let amount = Amount(ether(2_500));
        let (kind, data) = before.beyond.words.leg(UpkeepKind::RequestExit { amount }).unwrap();
        assert_eq!(kind, LegKind::Harvest);
        at.told(&stage, &IStakedMarket::harvestCall { data }).await.unwrap();
        let asked = all_are_true(&stage, adapter.as_ref()).await.remove(place);
        let facts = asked.beyond.facts;
        let lost = amount.0 - facts.queued.0;
        assert!(lost < U256::from(100), "{lost} wei were lost in asking");
        assert!(facts.claimable.is_zero());
        let open = stage.asks(at.contract, &IStakedMarket::requestsCall {}).await;
        assert_eq!(open.len(), 3, "a request is at most 1,000 stETH");
        // Validators lose: the queue bears its part. Then the first two are paid, the third waits.
        lido_loses(&stage, &at.lido, ether(2_000)).await;
        let slashed = all_are_true(&stage, adapter.as_ref()).await.remove(place);
        assert!(slashed.beyond.facts.queued < facts.queued);
        at.finalized(&stage, open[1]).await;
        lido_earns(&stage, &at.lido, ether(5_000)).await;
        let paid = all_are_true(&stage, adapter.as_ref()).await.remove(place);
        let ready = paid.beyond.facts.claimable;
        assert!(!ready.is_zero() && ready < paid.beyond.facts.queued);
        // A claim brings exactly that, and the word for it is the engine's own.
        let weth = stage.token(Asset::Weth);
        let held = stage.balance(stage.owner, weth).await;
        let (_, data) = paid.beyond.words.leg(UpkeepKind::Claim).unwrap();
        at.told(&stage, &IStakedMarket::harvestCall { data }).await.unwrap();
        assert_eq!(stage.balance(stage.owner, weth).await - held, ready.0);
        let left = all_are_true(&stage, adapter.as_ref()).await.remove(place).beyond.facts;
        assert!(left.claimable.is_zero());
        assert_eq!(left.queued.0 + ready.0, paid.beyond.facts.queued.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_is_what_is_expected_or_what_the_oldest_request_waited() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    let at = spot(&stage, 0);
    enter(&stage, 0, 100).await;
    let delay = async || {
        let reading = all_are_true(&stage, adapter.as_ref()).await.remove(0);
        let row = reading.observation(Some(2_500.0)).row;
        row.get(Column::ExitDelayDays).unwrap()
    };
    assert!((delay().await - 4.0).abs() < 1e-9, "nobody waits");
    at.asked(&stage, ether(10)).await.unwrap();
    assert!((delay().await - 4.0).abs() < 1e-9, "somebody waits since now");
    let since = stage.chain.head().await.unwrap().time;
    stage.chain.mine_at(since + 10 * DAY).await.unwrap();
    assert!((delay().await - 10.0).abs() < 1e-3, "the queue is ten days late");
    at.asked(&stage, ether(1)).await.unwrap();
    let last = at.last_request(&stage).await;
    at.finalized(&stage, last - U256::from(1)).await;
    assert!((delay().await - 4.0).abs() < 1e-9, "the next one came just now");
    for (paused, bunker) in [(true, false), (false, true), (false, false)] {
        let pause = IReporter::setPausedCall { paused };
        stage.does(at.lido.reporter, at.lido.queue, &pause).await;
        let active = IReporter::setBunkerModeCall { active: bunker };
        stage.does(at.lido.reporter, at.lido.queue, &active).await;
        let expected = if paused || bunker { 37.0 } else { 4.0 };
        assert!((delay().await - expected).abs() < 1e-9, "{paused} {bunker}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_shows_in_the_price_and_not_in_the_index() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    enter(&stage, 0, 100).await;
    enter(&stage, 1, 100).await;
    let before = all_are_true(&stage, adapter.as_ref()).await;
    for place in [0, 1] {
        spot(&stage, place).post(&stage, 930_000).await;
    }
    let after = all_are_true(&stage, adapter.as_ref()).await;
    for place in [0, 1] {
        assert_eq!(after[place].share_price, before[place].share_price);
        let row = after[place].observation(Some(2_500.0)).row;
        let (price, index) =
            (row.get(Column::PairPrice).unwrap(), row.get(Column::SharePrice).unwrap());
        assert!((price / index / 0.93 - 1.0).abs() < 1e-9, "{price} {index}");
        assert_eq!(row.get(Column::SupplyApr), None, "nobody advertises a rate");
        let lost = after[place].held.worth.to_f64(18) / before[place].held.worth.to_f64(18);
        assert!((lost - 0.93).abs() < 1e-3, "{lost}");
        // Who stakes at 1 what is worth 0.93 has lost the rest, and the pool still pays 1.
        let moving = after[place].terms.moving.unwrap();
        assert!((moving.entry - (1.0 - 0.93 * 0.9997)).abs() < 1e-9, "{moving:?}");
        assert!(moving.exit.abs() < 1e-9, "{moving:?}");
        assert!(after[place].held.available > after[place].held.worth);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_say_who_issues_it_and_what_a_sale_costs() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    enter(&stage, 0, 100).await;
    let reading = all_are_true(&stage, adapter.as_ref()).await.remove(0);
    assert_eq!(reading.terms.kind, MarketKind::Staking);
    assert_eq!(reading.terms.issuer.as_deref(), plimsoll_core::asset::issuer("wstETH"));
    assert_eq!(reading.terms.wrap_depth, plimsoll_core::asset::wraps("wstETH"));
    assert_eq!((reading.decimals, reading.symbol.as_ref()), (18, "WETH"));
    let moving = reading.terms.moving.unwrap();
    // The band of 3 basis points on the way in; the pool's fee of 5 less that band on the way out.
    assert!((moving.entry - 0.0003).abs() < 1e-9, "{moving:?}");
    assert!((moving.exit - 0.0002).abs() < 2e-6, "{moving:?}");
    // Somebody sells until the pool pays too little: the cost is what the contract allows, and nothing can be sold.
    let world = stage.staked.as_ref().unwrap();
    assert!(world.trade(&stage, 0, (true, ether(60_000))).await);
    let drained = all_are_true(&stage, adapter.as_ref()).await.remove(0);
    assert!(drained.exit.is_zero() && drained.held.available.is_zero());
    assert_eq!(drained.held.worth, reading.held.worth, "valued by the oracle");
    let bound = SLIPPAGE as f64 / 1e4;
    assert!((drained.terms.moving.unwrap().exit - bound).abs() < 1e-12);
}

#[tokio::test(flavor = "multi_thread")]
async fn slashing_is_the_cause_of_a_fall_and_says_how_much() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    enter(&stage, 2, 100).await;
    let before = all_are_true(&stage, adapter.as_ref()).await.remove(2);
    let at = spot(&stage, 2);
    lido_loses(&stage, &at.lido, ether(1_000)).await;
    // Others come and go meanwhile.
    at.stake(&stage, stage.account(5), ether(50_000)).await;
    at.asked(&stage, ether(20)).await.unwrap();
    let last = at.last_request(&stage).await;
    at.finalized(&stage, last).await;
    let after = all_are_true(&stage, adapter.as_ref()).await.remove(2);
    let fall = [(before.market.clone(), before.share_price, after.share_price)];
    let blocks = (before.at.block, after.at.block);
    let found = adapter.attribute(&stage.nodes, blocks, &fall).await.unwrap();
    let Cause::Slashed { amount } = found[0].cause else { panic!("{found:?}") };
    let lost = amount.to_f64(18);
    assert!((lost / 1_000.0 - 1.0).abs() < 1e-6, "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_staking_lets_nothing_in_and_sells_as_before() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    enter(&stage, 0, 100).await;
    let at = spot(&stage, 0);
    let pause = IReporter::setStakingPausedCall { paused: true };
    stage.does(at.lido.reporter, at.lido.st_eth, &pause).await;
    let reading = all_are_true(&stage, adapter.as_ref()).await.remove(0);
    assert!(reading.switches.is_frozen);
    assert_eq!(reading.observation(Some(1.0)).takes_deposits, Some(false));
    assert_eq!(reading.entry, Some(Amount::ZERO));
    let time = reading.at.timestamp + 12;
    assert!(reading.model.after(true, Amount(ether(1)), time).is_err());
    assert!(!stage.act(at.contract, Asset::Weth, (true, ether(1)), time).await);
    assert!(stage.act(at.contract, Asset::Weth, (false, ether(1)), time + 12).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_gets_old_is_foreseen_and_closes_the_market() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    enter(&stage, 1, 100).await;
    let before = all_are_true(&stage, adapter.as_ref()).await.remove(1);
    let at = spot(&stage, 1);
    let mut oldest = u64::MAX;
    for feed in [at.lido.feed, stage.deployed.token(Asset::Weth).unwrap().feed] {
        let round = stage.asks(feed, &IPriceFeed::latestRoundDataCall {}).await;
        oldest = oldest.min(round.updatedAt.to::<u64>() + u64::from(HEARTBEAT));
    }
    let of = |time| before.model.after(true, Amount::ZERO, time).unwrap().held;
    assert!(!of(oldest).available.is_zero() && of(oldest + 1).available.is_zero());
    for time in [oldest, oldest + 1] {
        stage.chain.mine_at(time).await.unwrap();
        assert_eq!(of(time), OnStaked.truth(&stage, 1).await.held);
    }
    let after = all_are_true(&stage, adapter.as_ref()).await.remove(1);
    assert!(after.switches.is_frozen && after.held.worth < before.held.worth);
    for is_entry in [true, false] {
        let time = stage.chain.head().await.unwrap().time + 12;
        assert!(after.model.after(is_entry, Amount(ether(1)), time).is_err());
        assert!(!stage.act(at.contract, Asset::Weth, (is_entry, ether(1)), time).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_leave_leaves_and_what_is_held_goes_first_as_predicted() {
    let Some(stage) = opened().await else { return };
    let adapter = OnStaked.adapter(&stage, None);
    let at = spot(&stage, 0);
    enter(&stage, 0, 500).await;
    // A part given in kind is claimed by its holder: the rest of that request stays with the contract.
    at.asked(&stage, ether(50)).await.unwrap();
    let (to, part) = (stage.account(6), U256::from(250_000_000_000_000_000u64));
    at.told(&stage, &IStakedMarket::transferInKindCall { to, shareOfWad: part }).await.unwrap();
    all_are_true(&stage, adapter.as_ref()).await;
    let request = at.last_request(&stage).await;
    at.finalized(&stage, request).await;
    all_are_true(&stage, adapter.as_ref()).await;
    stage.does(to, at.contract, &IStakedMarket::claimCall { request, receiver: to }).await;
    let reading = all_are_true(&stage, adapter.as_ref()).await.remove(0);
    let held = stage.asks(at.contract, &IStakedMarket::heldCall {}).await;
    assert!(held > ether(1));
    let time = reading.at.timestamp + 12;
    let foreseen = reading.model.after(false, Amount(held), time).unwrap();
    assert!(reading.model.after(false, Amount(held + U256::from(1)), time).is_err());
    assert!(stage.act(at.contract, Asset::Weth, (false, held), time).await);
    assert_eq!(foreseen.held, OnStaked.truth(&stage, 0).await.held);
    let all = all_are_true(&stage, adapter.as_ref()).await.remove(0).held.available;
    let time = time + 12;
    assert!(!stage.act(at.contract, Asset::Weth, (false, all.0 + ether(1)), time).await);
    assert!(stage.act(at.contract, Asset::Weth, (false, all.0), time + 12).await);
    assert!(all_are_true(&stage, adapter.as_ref()).await[0].held.worth < Amount(ether(1)));
}
