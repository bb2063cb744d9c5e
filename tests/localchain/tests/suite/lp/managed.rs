//! Positions of the position manager, and what its `collect` and the staker pay, against core.

use super::bench::{Bench, Expected};
use super::v3_steps::{Setting, Subject, int24, sized};
use alloy::primitives::aliases::{U24, U96};
use alloy::primitives::{Address, U256};
use alloy::sol_types::{SolEvent, SolValue};
use plimsoll_core::Amount;
use plimsoll_core::lp::Amounts;
use plimsoll_core::lp::v3::{Campaign, Managed, Order, PositionKey, SwapAmount, reward_down};
use plimsoll_localchain::abi::{IPositionManager, IToken, IUniswapV3Staker, IncentiveKey};
use plimsoll_localchain::incentive_id;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ALL: u128 = u128::MAX;
const SETTING: Setting =
    Setting { fee: 3_000, spacing: 60, decimals: (6, 18), home: 198_080, bits: (40, 64) };

/// A pool with the manager's positions in it.
struct Office {
    subject: Subject,
    manager: Address,
    runner: Address,
    held: Vec<Managed>,
    /// What was burned, and what was collected, in all.
    burned: [U256; 2],
    collected: [U256; 2],
}

impl Office {
    async fn open(bench: &mut Bench) -> Office {
        let subject = Subject::create(bench, SETTING).await;
        let (manager, runner) = (bench.exchanges.uniswap_v3.positions, bench.runner);
        let approve = IToken::approveCall { spender: manager, amount: U256::MAX };
        let approvals: Vec<_> = [subject.tokens.0, subject.tokens.1]
            .into_iter()
            .map(|token| {
                let done = (Some(true), Vec::new());
                Expected::act(token, &approve, done, "approve".to_owned())
            })
            .collect();
        bench.wait(12).await;
        bench.compare(&approvals).await.unwrap();
        let none = [U256::ZERO; 2];
        Office { subject, manager, runner, held: Vec::new(), burned: none, collected: none }
    }

    fn mint(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        let (lower, upper) = loop {
            let (lower, upper) = self.subject.range(rng);
            if lower < upper && upper % SETTING.spacing == 0 && upper - lower < 200_000 {
                break (lower, upper);
            }
        };
        let key = PositionKey { owner: self.manager, lower, upper };
        let most = Amounts::of(sized(rng, (30, 50)), sized(rng, (60, 80)));
        let opened = Managed::open(&mut self.subject.model, key, most, now).ok();
        let params = IPositionManager::MintParams {
            token0: self.subject.tokens.0,
            token1: self.subject.tokens.1,
            fee: U24::from(SETTING.fee),
            tickLower: int24(lower),
            tickUpper: int24(upper),
            amount0Desired: most.token0.0,
            amount1Desired: most.token1.0,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            recipient: self.runner,
            deadline: U256::MAX,
        };
        let call = IPositionManager::mintCall { params };
        let output = opened.map(|(managed, paid)| {
            self.held.push(managed);
            IPositionManager::mintReturn {
                tokenId: U256::from(self.held.len()),
                liquidity: managed.liquidity,
                amount0: paid.token0.0,
                amount1: paid.token1.0,
            }
        });
        let what = format!("manager mints from {lower} to {upper}");
        vec![Expected::act(self.manager, &call, (output, Vec::new()), what)]
    }

    fn swap(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        let is_above = self.subject.model.tick > SETTING.home;
        let zero_for_one = is_above ^ rng.random_ratio(2, 5);
        // As likely to be a cent as more than all that is there.
        let bits = if zero_for_one { (10, 52) } else { (40, 84) };
        let order = Order::unlimited(zero_for_one, SwapAmount::ExactIn(Amount(sized(rng, bits))));
        self.subject.swap_order(order, now)
    }

    /// The manager's record of a position.
    fn record(&self, place: usize) -> Expected {
        let held = &self.held[place];
        let output = IPositionManager::Managed {
            nonce: U96::ZERO,
            operator: Address::ZERO,
            token0: self.subject.tokens.0,
            token1: self.subject.tokens.1,
            fee: U24::from(SETTING.fee),
            tickLower: int24(held.key.lower),
            tickUpper: int24(held.key.upper),
            liquidity: held.liquidity,
            feeGrowthInside0LastX128: held.inside_last.token0,
            feeGrowthInside1LastX128: held.inside_last.token1,
            tokensOwed0: held.owed.0,
            tokensOwed1: held.owed.1,
        };
        let call = IPositionManager::positionsCall { tokenId: U256::from(place + 1) };
        Expected::view(self.manager, &call, &output)
    }

