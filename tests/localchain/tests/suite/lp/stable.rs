//! Balancer's ComposableStable pool, version 3, against core.

use super::bench::{Bench, Expected};
use super::v3_steps::sized;
use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_core::Amount;
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::stable::{Amplification, StablePool, StableToken};
use plimsoll_localchain::abi::{
    IBalancerAuthorizer, IBalancerFees, IBalancerVault, IRateSource, IStablePool, IToken,
};
use plimsoll_localchain::{Call, StablePool as Deployed, StableToken as Listed};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ONE: u64 = 1_000_000_000_000_000_000;

/// How a pool is made: per token its decimals, and for a rate how long it is cached and whether it is exempt.
struct Setting {
    tokens: &'static [(u8, Option<(u64, bool)>)],
    amplification: u64,
    /// Swap fee in millionths.
    fee: u64,
    /// The protocol's shares of swap fees and yield, in percent.
    shares: (u64, u64),
}

const SETTINGS: [Setting; 4] = [
    Setting { tokens: &[(18, None), (6, None)], amplification: 200, fee: 400, shares: (0, 0) },
    Setting {
        tokens: &[(18, Some((0, false))), (6, None), (8, Some((5_000, true)))],
        amplification: 1_000,
        fee: 100,
        shares: (50, 50),
    },
    Setting {
        tokens: &[(18, Some((0, true))), (18, Some((20_000, true)))],
        amplification: 50,
        fee: 10_000,
        shares: (20, 40),
    },
    Setting {
        tokens: &[(6, None), (18, None), (18, Some((100, false))), (8, None), (6, None)],
        amplification: 5_000,
        fee: 1,
        shares: (50, 10),
    },
];

/// A pool on the chain and in core.
struct Subject {
    deployed: Deployed,
    vault: Address,
    runner: Address,
    /// The tokens without the pool's own, in the vault's order, each with its source of rates.
    tokens: Vec<(Address, Option<Source>)>,
    model: StablePool,
    count: [u32; 8],
}

/// What tells a token's rate.
#[derive(Clone, Copy)]
struct Source {
    address: Address,
    rate: U256,
    cached_for: u64,
    expires: u64,
}

async fn set_shares(bench: &Bench, (swap, interest): (u64, u64)) {
    let (chain, balancer, admin) = (&bench.chain, bench.exchanges.balancer, bench.exchanges.admin);
    let collector = IBalancerVault::getProtocolFeesCollectorCall {};
    let collector = chain.call(balancer.vault, &collector).await.unwrap();
    let provider = balancer.fee_percentages;
    let percent = |share: u64| U256::from(share) * U256::from(ONE / 100);
    let swap = IBalancerFees::setSwapFeePercentageCall { newSwapFeePercentage: percent(swap) };
    let interest = IBalancerFees::setFeeTypePercentageCall {
        feeType: U256::from(2),
        newValue: percent(interest),
    };
    let selectors = [
        (collector, IBalancerFees::setSwapFeePercentageCall::SELECTOR),
        (provider, IBalancerFees::setFeeTypePercentageCall::SELECTOR),
    ];
    for (target, selector) in selectors {
        let action = IBalancerFees::getActionIdCall { selector: FixedBytes(selector) };
        let role: B256 = chain.call(target, &action).await.unwrap();
        let grant = IBalancerAuthorizer::grantRoleCall { role, account: admin };
        chain.execute(&[Call::new(admin, balancer.authorizer, &grant)]).await.unwrap();
    }
    let calls = [Call::new(admin, collector, &swap), Call::new(admin, provider, &interest)];
    chain.execute(&calls).await.unwrap();
}

