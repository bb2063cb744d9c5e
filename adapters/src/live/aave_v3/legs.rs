//! Who borrows from a pool, and against what: found by events, read in pages at one block.

use super::read::{IOracle, IPool, IProvider, IScaled};
use super::reserve::Configuration;
use super::{AaveV3, NAME, Parts, refused};
use crate::live::multicall::{Batch, Slot};
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolEvent;
use plimsoll_core::MarketId;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::aave_v3::{compounded_interest_v3_0, linear_interest, ray_mul};
use plimsoll_core::units::{Amount, Bps, Ray};
use plimsoll_execute::chain::{LogFilter, Nodes};
use plimsoll_execute::{AdapterError, At};
use plimsoll_frame::{Leg, LegFrame, Side};
use std::collections::BTreeSet;

/// Borrowers of a page.
const PAGE: usize = 100;
/// A category that has none.
const NO_EMODE: u32 = 0;

/// A reserve of the pool, as far as accounts need it.
struct Pledge {
    asset: Address,
    parts: Parts,
    configuration: Configuration,
    /// Its number in users' bitmaps.
    number: usize,
    /// The indices at the block.
    indices: (Ray, Ray),
    /// USD per whole unit, as the pool's oracle has it.
    price: f64,
}

/// The questions about one borrower.
struct Asked {
    user: Address,
    bitmap: Slot<IPool::getUserConfigurationCall>,
    emode: Slot<IPool::getUserEModeCall>,
    balances: Vec<(Slot<IScaled::scaledBalanceOfCall>, Slot<IScaled::scaledBalanceOfCall>)>,
}

/// Reads every account that borrowed since block `from`.
pub(super) async fn read(
    adapter: &AaveV3,
    nodes: &Nodes,
    at: &At,
    from: u64,
) -> Result<LegFrame, AdapterError> {
    let pool = adapter.settings.pool;
    let filter = LogFilter {
        contract: pool,
        events: vec![IPool::Borrow::SIGNATURE_HASH],
        first: Vec::new(),
    };
    let logs = nodes.logs(&filter, from, at.block).await.map_err(refused(at))?;
    let borrowers: BTreeSet<Address> = logs
        .iter()
        .filter_map(|log| log.topics.get(2))
        .map(|topic| Address::from_word(*topic))
        .collect();
    let borrowers: Vec<Address> = borrowers.into_iter().collect();
    let reserves = reserves(adapter, nodes, at).await?;
    let market = MarketId::new(NAME, adapter.place().1, &pool.to_string());
    let mut legs = Vec::new();
    for page in borrowers.chunks(PAGE) {
        let mut batch = Batch::default();
        let asked: Vec<Asked> =
            page.iter().map(|user| ask(&mut batch, pool, *user, &reserves)).collect();
        let answers = batch.send(nodes, at, adapter.place()).await?;
        let mut emodes = Batch::default();
        let mut found = Vec::new();
        for asked in asked {
            let emode = answers.get(asked.emode, NAME)?;
            let id = u8::try_from(emode).unwrap_or(u8::MAX);
            let category =
                (id > 0).then(|| emodes.ask(pool, &IPool::getEModeCategoryDataCall { id }));
            found.push((asked, u32::from(id), category));
        }
        let categories = emodes.send(nodes, at, adapter.place()).await?;
        for (asked, emode, category) in found {
            let bitmap = answers.get(asked.bitmap, NAME)?;
            let category = category.map(|slot| categories.get(slot, NAME)).transpose()?;
            if category.as_ref().is_some_and(|category| !category.priceSource.is_zero()) {
                let detail = format!("efficiency mode {emode} has a price of its own: not covered");
                return Err(covered(at, detail));
            }
            for (reserve, (a_token, debt)) in reserves.iter().zip(&asked.balances) {
                let mut leg = |side: Side, amount: Amount, threshold: Option<f64>| {
                    legs.push(Leg {
                        market: market.clone(),
                        borrower: asked.user.to_string().to_lowercase(),
                        asset: reserve.asset.to_string().to_lowercase(),
                        side,
                        block: Some(at.block.number),
                        amount: amount.to_f64(reserve.configuration.decimals),
                        price_usd: reserve.price,
                        liquidation_threshold: threshold,
                        emode: (emode != NO_EMODE).then_some(emode),
                    });
                };
                let scaled = answers.get(*debt, NAME)?;
                if !scaled.is_zero() {
                    leg(Side::Debt, grown(scaled, reserve.indices.1, at)?, None);
                }
                let scaled = answers.get(*a_token, NAME)?;
                // Two bits a reserve: borrowed, and used as collateral.
                if !scaled.is_zero() && bitmap.bit(reserve.number * 2 + 1) {
                    let own = reserve.configuration.liquidation_threshold;
                    let threshold = match &category {
                        Some(category) if u32::from(reserve.configuration.emode) == emode => {
                            Bps(u32::from(category.liquidationThreshold))
                        }
                        _ => own,
                    };
                    let threshold = threshold.to_fraction();
                    leg(Side::Collateral, grown(scaled, reserve.indices.0, at)?, Some(threshold));
                }
            }
        }
    }
    LegFrame::from_legs(legs).map_err(|error| covered(at, error.to_string()))
}