    fn increase(&mut self, rng: &mut ChaCha8Rng, place: usize, now: u32) -> Vec<Expected> {
        let most = Amounts::of(sized(rng, (30, 50)), sized(rng, (60, 80)));
        let before = self.held[place].liquidity;
        let paid = self.held[place].increase(&mut self.subject.model, most, now).ok();
        let token_id = U256::from(place + 1);
        let params = IPositionManager::IncreaseParams {
            tokenId: token_id,
            amount0Desired: most.token0.0,
            amount1Desired: most.token1.0,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            deadline: U256::MAX,
        };
        let call = IPositionManager::increaseLiquidityCall { params };
        let output = paid.map(|paid| IPositionManager::increaseLiquidityReturn {
            liquidity: self.held[place].liquidity - before,
            amount0: paid.token0.0,
            amount1: paid.token1.0,
        });
        let log = output.clone().map(|paid| IPositionManager::IncreaseLiquidity {
            tokenId: token_id,
            liquidity: paid.liquidity,
            amount0: paid.amount0,
            amount1: paid.amount1,
        });
        let logs = log.iter().map(SolEvent::encode_log_data).collect();
        let act = Expected::act(self.manager, &call, (output, logs), format!("increase {place}"));
        vec![act, self.record(place)]
    }

    fn decrease(&mut self, place: usize, liquidity: u128, now: u32) -> Vec<Expected> {
        let got = self.held[place].decrease(&mut self.subject.model, liquidity, now).ok();
        let token_id = U256::from(place + 1);
        let params = IPositionManager::DecreaseParams {
            tokenId: token_id,
            liquidity,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            deadline: U256::MAX,
        };
        let call = IPositionManager::decreaseLiquidityCall { params };
        let output = got.map(|got| {
            self.burned[0] += got.token0.0;
            self.burned[1] += got.token1.0;
            IPositionManager::decreaseLiquidityReturn {
                amount0: got.token0.0,
                amount1: got.token1.0,
            }
        });
        let log = output.clone().map(|got| IPositionManager::DecreaseLiquidity {
            tokenId: token_id,
            liquidity,
            amount0: got.amount0,
            amount1: got.amount1,
        });
        let logs = log.iter().map(SolEvent::encode_log_data).collect();
        let act = Expected::act(self.manager, &call, (output, logs), format!("decrease {place}"));
        vec![act, self.record(place)]
    }

    fn collect(&mut self, place: usize, most: (u128, u128), now: u32) -> Vec<Expected> {
        let paid = self.held[place].collect(&mut self.subject.model, most, now).ok();
        let params = IPositionManager::CollectParams {
            tokenId: U256::from(place + 1),
            recipient: self.runner,
            amount0Max: most.0,
            amount1Max: most.1,
        };
        let call = IPositionManager::collectCall { params };
        let output = paid.map(|(paid0, paid1)| {
            let (amount0, amount1) = (U256::from(paid0), U256::from(paid1));
            self.collected[0] += amount0;
            self.collected[1] += amount1;
            IPositionManager::collectReturn { amount0, amount1 }
        });
        let what = format!("collect {place}");
        let act = Expected::act(self.manager, &call, (output, Vec::new()), what);
        vec![act, self.record(place)]
    }

    fn step(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        let place = rng.random_range(0..self.held.len());
        let held = self.held[place].liquidity;
        let mut all = match rng.random_range(0..20) {
            0 => self.increase(rng, place, now),
            1 => self.decrease(place, rng.random_range(0..=held / 2), now),
            2 => self.collect(place, (ALL, ALL), now),
            3 => self.collect(place, (sized(rng, (1, 40)).to(), sized(rng, (1, 60)).to()), now),
            _ => Vec::new(),
        };
        all.extend(self.swap(rng, now));
        all.extend(self.subject.state());
        all
    }
}

async fn office_works(positions: usize, swaps: usize) -> Option<String> {
    let mut bench = Bench::open().await?;
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut office = Office::open(&mut bench).await;
    while office.held.len() < positions {
        let now = bench.wait(12).await;
        let count = (positions - office.held.len()).min(10);
        let expected: Vec<_> = (0..count).flat_map(|_| office.mint(&mut rng, now)).collect();
        bench.compare(&expected).await.unwrap();
    }
    let positions = office.held.len();
    let mut left = swaps;
    while left > 0 {
        let block = rng.random_range(1..=20).min(left);
        left -= block;
        let seconds = rng.random_range(1..10_000);
        let now = bench.wait(seconds).await;
        let expected: Vec<_> = (0..block).flat_map(|_| office.step(&mut rng, now)).collect();
        bench.compare(&expected).await.map_err(|error| format!("{left} left: {error}")).unwrap();
    }
    for place in 0..positions {
        let now = bench.wait(12).await;
        let held = office.held[place].liquidity;
        let owed = office.held[place].owed_now(&office.subject.model).unwrap();
        let mut expected = Vec::new();
        if held > 0 {
            expected.extend(office.decrease(place, held, now));
        }
        if owed != (0, 0) || held > 0 {
            expected.extend(office.collect(place, (ALL, ALL), now));
        }
        bench.compare(&expected).await.map_err(|error| format!("{place}: {error}")).unwrap();
    }
    for (collected, burned) in office.collected.iter().zip(office.burned) {
        assert!(*collected > burned, "fees were earned");
    }
    let crossed = office.subject.count.ticks_crossed;
    assert!(crossed as usize > swaps / 10, "{crossed} ticks crossed");
    let fees = [0, 1].map(|place| office.collected[place] - office.burned[place]);
    Some(format!(
        "{positions} positions, {swaps} swaps, {crossed} ticks crossed: collected {:?}, of it fees {fees:?}",
        office.collected
    ))
}