impl Subject {
    async fn create(bench: &mut Bench, setting: &Setting) -> Subject {
        bench.wait(12).await;
        set_shares(bench, setting.shares).await;
        let (vault, admin, runner) =
            (bench.exchanges.balancer.vault, bench.exchanges.admin, bench.runner);
        let mut listed = Vec::new();
        for (decimals, rated) in setting.tokens {
            let token = bench.token(*decimals, 200).await;
            let source = match rated {
                Some(_) => bench.stand_in("RateSource", &[]).await,
                None => Address::ZERO,
            };
            listed.push((token, *decimals, source, rated.unwrap_or_default()));
        }
        listed.sort_by_key(|(token, ..)| *token);
        let tokens: Vec<_> = listed
            .iter()
            .map(|(token, _, source, (cached_for, is_exempt))| Listed {
                token: *token,
                rate_provider: *source,
                cache_seconds: *cached_for,
                is_exempt: *is_exempt,
            })
            .collect();
        let swap_fee = U256::from(setting.fee) * U256::from(1_000_000_000_000_u64);
        let how = (setting.amplification, swap_fee);
        let balancer = bench.exchanges.balancer;
        let deployed =
            balancer.create_stable_pool(&bench.chain, admin, &tokens, how).await.unwrap();
        bench.now = bench.chain.head().await.unwrap().time;
        let one = U256::from(ONE);
        let model_tokens = listed
            .iter()
            .map(|(_, decimals, source, (_, is_exempt))| StableToken {
                balance: U256::ZERO,
                scaling: one * U256::from(10).pow(U256::from(18 - decimals)),
                rate: one,
                old_rate: one,
                has_rate: !source.is_zero(),
                is_exempt: *is_exempt,
            })
            .collect();
        let percent = |share: u64| U256::from(share) * U256::from(ONE / 100);
        let model = StablePool {
            tokens: model_tokens,
            supply: U256::ZERO,
            amplification: Amplification::fixed(setting.amplification),
            swap_fee,
            protocol_shares: (percent(setting.shares.0), percent(setting.shares.1)),
            last_amplification: U256::ZERO,
            last_invariant: U256::ZERO,
        };
        let sourced =
            |(token, _, source, (cached_for, _)): &(Address, u8, Address, (u64, bool))| {
                let (address, cached_for) = (*source, *cached_for);
                // The pool read the rate when it was created.
                let expires = bench.now + cached_for;
                let source = Source { address, rate: one, cached_for, expires };
                (*token, (!address.is_zero()).then_some(source))
            };
        let tokens = listed.iter().map(sourced).collect();
        let mut subject = Subject { deployed, vault, runner, tokens, model, count: [0; 8] };
        subject.begin(bench, setting).await;
        subject
    }

    /// Lets the vault take everything, and puts the first tokens in.
    async fn begin(&mut self, bench: &mut Bench, setting: &Setting) {
        let now = bench.wait(12).await;
        let approve = IToken::approveCall { spender: self.vault, amount: U256::MAX };
        let mut expected: Vec<_> = self
            .tokens
            .iter()
            .map(|(token, _)| {
                Expected::act(*token, &approve, (Some(true), Vec::new()), "approve".to_owned())
            })
            .collect();
        let whole = U256::from(1_000_000 + setting.amplification * 77);
        let first: Vec<_> = self
            .model
            .tokens
            .iter()
            .map(|token| Amount(whole * U256::from(ONE) * U256::from(ONE) / token.scaling))
            .collect();
        self.refresh(now);
        self.model.initialize(&first, u64::from(now)).unwrap();
        let amounts = self.with_own(&first);
        let data = (U256::ZERO, amounts).abi_encode_params().into();
        expected.push(self.visit(true, data, true, "initialize"));
        expected.extend(self.state(now));
        bench.compare(&expected).await.unwrap();
    }

    /// Takes over rates whose cache has expired, as every swap, join and exit does first.
    fn refresh(&mut self, now: u32) {
        let now = u64::from(now);
        for ((_, source), token) in self.tokens.iter_mut().zip(&mut self.model.tokens) {
            if let Some(source) = source
                && now > source.expires
            {
                token.rate = source.rate;
                source.expires = now + source.cached_for;
            }
        }
    }

    /// Runs an operation on the model; where it is refused nothing changes, not even a cache.
    fn tried<T>(
        &mut self,
        now: u32,
        operation: impl FnOnce(&mut StablePool, u64) -> Result<T, LpError>,
    ) -> Option<T> {
        let (model, tokens) = (self.model.clone(), self.tokens.clone());
        self.refresh(now);
        let done = operation(&mut self.model, u64::from(now)).ok();
        if done.is_none() {
            (self.model, self.tokens) = (model, tokens);
            self.count[7] += 1;
        }
        done
    }

