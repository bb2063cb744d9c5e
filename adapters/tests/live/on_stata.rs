//! Aave's StataTokenV2 as a subject: ERC-4626 over a reserve of v3.2, looked through.

use crate::on_aave::ON_V3_2;
use crate::stage::{IMarketContract, ON_AAVE, Stage, units};
use crate::subject::{Subject, Truth, Wanted, Wrong};
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_adapters::live::erc4626::{Erc4626, Erc4626Settings, Erc4626Vault, Inner, InnerAave};
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::abi::{IAavePool, IToken, IVault};
use plimsoll_localchain::{Asset, CHAIN_ID};

alloy::sol! {
    interface IStataToken {
        function convertToShares(uint256 assets) external view returns (uint256);
        function paused() external view returns (bool);
    }
}

pub(crate) struct OnStata;

impl OnStata {
    fn token(&self, stage: &Stage, place: usize) -> Address {
        stage.v3_2.as_ref().unwrap().stata[&ON_AAVE[place]]
    }
}

#[async_trait]
impl Subject for OnStata {
    fn name(&self) -> &'static str {
        "erc4626 (stata)"
    }

    fn line(&self) -> Line {
        Line::V3_2
    }

    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol> {
        let inner = Inner::Aave(InnerAave { aave_pool: stage.deployed.aave.pool });
        let mut settings = Erc4626Settings {
            name: "erc4626".to_owned(),
            chain: CHAIN_ID,
            markets: (0..ON_AAVE.len())
                .map(|place| Erc4626Vault {
                    vault: self.token(stage, place),
                    contract: Some(stage.on_stata[place]),
                    inner: Some(inner),
                    window_blocks: 20,
                    staking_days: None,
                })
                .collect(),
        };
        match wrong {
            None => {}
            Some(Wrong::Protocol) => settings.markets[0].vault = stage.token(Asset::Usdc),
            Some(Wrong::NoCode) => settings.markets[0].vault = Address::repeat_byte(0x77),
            Some(Wrong::Contract) => settings.markets[0].contract = Some(stage.on_stata[1]),
            Some(Wrong::Market) => settings.markets[1].vault = stage.token(Asset::Wbtc),
            Some(Wrong::Chain) => settings.chain = 1,
            Some(Wrong::NoContract) => settings.markets[0].contract = None,
        }
        Box::new(Erc4626::new(settings))
    }

    fn asset(&self, _stage: &Stage, place: usize) -> Asset {
        ON_AAVE[place]
    }

    fn contract(&self, stage: &Stage, place: usize) -> Address {
        stage.on_stata[place]
    }

    fn till(&self, stage: &Stage, place: usize) -> Address {
        ON_V3_2.till(stage, place)
    }

    fn own_part(&self, stage: &Stage, place: usize) -> Address {
        self.token(stage, place)
    }

    async fn truth(&self, stage: &Stage, place: usize) -> Truth {
        let token = self.token(stage, place);
        let inner = ON_V3_2.truth(stage, place).await;
        let supplied = stage.asks(token, &IVault::totalAssetsCall {}).await;
        let shares = U256::from(10).pow(U256::from(27));
        let price = stage.asks(token, &IVault::convertToAssetsCall { shares }).await;
        let asset = stage.token(ON_AAVE[place]);
        let call = IAavePool::getVirtualUnderlyingBalanceCall { asset };
        let counted = U256::from(stage.asks(stage.deployed.aave.pool, &call).await);
        // What one who held all of it could take out: through shares, as `maxWithdraw` goes.
        let call = IStataToken::convertToSharesCall { assets: counted };
        let all = stage.asks(token, &IVault::totalSupplyCall {}).await;
        let shares = stage.asks(token, &call).await.min(all);
        let most = stage.asks(token, &IVault::convertToAssetsCall { shares }).await;
        let is_open = !stage.asks(token, &IStataToken::pausedCall {}).await;
        let is_open = is_open && (!inner.exit.is_zero() || counted.is_zero());
        let lent = inner.borrowed.unwrap().0;
        let lent = if inner.supplied.is_zero() { lent } else { supplied * lent / inner.supplied.0 };
        let contract = self.contract(stage, place);
        let held = Held {
            shares: Shares(stage.asks(contract, &IMarketContract::sharesCall {}).await),
            worth: Amount(stage.asks(contract, &IMarketContract::totalAssetsCall {}).await),
            available: Amount(stage.asks(contract, &IMarketContract::liquidityCall {}).await),
        };
        Truth {
            share_price: Ray(price),
            supplied: Amount(supplied),
            borrowed: Some(Amount(lent)),
            exit: if is_open { Amount(most) } else { Amount::ZERO },
            held,
            ..inner
        }
    }

    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str> {
        match wanted {
            Wanted::Gifted => {
                let (giver, assets) = (stage.account(5), units(777, ON_AAVE[place]));
                let token = self.token(stage, place);
                stage.fund(giver, ON_AAVE[place], assets, token).await;
                let receiver = self.contract(stage, place);
                stage.does(giver, token, &IVault::depositCall { assets, receiver }).await;
                // And aTokens that nobody deposited lie with the token itself.
                stage.aave_supply_for(giver, ON_AAVE[place], assets, token).await;
                Ok(())
            }
            Wanted::Donated => {
                let to = self.token(stage, place);
                let call = IToken::mintCall { to, amount: units(1_000, ON_AAVE[place]) };
                stage.does(stage.deployed.admin, stage.token(ON_AAVE[place]), &call).await;
                ON_V3_2.set(stage, place, wanted).await
            }
            Wanted::Capped(room) => {
                // The token rounds what is supplied up and the pool to the nearest: a whole unit below the cap.
                ON_V3_2.set(stage, place, Wanted::Capped(room)).await
            }
            Wanted::Paused | Wanted::Frozen | Wanted::Utilised | Wanted::BadDebt => {
                ON_V3_2.set(stage, place, wanted).await
            }
        }
    }
}

alloy::sol! {
    interface IPausable {
        function setPaused(bool paused) external;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_paused_itself_lets_nothing_in_or_out() {
    let Some(stage) = Stage::open(Line::V3_2).await else { return };
    stage.populate().await;
    let (contract, name) = (OnStata.contract(&stage, 0), OnStata.asset(&stage, 0));
    let time = async || stage.chain.head().await.unwrap().time + 12;
    assert!(stage.act(contract, name, (true, units(10, name)), time().await).await);
    let pause = IPausable::setPausedCall { paused: true };
    stage.does(stage.deployed.admin, OnStata.token(&stage, 0), &pause).await;
    let at = stage.at().await;
    let adapter = OnStata.adapter(&stage, None);
    let reading = adapter.read(&stage.nodes, &at).await.unwrap().readings.remove(0);
    assert!(reading.switches.is_paused);
    assert_eq!((reading.exit, reading.held.available), (Amount::ZERO, Amount::ZERO));
    assert!(!reading.held.worth.is_zero(), "a lock is no loss");
    assert_eq!(reading.entry, Some(Amount::ZERO));
    for is_entry in [true, false] {
        let one = units(1, name);
        assert!(reading.model.after(is_entry, Amount(one), at.timestamp).is_err());
        assert!(!stage.act(contract, name, (is_entry, one), time().await).await);
    }
}
