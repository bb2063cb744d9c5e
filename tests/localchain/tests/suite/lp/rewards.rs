//! StakingRewards against core.

use super::bench::{Bench, Expected};
use super::v3_steps::sized;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use plimsoll_core::Amount;
use plimsoll_core::lp::rewards::StakingRewards;
use plimsoll_localchain::abi::{IStakingRewards, IStepRunner, IToken};
use plimsoll_localchain::{Call, Origin};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A call that somebody else makes: the runner has another runner make it.
fn through(who: Address, call: &Expected) -> Expected {
    let step = IStepRunner::Step { target: call.target, data: call.input.clone() };
    let run = IStepRunner::runCall { steps: vec![step] };
    let success = call.output.is_some();
    // What it says when it reverts is not ours to tell, so nothing is compared then but that the next state is as before.
    let data = call.output.clone().unwrap_or_default();
    let told = IStepRunner::Answer { step: U256::ZERO, success, data };
    let logs = if success { vec![told.encode_log_data()] } else { Vec::new() };
    let done = IStepRunner::runCall::abi_encode_returns(&IStepRunner::runReturn {});
    let input = run.abi_encode().into();
    Expected { target: who, input, output: Some(done.into()), logs, what: call.what.clone() }
}

#[tokio::test]
async fn staking_rewards_equal_core_after_each_of_600_random_steps() {
    let Some(mut bench) = Bench::open().await else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (admin, runner) = (bench.exchanges.admin, bench.runner);
    let (staked, reward) = (bench.token(18, 200).await, bench.token(18, 200).await);
    let artifact = bench.artifacts.read(Origin::Exchange, "StakingRewards").unwrap();
    let arguments = (runner, reward, staked).abi_encode_params();
    let code = artifact.creation(&BTreeMap::new(), &arguments).unwrap();
    let address = bench.chain.create(admin, code).await.unwrap();
    let mut people = Vec::new();
    for _ in 0..4 {
        let person = bench.stand_in("StepRunner", &[]).await;
        let mint = IToken::mintCall { to: person, amount: U256::from(1) << 120 };
        bench.chain.execute(&[Call::new(admin, staked, &mint)]).await.unwrap();
        people.push(person);
    }
    bench.now = bench.chain.head().await.unwrap().time;
    let approve = IToken::approveCall { spender: address, amount: U256::MAX };
    let approve = Expected::act(staked, &approve, (Some(true), Vec::new()), "approve".to_owned());
    bench.wait(12).await;
    let approvals: Vec<_> = people.iter().map(|person| through(*person, &approve)).collect();
    bench.compare(&approvals).await.unwrap();

    let mut model = StakingRewards::default();
    let (mut held, mut paid, mut reverts) = (U256::ZERO, U256::ZERO, 0);
    for _ in 0..60 {
        let seconds = sized(&mut rng, (1, 22)).to::<u64>();
        let now32 = bench.wait(seconds).await;
        let now = u64::from(now32);
        let mut expected = Vec::new();
        for _ in 0..10 {
            let who = people[rng.random_range(0..people.len())];
            let balance = model.stakes.get(&who).map_or(U256::ZERO, |stake| stake.balance);
            let none = Vec::new;
            let (call, output, what): (Bytes, Option<Vec<u8>>, _) = match rng.random_range(0..10) {
                0 => {
                    let amount = sized(&mut rng, (40, 90));
                    let pay = IToken::transferCall { to: address, amount };
                    let paid_in = (Some(true), none());
                    expected.push(Expected::act(reward, &pay, paid_in, "fund".to_owned()));
                    held += amount;
                    // Now and then more is promised than is there.
                    let promised =
                        if rng.random_ratio(1, 3) { held * U256::from(3) } else { amount };
                    let call = IStakingRewards::notifyRewardAmountCall { reward: promised };
                    let done = model.notify(Amount(promised), Amount(held), now).ok();
                    let output = done.map(|()| IStakingRewards::notifyRewardAmountReturn {});
                    reverts += u32::from(output.is_none());
                    expected.push(Expected::act(address, &call, (output, none()), "notify".into()));
                    continue;
                }
                1..5 => {
                    let amount = sized(&mut rng, (1, 80));
                    let done = model.stake(who, Amount(amount), now).ok();
                    let call = IStakingRewards::stakeCall { amount };
                    (call.abi_encode().into(), done.map(|()| Vec::new()), "stake")
                }
                5..8 => {
                    let more = U256::from(u32::from(rng.random_ratio(1, 5)));
                    let amount =
                        balance * U256::from(rng.random_range(0..=4_u32)) / U256::from(4) + more;
                    let done = model.withdraw(who, Amount(amount), now).ok();
                    let call = IStakingRewards::withdrawCall { amount };
                    (call.abi_encode().into(), done.map(|()| Vec::new()), "withdraw")
                }
                _ => {
                    let taken = model.take(who, now).unwrap();
                    held -= taken.0;
                    paid += taken.0;
                    let call = IStakingRewards::getRewardCall {};
                    (call.abi_encode().into(), Some(Vec::new()), "take")
                }
            };
            reverts += u32::from(output.is_none());
            let output = output.map(Bytes::from);
            let call =
                Expected { target: address, input: call, output, logs: none(), what: what.into() };
            expected.push(through(who, &call));
            let state = [
                Expected::view(address, &IStakingRewards::rewardRateCall {}, &model.rate),
                Expected::view(
                    address,
                    &IStakingRewards::rewardPerTokenStoredCall {},
                    &model.per_token,
                ),
                Expected::view(address, &IStakingRewards::totalSupplyCall {}, &model.staked),
                Expected::view(
                    address,
                    &IStakingRewards::periodFinishCall {},
                    &U256::from(model.finish),
                ),
                Expected::view(
                    address,
                    &IStakingRewards::lastUpdateTimeCall {},
                    &U256::from(model.updated),
                ),
                Expected::view(
                    address,
                    &IStakingRewards::rewardPerTokenCall {},
                    &model.reward_per_token_down(now).unwrap(),
                ),
                Expected::view(reward, &IToken::balanceOfCall { account: address }, &held),
            ];
            expected.extend(state);
            for account in &people {
                let earned = model.earned_down(*account, now).unwrap().0;
                let call = IStakingRewards::earnedCall { account: *account };
                expected.push(Expected::view(address, &call, &earned));
            }
        }
        bench.compare(&expected).await.unwrap();
    }
    println!("600 steps equal: {paid} paid, {reverts} reverts");
    assert!(!paid.is_zero() && reverts > 5);
}
