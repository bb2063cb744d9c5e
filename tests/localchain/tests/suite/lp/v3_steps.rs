//! Random steps on a Uniswap V3 pool, and what the pool of core says to each.

use super::bench::{Bench, Expected};
use alloy::primitives::aliases::{I24, I56};
use alloy::primitives::{Address, B256, I256, U160, U256, keccak256};
use alloy::sol_types::{SolEvent, SolValue};
use plimsoll_core::Amount;
use plimsoll_core::lp::v3::price::amounts_down;
use plimsoll_core::lp::v3::tick::{MAX_TICK, MIN_TICK, sqrt_price_at};
use plimsoll_core::lp::v3::{Order, Pool, PositionKey, SwapAmount};
use plimsoll_localchain::Call;
use plimsoll_localchain::abi::{IUniswapV3Factory, IUniswapV3Pool};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// How a pool is made.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) fee: u32,
    pub(crate) spacing: i32,
    pub(crate) decimals: (u8, u8),
    /// The tick of the first price.
    pub(crate) home: i32,
    /// Liquidity has between so many bits and so many.
    pub(crate) bits: (u32, u32),
}

/// A pool on the chain and in core.
pub(crate) struct Subject {
    pub(crate) address: Address,
    pub(crate) tokens: (Address, Address),
    pub(crate) model: Pool,
    setting: Setting,
    owner: Address,
    /// What the control turns round: mints are expected to cost what burns pay.
    pub(crate) is_wrong: bool,
    /// How often each kind of step was tried, and how often it reverted.
    pub(crate) count: Count,
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) mints: u32,
    pub(crate) burns: u32,
    pub(crate) pokes: u32,
    pub(crate) collects: u32,
    pub(crate) swaps: u32,
    pub(crate) protocol: u32,
    pub(crate) reverts: u32,
    pub(crate) ticks_crossed: u32,
}

impl Count {
    pub(crate) fn plus(self, other: Count) -> Count {
        Count {
            mints: self.mints + other.mints,
            burns: self.burns + other.burns,
            pokes: self.pokes + other.pokes,
            collects: self.collects + other.collects,
            swaps: self.swaps + other.swaps,
            protocol: self.protocol + other.protocol,
            reverts: self.reverts + other.reverts,
            ticks_crossed: self.ticks_crossed + other.ticks_crossed,
        }
    }
}

pub(crate) fn int24(tick: i32) -> I24 {
    I24::try_from(tick).unwrap()
}

fn signed(amount: Amount) -> I256 {
    I256::try_from(amount.0).unwrap()
}

/// A number of up to so many bits, each size as likely as the next.
pub(crate) fn sized(rng: &mut ChaCha8Rng, (least, most): (u32, u32)) -> U256 {
    let bits = rng.random_range(least..=most);
    let word: [u64; 4] = rng.random();
    (U256::from_limbs(word) >> (256 - bits as usize)) | U256::from(1)
}

impl Subject {
    pub(crate) async fn create(bench: &mut Bench, setting: Setting) -> Subject {
        let tokens = bench.pair(setting.decimals, 254).await;
        let (uniswap, admin) = (bench.exchanges.uniswap_v3, bench.exchanges.admin);
        let price = sqrt_price_at(setting.home).unwrap();
        let first = (setting.fee, U160::from(price));
        let address = uniswap.create_pool(&bench.chain, admin, tokens, first).await.unwrap();
        let head = bench.chain.head().await.unwrap().time;
        let now = u32::try_from(head).unwrap();
        // The runner has to own the factory to set the protocol's share.
        let held = bench.chain.call(uniswap.factory, &IUniswapV3Factory::ownerCall {});
        if held.await.unwrap() == admin {
            let give = IUniswapV3Factory::setOwnerCall { owner: bench.runner };
            bench.chain.execute(&[Call::new(admin, uniswap.factory, &give)]).await.unwrap();
        }
        bench.now = bench.chain.head().await.unwrap().time;
        let model = Pool::new((setting.fee, setting.spacing), price, now).unwrap();
        let (owner, is_wrong, count) = (bench.runner, false, Count::default());
        Subject { address, tokens, model, setting, owner, is_wrong, count }
    }

    /// One random step at the time of the next block, with the state after it.
    pub(crate) fn step(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        let mut expected = match rng.random_range(0..100) {
            0..22 => self.mint(rng, now),
            22..34 => self.burn(rng, now, false),
            34..40 => self.burn(rng, now, true),
            40..48 => self.collect(rng),
            48..50 => self.protocol(rng),
            _ => self.swap(rng, now),
        };
        expected.extend(self.state());
        expected
    }

    fn data(&self) -> alloy::primitives::Bytes {
        self.tokens.abi_encode_params().into()
    }

