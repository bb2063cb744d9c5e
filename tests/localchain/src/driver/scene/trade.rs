//! What is traded in a block: first by those who know a little, then by those who know nothing, at last by those who take
//! what is left between a pool and the reference price.

use super::look::{StableState, WorldState};
use super::prices::References;
use super::{PoolName, SceneSettings};
use crate::abi::{IStepRunner::Step, IUniswapV2Router, IUniswapV3Pool};
use crate::deploy::world::step;
use crate::deploy::{Pair, PoolToken, StablePool};
use crate::driver::raw;
use crate::{LocalChainError, World};
use alloy::primitives::{I256, U256};
use alloy::sol_types::SolValue;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// What Uniswap V2 keeps of what is sold.
const PAIR_FEE: f64 = 0.003;
/// Trades smaller than this part of a pool are not worth their gas.
const SMALLEST: f64 = 1e-7;
/// The most of a pool that one trade without knowledge sells.
const LARGEST: f64 = 0.2;
/// How far sizes spread, as a logarithm.
const SPREAD: f64 = 0.8;
/// More than any pool holds, raw: the price limit ends the trade.
const WITHOUT_END: f64 = 1e30;

/// Everything a block's trades follow from.
pub(super) struct Trades<'a> {
    pub(super) world: &'a World,
    pub(super) settings: &'a SceneSettings,
    pub(super) now: &'a WorldState,
    pub(super) references: References,
    pub(super) time: u64,
    pub(super) seconds: f64,
}

