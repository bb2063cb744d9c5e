//! Ranges of Uniswap V3 as a subject of the suite.

use crate::ranges_stage::{IRangeMarket, RangePlace, Ranges};
use crate::stage::{Stage, units};
use crate::subject::{Subject, Truth, Wanted, Wrong};
use alloy::primitives::{Address, U256, U512};
use async_trait::async_trait;
use plimsoll_adapters::live::{UniswapV3, UniswapV3Settings, V3Market};
use plimsoll_core::lp::fixed::root_down;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IPositionManager, IToken};
use plimsoll_localchain::{Asset, CHAIN_ID};

pub(crate) struct OnRanges;

fn at(stage: &Stage, place: usize) -> &RangePlace {
    &stage.ranges.as_ref().unwrap().places[place]
}

#[async_trait]
impl Subject for OnRanges {
    fn name(&self) -> &'static str {
        "uniswap-v3"
    }

    async fn prepare(&self, stage: &mut Stage) {
        Ranges::open(stage).await;
    }

    fn meaningless(&self, check: &str) -> Option<&'static str> {
        Some(match check {
            "the_index_grows_with_time_as_the_contracts_do" => "the index is the root of a price",
            "an_empty_market_reads_without_dividing" => "a pool has a price before it has money",
            "an_entry_larger_than_the_market_comes_true" => "its own swaps would move it too far",
            "the_first_entry_into_an_empty_market_comes_true" => "nobody sells the other token",
            "an_exit_of_everything_comes_true" => "rounding keeps some units: see `ranges`",
            "a_donation_leaves_every_number_exact" => {
                "a few raw units buy no liquidity: see `ranges`"
            }
            "the_call_is_the_protocols_own" => "the market contract's call, for the vault alone",
            "the_curve_of_the_terms_gives_the_contracts_rate" => "nothing is lent",
            _ => return None,
        })
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let places = &stage.ranges.as_ref().unwrap().places;
        let market = |place: &RangePlace| {
            let pool = (place.pool, place.fee);
            let mut market = V3Market::new(pool, stage.token(place.asset), place.oracle);
            market.contract = Some(place.contract);
            market
        };
        let markets = places.iter().map(market).collect();
        let mut settings = UniswapV3Settings { chain: CHAIN_ID, markets };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.markets[0].pool = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.markets[0].pool = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(places[1].contract),
            Some(Wrong::Market) => settings.markets[1].pool = stage.token(Asset::Wbtc),
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => settings.markets[0].contract = None,
        }
        Box::new(UniswapV3::new(settings))
    }

    fn asset(&self, stage: &Stage, place: usize) -> Asset {
        at(stage, place).asset
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).contract
    }

    fn till(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).pool
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).pool
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let spot = at(stage, place);
        let (_, middle, _) = spot.quote(stage).await;
        // Twice the root of the price in whole units, with 27 places, from the price for 10^36 raw units.
        let ten = |places: u8| U512::from(10).pow(U512::from(places));
        let price = U512::from(middle) * ten(54) * ten(spot.other.decimals());
        let price = price / ten(36) / ten(spot.asset.decimals());
        let cash = stage.balance(spot.pool, stage.token(spot.asset)).await;
        let others = stage.balance(spot.pool, stage.token(spot.other)).await;
        let worth = U512::from(others) * U512::from(middle) / ten(36);
        let value = stage.asks(spot.contract, &IRangeMarket::valueCall {}).await;
        let units = stage.asks(spot.contract, &IRangeMarket::liquidityUnitsCall {}).await;
        let free = stage.asks(spot.contract, &IRangeMarket::liquidityCall {}).await;
        Truth {
            share_price: Ray(root_down(price) * U256::from(2)),
            supplied: Amount(cash + U256::saturating_from(worth)),
            borrowed: Some(Amount::ZERO),
            // Nothing is advertised.
            supply_apr: Some(Ray(U256::ZERO)),
            borrow_apr: None,
            exit: Amount(cash),
            held: Held {
                shares: Shares(U256::from(units)),
                worth: Amount(value.low),
                available: Amount(free),
            },
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        let spot = at(stage, place);
        match wanted {
            Wanted::Paused | Wanted::Frozen => Err("a pool has no switches"),
            Wanted::Capped(_) => Err("a pool takes any amount"),
            Wanted::Utilised => Err("nothing is lent"),
            Wanted::BadDebt => Err("nobody borrows"),
            Wanted::Donated => {
                let amount = units(1_000, spot.asset);
                let call = IToken::mintCall { to: spot.pool, amount };
                stage.does(stage.deployed.admin, stage.token(spot.asset), &call).await;
                Ok(())
            }
            Wanted::Gifted => {
                let ranges = stage.ranges.as_ref().unwrap();
                let (giver, asset, other) = (stage.account(5), spot.asset, spot.other);
                let (of_asset, of_other) = (units(50, asset), units(50, other));
                let (a, b) = (stage.token(asset), stage.token(other));
                let funds = [(a, of_asset), (b, of_other)];
                ranges.exchanges.fund(&stage.chain, giver, &funds).await.unwrap();
                let is_zero = a < b;
                let params = IPositionManager::IncreaseParams {
                    tokenId: stage.asks(spot.contract, &IRangeMarket::tokenIdCall {}).await,
                    amount0Desired: if is_zero { of_asset } else { of_other },
                    amount1Desired: if is_zero { of_other } else { of_asset },
                    amount0Min: U256::ZERO,
                    amount1Min: U256::ZERO,
                    deadline: U256::MAX,
                };
                let call = IPositionManager::increaseLiquidityCall { params };
                stage.does(giver, ranges.exchanges.uniswap_v3.positions, &call).await;
                Ok(())
            }
        }
    }
}