    /// A range: near the price, anywhere, or everywhere; now and then one that is none.
    pub(crate) fn range(&self, rng: &mut ChaCha8Rng) -> (i32, i32) {
        let spacing = self.setting.spacing;
        let most = MAX_TICK / spacing;
        let here = self.model.tick.div_euclid(spacing);
        let (lower, upper) = match rng.random_range(0..20) {
            0..12 => {
                let lower = here + rng.random_range(-40..=20);
                (lower, lower + rng.random_range(1..=40))
            }
            12..16 => {
                let lower = here + rng.random_range(-2_000..=1_000);
                (lower, lower + rng.random_range(1..=3_000))
            }
            16..18 => (rng.random_range(-most..=most), rng.random_range(-most..=most)),
            _ => (-most, most),
        };
        let odd = i32::from(rng.random_ratio(1, 60));
        let clamped = |place: i32| place.clamp(-most, most) * spacing;
        (clamped(lower), clamped(upper) + odd)
    }

    fn mint(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        self.count.mints += 1;
        let (lower, upper) = self.range(rng);
        let amount: u128 = sized(rng, self.setting.bits).to();
        let key = PositionKey { owner: self.owner, lower, upper };
        let price = self.model.sqrt_price_x96;
        let mut paid = self.model.mint(key, amount, now).ok();
        if self.is_wrong && paid.is_some() {
            let range = (sqrt_price_at(lower).unwrap(), sqrt_price_at(upper).unwrap());
            paid = amounts_down(price, range, amount).ok();
        }
        let (tick_lower, tick_upper) = (int24(lower), int24(upper));
        let call = IUniswapV3Pool::mintCall {
            recipient: self.owner,
            tickLower: tick_lower,
            tickUpper: tick_upper,
            amount,
            data: self.data(),
        };
        let output = paid.map(|paid| IUniswapV3Pool::mintReturn {
            amount0: paid.token0.0,
            amount1: paid.token1.0,
        });
        let log = output.clone().map(|paid| IUniswapV3Pool::Mint {
            sender: self.owner,
            owner: self.owner,
            tickLower: tick_lower,
            tickUpper: tick_upper,
            amount,
            amount0: paid.amount0,
            amount1: paid.amount1,
        });
        let logs = log.iter().map(SolEvent::encode_log_data).collect();
        let what = format!("mint {amount} from {lower} to {upper}");
        self.acted(key, Expected::act(self.address, &call, (output, logs), what))
    }

    /// A position at random, most often one that exists.
    fn position(&self, rng: &mut ChaCha8Rng) -> PositionKey {
        let known = self.model.positions.len();
        if known == 0 || rng.random_ratio(1, 60) {
            let (lower, upper) = self.range(rng);
            return PositionKey { owner: self.owner, lower, upper };
        }
        *self.model.positions.keys().nth(rng.random_range(0..known)).unwrap()
    }

    fn burn(&mut self, rng: &mut ChaCha8Rng, now: u32, is_poke: bool) -> Vec<Expected> {
        let key = self.position(rng);
        let held = self.model.positions.get(&key).map_or(0, |position| position.liquidity);
        let amount = match rng.random_range(0..10) {
            _ if is_poke => 0,
            0..5 => held,
            5..9 => rng.random_range(0..=held),
            _ => held.saturating_add(1),
        };
        if amount == 0 {
            self.count.pokes += 1
        } else {
            self.count.burns += 1
        }
        let (tick_lower, tick_upper) = (int24(key.lower), int24(key.upper));
        let got = self.model.burn(key, amount, now).ok();
        let call =
            IUniswapV3Pool::burnCall { tickLower: tick_lower, tickUpper: tick_upper, amount };
        let output = got
            .map(|got| IUniswapV3Pool::burnReturn { amount0: got.token0.0, amount1: got.token1.0 });
        let log = output.clone().map(|got| IUniswapV3Pool::Burn {
            owner: self.owner,
            tickLower: tick_lower,
            tickUpper: tick_upper,
            amount,
            amount0: got.amount0,
            amount1: got.amount1,
        });
        let logs = log.iter().map(SolEvent::encode_log_data).collect();
        let what = format!("burn {amount} from {} to {}", key.lower, key.upper);
        self.acted(key, Expected::act(self.address, &call, (output, logs), what))
    }

    fn collect(&mut self, rng: &mut ChaCha8Rng) -> Vec<Expected> {
        self.count.collects += 1;
        let key = self.position(rng);
        let most = if rng.random_ratio(1, 3) {
            (sized(rng, (1, 100)).to(), sized(rng, (1, 100)).to())
        } else {
            (u128::MAX, u128::MAX)
        };
        let (tick_lower, tick_upper) = (int24(key.lower), int24(key.upper));
        let (amount0, amount1) = self.model.collect(key, most);
        let call = IUniswapV3Pool::collectCall {
            recipient: self.owner,
            tickLower: tick_lower,
            tickUpper: tick_upper,
            amount0Requested: most.0,
            amount1Requested: most.1,
        };
        let log = IUniswapV3Pool::Collect {
            owner: self.owner,
            recipient: self.owner,
            tickLower: tick_lower,
            tickUpper: tick_upper,
            amount0,
            amount1,
        };
        let output = Some(IUniswapV3Pool::collectReturn { amount0, amount1 });
        let what = format!("collect from {} to {}", key.lower, key.upper);
        let act = Expected::act(self.address, &call, (output, vec![log.encode_log_data()]), what);
        self.acted(key, act)
    }

