//! Staked ETH as a subject of the suite.

use crate::stage::Stage;
use crate::staked_stage::{IReporter, IStakedMarket, StakedPlace, StakedWorld, ether, lido_loses};
use crate::subject::{Subject, Truth, Wanted, Wrong};
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_adapters::live::{StakedEth, StakedEthSettings, StakedMarket};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IStakedEth, IToken};
use plimsoll_localchain::{Asset, CHAIN_ID};

pub(crate) struct OnStaked;

fn at(stage: &Stage, place: usize) -> &StakedPlace {
    &stage.staked.as_ref().unwrap().places[place]
}

const SALE: &str = "a sale in a pool that is not read is not predicted: see `staked`";

#[async_trait]
impl Subject for OnStaked {
    fn name(&self) -> &'static str {
        "staked-eth"
    }

    async fn prepare(&self, stage: &mut Stage) {
        StakedWorld::open(stage).await;
    }

    fn meaningless(&self, check: &str) -> Option<&'static str> {
        Some(match check {
            "decimals_symbol_and_asset_are_the_tokens" => "the asset is WETH everywhere",
            "the_index_grows_with_time_as_the_contracts_do" => "the index moves by reports alone",
            "an_empty_market_reads_without_dividing" => "somebody has always staked",
            "the_curve_of_the_terms_gives_the_contracts_rate" => "nothing is lent",
            "terms_name_issuer_and_wrappers" => "the staked token's issuer: see `staked`",
            "an_exit_comes_true"
            | "an_exit_of_everything_comes_true"
            | "an_entry_larger_than_the_market_comes_true"
            | "the_first_entry_into_an_empty_market_comes_true"
            | "the_smallest_amounts_come_true"
            | "a_frozen_market_lets_out_and_not_in" => SALE,
            "the_call_is_the_protocols_own" => "the market contract's call, for the vault alone",
            _ => return None,
        })
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let places = &stage.staked.as_ref().unwrap().places;
        let market = |place: &StakedPlace| StakedMarket {
            wst_eth: place.lido.wst_eth,
            queue: place.lido.queue,
            asset: stage.token(Asset::Weth),
            oracle: place.oracle,
            contract: Some(place.contract),
            expected_days: 4,
            bunker_days: 37,
        };
        let markets = places.iter().map(market).collect();
        let mut settings = StakedEthSettings { chain: CHAIN_ID, markets };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.markets[0].wst_eth = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.markets[0].wst_eth = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(places[1].contract),
            Some(Wrong::Market) => settings.markets[1].wst_eth = stage.token(Asset::Wbtc),
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => settings.markets[0].contract = None,
        }
        Box::new(StakedEth::new(settings))
    }

    fn asset(&self, _stage: &Stage, _place: usize) -> Asset {
        Asset::Weth
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).contract
    }

    fn contract_field(&self) -> &'static str {
        "wstEth"
    }

    fn till(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).pool
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        at(stage, place).lido.st_eth
    }

    fn is_available_exact(&self) -> bool {
        false
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let spot = at(stage, place);
        let call = IStakedEth::getPooledEthBySharesCall { shares: Ray::ONE.0 };
        let share_price = stage.asks(spot.lido.st_eth, &call).await;
        let supplied = stage.asks(spot.lido.st_eth, &IReporter::getTotalPooledEtherCall {}).await;
        let value = stage.asks(spot.contract, &IStakedMarket::valueCall {}).await;
        let units = stage.asks(spot.contract, &IStakedMarket::sharesCall {}).await;
        let free = stage.asks(spot.contract, &IStakedMarket::liquidityCall {}).await;
        // What anyone gets at the worst price for the largest sale of those that are asked about.
        let steps = (0..17)
            .flat_map(|doubled| [ether(1) << doubled, (ether(3) / U256::from(2)) << doubled]);
        let mut best = (U256::ZERO, U256::ZERO);
        for sold in steps {
            let (least, brings) = spot.sale(stage, sold).await;
            if brings >= least {
                best = best.max((sold, least));
            }
        }
        Truth {
            share_price: Ray(share_price),
            supplied: Amount(supplied),
            borrowed: Some(Amount::ZERO),
            // Nothing is advertised.
            supply_apr: Some(Ray(U256::ZERO)),
            borrow_apr: None,
            exit: Amount(best.1),
            held: Held { shares: Shares(units), worth: Amount(value.low), available: Amount(free) },
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        let spot = at(stage, place);
        let (st_eth, wst_eth) = (spot.lido.st_eth, spot.lido.wst_eth);
        match wanted {
            Wanted::Paused => Err("the queue can be paused, and neither staking nor selling is"),
            Wanted::Frozen => Err(SALE),
            Wanted::Utilised => Err("nothing is lent"),
            Wanted::Capped(room) => {
                let call = IReporter::setStakingLimitCall { room: ether(room) };
                stage.does(spot.lido.reporter, st_eth, &call).await;
                Ok(())
            }
            Wanted::Donated => {
                let who = stage.account(5);
                let submit = IStakedEth::submitCall { referral: who };
                let submit = plimsoll_localchain::Call::new(who, st_eth, &submit);
                let submit = plimsoll_localchain::Call { value: ether(7), ..submit };
                stage.chain.execute(&[submit]).await.unwrap();
                let give = IReporter::transferCall { to: wst_eth, amount: ether(5) };
                stage.does(who, st_eth, &give).await;
                Ok(())
            }
            Wanted::Gifted => {
                let who = stage.account(5);
                spot.stake(stage, who, ether(9)).await;
                let amount = stage.balance(who, wst_eth).await;
                let give = IToken::transferCall { to: spot.contract, amount };
                stage.does(who, wst_eth, &give).await;
                Ok(())
            }
            Wanted::BadDebt => {
                lido_loses(stage, &spot.lido, ether(1_234)).await;
                Ok(())
            }
        }
    }
}
