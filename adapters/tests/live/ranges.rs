//! What only ranges have: fees inside, a shape, campaigns that end, a price that gets old, a pool that is emptied.

use crate::bench::{came_true, is_true};
use crate::on_ranges::OnRanges;
use crate::ranges_stage::{HEARTBEAT, IRangeMarket, RangePlace, Ranges, post};
use crate::stage::{EMPTY, Stage, units};
use crate::subject::Subject;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolValue;
use plimsoll_adapters::live::uniswap_v3::holding::PROBE;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::Amount;
use plimsoll_core::{MarketKind, UpkeepKind};
use plimsoll_execute::Reading;
use plimsoll_execute::chain::vault::LegKind;
use plimsoll_frame::{Column, PoolShape};
use plimsoll_localchain::abi::{IPriceFeed, IToken};

async fn opened() -> Option<Stage> {
    let mut stage = Stage::open(Line::V3_0).await?;
    Ranges::open(&mut stage).await;
    Some(stage)
}

fn ranges(stage: &Stage) -> &Ranges {
    stage.ranges.as_ref().unwrap()
}

fn spot(stage: &Stage, place: usize) -> &RangePlace {
    &ranges(stage).places[place]
}

pub(crate) async fn read(stage: &Stage) -> Vec<Reading> {
    let read = OnRanges.adapter(stage, None).read(&stage.nodes, &stage.at().await).await.unwrap();
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
        let truth = OnRanges.truth(stage, place).await;
        is_true(reading, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
    }
    readings
}

