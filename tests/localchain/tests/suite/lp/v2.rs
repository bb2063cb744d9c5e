//! Uniswap V2's pair against core.

use super::bench::{Bench, Expected};
use super::v3_steps::sized;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolEvent;
use plimsoll_core::Amount;
use plimsoll_core::lp::Amounts;
use plimsoll_core::lp::v2::Pair;
use plimsoll_localchain::Call;
use plimsoll_localchain::abi::{IToken, IUniswapV2Factory, IUniswapV2Pair};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A pair on the chain and in core.
struct Subject {
    address: Address,
    factory: Address,
    tokens: (Address, Address),
    runner: Address,
    model: Pair,
    /// The pair's own tokens that were sent to it, to be burned.
    returned: U256,
    /// What the runner holds of them.
    own: U256,
    updated: u32,
    bits: (u32, u32),
    count: [u32; 6],
}

impl Subject {
    async fn create(bench: &mut Bench, decimals: (u8, u8), bits: (u32, u32)) -> Subject {
        bench.wait(12).await;
        let tokens = bench.pair(decimals, 250).await;
        let (uniswap, admin) = (bench.exchanges.uniswap_v2, bench.exchanges.admin);
        let address = uniswap.create_pair(&bench.chain, admin, tokens).await.unwrap();
        bench.now = bench.chain.head().await.unwrap().time;
        Subject {
            address,
            factory: uniswap.factory,
            tokens,
            runner: bench.runner,
            model: Pair::default(),
            returned: U256::ZERO,
            own: U256::ZERO,
            updated: 0,
            bits,
            count: [0; 6],
        }
    }

    fn pay(&mut self, amounts: Amounts) -> Vec<Expected> {
        self.model.pay_in(amounts).unwrap();
        [(self.tokens.0, amounts.token0), (self.tokens.1, amounts.token1)]
            .into_iter()
            .map(|(token, amount)| {
                let call = IToken::transferCall { to: self.address, amount: amount.0 };
                Expected::act(token, &call, (Some(true), Vec::new()), "pay in".to_owned())
            })
            .collect()
    }

    fn mint(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        self.count[0] += 1;
        let paid = if self.model.supply.is_zero() || rng.random_ratio(1, 4) {
            Amounts::of(sized(rng, self.bits), sized(rng, self.bits))
        } else {
            let part = sized(rng, (1, 40));
            let of = |reserve: Amount| -> U256 {
                let unit: U256 = reserve.0 >> 20;
                unit.saturating_mul(part) >> 20
            };
            Amounts::of(of(self.model.reserves.token0), of(self.model.reserves.token1))
        };
        let mut all = self.pay(paid);
        let minted = self.model.mint().ok();
        if let Some(minted) = minted {
            (self.own, self.updated) = (self.own + minted.liquidity, now);
        } else {
            self.count[5] += 1;
        }
        let call = IUniswapV2Pair::mintCall { to: self.runner };
        let output = (minted.map(|minted| minted.liquidity), Vec::new());
        all.push(Expected::act(self.address, &call, output, format!("mint for {paid:?}")));
        all
    }

    fn burn(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        self.count[1] += 1;
        let part = U256::from(rng.random_range(0..=1_000_u32));
        let amount = self.own * part / U256::from(1_000);
        self.own -= amount;
        self.returned += amount;
        let give = IUniswapV2Pair::transferCall { to: self.address, amount };
        let given = (Some(true), Vec::new());
        let mut all = vec![Expected::act(self.address, &give, given, "return".to_owned())];
        let burned = self.model.burn(self.returned).ok();
        if burned.is_some() {
            (self.returned, self.updated) = (U256::ZERO, now);
        } else {
            self.count[5] += 1;
        }
        let output = burned.map(|(paid, _)| IUniswapV2Pair::burnReturn {
            amount0: paid.token0.0,
            amount1: paid.token1.0,
        });
        let call = IUniswapV2Pair::burnCall { to: self.runner };
        all.push(Expected::act(
            self.address,
            &call,
            (output, Vec::new()),
            format!("burn {amount}"),
        ));
        all
    }

