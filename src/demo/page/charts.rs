//! What the diary of a world is in charts.

use super::Course;
use plimsoll_backtests::report::course::{CourseChart, CourseLine, KindCourse, MarketCourse};
use plimsoll_localchain::{Asset, Market, MarketState, PoolName, References, View, WorldState};

const PERCENT: &str = "\u{a0}%";
const BPS: &str = "\u{a0}bp";
const MILLION: &str = "\u{a0}m";
const DAYS_PER_YEAR: f64 = 365.0;
/// The part of all shares of the pair below which hardly any are staked.
const LEAST_STAKED: f64 = 0.02;

/// A line of a chart.
fn line(name: &str, points: Vec<(f64, f64)>) -> CourseLine {
    CourseLine { name: name.to_owned(), points }
}

fn chart(title: &str, suffix: &'static str, lines: Vec<CourseLine>) -> CourseChart {
    CourseChart { title: title.to_owned(), suffix, range: None, lines }
}

impl Course<'_> {
    /// All kinds of markets.
    pub(super) fn kinds(&self) -> Vec<KindCourse> {
        vec![self.lending(), self.pools(), self.campaigns(), self.staked(), self.prices()]
    }

    fn lending(&self) -> KindCourse {
        let markets = Market::ALL.into_iter().map(|market| {
            let of = |figure: fn(&MarketState) -> f64| {
                self.points(|view| Some(figure(view.lending.get(&market)?)))
            };
            let scale = if market.loan() == Asset::Weth { 1e3 } else { 1e6 };
            let size = |figure: fn(&MarketState) -> f64| {
                self.points(|view| Some(figure(view.lending.get(&market)?) / scale))
            };
            let counted = if market.loan() == Asset::Weth { "thousand ether" } else { "million" };
            MarketCourse {
                name: market.to_string(),
                charts: vec![
                    chart(
                        "Utilization",
                        PERCENT,
                        vec![line("utilization", of(|state| state.utilization() * 100.0))],
                    ),
                    chart(
                        "APR",
                        PERCENT,
                        vec![
                            line("supply", of(|state| state.supply_apr * 100.0)),
                            line("borrow", of(|state| state.borrow_apr * 100.0)),
                        ],
                    ),
                    chart(
                        &format!("Supplied and borrowed, {counted}"),
                        "",
                        vec![
                            line("supplied", size(|state| state.supplied)),
                            line("borrowed", size(|state| state.borrowed)),
                        ],
                    ),
                ],
            }
        });
        KindCourse {
            id: "lending",
            title: "Lending".to_owned(),
            text: "What is borrowed of what is supplied, what suppliers are promised and borrowers pay, hour by hour.".to_owned(),
            markets: markets.collect(),
        }
    }

    fn pools(&self) -> KindCourse {
        let pools = [
            (PoolName::Range, "WETH and USDC, Uniswap V3"),
            (PoolName::Pair, "WETH and USDC, Uniswap V2"),
            (PoolName::Reward, "RWD and USDC, Uniswap V2"),
            (PoolName::Usd, "USDT and USDC, Balancer"),
            (PoolName::Ether, "wstETH and WETH, Balancer"),
        ];
        let markets = pools.into_iter().filter(|_| self.has_world()).map(|(pool, name)| {
            let fees = chart("Fees of the day, APR", PERCENT, vec![line("fees", self.fees(pool))]);
            let price = |which: fn(Priced) -> f64| {
                self.of_world(move |state, reference| which(priced(pool, state, reference)))
            };
            let price = vec![
                line("in the pool", price(|priced| priced.pool)),
                line("reference", price(|priced| priced.reference)),
            ];
            let (title, suffix) = price_title(pool);
            let price = chart(title, suffix, price);
            let held = self.of_world(move |state, reference| worth(pool, state, reference) / 1e6);
            let held = chart("Worth in USDC", MILLION, vec![line("pool", held)]);
            MarketCourse { name: name.to_owned(), charts: vec![fees, price, held] }
        });
        KindCourse {
            id: "pools",
            title: "Pools".to_owned(),
            text: "What fees brought to what was in a pool, day by day (on Uniswap V3 to a range of a fifth to either side of the price); \
                   the price beside the one to which arbitrage brings it; what is in the pool (on Uniswap V3 what the \
                   liquidity in use would be worth in such a range)."
                .to_owned(),
            markets: markets.collect(),
        }
    }

    fn campaigns(&self) -> KindCourse {
        let apr = |of: fn(&WorldState, u64, f64) -> f64| {
            self.points(|view| {
                let (state, reference) = view.world.as_ref()?;
                Some(of(state, view.head.time, reference.reward) * 100.0)
            })
        };
        let promised = vec![
            line("staked shares of the V2 pair", apr(of_shares)),
            line("staked V3 range", apr(WorldState::range_reward_apr)),
        ];
        let price = vec![
            line("in its pool", self.of_world(|state, _| state.reward_price())),
            line("reference", self.of_world(|_, reference| reference.reward)),
        ];
        let part = self.of_world(|state, _| state.staked_part * 100.0);
        let charts = vec![
            chart("Rewards, APR", PERCENT, promised),
            chart("Price of RWD in USDC", "", price),
            chart("Staked of the V2 pair's shares", PERCENT, vec![line("staked", part)]),
        ];
        let market =
            MarketCourse { name: "StakingRewards and Uniswap's staker".to_owned(), charts };
        KindCourse {
            id: "rewards",
            title: "Rewards".to_owned(),
            text: "What campaigns promise at the reward's price of the hour (left out while less than 2 % of the pair's shares are staked), that price, and how many stake for it.".to_owned(),
            markets: self.has_world().then_some(market).into_iter().collect(),
        }
    }

    fn staked(&self) -> KindCourse {
        let first = self.first_world().map(|(state, _)| state.staked_rate);
        let grown = self
            .of_world(move |state, _| (state.staked_rate / first.unwrap_or(f64::NAN) - 1.0) * 1e4);
        let discount = |which: fn(Priced) -> f64| {
            self.of_world(move |state, reference| which(priced(PoolName::Ether, state, reference)))
        };
        let discount = vec![
            line("in its pool", discount(|priced| priced.pool)),
            line("reference", discount(|priced| priced.reference)),
        ];
        let waiting = self.of_world(|state, _| state.waiting);
        let charts = vec![
            chart("Growth of stETH per wstETH", BPS, vec![line("rate", grown)]),
            chart("Discount of stETH in ether", BPS, discount),
            chart("Ether waiting in the queue", "", vec![line("waiting", waiting)]),
        ];
        let market = MarketCourse { name: "wstETH".to_owned(), charts };
        KindCourse {
            id: "staked",
            title: "Staked ether".to_owned(),
            text: "The protocol's rate since the first day, what a sale brings less than that rate, and who waits for withdrawals.".to_owned(),
            markets: self.has_world().then_some(market).into_iter().collect(),
        }
    }

    fn prices(&self) -> KindCourse {
        let usd = |asset: Asset| self.points(move |view| view.prices.get(&asset).copied());
        let peg = |asset: Asset| {
            self.points(move |view| Some((view.prices.get(&asset).copied()? - 1.0) * 1e4))
        };
        let charts = vec![
            chart("WETH in USD", "", vec![line("WETH", usd(Asset::Weth))]),
            chart("WBTC in USD", "", vec![line("WBTC", usd(Asset::Wbtc))]),
            chart(
                "Stablecoins above a dollar",
                BPS,
                vec![line("USDC", peg(Asset::Usdc)), line("DAI", peg(Asset::Dai))],
            ),
        ];
        KindCourse {
            id: "prices",
            title: "Prices".to_owned(),
            text: "True prices, which the feeds follow by heartbeat and deviation.".to_owned(),
            markets: vec![MarketCourse { name: "Assets".to_owned(), charts }],
        }
    }

    /// Hour by hour, in days; what is not known is left out.
    fn points(&self, of: impl Fn(&View) -> Option<f64>) -> Vec<(f64, f64)> {
        self.views.iter().filter_map(|view| Some((self.day(view), of(view)?))).collect()
    }

    fn of_world(&self, of: impl Fn(&WorldState, &References) -> f64) -> Vec<(f64, f64)> {
        self.points(|view| view.world.as_ref().map(|(state, reference)| of(state, reference)))
    }

    /// What fees brought in each whole day, as a simple yearly rate in percent.
    pub(super) fn fees(&self, pool: PoolName) -> Vec<(f64, f64)> {
        let days: Vec<&View> = self.days().collect();
        let each = self.hours_of_days().zip(days.iter().skip(1)).filter_map(|(hours, end)| {
            let pairs = hours.windows(2).filter_map(|pair| {
                let [before, after] = pair else { return None };
                let (before, after) = (before.world.as_ref()?, after.world.as_ref()?);
                Some(after.0.fees_since(&before.0, pool))
            });
            let earned: Vec<f64> = pairs.collect();
            let total: f64 = earned.iter().sum();
            (!earned.is_empty()).then(|| (self.day(end), total * DAYS_PER_YEAR * 100.0))
        });
        each.collect()
    }

    fn first_world(&self) -> Option<&(WorldState, References)> {
        self.views.iter().find_map(|view| view.world.as_ref())
    }

    fn has_world(&self) -> bool {
        self.first_world().is_some()
    }
}