    fn protocol(&mut self, rng: &mut ChaCha8Rng) -> Vec<Expected> {
        self.count.protocol += 1;
        let logs = Vec::new();
        if rng.random() {
            let mut share = || [0, 4, 5, 10, 3][rng.random_range(0..5)];
            let share: (u8, u8) = (share(), share());
            let output = self.model.set_protocol_share(share).ok();
            let output = output.map(|()| IUniswapV3Pool::setFeeProtocolReturn {});
            let (fee0, fee1) = share;
            let call =
                IUniswapV3Pool::setFeeProtocolCall { feeProtocol0: fee0, feeProtocol1: fee1 };
            vec![Expected::act(self.address, &call, (output, logs), format!("share {share:?}"))]
        } else {
            let most = (sized(rng, (1, 128)).to(), u128::MAX);
            let (amount0, amount1) = self.model.collect_protocol(most);
            let call = IUniswapV3Pool::collectProtocolCall {
                recipient: self.owner,
                amount0Requested: most.0,
                amount1Requested: most.1,
            };
            let output = Some(IUniswapV3Pool::collectProtocolReturn { amount0, amount1 });
            vec![Expected::act(self.address, &call, (output, logs), "collect protocol".to_owned())]
        }
    }

    /// A swap: either side exact, either way, a little or everything, with a limit or without.
    fn order(&self, rng: &mut ChaCha8Rng) -> Order {
        // A drift toward home keeps the pool where its liquidity is.
        let is_above = self.model.tick > self.setting.home;
        let zero_for_one = is_above ^ rng.random_ratio(2, 5);
        let amount = Amount(sized(rng, (1, self.setting.bits.1 + 12)));
        let amount =
            if rng.random() { SwapAmount::ExactIn(amount) } else { SwapAmount::ExactOut(amount) };
        let mut order = Order::unlimited(zero_for_one, amount);
        if !rng.random_ratio(1, 8) {
            let away = sized(rng, (1, 13)).to::<i32>();
            let tick = self.model.tick + if zero_for_one { -away } else { away };
            let price = sqrt_price_at(tick.clamp(MIN_TICK, MAX_TICK)).unwrap();
            order.limit_x96 = price + U256::from(rng.random_range(0..1_000_u32));
        }
        order
    }

    fn swap(&mut self, rng: &mut ChaCha8Rng, now: u32) -> Vec<Expected> {
        self.count.swaps += 1;
        let order = self.order(rng);
        self.swap_order(order, now)
    }

    pub(crate) fn swap_order(&mut self, order: Order, now: u32) -> Vec<Expected> {
        let swapped = self.model.swap(order, now).ok();
        let (is_in, amount) = match order.amount {
            SwapAmount::ExactIn(amount) => (true, amount),
            SwapAmount::ExactOut(amount) => (false, amount),
        };
        let call = IUniswapV3Pool::swapCall {
            recipient: self.owner,
            zeroForOne: order.zero_for_one,
            amountSpecified: if is_in { signed(amount) } else { -signed(amount) },
            sqrtPriceLimitX96: U160::from(order.limit_x96),
            data: self.data(),
        };
        let output = swapped.map(|swapped| {
            self.count.ticks_crossed += swapped.crossed;
            let (paid, received) = (signed(swapped.paid), -signed(swapped.received));
            let (amount0, amount1) =
                if order.zero_for_one { (paid, received) } else { (received, paid) };
            IUniswapV3Pool::swapReturn { amount0, amount1 }
        });
        let log = output.clone().map(|swapped| IUniswapV3Pool::Swap {
            sender: self.owner,
            recipient: self.owner,
            amount0: swapped.amount0,
            amount1: swapped.amount1,
            sqrtPriceX96: U160::from(self.model.sqrt_price_x96),
            liquidity: self.model.liquidity,
            tick: int24(self.model.tick),
        });
        let logs = log.iter().map(SolEvent::encode_log_data).collect();
        let act = Expected::act(self.address, &call, (output, logs), format!("swap {order:?}"));
        if act.output.is_none() {
            self.count.reverts += 1;
        }
        vec![act]
    }