fn ask(batch: &mut Batch, pool: Address, user: Address, reserves: &[Pledge]) -> Asked {
    let call = IScaled::scaledBalanceOfCall { account: user };
    Asked {
        user,
        bitmap: batch.ask(pool, &IPool::getUserConfigurationCall { user }),
        emode: batch.ask(pool, &IPool::getUserEModeCall { user }),
        balances: reserves
            .iter()
            .map(|reserve| {
                let parts = reserve.parts;
                (batch.ask(parts.a_token, &call), batch.ask(parts.variable_debt, &call))
            })
            .collect(),
    }
}

/// Every reserve of the pool with its price: collateral may lie in any.
async fn reserves(adapter: &AaveV3, nodes: &Nodes, at: &At) -> Result<Vec<Pledge>, AdapterError> {
    let pool = adapter.settings.pool;
    let mut batch = Batch::default();
    let list = batch.ask(pool, &IPool::getReservesListCall {});
    let provider = batch.ask(pool, &IPool::ADDRESSES_PROVIDERCall {});
    let answers = batch.send(nodes, at, adapter.place()).await?;
    let (list, provider) = (answers.get(list, NAME)?, answers.get(provider, NAME)?);
    let mut batch = Batch::default();
    let oracle = batch.ask(provider, &IProvider::getPriceOracleCall {});
    let data: Vec<_> = list
        .iter()
        .map(|asset| batch.ask(pool, &IPool::getReserveDataCall { asset: *asset }))
        .collect();
    let answers = batch.send(nodes, at, adapter.place()).await?;
    let oracle = answers.get(oracle, NAME)?;
    let mut batch = Batch::default();
    let unit = batch.ask(oracle, &IOracle::BASE_CURRENCY_UNITCall {});
    let prices: Vec<_> = list
        .iter()
        .map(|asset| batch.ask(oracle, &IOracle::getAssetPriceCall { asset: *asset }))
        .collect();
    let priced = batch.send(nodes, at, adapter.place()).await?;
    let unit = Amount(priced.get(unit, NAME)?).to_f64(0);
    let mut reserves = Vec::with_capacity(list.len());
    for ((asset, data), price) in list.iter().zip(data).zip(prices) {
        let data = answers.get(data, NAME)?;
        let seconds = at.timestamp.saturating_sub(data.lastUpdateTimestamp.to());
        let ray = |value: u128| Ray(U256::from(value));
        let failed = |error: RateError| covered(at, error.to_string());
        let supply = linear_interest(ray(data.currentLiquidityRate), seconds).map_err(failed)?;
        let supply = ray_mul(supply.0, U256::from(data.liquidityIndex)).map_err(failed)?;
        let debt = compounded_interest_v3_0(ray(data.currentVariableBorrowRate), seconds);
        let debt = ray_mul(debt.map_err(failed)?.0, U256::from(data.variableBorrowIndex));
        reserves.push(Pledge {
            asset: *asset,
            parts: Parts::of(&data),
            configuration: Configuration::of(data.configuration),
            number: usize::from(data.id),
            indices: (Ray(supply), Ray(debt.map_err(failed)?)),
            price: Amount(priced.get(price, NAME)?).to_f64(0) / unit,
        });
    }
    Ok(reserves)
}

fn grown(scaled: U256, index: Ray, at: &At) -> Result<Amount, AdapterError> {
    ray_mul(scaled, index.0).map(Amount).map_err(|error| covered(at, error.to_string()))
}

fn covered(at: &At, detail: String) -> AdapterError {
    AdapterError::NotCovered { about: NAME.to_owned(), block: at.block.number, detail }
}