    fn swap(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        self.count[2] += 1;
        let zero_for_one = rng.random();
        let side = |amount: U256, first: bool| {
            if first { Amounts::of(amount, U256::ZERO) } else { Amounts::of(U256::ZERO, amount) }
        };
        let reserves = self.model.reserves;
        let (reserve_in, reserve_out) = if zero_for_one {
            (reserves.token0.0, reserves.token1.0)
        } else {
            (reserves.token1.0, reserves.token0.0)
        };
        let part = |whole: U256, rng: &mut ChaCha8Rng| {
            ((whole * sized(rng, (1, 64))) >> 64) + U256::from(1)
        };
        // Either side exact; now and then a unit too much is asked for, or something on both sides.
        let (paid, out) = if rng.random() {
            let paid = part(reserve_in, rng);
            let out = self.model.amount_out_down(zero_for_one, Amount(paid));
            (paid, out.map_or(U256::from(1), |out| out.0))
        } else {
            let out = part(reserve_out, rng);
            let paid = self.model.amount_in_up(zero_for_one, Amount(out));
            (paid.map_or(U256::from(1), |paid| paid.0), out)
        };
        let more = U256::from(u32::from(rng.random_ratio(1, 10)));
        let mut all = self.pay(side(paid, zero_for_one));
        let mut out = side(out + more, !zero_for_one);
        if rng.random_ratio(1, 20) {
            out = Amounts::of(out.token0.0 / U256::from(2), out.token1.0 / U256::from(2));
        }
        let paid = self.model.swap(out).ok();
        if paid.is_some() {
            self.updated = now;
        } else {
            self.count[5] += 1;
        }
        let (amount0, amount1) = (out.token0.0, out.token1.0);
        let call = IUniswapV2Pair::swapCall {
            amount0Out: amount0,
            amount1Out: amount1,
            to: self.runner,
            data: Bytes::new(),
        };
        let logs = paid.map(|paid| {
            let swap = IUniswapV2Pair::Swap {
                sender: self.runner,
                amount0In: paid.token0.0,
                amount1In: paid.token1.0,
                amount0Out: amount0,
                amount1Out: amount1,
                to: self.runner,
            };
            let sync = IUniswapV2Pair::Sync {
                reserve0: self.model.reserves.token0.0.to(),
                reserve1: self.model.reserves.token1.0.to(),
            };
            vec![sync.encode_log_data(), swap.encode_log_data()]
        });
        let output = paid.map(|_| IUniswapV2Pair::swapReturn {});
        let what = format!("swap for {out:?}");
        all.push(Expected::act(self.address, &call, (output, logs.unwrap_or_default()), what));
        all
    }

    fn square(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        self.count[3] += 1;
        let gift = Amounts::of(sized(rng, (1, 30)), sized(rng, (1, 30)));
        let mut all = if rng.random() { self.pay(gift) } else { Vec::new() };
        if rng.random() {
            let output = self.model.skim().ok().map(|_| IUniswapV2Pair::skimReturn {});
            let call = IUniswapV2Pair::skimCall { to: self.runner };
            all.push(Expected::act(self.address, &call, (output, Vec::new()), "skim".to_owned()));
        } else {
            let output = self.model.sync().ok().map(|()| IUniswapV2Pair::syncReturn {});
            if output.is_some() {
                self.updated = now;
            }
            let call = IUniswapV2Pair::syncCall {};
            all.push(Expected::act(self.address, &call, (output, Vec::new()), "sync".to_owned()));
        }
        all
    }

    fn protocol(&mut self, rng: &mut ChaCha8Rng) -> Vec<Expected> {
        self.count[4] += 1;
        self.model.protocol_takes = rng.random_ratio(2, 3);
        let to = if self.model.protocol_takes { self.factory } else { Address::ZERO };
        let call = IUniswapV2Factory::setFeeToCall { to };
        let output = (Some(IUniswapV2Factory::setFeeToReturn {}), Vec::new());
        vec![Expected::act(self.factory, &call, output, "protocol".to_owned())]
    }

