//! Aave V3 as a subject.

use crate::stage::{EMPTY, IMarketContract, ON_AAVE, Stage, units};
use crate::subject::{Subject, Truth, Wanted, Wrong};
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_adapters::live::aave_v3::{AaveV3, AaveV3Settings, Pledged};
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IAaveConfigurator, IAavePool, IToken};
use plimsoll_localchain::{Asset, CHAIN_ID};

pub(crate) struct OnAave {
    line: Line,
}

/// The pool of the v3.0 line.
pub(crate) const ON_V3_0: OnAave = OnAave { line: Line::V3_0 };
/// The pool of v3.2.
pub(crate) const ON_V3_2: OnAave = OnAave { line: Line::V3_2 };

impl OnAave {
    /// What the pool can pay out: from v3.1 on what it has counted in, before that what lies there.
    async fn payable(&self, stage: &Stage, place: usize) -> U256 {
        let (asset, name) = (stage.token(ON_AAVE[place]), ON_AAVE[place]);
        if self.line.has_virtual_balance() {
            let call = IAavePool::getVirtualUnderlyingBalanceCall { asset };
            return U256::from(stage.asks(stage.deployed.aave.pool, &call).await);
        }
        stage.balance(stage.deployed.aave.reserves[&name].a_token, asset).await
    }

    async fn data(&self, stage: &Stage, place: usize) -> IAavePool::ReserveData {
        let asset = stage.token(ON_AAVE[place]);
        stage.asks(stage.deployed.aave.pool, &IAavePool::getReserveDataCall { asset }).await
    }
}

#[async_trait]
impl Subject for OnAave {
    fn name(&self) -> &'static str {
        if self.line == Line::V3_0 { "aave-v3" } else { "aave-v3 (v3.2)" }
    }

    fn line(&self) -> Line {
        self.line
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let mut settings = AaveV3Settings {
            chain: CHAIN_ID,
            pool: stage.deployed.aave.pool,
            markets: ON_AAVE
                .iter()
                .zip(&stage.on_aave)
                .map(|(asset, contract)| Pledged {
                    asset: stage.token(*asset),
                    contract: Some(*contract),
                })
                .collect(),
        };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.pool = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.pool = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(stage.on_aave[1]),
            Some(Wrong::Market) => settings.markets[1].asset = stage.deployed.vault,
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => settings.markets[0].contract = None,
        }
        Box::new(AaveV3::new(settings))
    }

    fn asset(&self, _stage: &Stage, place: usize) -> Asset {
        ON_AAVE[place]
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        stage.on_aave[place]
    }

    fn till(&self, stage: &Stage, place: usize) -> Address {
        stage.deployed.aave.reserves[&ON_AAVE[place]].a_token
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        let reserve = stage.deployed.aave.reserves[&ON_AAVE[place]];
        // From v3.1 on one contract has the rates of all reserves.
        if self.line == Line::V3_0 { reserve.rate_strategy } else { reserve.variable_debt_token }
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let (asset, pool) = (stage.token(ON_AAVE[place]), stage.deployed.aave.pool);
        let reserve = stage.deployed.aave.reserves[&ON_AAVE[place]];
        let data = self.data(stage, place).await;
        let income = IAavePool::getReserveNormalizedIncomeCall { asset };
        let total = IToken::totalSupplyCall {};
        let supplied = stage.asks(reserve.a_token, &total).await;
        let cash = self.payable(stage, place).await;
        let is_paused = data.configuration.bit(60);
        let contract = self.contract(stage, place);
        Truth {
            share_price: Ray(stage.asks(pool, &income).await),
            supplied: Amount(supplied),
            borrowed: Some(Amount(stage.asks(reserve.variable_debt_token, &total).await)),
            supply_apr: Some(Ray(U256::from(data.currentLiquidityRate))),
            borrow_apr: Some(Ray(U256::from(data.currentVariableBorrowRate))),
            exit: if is_paused { Amount::ZERO } else { Amount(supplied.min(cash)) },
            held: Held {
                shares: Shares(stage.asks(contract, &IMarketContract::scaledCall {}).await),
                worth: Amount(stage.asks(contract, &IMarketContract::totalAssetsCall {}).await),
                available: Amount(stage.asks(contract, &IMarketContract::liquidityCall {}).await),
            },
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        let (asset, name) = (stage.token(ON_AAVE[place]), ON_AAVE[place]);
        let (admin, configurator) = (stage.deployed.admin, stage.deployed.aave.configurator);
        let reserve = stage.deployed.aave.reserves[&name];
        match wanted {
            Wanted::Paused => {
                let call = IAaveConfigurator::setReservePauseCall { asset, paused: true };
                stage.does(admin, configurator, &call).await;
            }
            Wanted::Frozen => {
                let call = IAaveConfigurator::setReserveFreezeCall { asset, freeze: true };
                stage.does(admin, configurator, &call).await;
            }
            Wanted::Capped(room) => {
                let supplied = stage.asks(reserve.a_token, &IToken::totalSupplyCall {}).await;
                let cap = supplied / units(1, name) + U256::from(room);
                let call = IAaveConfigurator::setSupplyCapCall { asset, cap };
                stage.does(admin, configurator, &call).await;
            }
            Wanted::Utilised => {
                let bold = stage.account(4);
                // Pledged where the place is not: what is pledged is supplied.
                let pledge = if name == Asset::Dai { Asset::Wbtc } else { Asset::Dai };
                stage.aave_supply(bold, pledge, units(1_000_000_000, pledge)).await;
                let cash = self.payable(stage, place).await;
                stage.aave_borrow(bold, name, cash).await;
            }
            Wanted::Donated => {
                let call = IToken::mintCall { to: reserve.a_token, amount: units(1_000, name) };
                stage.does(admin, asset, &call).await;
            }
            Wanted::Gifted => {
                let of = self.contract(stage, place);
                stage.aave_supply_for(stage.account(5), name, units(777, name), of).await;
            }
            Wanted::BadDebt => {
                return Err("bad debt stays with the reserve, its index does not fall");
            }
        }
        assert!(place <= EMPTY);
        Ok(())
    }
}