fn dollars(of: u64, asset: plimsoll_localchain::Asset) -> U256 {
    units(of, asset) / U256::from(asset.first_price_usd())
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_of_trades_are_due_and_grow_for_every_unit_of_liquidity() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 100).await;
    }
    let before = all_are_true(&stage).await;
    for place in 0..EMPTY {
        for sells_asset in [true, false, true] {
            let at = spot(&stage, place);
            let sold = if sells_asset { at.asset } else { at.other };
            ranges(&stage).trade(&stage, place, sells_asset, dollars(40_000_000, sold)).await;
        }
    }
    let after = all_are_true(&stage).await;
    for place in 0..EMPTY {
        let at = spot(&stage, place);
        let fees = stage.asks(at.contract, &IRangeMarket::feesCall {}).await;
        let (worst, _, _) = at.quote(&stage).await;
        let due = fees.assets + fees.others * worst / PROBE;
        assert_eq!(after[place].beyond.facts.fees_due, Amount(due), "place {place}");
        assert!(!fees.assets.is_zero() && !fees.others.is_zero(), "both tokens were sold");
        let pair = |reading: &Reading| reading.beyond.pair.unwrap();
        let (then, now) = (pair(&before[place]), pair(&after[place]));
        let (asset, foreign) = (
            now.fees_asset.unwrap() - then.fees_asset.unwrap(),
            now.fees_foreign.unwrap() - then.fees_foreign.unwrap(),
        );
        // What 120 million dollars of trades pay, shared by the depth: both in units of the same value.
        let row = after[place].observation(Some(1.0)).row;
        let depth = row.get(Column::DepthUsd).unwrap();
        let share_price = row.get(Column::SharePrice).unwrap();
        let paid = (asset + foreign * now.price) / share_price * depth;
        let price = f64::from(at.asset.first_price_usd());
        let expected = 120e6 / price * f64::from(at.fee) / 1e6;
        assert!((paid / expected - 1.0).abs() < 0.02, "place {place}: {paid}, expected {expected}");
        // A harvest brings them home, within what the sale of the other token costs.
        let held = stage.balance(stage.owner, stage.token(at.asset)).await;
        at.harvest(&stage).await;
        let got = stage.balance(stage.owner, stage.token(at.asset)).await - held;
        assert!(got > due * U256::from(98) / U256::from(100), "place {place}: {got} of {due}");
        assert!(read(&stage).await[place].beyond.facts.fees_due.0 <= U256::from(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_say_what_the_contract_takes() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    for reading in &read(&stage).await[..EMPTY] {
        assert_eq!(reading.terms.kind, MarketKind::Lp);
        let pool = reading.terms.pool.unwrap();
        assert!(pool.is_foreign);
        let PoolShape::Ranges { least, most } = pool.shape else { panic!("ranges") };
        assert!(least > 0.0 && most > least);
        let moving = reading.terms.moving.unwrap();
        // Half of the pool's fee and half of a band of ten basis points.
        let expected = (pool.fee + 0.001) / 2.0;
        assert!((moving.entry - expected).abs() < 1e-6, "{} {expected}", moving.entry);
    }
}

/// Every width that the terms offer is one that the contract takes, and what becomes of it is predicted.
#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_laid_anew_as_predicted_at_the_narrowest_and_the_widest() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 10).await;
        let shape = read(&stage).await[place].terms.pool.unwrap().shape;
        let widths = shape.widths();
        for width in [widths[0], widths[widths.len() / 2], widths[widths.len() - 1]] {
            let at = spot(&stage, place);
            let reading = read(&stage).await.remove(place);
            let millionths = plimsoll_core::units::floor_to_index(width * 1e6);
            let half_width = u32::try_from(millionths).unwrap();
            let kind = UpkeepKind::Range { half_width };
            let (leg, data) = reading.beyond.words.leg(kind).unwrap();
            assert_eq!(leg, LegKind::Arrange);
            let (_, lower, upper) = <(U256, i32, i32)>::abi_decode_params(&data).unwrap();
            let time = reading.at.timestamp + 12;
            let foreseen = reading.model.laid((lower, upper), None, time).unwrap().unwrap();
            assert!(at.told_at(&stage, &IRangeMarket::arrangeCall { data }, time).await);
            came_true(&foreseen, &OnRanges.truth(&stage, place).await)
                .unwrap_or_else(|why| panic!("place {place}, {width}: {why}"));
            let now = read(&stage).await.remove(place);
            let facts = now.beyond.facts.range.unwrap();
            assert!(facts.half_width >= width * 0.99, "{} {width}", facts.half_width);
            assert!(!facts.is_left() && facts.offset.abs() < 0.02);
            assert_eq!(stage.asks(at.contract, &IRangeMarket::lowerCall {}).await.as_i32(), lower);
            assert_eq!(stage.asks(at.contract, &IRangeMarket::upperCall {}).await.as_i32(), upper);
        }
    }
    all_are_true(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_entry_takes_the_words_with_its_range() {
    let Some(stage) = opened().await else { return };
    let at = spot(&stage, 0);
    let all = stage.asks(at.contract, &IRangeMarket::liquidityCall {}).await;
    at.told(&stage, &IRangeMarket::withdrawCall { assets: all }).await.unwrap();
    // What rounding left goes in kind, which takes everything.
    let held = stage.asks(at.contract, &IRangeMarket::liquidityUnitsCall {}).await;
    println!("{held} units of liquidity stay");
    let whole = U256::from(10).pow(U256::from(18));
    let given = IRangeMarket::transferInKindCall { to: stage.account(0), shareOfWad: whole };
    at.told(&stage, &given).await.unwrap();
    let reading = all_are_true(&stage).await.remove(0);
    assert_eq!(reading.beyond.facts.range, None, "nothing is in a range");
    let data = reading.beyond.words.entry(Some(50_000)).unwrap();
    let (lower, upper) = <(i32, i32)>::abi_decode_params(&data).unwrap();
    let assets = units(500, at.asset);
    let mint = IToken::mintCall { to: at.contract, amount: assets };
    stage.does(stage.owner, stage.token(at.asset), &mint).await;
    let time = stage.chain.head().await.unwrap().time + 12;
    let foreseen = reading.model.laid((lower, upper), Some(Amount(assets)), time).unwrap();
    let deposit = IRangeMarket::depositCall { assets, data };
    assert!(at.told_at(&stage, &deposit, time).await);
    came_true(&foreseen.unwrap(), &OnRanges.truth(&stage, 0).await).unwrap();
    let now = all_are_true(&stage).await.remove(0);
    assert!((now.beyond.facts.range.unwrap().half_width - 0.05).abs() < 0.01);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_gets_old_is_foreseen_and_closes_the_market() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    let before = all_are_true(&stage).await.remove(0);
    let feed = stage.deployed.token(plimsoll_localchain::Asset::Weth).unwrap().feed;
    let posted = stage.asks(feed, &IPriceFeed::latestRoundDataCall {}).await.updatedAt;
    let last = posted.to::<u64>() + u64::from(HEARTBEAT);
    let of = |time| before.model.after(true, Amount::ZERO, time).unwrap();
    let feeds = [plimsoll_localchain::Asset::Usdc, plimsoll_localchain::Asset::Weth];
    let mut oldest = last;
    for asset in feeds {
        let feed = stage.deployed.token(asset).unwrap().feed;
        let round = stage.asks(feed, &IPriceFeed::latestRoundDataCall {}).await;
        oldest = oldest.min(round.updatedAt.to::<u64>() + u64::from(HEARTBEAT));
    }
    assert!(!of(oldest).held.available.is_zero() && of(oldest + 1).held.available.is_zero());
    stage.chain.mine_at(oldest).await.unwrap();
    came_true(&of(oldest), &OnRanges.truth(&stage, 0).await).unwrap();
    stage.chain.mine_at(oldest + 1).await.unwrap();
    came_true(&of(oldest + 1), &OnRanges.truth(&stage, 0).await).unwrap();
    let after = all_are_true(&stage).await.remove(0);
    assert!(after.switches.is_frozen && after.held.available.is_zero());
    assert_eq!(after.observation(Some(1.0)).takes_deposits, Some(false));
    assert!(after.held.worth < before.held.worth, "the band of a stale price comes off");
    for is_entry in [true, false] {
        // More than is kept beside the range, which needs no price to leave.
        let one = units(500, spot(&stage, 0).asset);
        assert!(after.model.after(is_entry, Amount(one), after.at.timestamp + 12).is_err());
        let asset = spot(&stage, 0).asset;
        let time = stage.chain.head().await.unwrap().time + 12;
        assert!(!stage.act(spot(&stage, 0).contract, asset, (is_entry, one), time).await);
    }
    post(&stage, plimsoll_localchain::Asset::Weth, 2_500_000_000).await;
    post(&stage, plimsoll_localchain::Asset::Usdc, 1_000_000).await;
    assert!(!all_are_true(&stage).await[0].switches.is_frozen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_emptied_of_the_asset_lets_little_out_and_is_worth_no_less() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    let before = all_are_true(&stage).await.remove(0);
    // Somebody sells the other token far below the oracle's price: the asset is gone from the pool.
    let sold = dollars(25_000_000_000, spot(&stage, 0).other);
    ranges(&stage).trade(&stage, 0, false, sold).await;
    let after = all_are_true(&stage).await.remove(0);
    assert!(after.exit < Amount(before.exit.0 / U256::from(2)), "{:?}", after.exit);
    assert!(after.held.worth >= before.held.worth, "valued by the oracle, fees on top");
    assert!(after.held.available < Amount(before.held.available.0 / U256::from(2)));
    let one = Amount(units(500, spot(&stage, 0).asset));
    assert!(after.model.after(true, one, after.at.timestamp + 12).is_err());
    let asset = spot(&stage, 0).asset;
    let time = after.at.timestamp + 12;
    assert!(!stage.act(spot(&stage, 0).contract, asset, (true, one.0), time).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_left_the_range_shows_on_its_side() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 10).await;
    }
    let weth = plimsoll_localchain::Asset::Weth;
    for (millionths, up) in [(4_500_000_000, 1.0), (1_300_000_000, -1.0)] {
        post(&stage, weth, millionths).await;
        let readings = all_are_true(&stage).await;
        for (place, side) in [(0, up), (1, up), (2, -up)] {
            let range = readings[place].beyond.facts.range.unwrap();
            assert!(range.is_left(), "place {place} {range:?}");
            assert!(range.offset * side > 0.0, "place {place} {range:?}");
        }
        let price = readings[0].beyond.pair.unwrap().price;
        assert!((price / (millionths as f64 / 1e6) - 1.0).abs() < 1e-9, "{price}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_read_while_it_lasts_and_what_it_owes_is_paid() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 5_000_000).await;
    let at = spot(&stage, 0);
    let reward = units(1_000_000, at.asset);
    let key = ranges(&stage).campaign(&stage, 0, (reward, 10)).await;
    let before = all_are_true(&stage).await.remove(0);
    assert_eq!((before.terms.kind, before.reward_apr(Some(1.0))), (MarketKind::Lp, None));
    let data: Bytes =
        (U256::from(1), key.startTime, key.endTime, key.refundee).abi_encode_params().into();
    at.told(&stage, &IRangeMarket::arrangeCall { data }).await.unwrap();
    let staked = all_are_true(&stage).await.remove(0);
    assert_eq!(staked.terms.kind, MarketKind::Mining);
    let end = key.endTime.to::<i64>() * 1_000;
    assert_eq!(staked.terms.rewards_end.map(|time| time.0), Some(end));
    // A million in ten days over all that lies in the pool.
    let tvl = staked.supplied.to_f64(staked.decimals);
    let apr = staked.reward_apr(Some(1.0)).unwrap();
    assert!((apr / (1e6 * 36.5 / tvl) - 1.0).abs() < 1e-3, "{apr}");
    // An entry and an exit of a staked position are as predicted.
    for (is_entry, whole) in [(true, 1_000), (false, 2_000)] {
        let now = read(&stage).await.remove(0);
        let (time, amount) = (now.at.timestamp + 60, units(whole, at.asset));
        let foreseen = now.model.after(is_entry, Amount(amount), time).unwrap();
        assert!(stage.act(at.contract, at.asset, (is_entry, amount), time).await);
        came_true(&foreseen, &OnRanges.truth(&stage, 0).await).unwrap();
    }
    let time = stage.chain.head().await.unwrap().time + 86_400;
    stage.chain.mine_at(time).await.unwrap();
    let due = all_are_true(&stage).await.remove(0).beyond.facts.rewards_due;
    let held = stage.balance(stage.owner, stage.token(at.asset)).await;
    let fees = stage.asks(at.contract, &IRangeMarket::feesCall {}).await.assets;
    at.harvest(&stage).await;
    let got = stage.balance(stage.owner, stage.token(at.asset)).await - held;
    assert!(due.0 > U256::ZERO && got >= due.0 + fees, "{got} is less than {due:?}");
    stage.chain.mine_at(key.endTime.to::<u64>() + 1).await.unwrap();
    let over = all_are_true(&stage).await.remove(0);
    assert_eq!(over.reward_apr(Some(1.0)), None, "it has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_donation_is_in_what_lies_there_and_changes_nothing_of_ours() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000).await;
    let before = all_are_true(&stage).await.remove(0);
    OnRanges.set(&stage, 0, crate::subject::Wanted::Donated).await.unwrap();
    let after = all_are_true(&stage).await.remove(0);
    assert_eq!(after.held, before.held);
    assert_eq!(after.supplied.0 - before.supplied.0, units(1_000, spot(&stage, 0).asset));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_leave_leaves_and_next_to_nothing_stays() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 10).await;
        let (at, reading) = (spot(&stage, place), read(&stage).await.remove(place));
        let (time, all) = (reading.at.timestamp + 12, reading.held.available);
        let foreseen = reading.model.after(false, all, time).unwrap();
        assert!(stage.act(at.contract, at.asset, (false, all.0), time).await);
        let truth = OnRanges.truth(&stage, place).await;
        came_true(&foreseen, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
        assert!(truth.held.worth.0 * U256::from(1_000) < all.0, "place {place}: {truth:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_contract_leaves_the_name() {
    let Some(stage) = opened().await else { return };
    let names = OnRanges.adapter(&stage, None).markets();
    let at = spot(&stage, 0);
    let mut market =
        plimsoll_adapters::live::V3Market::new((at.pool, at.fee), stage.token(at.asset), at.oracle);
    assert!(market.id(31_337).as_str().ends_with(":3000"));
    market.contract = Some(at.contract);
    market.forget_contract();
    assert_eq!((market.id(31_337), market.contract), (names[0].clone(), None::<Address>));
}
