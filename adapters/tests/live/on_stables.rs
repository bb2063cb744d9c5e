//! Stable pools of Balancer as a subject of the suite.

use crate::pairs_stage::{IPooledMarket, IPriced};
use crate::stables_stage::{IPoolAdmin, StablePlace, Stables, gift};
use crate::stage::{Stage, units};
use crate::subject::{Subject, Truth, Wanted, Wrong};
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_adapters::live::{BalancerStable, BalancerStableSettings, StableMarket, TokenOracle};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IRateSource, IStablePool, IToken};
use plimsoll_localchain::{Asset, CHAIN_ID};

pub(crate) struct OnStables;

fn at(stage: &Stage, place: usize) -> &StablePlace {
    &stage.stables.as_ref().unwrap().places[place]
}

alloy::sol! {
    interface IPaused {
        function getPausedState() external view returns (bool paused, uint256 windowEnd, uint256 bufferEnd);
    }
}

/// What the settings say of a place; the contract names its oracles itself.
pub(crate) fn market(stage: &Stage, place: usize) -> StableMarket {
    let spot = at(stage, place);
    StableMarket::new(spot.pool.address, stage.token(spot.asset), Some(spot.contract))
}

/// The oracles of a place.
pub(crate) fn oracles(stage: &Stage, place: usize) -> Vec<TokenOracle> {
    let oracle = |(token, oracle)| TokenOracle { token, oracle };
    let others = at(stage, place).others.iter();
    others.map(|other| oracle((other.token, other.oracle))).collect()
}

#[async_trait]
impl Subject for OnStables {
    fn name(&self) -> &'static str {
        "balancer-stable"
    }

    async fn prepare(&self, stage: &mut Stage) {
        Stables::open(stage).await;
    }

    fn meaningless(&self, check: &str) -> Option<&'static str> {
        Some(match check {
            "the_index_grows_with_time_as_the_contracts_do" => {
                "the rate grows by fees and by rates, not by time: see `stables`"
            }
            "an_empty_market_reads_without_dividing" => {
                "a pool that nobody began has no rate, and no market contract can be made for it"
            }
            "an_entry_larger_than_the_market_comes_true" => "it is beyond the contract's slippage",
            "an_exit_of_everything_comes_true" => "the band of the price stays: see `stables`",
            "more_than_is_held_is_refused" => "the pool pays more than the worst price says",
            "a_donation_leaves_every_number_exact" => "a few wei buy no share: see `stables`",
            "the_call_is_the_protocols_own" => "the market contract's call, for the vault alone",
            "the_curve_of_the_terms_gives_the_contracts_rate" => "nothing is lent",
            _ => return None,
        })
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let places = &stage.stables.as_ref().unwrap().places;
        let markets = (0..places.len()).map(|place| market(stage, place)).collect();
        let mut settings = BalancerStableSettings { chain: CHAIN_ID, markets };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.markets[0].pool = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.markets[0].pool = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(places[1].contract),
            Some(Wrong::Market) => settings.markets[1].pool = stage.token(Asset::Wbtc),
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => {
                settings.markets[0].oracles = oracles(stage, 0);
                settings.markets[0].contract = None;
            }
        }
        Box::new(BalancerStable::new(settings))
    }

    fn asset(&self, stage: &Stage, place: usize) -> Asset {
        at(stage, place).asset
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).contract
    }

    fn till(&self, stage: &Stage, _place: usize) -> Address {
        stage.stables.as_ref().unwrap().exchanges.balancer.vault
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).pool.address
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let spot = at(stage, place);
        let (pool, asset) = (spot.pool.address, stage.token(spot.asset));
        let wad = U256::from(10).pow(U256::from(18));
        let (mut supplied, mut cash) = (U256::ZERO, U256::ZERO);
        for (token, balance) in spot.balances(stage).await {
            if token == asset {
                supplied += balance;
                cash = balance;
                continue;
            }
            let other = spot.others.iter().find(|other| other.token == token).unwrap();
            let whole = U256::from(10).pow(U256::from(other.decimals));
            let said = stage.asks(other.oracle, &IPriced::quoteCall { amount: whole }).await;
            let worth = balance * ((said.low + said.high) / U256::from(2)) / whole;
            let mut rate = wad;
            if !other.provider.is_zero() {
                rate = stage.asks(other.provider, &IRateSource::getRateCall {}).await;
            }
            supplied += worth * rate / wad;
        }
        let is_paused = stage.asks(pool, &IPaused::getPausedStateCall {}).await.paused;
        let rate = stage.asks(pool, &IStablePool::getRateCall {}).await;
        let value = stage.asks(spot.contract, &IPooledMarket::valueCall {}).await;
        let shares = stage.asks(spot.contract, &IPooledMarket::sharesCall {}).await;
        let free = stage.asks(spot.contract, &IPooledMarket::liquidityCall {}).await;
        Truth {
            share_price: Ray(rate * U256::from(1_000_000_000)),
            supplied: Amount(supplied),
            borrowed: Some(Amount::ZERO),
            supply_apr: Some(Ray(U256::ZERO)),
            borrow_apr: None,
            exit: Amount(if is_paused { U256::ZERO } else { cash }),
            held: Held {
                shares: Shares(shares),
                worth: Amount(value.low),
                available: Amount(free),
            },
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        let (spot, stables) = (at(stage, place), stage.stables.as_ref().unwrap());
        match wanted {
            Wanted::Paused => {
                stables.administer(stage, place, &IPoolAdmin::pauseCall {}).await;
                Ok(())
            }
            Wanted::Frozen => Err("a pool is paused as a whole"),
            Wanted::Capped(_) => Err("a pool takes any amount"),
            Wanted::Utilised => Err("nothing is lent"),
            Wanted::BadDebt => Err("nobody borrows"),
            Wanted::Donated => {
                let (to, amount) = (stables.exchanges.balancer.vault, units(1_000, spot.asset));
                let call = IToken::mintCall { to, amount };
                stage.does(stage.deployed.admin, stage.token(spot.asset), &call).await;
                Ok(())
            }
            Wanted::Gifted => {
                let ends = (stage.account(1), spot.contract);
                gift(stage, spot.pool.address, ends, 100).await;
                Ok(())
            }
        }
    }
}