    fn own_place(&self) -> usize {
        let own = self.deployed.address;
        self.deployed.tokens.iter().position(|token| *token == own).unwrap()
    }

    fn with_own(&self, amounts: &[Amount]) -> Vec<U256> {
        let mut all: Vec<_> = amounts.iter().map(|amount| amount.0).collect();
        all.insert(self.own_place(), U256::ZERO);
        all
    }

    /// A join or exit; what comes of it is read from the state after it.
    fn visit(&self, is_join: bool, data: Bytes, succeeds: bool, what: &str) -> Expected {
        let (pool, count) = (&self.deployed, self.deployed.tokens.len());
        let (sender, recipient) = (self.runner, self.runner);
        let nothing = Vec::new();
        if is_join {
            let request = IBalancerVault::JoinPoolRequest {
                assets: pool.tokens.clone(),
                maxAmountsIn: vec![U256::MAX; count],
                userData: data,
                fromInternalBalance: false,
            };
            let call = IBalancerVault::joinPoolCall { poolId: pool.id, sender, recipient, request };
            let output = succeeds.then_some(IBalancerVault::joinPoolReturn {});
            return Expected::act(self.vault, &call, (output, nothing), what.to_owned());
        }
        let request = IBalancerVault::ExitPoolRequest {
            assets: pool.tokens.clone(),
            minAmountsOut: vec![U256::ZERO; count],
            userData: data,
            toInternalBalance: false,
        };
        let call = IBalancerVault::exitPoolCall { poolId: pool.id, sender, recipient, request };
        let output = succeeds.then_some(IBalancerVault::exitPoolReturn {});
        Expected::act(self.vault, &call, (output, nothing), what.to_owned())
    }

    fn swap_call(
        &self,
        (from, to): (Address, Address),
        (is_in, amount): (bool, Amount),
        output: Option<Amount>,
        what: &str,
    ) -> Expected {
        let single = IBalancerVault::SingleSwap {
            poolId: self.deployed.id,
            kind: u8::from(!is_in),
            assetIn: from,
            assetOut: to,
            amount: amount.0,
            userData: Bytes::new(),
        };
        let funds = IBalancerVault::FundManagement {
            sender: self.runner,
            fromInternalBalance: false,
            recipient: self.runner,
            toInternalBalance: false,
        };
        let limit = if is_in { U256::ZERO } else { U256::MAX };
        let call =
            IBalancerVault::swapCall { singleSwap: single, funds, limit, deadline: U256::MAX };
        let what = format!("{what} {amount:?} from {from} to {to}");
        Expected::act(self.vault, &call, (output.map(|output| output.0), Vec::new()), what)
    }

    /// A part of something, each size down to a millionth as likely as the next.
    fn part(rng: &mut ChaCha8Rng, whole: U256) -> Amount {
        let unit: U256 = whole >> 24;
        Amount(unit.saturating_mul(sized(rng, (4, 24))) / U256::from(3))
    }

    fn amounts(&self, rng: &mut ChaCha8Rng) -> Vec<Amount> {
        let of = |token: &StableToken| {
            if rng.random_ratio(1, 3) { Amount::ZERO } else { Subject::part(rng, token.balance) }
        };
        self.model.tokens.iter().map(of).collect()
    }

