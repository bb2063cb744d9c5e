//! Pairs of Uniswap V2 as a subject of the suite.

use crate::pairs_stage::{IPooledMarket, PairPlace, Pairs};
use crate::stage::{Stage, units};
use crate::subject::{Subject, Truth, Wanted, Wrong};
use alloy::primitives::{Address, U256, U512};
use async_trait::async_trait;
use plimsoll_adapters::live::{UniswapV2, UniswapV2Settings, V2Market};
use plimsoll_core::lp::fixed::root_down;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IToken, IUniswapV2Factory, IUniswapV2Pair};
use plimsoll_localchain::{Asset, CHAIN_ID};

pub(crate) struct OnPairs;

fn at(stage: &Stage, place: usize) -> &PairPlace {
    &stage.pairs.as_ref().unwrap().places[place]
}

fn ten(places: u8) -> U512 {
    U512::from(10).pow(U512::from(places))
}

/// All shares, with what the protocol's fee would make of the growth of the root of the product: a sixth, rounded up.
async fn supply(stage: &Stage, spot: &PairPlace, product: U512) -> U512 {
    let supply = U512::from(stage.asks(spot.pair, &IUniswapV2Pair::totalSupplyCall {}).await);
    let last = stage.asks(spot.pair, &IUniswapV2Pair::kLastCall {}).await;
    let factory = stage.pairs.as_ref().unwrap().exchanges.uniswap_v2.factory;
    let to = stage.asks(factory, &IFeeTo::feeToCall {}).await;
    let (now, last) = (U512::from(root_down(product)), U512::from(root_down(U512::from(last))));
    if to.is_zero() || last.is_zero() || now <= last {
        return supply;
    }
    supply + (supply * (now - last)).div_ceil(now * U512::from(5) + last)
}

alloy::sol! {
    interface IFeeTo {
        function feeTo() external view returns (address);
    }
}

/// Switches the protocol's share of fees on.
pub(crate) async fn protocol_takes(stage: &Stage) {
    let exchanges = &stage.pairs.as_ref().unwrap().exchanges;
    let call = IUniswapV2Factory::setFeeToCall { to: Address::repeat_byte(0x0f) };
    stage.does(exchanges.admin, exchanges.uniswap_v2.factory, &call).await;
}

#[async_trait]
impl Subject for OnPairs {
    fn name(&self) -> &'static str {
        "uniswap-v2"
    }

    async fn prepare(&self, stage: &mut Stage) {
        Pairs::open(stage).await;
    }

    fn meaningless(&self, check: &str) -> Option<&'static str> {
        Some(match check {
            "the_index_grows_with_time_as_the_contracts_do" => "the index is the root of a price",
            "an_empty_market_reads_without_dividing" => "an empty pair has a price: see `pairs`",
            "an_entry_larger_than_the_market_comes_true" => "its own swap would move it too far",
            "the_first_entry_into_an_empty_market_comes_true" => "nobody sells the other token",
            "an_exit_of_everything_comes_true" => "a billionth stays for rounding: see `pairs`",
            "a_donation_leaves_every_number_exact" => {
                "a few raw units buy nothing of the other token: see `pairs`"
            }
            "the_call_is_the_protocols_own" => "the market contract's call, for the vault alone",
            "the_curve_of_the_terms_gives_the_contracts_rate" => "nothing is lent",
            _ => return None,
        })
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let places = &stage.pairs.as_ref().unwrap().places;
        let market = |place: &PairPlace| {
            let mut market = V2Market::new(place.pair, stage.token(place.asset), place.oracle);
            (market.staking, market.reward_oracle) = (place.staking, place.reward_oracle);
            market.contract = Some(place.contract);
            market
        };
        let markets = places.iter().map(market).collect();
        let mut settings = UniswapV2Settings { chain: CHAIN_ID, markets };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.markets[0].pair = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.markets[0].pair = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(places[1].contract),
            Some(Wrong::Market) => settings.markets[1].pair = stage.token(Asset::Wbtc),
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => settings.markets[0].contract = None,
        }
        Box::new(UniswapV2::new(settings))
    }

    fn asset(&self, stage: &Stage, place: usize) -> Asset {
        at(stage, place).asset
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).contract
    }

    fn till(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).pair
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).pair
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let spot = at(stage, place);
        let (_, middle, _) = spot.quote(stage).await;
        let found = stage.asks(spot.pair, &IUniswapV2Pair::getReservesCall {}).await;
        let is_zero = stage.token(spot.asset) < stage.token(spot.other);
        let cash = U256::from(if is_zero { found.reserve0 } else { found.reserve1 });
        let product = U512::from(found.reserve0) * U512::from(found.reserve1);
        let supply = supply(stage, spot, product).await;
        // The price is for 10^36 units: its root has 18 places.
        let root = U512::from(root_down(product * U512::from(middle)));
        let worth = root * U512::from(2) / ten(18);
        // A whole share has 18 places, a ray 27; the first share of an empty pair is worth twice the root of the price.
        let per_share = if supply.is_zero() {
            let root = U512::from(root_down(U512::from(middle) * ten(36)));
            root * U512::from(2) * ten(27) / ten(18)
        } else {
            root * U512::from(2) * ten(27) / supply
        };
        let per_share = per_share / ten(spot.asset.decimals());
        let value = stage.asks(spot.contract, &IPooledMarket::valueCall {}).await;
        let shares = stage.asks(spot.contract, &IPooledMarket::sharesCall {}).await;
        let free = stage.asks(spot.contract, &IPooledMarket::liquidityCall {}).await;
        let supplied = Amount(U256::saturating_from(worth));
        Truth {
            share_price: Ray(U256::saturating_from(per_share)),
            supplied,
            borrowed: Some(Amount::ZERO),
            supply_apr: Some(Ray(U256::ZERO)),
            borrow_apr: None,
            exit: Amount(cash).min(supplied),
            held: Held {
                shares: Shares(shares),
                worth: Amount(value.low),
                available: Amount(free),
            },
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        let spot = at(stage, place);
        match wanted {
            Wanted::Paused | Wanted::Frozen => Err("a pair has no switches"),
            Wanted::Capped(_) => Err("a pair takes any amount"),
            Wanted::Utilised => Err("nothing is lent"),
            Wanted::BadDebt => Err("nobody borrows"),
            Wanted::Donated => {
                let amount = units(1_000, spot.asset);
                let call = IToken::mintCall { to: spot.pair, amount };
                stage.does(stage.deployed.admin, stage.token(spot.asset), &call).await;
                Ok(())
            }
            Wanted::Gifted => {
                let giver = stage.account(1);
                let amount = stage.balance(giver, spot.pair).await / U256::from(100);
                let call = IUniswapV2Pair::transferCall { to: spot.contract, amount };
                stage.does(giver, spot.pair, &call).await;
                Ok(())
            }
        }
    }
}