    /// A step on a position with the position and the ends of its range after it.
    fn acted(&mut self, key: PositionKey, act: Expected) -> Vec<Expected> {
        if act.output.is_none() {
            self.count.reverts += 1;
        }
        let mut all = vec![act, self.position_now(key)];
        if key.lower < key.upper {
            all.extend([self.tick_now(key.lower), self.tick_now(key.upper)]);
        }
        all
    }

    /// What of the pool is in single words.
    pub(crate) fn state(&self) -> Vec<Expected> {
        let (pool, model) = (self.address, &self.model);
        let share = model.protocol_share;
        let slot0 = IUniswapV3Pool::Slot0 {
            sqrtPriceX96: U160::from(model.sqrt_price_x96),
            tick: int24(model.tick),
            observationIndex: 0,
            observationCardinality: 1,
            observationCardinalityNext: 1,
            feeProtocol: share.0 + share.1 * 16,
            unlocked: true,
        };
        let observation = IUniswapV3Pool::Observation {
            blockTimestamp: model.observation.time,
            tickCumulative: I56::try_from(model.observation.tick_cumulative).unwrap(),
            secondsPerLiquidityCumulativeX128: model.observation.seconds_per_liquidity_x128,
            initialized: true,
        };
        let fees = IUniswapV3Pool::protocolFeesReturn {
            token0: model.protocol_fees.0,
            token1: model.protocol_fees.1,
        };
        let index = U256::ZERO;
        vec![
            Expected::view(pool, &IUniswapV3Pool::slot0Call {}, &slot0),
            Expected::view(pool, &IUniswapV3Pool::liquidityCall {}, &model.liquidity),
            Expected::view(
                pool,
                &IUniswapV3Pool::feeGrowthGlobal0X128Call {},
                &model.growth.token0,
            ),
            Expected::view(
                pool,
                &IUniswapV3Pool::feeGrowthGlobal1X128Call {},
                &model.growth.token1,
            ),
            Expected::view(pool, &IUniswapV3Pool::protocolFeesCall {}, &fees),
            Expected::view(pool, &IUniswapV3Pool::observationsCall { index }, &observation),
        ]
    }

    fn position_now(&self, key: PositionKey) -> Expected {
        let held = self.model.positions.get(&key).copied().unwrap_or_default();
        let output = IUniswapV3Pool::PositionInfo {
            liquidity: held.liquidity,
            feeGrowthInside0LastX128: held.inside_last.token0,
            feeGrowthInside1LastX128: held.inside_last.token1,
            tokensOwed0: held.owed.0,
            tokensOwed1: held.owed.1,
        };
        let call = IUniswapV3Pool::positionsCall { key: hashed(key) };
        Expected::view(self.address, &call, &output)
    }

    fn tick_now(&self, tick: i32) -> Expected {
        let known = self.model.ticks.get(&tick);
        let info = known.copied().unwrap_or_default();
        let output = IUniswapV3Pool::TickInfo {
            liquidityGross: info.liquidity_gross,
            liquidityNet: info.liquidity_net,
            feeGrowthOutside0X128: info.growth_outside.token0,
            feeGrowthOutside1X128: info.growth_outside.token1,
            tickCumulativeOutside: I56::try_from(info.outside.tick_cumulative).unwrap(),
            secondsPerLiquidityOutsideX128: info.outside.seconds_per_liquidity_x128,
            secondsOutside: info.outside.seconds,
            initialized: known.is_some(),
        };
        let call = IUniswapV3Pool::ticksCall { tick: int24(tick) };
        Expected::view(self.address, &call, &output)
    }

    /// Every tick and position, and what the ranges have seen, in parts that fit one transaction each.
    pub(crate) fn everything(&self, now: u32) -> Vec<Vec<Expected>> {
        let mut all = self.state();
        all.extend(self.model.ticks.keys().map(|tick| self.tick_now(*tick)));
        for key in self.model.positions.keys() {
            all.push(self.position_now(*key));
            if let Some(inside) = self.model.inside(key.lower, key.upper, now) {
                let call = IUniswapV3Pool::snapshotCumulativesInsideCall {
                    tickLower: int24(key.lower),
                    tickUpper: int24(key.upper),
                };
                let output = IUniswapV3Pool::snapshotCumulativesInsideReturn {
                    tickCumulativeInside: I56::try_from(inside.tick_cumulative).unwrap(),
                    secondsPerLiquidityInsideX128: inside.seconds_per_liquidity_x128,
                    secondsInside: inside.seconds,
                };
                all.push(Expected::view(self.address, &call, &output));
            }
        }
        let mut parts = Vec::new();
        while !all.is_empty() {
            let rest = all.split_off(all.len().min(200));
            parts.push(std::mem::replace(&mut all, rest));
        }
        parts
    }
}

/// What names a position in a pool.
fn hashed(key: PositionKey) -> B256 {
    keccak256((key.owner, int24(key.lower), int24(key.upper)).abi_encode_packed())
}