    fn state(&self) -> Vec<Expected> {
        let reserves = IUniswapV2Pair::Reserves {
            reserve0: self.model.reserves.token0.0.to(),
            reserve1: self.model.reserves.token1.0.to(),
            blockTimestampLast: self.updated,
        };
        let holds = IToken::balanceOfCall { account: self.address };
        let own = IUniswapV2Pair::balanceOfCall { account: self.runner };
        vec![
            Expected::view(self.address, &IUniswapV2Pair::getReservesCall {}, &reserves),
            Expected::view(self.address, &IUniswapV2Pair::totalSupplyCall {}, &self.model.supply),
            Expected::view(self.address, &IUniswapV2Pair::kLastCall {}, &self.model.k_last),
            Expected::view(self.address, &own, &self.own),
            Expected::view(self.tokens.0, &holds, &self.model.held.token0.0),
            Expected::view(self.tokens.1, &holds, &self.model.held.token1.0),
        ]
    }

    fn step(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        let mut all = match rng.random_range(0..100) {
            _ if self.model.supply.is_zero() => self.mint(rng, now),
            0..20 => self.mint(rng, now),
            20..36 => self.burn(rng, now),
            36..44 => self.square(rng, now),
            44..48 => self.protocol(rng),
            _ => self.swap(rng, now),
        };
        all.extend(self.state());
        all
    }
}

async fn steps(bench: &mut Bench, seed: u64, each: u32) -> Result<[u32; 6], String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let give = IUniswapV2Factory::setFeeToSetterCall { setter: bench.runner };
    let factory = bench.exchanges.uniswap_v2.factory;
    bench.chain.execute(&[Call::new(bench.exchanges.admin, factory, &give)]).await.unwrap();
    let mut count = [0; 6];
    for (decimals, bits) in
        [((6, 18), (20, 90)), ((18, 18), (60, 108)), ((8, 6), (12, 40)), ((18, 6), (1, 112))]
    {
        let mut subject = Subject::create(bench, decimals, bits).await;
        // The setting outlives a pair.
        let now = bench.wait(12).await;
        let first: Vec<_> = [subject.protocol(&mut rng), subject.mint(&mut rng, now)]
            .into_iter()
            .flatten()
            .collect();
        bench.compare(&first).await?;
        let mut left = each;
        while left > 0 {
            let block = rng.random_range(1..=30).min(left);
            left -= block;
            let seconds = rng.random_range(1..10_000);
            let now = bench.wait(seconds).await;
            let expected: Vec<_> = (0..block).flat_map(|_| subject.step(&mut rng, now)).collect();
            let told = |error| format!("{decimals:?}, {left} steps left: {error}");
            bench.compare(&expected).await.map_err(told)?;
        }
        for (sum, found) in count.iter_mut().zip(subject.count) {
            *sum += found;
        }
    }
    Ok(count)
}

#[tokio::test]
async fn uniswap_v2_equals_core_after_each_of_500_random_steps() {
    let Some(mut bench) = Bench::open().await else { return };
    let count = steps(&mut bench, 5, 125).await.unwrap();
    let [mints, burns, swaps, squares, protocol, reverts] = count;
    println!(
        "500 steps equal: {mints} mints, {burns} burns, {swaps} swaps, {squares} skims and syncs, \
         {protocol} changes of the protocol's fee, {reverts} reverts"
    );
    assert!(mints > 50 && burns > 40 && swaps > 150 && reverts > 5 && reverts < 200, "{count:?}");
}

#[tokio::test]
#[ignore = "long: make deep"]
async fn deep_uniswap_v2_equals_core_after_each_of_10_000_random_steps() {
    let Some(mut bench) = Bench::open().await else { return };
    let count = steps(&mut bench, 6, 2_500).await.unwrap();
    println!("10,000 steps equal: {count:?}");
    assert!(count[2] > 3_000, "{count:?}");
}