#[tokio::test]
async fn fees_and_amounts_of_40_positions_over_400_swaps_are_what_collect_pays() {
    if let Some(report) = office_works(40, 400).await {
        println!("{report}");
    }
}

#[tokio::test]
#[ignore = "long: make deep"]
async fn deep_fees_and_amounts_of_200_positions_over_5_000_swaps_are_what_collect_pays() {
    if let Some(report) = office_works(200, 5_000).await {
        println!("{report}");
    }
}

#[tokio::test]
async fn the_staker_pays_what_core_says_while_prices_cross_the_ranges() {
    let Some(mut bench) = Bench::open().await else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut office = Office::open(&mut bench).await;
    let now = bench.wait(12).await;
    let mints: Vec<_> = (0..12).flat_map(|_| office.mint(&mut rng, now)).collect();
    bench.compare(&mints).await.unwrap();
    let (staker, reward_token) = (bench.exchanges.uniswap_v3.staker, office.subject.tokens.1);
    let start = u64::from(bench.wait(100).await);
    let key = IncentiveKey {
        rewardToken: reward_token,
        pool: office.subject.address,
        startTime: U256::from(start),
        endTime: U256::from(start + 1_000_000),
        refundee: office.runner,
    };
    let reward = U256::from(10).pow(U256::from(24));
    let approve = IToken::approveCall { spender: staker, amount: U256::MAX };
    let create = IUniswapV3Staker::createIncentiveCall { key: key.clone(), reward };
    let created = (Some(IUniswapV3Staker::createIncentiveReturn {}), Vec::new());
    let mut expected = vec![
        Expected::act(reward_token, &approve, (Some(true), Vec::new()), "approve".to_owned()),
        Expected::act(staker, &create, created, "create".to_owned()),
    ];
    let mut campaign = Campaign {
        unclaimed: Amount(reward),
        claimed_seconds_x128: Default::default(),
        times: (start, start + 1_000_000),
    };
    let now = u32::try_from(start).unwrap();
    let mut stakes = Vec::new();
    for (place, held) in office.held.iter().enumerate() {
        let token_id = U256::from(place + 1);
        let give = IPositionManager::safeTransferFromCall {
            from: office.runner,
            to: staker,
            tokenId: token_id,
            data: key.abi_encode().into(),
        };
        let given = (Some(IPositionManager::safeTransferFromReturn {}), Vec::new());
        expected.push(Expected::act(office.manager, &give, given, "stake".to_owned()));
        let inside = office.subject.model.inside(held.key.lower, held.key.upper, now).unwrap();
        stakes.push((token_id, *held, inside.seconds_per_liquidity_x128));
    }
    bench.compare(&expected).await.unwrap();
    let mut paid = U256::ZERO;
    while let Some((token_id, held, since)) = stakes.pop() {
        for _ in 0..8 {
            let seconds = rng.random_range(1..20_000);
            let now = bench.wait(seconds).await;
            let swap = office.swap(&mut rng, now);
            bench.compare(&swap).await.unwrap();
        }
        let now = bench.next();
        let model = &office.subject.model;
        let inside = model.inside(held.key.lower, held.key.upper, now).unwrap();
        let ends = (since, inside.seconds_per_liquidity_x128);
        let earned = reward_down(campaign, held.liquidity, ends, u64::from(now)).unwrap();
        let info = IUniswapV3Staker::getRewardInfoCall { key: key.clone(), tokenId: token_id };
        let told = IUniswapV3Staker::getRewardInfoReturn {
            reward: earned.amount.0,
            secondsInsideX128: earned.seconds_x128,
        };
        let unstake = IUniswapV3Staker::unstakeTokenCall { key: key.clone(), tokenId: token_id };
        let unstaked = (Some(IUniswapV3Staker::unstakeTokenReturn {}), Vec::new());
        campaign.unclaimed = campaign.unclaimed.checked_sub(earned.amount).unwrap();
        campaign.claimed_seconds_x128 += earned.seconds_x128;
        paid += earned.amount.0;
        let left = IUniswapV3Staker::incentivesCall { incentiveId: incentive_id(&key) };
        let says = IUniswapV3Staker::incentivesReturn {
            totalRewardUnclaimed: campaign.unclaimed.0,
            totalSecondsClaimedX128: campaign.claimed_seconds_x128,
            numberOfStakes: U96::from(stakes.len()),
        };
        let expected = [
            Expected::view(staker, &info, &told),
            Expected::act(staker, &unstake, unstaked, "unstake".to_owned()),
            Expected::view(staker, &left, &says),
        ];
        bench.compare(&expected).await.unwrap();
    }
    println!("12 stakes were paid {paid} of {reward}, to the wei");
    assert!(paid > reward / U256::from(100) && paid <= reward);
}