impl Trades<'_> {
    /// Returns the trader's steps.
    pub(super) fn steps(&self, rng: &mut ChaCha8Rng) -> Result<Vec<Step>, LocalChainError> {
        let mut steps = Vec::new();
        self.range(rng, &mut steps)?;
        let pools = &self.world.pools;
        let (pair, reward) = (self.references.ether, self.references.reward);
        self.pair(rng, (&pools.pair, self.now.pair, pair), &mut steps)?;
        self.pair(rng, (&pools.reward_pair, self.now.reward_pair, reward), &mut steps)?;
        let usdc = PoolToken { token: pools.range.quote.token, decimals: 6 };
        let usdt = PoolToken { token: self.world.usdt.token, decimals: 6 };
        let usd = (&pools.usd, (usdt, usdc), self.now.usd);
        self.stable(rng, (usd, self.references.usdt), &mut steps)?;
        let mut ether = self.now.ether;
        if ether.rate.1 <= self.time {
            // The pool reads the rate anew with the first trade.
            ether.rate.0 = self.now.staked_rate;
        }
        let wst_eth = PoolToken { token: self.world.staked.wst_eth, decimals: 18 };
        let reference = self.references.staked * self.now.staked_rate;
        let ether = (&pools.ether, (wst_eth, pools.range.base), ether);
        self.stable(rng, (ether, reference), &mut steps)?;
        Ok(steps)
    }

    /// The size of a trade without knowledge, as a part of the pool; negative sells what is priced.
    fn noise(&self, rng: &mut ChaCha8Rng) -> f64 {
        let (sign, size): (f64, f64) = (rng.sample(StandardNormal), rng.sample(StandardNormal));
        let hours = self.seconds / 3_600.0;
        let part = self.settings.noise_per_hour * hours.sqrt() * (SPREAD * size).exp();
        part.min(LARGEST) * sign.signum()
    }

    /// Whether somebody who knows trades, and what part of the way.
    fn knowledge(&self, rng: &mut ChaCha8Rng) -> Option<f64> {
        let (knows, part) = (rng.random::<f64>(), rng.random_range(0.3..0.8));
        (knows < self.settings.informed).then_some(part)
    }

    fn range(&self, rng: &mut ChaCha8Rng, steps: &mut Vec<Step>) -> Result<(), LocalChainError> {
        let range = &self.world.pools.range;
        let (price, reference) = (self.now.range_price, self.references.ether);
        if let Some(part) = self.knowledge(rng) {
            let aim = price * (reference / price).powf(part);
            steps.push(self.to_price(aim, aim > price)?);
        }
        let deep = 2.0 * self.now.pair.1;
        for _ in 0..2 {
            let part = self.noise(rng);
            // Sizes go by the other pool's depth, which no range changes.
            let (amount, decimals) = if part > 0.0 {
                (part * deep, range.quote.decimals)
            } else {
                (-part * deep / price, range.base.decimals)
            };
            let far = price * if part > 0.0 { 1.5 } else { 1.0 / 1.5 };
            steps.push(self.swap(raw("trade", amount, decimals)?, far, part > 0.0)?);
        }
        let fee = f64::from(range.fee) / 1e6;
        // Of the two one is refused, since the price is not on its side; where both are, it is within the fee already.
        steps.push(self.to_price(reference * (1.0 - fee), true)?);
        steps.push(self.to_price(reference * (1.0 + fee), false)?);
        Ok(())
    }

    /// Trades in the Uniswap V3 pool until its price is there.
    pub(super) fn to_price(&self, price: f64, is_up: bool) -> Result<Step, LocalChainError> {
        self.swap(raw("trade", WITHOUT_END, 0)?, price, is_up)
    }

    fn swap(&self, amount: U256, limit: f64, is_up: bool) -> Result<Step, LocalChainError> {
        let range = &self.world.pools.range;
        let zero_for_one = is_up != range.is_base_zero();
        let (one, other) = (range.base.token, range.quote.token);
        let found = limit;
        let refuse = |_| LocalChainError::OutOfRange { field: "trade", found };
        let call = IUniswapV3Pool::swapCall {
            recipient: self.world.trader,
            zeroForOne: zero_for_one,
            amountSpecified: I256::try_from(amount).map_err(refuse)?,
            sqrtPriceLimitX96: range.sqrt_price_x96(limit)?,
            data: (one.min(other), one.max(other)).abi_encode().into(),
        };
        Ok(step(range.address, &call))
    }

    fn pair(
        &self,
        rng: &mut ChaCha8Rng,
        (pair, mut reserves, reference): (&Pair, (f64, f64), f64),
        steps: &mut Vec<Step>,
    ) -> Result<(), LocalChainError> {
        let mut trade = |reserves: &mut (f64, f64), sold: f64, is_up: bool| {
            let (into, out) = if is_up {
                (&mut reserves.1, &mut reserves.0)
            } else {
                (&mut reserves.0, &mut reserves.1)
            };
            if sold < *into * SMALLEST {
                return Ok(());
            }
            *out *= *into / (*into + sold * (1.0 - PAIR_FEE));
            *into += sold;
            steps.push(self.sell_to_pair(pair, sold, is_up)?);
            Ok::<(), LocalChainError>(())
        };
        if let Some(part) = self.knowledge(rng) {
            let aim = (reserves.1 / reserves.0) * (reference * reserves.0 / reserves.1).powf(part);
            let (sold, is_up) = to_reference(reserves, aim);
            trade(&mut reserves, sold, is_up)?;
        }
        let part = self.noise(rng);
        let sold = if part > 0.0 { part * reserves.1 } else { -part * reserves.0 };
        trade(&mut reserves, sold, part > 0.0)?;
        let (sold, is_up) = to_reference(reserves, reference);
        trade(&mut reserves, sold, is_up)
    }

    /// Sells quote (`is_up`) or base to a pair.
    pub(super) fn sell_to_pair(
        &self,
        pair: &Pair,
        sold: f64,
        is_up: bool,
    ) -> Result<Step, LocalChainError> {
        let (from, to) = if is_up { (pair.quote, pair.base) } else { (pair.base, pair.quote) };
        let amount = raw("trade", sold, from.decimals)?;
        let (path, to) = (vec![from.token, to.token], self.world.trader);
        let router = self.world.exchanges.uniswap_v2.router;
        if pair == &self.world.pools.reward_pair {
            // The reward may begin to take a fee, and is traded all the same.
            let call =
                IUniswapV2Router::swapExactTokensForTokensSupportingFeeOnTransferTokensCall {
                    amountIn: amount,
                    amountOutMin: U256::ZERO,
                    path,
                    to,
                    deadline: U256::MAX,
                };
            return Ok(step(router, &call));
        }
        let call = IUniswapV2Router::swapExactTokensForTokensCall {
            amountIn: amount,
            amountOutMin: U256::ZERO,
            path,
            to,
            deadline: U256::MAX,
        };
        Ok(step(router, &call))
    }

    fn stable(
        &self,
        rng: &mut ChaCha8Rng,
        ((pool, tokens, state), reference): (Stable<'_>, f64),
        steps: &mut Vec<Step>,
    ) -> Result<(), LocalChainError> {
        let mut state = state;
        let part = self.noise(rng);
        let is_up = part > 0.0;
        let sold = part.abs() * if is_up { state.balances.1 } else { state.balances.0 };
        steps.push(self.sell_to_stable((pool, tokens), sold, is_up)?);
        let curve = state.curve();
        let (rate, kept) = (state.rate.0, 1.0 - state.fee);
        if is_up {
            // The curve is the same from both sides.
            state.balances.0 = curve.other(state.balances.1 + sold * kept) / rate;
            state.balances.1 += sold;
        } else {
            state.balances.1 = curve.other((state.balances.0 + sold * kept) * rate);
            state.balances.0 += sold;
        }
        let curve = state.curve();
        let (sold, is_up) = {
            let counted = state.balances.0 * rate;
            let down = curve.sold_down_to(counted, reference / rate, state.fee) / rate;
            let up = curve.sold_down_to(state.balances.1, rate / reference, state.fee);
            if down > up { (down, false) } else { (up, true) }
        };
        if sold > state.balances.1 * SMALLEST {
            steps.push(self.sell_to_stable((pool, tokens), sold, is_up)?);
        }
        Ok(())
    }

    /// Sells the second token (`is_up`) or the first to a stable pool.
    fn sell_to_stable(
        &self,
        (pool, (first, second)): (&StablePool, (PoolToken, PoolToken)),
        sold: f64,
        is_up: bool,
    ) -> Result<Step, LocalChainError> {
        let (from, to) = if is_up { (second, first) } else { (first, second) };
        let amount = raw("trade", sold, from.decimals)?;
        let balancer = &self.world.exchanges.balancer;
        let swap = balancer.swap(self.world.trader, pool, (from.token, to.token), (true, amount));
        Ok(Step { target: balancer.vault, data: swap.data })
    }

    /// The trade that takes nearly all USDC, or WETH of the stable pool of ether, out of a pool.
    pub(super) fn drain(&self, pool: PoolName) -> Result<Step, LocalChainError> {
        let pools = &self.world.pools;
        let (now, usdc) = (self.now, pools.range.quote);
        match pool {
            PoolName::Range => self.to_price(now.range_price / 1_000.0, false),
            PoolName::Pair => self.sell_to_pair(&pools.pair, now.pair.0 * 50.0, false),
            PoolName::Reward => {
                self.sell_to_pair(&pools.reward_pair, now.reward_pair.0 * 50.0, false)
            }
            PoolName::Usd => {
                let usdt = PoolToken { token: self.world.usdt.token, decimals: 6 };
                let sold = now.usd.curve().sold_down_to(now.usd.balances.0, 0.2, 0.0);
                self.sell_to_stable((&pools.usd, (usdt, usdc)), sold, false)
            }
            PoolName::Ether => {
                let wst_eth = PoolToken { token: self.world.staked.wst_eth, decimals: 18 };
                let rate = now.ether.rate.0;
                let sold = now.ether.curve().sold_down_to(now.ether.balances.0 * rate, 0.2, 0.0);
                self.sell_to_stable((&pools.ether, (wst_eth, pools.range.base)), sold / rate, false)
            }
        }
    }
}

type Stable<'a> = (&'a StablePool, (PoolToken, PoolToken), StableState);

/// What to sell, and which way, until a pair gives no more than the reference after its fee.
fn to_reference((base, quote): (f64, f64), reference: f64) -> (f64, bool) {
    let kept = 1.0 - PAIR_FEE;
    let product = base * quote;
    let down = ((product * kept / reference).sqrt() - base) / kept;
    let up = ((product * kept * reference).sqrt() - quote) / kept;
    if down > 0.0 { (down, false) } else { (up.max(0.0), true) }
}
