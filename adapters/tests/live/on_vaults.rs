//! ERC-4626 vaults as subjects: looked through, and opaque.

use crate::on_morpho::{accrued, bad_debt};
use crate::stage::{IMarketContract, Stage, units};
use crate::subject::{Subject, Truth, Wanted, Wrong, yearly};
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_adapters::live::erc4626::{
    Erc4626, Erc4626Settings, Erc4626Vault, Inner, InnerMorpho,
};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IToken, IVault};
use plimsoll_localchain::{Asset, CHAIN_ID};

pub(crate) struct OnVaults {
    pub(crate) is_looked_through: bool,
}

#[async_trait]
impl Subject for OnVaults {
    fn name(&self) -> &'static str {
        if self.is_looked_through { "erc4626" } else { "erc4626 (opaque)" }
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let mut settings = Erc4626Settings {
            name: "erc4626".to_owned(),
            chain: CHAIN_ID,
            markets: stage
                .blue
                .iter()
                .zip(&stage.on_vaults)
                .map(|(place, contract)| Erc4626Vault {
                    vault: place.vault,
                    contract: Some(*contract),
                    inner: self.is_looked_through.then_some(Inner::Morpho(InnerMorpho {
                        morpho: stage.deployed.morpho.blue,
                        id: place.id,
                    })),
                    window_blocks: 20,
                    staking_days: None,
                })
                .collect(),
        };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.markets[0].vault = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.markets[0].vault = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(stage.on_vaults[1]),
            Some(Wrong::Market) => settings.markets[1].vault = stage.token(Asset::Wbtc),
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => settings.markets[0].contract = None,
        }
        Box::new(Erc4626::new(settings))
    }

    fn asset(&self, stage: &Stage, place: usize) -> Asset {
        stage.blue[place].asset
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        stage.on_vaults[place]
    }

    fn till(&self, stage: &Stage, _place: usize) -> Address {
        stage.deployed.morpho.blue
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        stage.blue[place].vault
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let vault = stage.blue[place].vault;
        let asset = stage.blue[place].asset;
        let token = stage.token(asset);
        // Shares have 18 decimals, whatever the asset has.
        let shares = U256::from(10).pow(U256::from(18 + 27 - asset.decimals()));
        let price = stage.asks(vault, &IVault::convertToAssetsCall { shares }).await;
        let supplied = stage.asks(vault, &IVault::totalAssetsCall {}).await;
        let inner = accrued(stage, place).await;
        let (lent, all) = (
            U256::from(inner.totals.totalBorrowAssets),
            U256::from(inner.totals.totalSupplyAssets),
        );
        let contract = self.contract(stage, place);
        let held = Held {
            shares: Shares(stage.asks(contract, &IMarketContract::sharesCall {}).await),
            worth: Amount(stage.asks(contract, &IMarketContract::totalAssetsCall {}).await),
            available: Amount(stage.asks(contract, &IMarketContract::liquidityCall {}).await),
        };
        let cash = stage.balance(stage.deployed.morpho.blue, token).await;
        let most = stage.asks(vault, &IVault::maxWithdrawCall { owner: contract }).await;
        let idle = stage.balance(vault, token).await;
        let is_known = self.is_looked_through;
        let lent = if all.is_zero() { all } else { supplied * lent / all };
        Truth {
            share_price: Ray(price),
            supplied: Amount(supplied),
            borrowed: is_known.then_some(Amount(lent)),
            supply_apr: is_known.then(|| yearly(inner.supply_rate())),
            borrow_apr: is_known.then(|| yearly(inner.borrow_rate)),
            exit: Amount(if is_known {
                supplied.min(inner.free()).min(cash)
            } else {
                idle.max(most).min(supplied)
            }),
            held,
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        let spot = &stage.blue[place];
        match wanted {
            Wanted::Paused | Wanted::Frozen => return Err("the vault has no switches"),
            Wanted::Capped(_) => return Err("the vault takes any amount"),
            Wanted::Utilised => {
                let free = accrued(stage, place).await.free();
                stage.morpho_borrow(stage.account(4), spot, free).await;
            }
            Wanted::Donated => {
                let call = IToken::mintCall { to: spot.vault, amount: units(1_000, spot.asset) };
                stage.does(stage.deployed.admin, stage.token(spot.asset), &call).await;
            }
            Wanted::Gifted => {
                let (giver, assets) = (stage.account(5), units(777, spot.asset));
                stage.fund(giver, spot.asset, assets, spot.vault).await;
                let receiver = self.contract(stage, place);
                stage.does(giver, spot.vault, &IVault::depositCall { assets, receiver }).await;
            }
            Wanted::BadDebt => bad_debt(stage, place).await,
        }
        Ok(())
    }

    fn is_exact(&self) -> bool {
        self.is_looked_through
    }

    fn calls(&self) -> usize {
        // The index of some blocks ago is asked for vault by vault.
        if self.is_looked_through { 1 } else { 1 + crate::stage::PLACES }
    }
}