    fn swap(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Expected {
        self.count[0] += 1;
        let count = self.tokens.len();
        let from = rng.random_range(0..count);
        let to = (from + rng.random_range(1..count)) % count;
        let ends = (self.tokens[from].0, self.tokens[to].0);
        if rng.random() {
            let amount = Subject::part(rng, self.model.tokens[from].balance);
            let out = self.tried(now, |pool, now| pool.swap_exact_in((from, to), amount, now));
            self.swap_call(ends, (true, amount), out, "swap in")
        } else {
            let amount = Subject::part(rng, self.model.tokens[to].balance);
            let paid = self.tried(now, |pool, now| pool.swap_exact_out((from, to), amount, now));
            self.swap_call(ends, (false, amount), paid, "swap out")
        }
    }

    fn swap_own(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Expected {
        self.count[1] += 1;
        let place = rng.random_range(0..self.tokens.len());
        let (token, own) = (self.tokens[place].0, self.deployed.address);
        let amount = Subject::part(rng, self.model.tokens[place].balance);
        let share = Subject::part(rng, self.model.supply);
        match rng.random_range(0..4) {
            0 => {
                let got = self.tried(now, |pool, now| pool.swap_into_own(place, amount, now));
                self.swap_call((token, own), (true, amount), got, "join by swap, exact in")
            }
            1 => {
                let paid = self.tried(now, |pool, now| pool.join_one_token(place, share, now));
                self.swap_call((token, own), (false, share), paid, "join by swap, exact out")
            }
            2 => {
                let got = self.tried(now, |pool, now| pool.exit_one_token(place, share, now));
                self.swap_call((own, token), (true, share), got, "exit by swap, exact in")
            }
            _ => {
                let paid = self.tried(now, |pool, now| pool.swap_own_for(place, amount, now));
                self.swap_call((own, token), (false, amount), paid, "exit by swap, exact out")
            }
        }
    }

    fn join(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Expected {
        self.count[2] += 1;
        let own = Subject::part(rng, self.model.supply);
        let (data, done, what): (Vec<u8>, _, _) = match rng.random_range(0..3) {
            0 => {
                let amounts = self.amounts(rng);
                let done = self.tried(now, |pool, now| pool.join_exact_tokens(&amounts, now));
                let raw: Vec<_> = amounts.iter().map(|amount| amount.0).collect();
                let data = (U256::from(1), raw, U256::ZERO).abi_encode_params();
                (data, done.is_some(), "join with exact tokens")
            }
            1 => {
                let place = rng.random_range(0..self.tokens.len());
                let done = self.tried(now, |pool, now| pool.join_one_token(place, own, now));
                let data = (U256::from(2), own.0, U256::from(place)).abi_encode_params();
                (data, done.is_some(), "join with one token")
            }
            _ => {
                let done = self.tried(now, |pool, now| pool.join_all_tokens(own, now));
                let data = (U256::from(3), own.0).abi_encode_params();
                (data, done.is_some(), "join with all tokens")
            }
        };
        self.visit(true, data.into(), done, what)
    }

    fn exit(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Expected {
        self.count[3] += 1;
        let own = Subject::part(rng, self.model.supply);
        let (data, done, what): (Vec<u8>, _, _) = match rng.random_range(0..3) {
            0 => {
                let place = rng.random_range(0..self.tokens.len());
                let done = self.tried(now, |pool, now| pool.exit_one_token(place, own, now));
                let data = (U256::ZERO, own.0, U256::from(place)).abi_encode_params();
                (data, done.is_some(), "exit with one token")
            }
            1 => {
                let amounts = self.amounts(rng);
                let done = self.tried(now, |pool, now| pool.exit_exact_tokens(&amounts, now));
                let raw: Vec<_> = amounts.iter().map(|amount| amount.0).collect();
                let data = (U256::from(1), raw, U256::MAX).abi_encode_params();
                (data, done.is_some(), "exit with exact tokens")
            }
            _ => {
                let done = self.tried(now, |pool, now| pool.exit_all_tokens(own, now));
                let data = (U256::from(2), own.0).abi_encode_params();
                (data, done.is_some(), "exit with all tokens")
            }
        };
        self.visit(false, data.into(), done, what)
    }

    /// A rate moves, up or a little down.
    fn rate(&mut self, rng: &mut ChaCha8Rng) -> Vec<Expected> {
        let count = self.tokens.len();
        let Some(source) = &mut self.tokens[rng.random_range(0..count)].1 else {
            return Vec::new();
        };
        self.count[4] += 1;
        source.rate =
            source.rate * U256::from(rng.random_range(9_995..10_030_u32)) / U256::from(10_000);
        source.rate += U256::from(rng.random_range(0..1_000_000_u32));
        let call = IRateSource::setCall { rate: source.rate };
        let output = (Some(IRateSource::setReturn {}), Vec::new());
        vec![Expected::act(source.address, &call, output, "rate".to_owned())]
    }

    fn state(&self, now: u32) -> Vec<Expected> {
        let (pool, model) = (self.deployed.address, &self.model);
        let last = IStablePool::getLastJoinExitDataReturn {
            lastJoinExitAmplification: model.last_amplification,
            lastPostJoinExitInvariant: model.last_invariant,
        };
        let now = u64::from(now);
        let supply = model.actual_supply(now).unwrap();
        let rate = model.rate_down(now).unwrap();
        let mut all = vec![
            Expected::view(pool, &IStablePool::getLastJoinExitDataCall {}, &last),
            Expected::view(pool, &IStablePool::getActualSupplyCall {}, &supply),
            Expected::view(pool, &IStablePool::getRateCall {}, &rate),
        ];
        for ((token, _), held) in self.tokens.iter().zip(&model.tokens) {
            let call = IToken::balanceOfCall { account: self.vault };
            all.push(Expected::view(*token, &call, &held.balance));
        }
        all
    }

    fn step(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        let mut all = match rng.random_range(0..100) {
            0..40 => vec![self.swap(rng, now)],
            40..60 => vec![self.swap_own(rng, now)],
            60..75 => vec![self.join(rng, now)],
            75..90 => vec![self.exit(rng, now)],
            _ => self.rate(rng),
        };
        all.extend(self.state(now));
        all
    }
}

async fn steps(
    bench: &mut Bench,
    (seed, each): (u64, u32),
    fee_error: U256,
) -> Result<[u32; 8], String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = [0; 8];
    for (place, setting) in SETTINGS.iter().enumerate() {
        let mut subject = Subject::create(bench, setting).await;
        subject.model.swap_fee += fee_error;
        let mut left = each;
        while left > 0 {
            let block = rng.random_range(1..=12).min(left);
            left -= block;
            let seconds = rng.random_range(1..10_000);
            let now = bench.wait(seconds).await;
            let expected: Vec<_> = (0..block).flat_map(|_| subject.step(&mut rng, now)).collect();
            let told = |error| format!("pool {place}, {left} steps left: {error}");
            bench.compare(&expected).await.map_err(told)?;
        }
        for (sum, found) in count.iter_mut().zip(subject.count) {
            *sum += found;
        }
    }
    Ok(count)
}

fn told(steps: u32, count: [u32; 8]) {
    let [swaps, own, joins, exits, rates, .., reverts] = count;
    println!(
        "{steps} steps equal: {swaps} swaps, {own} swaps of the pool's own token, {joins} joins, \
         {exits} exits, {rates} changes of a rate, {reverts} reverts"
    );
}

#[tokio::test]
async fn balancers_stable_pool_equals_core_after_each_of_500_random_steps() {
    let Some(mut bench) = Bench::open().await else { return };
    let count = steps(&mut bench, (8, 125), U256::ZERO).await.unwrap();
    told(500, count);
    assert!(count[0] > 150 && count[1] > 70 && count[2] > 50 && count[3] > 50, "{count:?}");
    assert!(count[4] > 10 && count[7] < 150, "{count:?}");
}

#[tokio::test]
#[ignore = "long: make deep"]
async fn deep_balancers_stable_pool_equals_core_after_each_of_10_000_random_steps() {
    let Some(mut bench) = Bench::open().await else { return };
    let count = steps(&mut bench, (9, 2_500), U256::ZERO).await.unwrap();
    told(10_000, count);
    assert!(count[0] > 3_000, "{count:?}");
}

#[tokio::test]
async fn control_a_fee_of_a_trillionth_more_is_found() {
    let Some(mut bench) = Bench::open().await else { return };
    let error = U256::from(1_000_000);
    let found = steps(&mut bench, (8, 125), error).await.unwrap_err();
    assert!(found.contains("returns"), "{found}");
}
