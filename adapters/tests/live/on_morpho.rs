//! Morpho Blue as a subject.

use crate::stage::{IMarketContract, Stage, units};
use crate::subject::{Subject, Truth, Wanted, Wrong, yearly};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolCall;
use async_trait::async_trait;
use plimsoll_adapters::live::morpho_blue::{MorphoBlue, MorphoBlueSettings, MorphoMarket};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IAdaptiveCurve, IMorpho, IToken};
use plimsoll_localchain::{Asset, CHAIN_ID};

pub(crate) struct OnMorpho;

/// A market's totals and rates as the contracts have them once interest is added.
pub(crate) struct Accrued {
    pub(crate) totals: IMorpho::MarketTotals,
    pub(crate) borrow_rate: U256,
}

impl Accrued {
    /// What suppliers get per second: what borrowers pay, on what they owe, less the fee.
    pub(crate) fn supply_rate(&self) -> U256 {
        let wad = U256::from(10).pow(U256::from(18));
        let (lent, all) =
            (U256::from(self.totals.totalBorrowAssets), U256::from(self.totals.totalSupplyAssets));
        let utilization = if all.is_zero() { all } else { lent * wad / all };
        self.borrow_rate * utilization / wad * (wad - U256::from(self.totals.fee)) / wad
    }

    pub(crate) fn free(&self) -> U256 {
        U256::from(self.totals.totalSupplyAssets - self.totals.totalBorrowAssets)
    }
}

/// Has Morpho add the interest, in a call that leaves nothing, and asks what there is then.
pub(crate) async fn accrued(stage: &Stage, place: usize) -> Accrued {
    let blue = stage.deployed.morpho.blue;
    let (id, params) = (stage.blue[place].id, stage.blue[place].params.clone());
    let accrue: (Address, Bytes) =
        (blue, IMorpho::accrueInterestCall { params: params.clone() }.abi_encode().into());
    let market = (blue, IMorpho::marketCall { id }.abi_encode().into());
    let answers = stage.sequence(vec![accrue.clone(), market]).await;
    let totals = IMorpho::marketCall::abi_decode_returns(&answers[1]).unwrap();
    let model = params.irm;
    let rate = IAdaptiveCurve::borrowRateViewCall { params, totals: totals.clone() };
    let answers = stage.sequence(vec![accrue, (model, rate.abi_encode().into())]).await;
    let borrow_rate = IAdaptiveCurve::borrowRateViewCall::abi_decode_returns(&answers[1]).unwrap();
    Accrued { totals, borrow_rate }
}

/// Makes the loans of a place worth less than their collateral, and has everything seized.
pub(crate) async fn bad_debt(stage: &Stage, place: usize) {
    let (blue, place) = (stage.deployed.morpho.blue, &stage.blue[place]);
    let borrower = stage.account(2);
    stage.post_usd(Asset::Weth, 100).await;
    let liquidator = stage.account(6);
    let plenty = units(100_000_000, place.asset);
    stage.fund(liquidator, place.asset, plenty, blue).await;
    let position: IMorpho::Position =
        stage.asks(blue, &IMorpho::positionCall { id: place.id, user: borrower }).await;
    let call = IMorpho::liquidateCall {
        params: place.params.clone(),
        borrower,
        seizedAssets: U256::from(position.collateral),
        repaidShares: U256::ZERO,
        data: Bytes::new(),
    };
    stage.does(liquidator, blue, &call).await;
}

#[async_trait]
impl Subject for OnMorpho {
    fn name(&self) -> &'static str {
        "morpho-blue"
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let mut settings = MorphoBlueSettings {
            chain: CHAIN_ID,
            morpho: stage.deployed.morpho.blue,
            markets: stage
                .blue
                .iter()
                .zip(&stage.on_morpho)
                .map(|(place, contract)| MorphoMarket {
                    id: place.id,
                    contract: Some(*contract),
                    loan_feed: Some(stage.deployed.token(place.asset).unwrap().feed),
                })
                .collect(),
        };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.morpho = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.morpho = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(stage.on_morpho[1]),
            Some(Wrong::Market) => settings.markets[1].id = B256::repeat_byte(0x66),
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => settings.markets[0].contract = None,
        }
        Box::new(MorphoBlue::new(settings))
    }

    fn asset(&self, stage: &Stage, place: usize) -> Asset {
        stage.blue[place].asset
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        stage.on_morpho[place]
    }

    fn till(&self, stage: &Stage, _place: usize) -> Address {
        stage.deployed.morpho.blue
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        stage.token(stage.blue[place].asset)
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let accrued = accrued(stage, place).await;
        let (assets, shares) = (
            U256::from(accrued.totals.totalSupplyAssets),
            U256::from(accrued.totals.totalSupplyShares),
        );
        let million = U256::from(1_000_000);
        let price = (assets + U256::from(1)) * million * Ray::ONE.0 / (shares + million);
        let blue = stage.deployed.morpho.blue;
        let cash = stage.balance(blue, stage.token(stage.blue[place].asset)).await;
        let contract = self.contract(stage, place);
        Truth {
            share_price: Ray(price),
            supplied: Amount(assets),
            borrowed: Some(Amount(U256::from(accrued.totals.totalBorrowAssets))),
            supply_apr: Some(yearly(accrued.supply_rate())),
            borrow_apr: Some(yearly(accrued.borrow_rate)),
            exit: Amount(accrued.free().min(cash)),
            held: Held {
                shares: Shares(stage.asks(contract, &IMarketContract::sharesCall {}).await),
                worth: Amount(stage.asks(contract, &IMarketContract::totalAssetsCall {}).await),
                available: Amount(stage.asks(contract, &IMarketContract::liquidityCall {}).await),
            },
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        let spot = &stage.blue[place];
        match wanted {
            Wanted::Paused | Wanted::Frozen => return Err("Morpho has no switches"),
            Wanted::Capped(_) => return Err("Morpho has no caps"),
            Wanted::Utilised => {
                let free = accrued(stage, place).await.free();
                stage.morpho_borrow(stage.account(4), spot, free).await;
            }
            Wanted::Donated => {
                let call = IToken::mintCall {
                    to: stage.deployed.morpho.blue,
                    amount: units(1_000, spot.asset),
                };
                stage.does(stage.deployed.admin, stage.token(spot.asset), &call).await;
            }
            Wanted::Gifted => {
                let (amount, of) = (units(777, spot.asset), self.contract(stage, place));
                stage.morpho_supply_for(stage.account(5), spot, amount, of).await;
            }
            Wanted::BadDebt => bad_debt(stage, place).await,
        }
        Ok(())
    }
}