/// What staked shares of the pair are promised; not a number while hardly any are staked, since any rate is promised then.
fn of_shares(state: &WorldState, time: u64, price: f64) -> f64 {
    let is_any = state.staked_part >= LEAST_STAKED || time >= state.campaign_end;
    if is_any { state.reward_apr(time, price) } else { f64::NAN }
}

/// A pool's price and the one to which arbitrage brings it.
#[derive(Debug, Clone, Copy)]
struct Priced {
    pool: f64,
    reference: f64,
}

/// What is drawn of a pool's price: the whole of it, or how far it is from par.
fn price_title(pool: PoolName) -> (&'static str, &'static str) {
    match pool {
        PoolName::Range | PoolName::Pair => ("WETH in USDC", ""),
        PoolName::Reward => ("RWD in USDC", ""),
        PoolName::Usd => ("USDT above USDC", BPS),
        PoolName::Ether => ("stETH below ether", BPS),
    }
}

fn priced(pool: PoolName, state: &WorldState, reference: &References) -> Priced {
    let (pool, reference) = match pool {
        PoolName::Range => (state.range_price, reference.ether),
        PoolName::Pair => (state.pair_price(), reference.ether),
        PoolName::Reward => (state.reward_price(), reference.reward),
        PoolName::Usd => ((state.usd.price() - 1.0) * 1e4, (reference.usdt - 1.0) * 1e4),
        PoolName::Ether => {
            let sold = state.ether.price() / state.staked_rate;
            ((1.0 - sold) * 1e4, (1.0 - reference.staked) * 1e4)
        }
    };
    Priced { pool, reference }
}

/// What is in a pool, in USDC.
fn worth(pool: PoolName, state: &WorldState, reference: &References) -> f64 {
    match pool {
        PoolName::Range => state.range_worth(),
        PoolName::Pair => 2.0 * state.pair.1,
        PoolName::Reward => 2.0 * state.reward_pair.1,
        PoolName::Usd => state.usd.balances.0 * reference.usdt + state.usd.balances.1,
        PoolName::Ether => {
            let staked = state.ether.balances.0 * state.staked_rate * reference.staked;
            (staked + state.ether.balances.1) * reference.ether
        }
    }
}
