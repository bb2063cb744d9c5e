//! Rewards of Aave's controller: what the adapter reads is what the controller pays, and nothing is expected of it.

use crate::on_aave::{ON_V3_0, ON_V3_2};
use crate::stage::{Stage, units};
use crate::subject::Subject;
use alloy::primitives::{Bytes, U256, bytes};
use plimsoll_core::Time;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_execute::protocol::{Protocol, Reading};
use plimsoll_frame::Column;
use plimsoll_localchain::abi::{IAaveRewardsController, IPriceFeed};
use plimsoll_localchain::{Asset, Campaign};

const DAY: u64 = 86_400;
/// Raw units of the reward a second: a hundredth of a whole one.
const PER_SECOND: u128 = 10_000_000_000_000_000;

async fn first(adapter: &dyn Protocol, stage: &Stage) -> Reading {
    let at = stage.at().await;
    let read = adapter.read(&stage.nodes, &at).await.unwrap();
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    read.readings.into_iter().next().unwrap()
}

/// Starts a campaign for suppliers of USDC that ends so many days from now; when that is.
async fn campaign(stage: &Stage, days: u64) -> u64 {
    let v3_2 = stage.v3_2.as_ref().unwrap();
    let end = stage.chain.head().await.unwrap().time + days * DAY;
    let campaign = Campaign {
        holders_of: stage.deployed.aave.reserves[&Asset::Usdc].a_token,
        per_second: PER_SECOND,
        end: end.try_into().unwrap(),
    };
    let call = v3_2.campaign(stage.deployed.admin, campaign).unwrap();
    stage.chain.execute(&[call]).await.unwrap();
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_read_with_its_rate_and_its_end() {
    let Some(stage) = Stage::open(Line::V3_2).await else { return };
    stage.populate().await;
    let adapter = ON_V3_2.adapter(&stage, None);
    let before = first(&*adapter, &stage).await;
    assert_eq!(before.rewards.as_deref(), Some(&[][..]), "no campaign yet, and that is known");
    assert_eq!(before.observation(Some(1.0)).row.get(Column::RewardApr), None);

    // The same adapter, which remembers that there was none.
    let end = campaign(&stage, 30).await;
    let reading = first(&*adapter, &stage).await;
    let rewards = reading.rewards.clone().unwrap();
    assert_eq!(rewards.len(), 1);
    let v3_2 = stage.v3_2.as_ref().unwrap();
    assert_eq!(rewards[0].token, v3_2.reward.token);
    assert_eq!(rewards[0].per_second.0, U256::from(PER_SECOND));
    assert_eq!((rewards[0].decimals, rewards[0].end), (18, end));
    assert_eq!(rewards[0].price_usd, Some(5.0));
    // 0.01 a second at 5 USD: 1,576,800 USD a year on 10,000,000 USDC and the interest so far.
    let apr = reading.observation(Some(1.0)).row.get(Column::RewardApr).unwrap();
    let expected = 1_576_800.0 / reading.supplied.to_f64(6);
    assert!((apr / expected - 1.0).abs() < 1e-12, "{apr}, {expected}");
    assert!((0.15..0.16).contains(&apr), "{apr}");
    assert_eq!(reading.terms.rewards_end, Some(Time(i64::try_from(end).unwrap() * 1_000)));
    assert!(reading.terms.rewards_unclaimed, "nobody claims for the vault");
    assert_eq!(reading.observation(None).row.get(Column::RewardApr), None, "no price, no rate");

    // What the controller pays a sole holder over a day is the rate times the day.
    stage.chain.mine_at(stage.chain.head().await.unwrap().time + DAY).await.unwrap();
    let later = first(&*adapter, &stage).await.rewards.unwrap()[0];
    let supplied = reading.supplied.to_f64(6);
    let gained = (later.index - rewards[0].index).to::<u128>() as f64 / 1e18 * supplied;
    let seconds = stage.at().await.timestamp - reading.at.timestamp;
    // The index is over scaled balances, which are a little below the supplied ones, and keeps whole units.
    let paid = 0.01 * seconds as f64;
    assert!((gained / paid - 1.0).abs() < 2e-3, "{gained}, {paid}");
    let holder = stage.account(1);
    let assets = vec![stage.deployed.aave.reserves[&Asset::Usdc].a_token];
    let call = IAaveRewardsController::getAllUserRewardsCall { assets, user: holder };
    let owed = stage.asks(v3_2.rewards_controller, &call).await.amounts[0];
    let all_paid = 0.01 * (stage.at().await.timestamp - reading.at.timestamp) as f64;
    let owed = owed.to::<u128>() as f64 / 1e18;
    assert!(owed >= all_paid * 0.999, "the only supplier is owed {owed} of {all_paid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_has_ended_pays_nothing() {
    let Some(stage) = Stage::open(Line::V3_2).await else { return };
    stage.populate().await;
    let end = campaign(&stage, 2).await;
    let adapter = ON_V3_2.adapter(&stage, None);
    stage.chain.mine_at(end - 1).await.unwrap();
    let last = first(&*adapter, &stage).await;
    assert!(last.reward_apr(Some(1.0)).unwrap() > 0.1);
    stage.chain.mine_at(end).await.unwrap();
    let over = first(&*adapter, &stage).await;
    assert_eq!(over.rewards.as_ref().map(Vec::len), Some(1), "it is still listed");
    assert_eq!((over.reward_apr(Some(1.0)), over.rewards_end()), (None, None));
    assert!(!over.terms.rewards_unclaimed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_breaks_leaves_the_reserve_standing_and_the_rewards_unknown() {
    let Some(stage) = Stage::open(Line::V3_2).await else { return };
    stage.populate().await;
    campaign(&stage, 30).await;
    let adapter = ON_V3_2.adapter(&stage, None);
    assert!(first(&*adapter, &stage).await.reward_apr(Some(1.0)).is_some());
    let v3_2 = stage.v3_2.as_ref().unwrap();
    // A price of nothing: what is paid is known, what it is worth is not.
    let call = IPriceFeed::postCall { answer: Default::default() };
    stage.does(stage.deployed.admin, v3_2.reward.feed, &call).await;
    let blind = first(&*adapter, &stage).await;
    assert_eq!(blind.rewards.as_ref().unwrap()[0].price_usd, None);
    assert_eq!(blind.reward_apr(Some(1.0)), None);
    // A feed that burns all the gas it is given: an endless loop.
    stage.chain.set_code(v3_2.reward.feed, &bytes!("5b5f56")).await.unwrap();
    stage.chain.mine().await.unwrap();
    let reading = first(&*adapter, &stage).await;
    assert_eq!(reading.reward_apr(Some(1.0)), None);
    // A controller that answers nonsense, and one that is gone.
    for code in [bytes!("60015ff3"), bytes!("5f5ffd"), Bytes::new()] {
        stage.chain.set_code(v3_2.rewards_controller, &code).await.unwrap();
        stage.chain.mine().await.unwrap();
        for adapter in [&adapter, &ON_V3_2.adapter(&stage, None)] {
            let reading = first(&**adapter, &stage).await;
            assert_eq!(reading.rewards, None);
            assert!(reading.supplied.0 > units(9_000_000, Asset::Usdc));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_without_a_controller_has_no_rewards() {
    let Some(stage) = Stage::open(Line::V3_0).await else { return };
    let reading = first(&*ON_V3_0.adapter(&stage, None), &stage).await;
    assert_eq!(reading.rewards.as_deref(), Some(&[][..]));
    assert_eq!(reading.reward_apr(Some(1.0)), None);
}

#[test]
fn terms_of_a_journal_without_the_mark_read_and_write_as_they_did() {
    let old = r#"{"curve":null,"reserve_factor":null,"issuer":null,"wrap_depth":null,"rewards_end":null}"#;
    let terms: plimsoll_frame::Terms = serde_json::from_str(old).unwrap();
    assert_eq!(terms, plimsoll_frame::Terms::default());
    assert_eq!(serde_json::to_string(&terms).unwrap(), old);
}
