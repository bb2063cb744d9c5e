//! Who borrows from a pool, and against what: found by events, read in pages at one block.

use super::read::{IOracle, IPool, IProvider, IScaled, LATER};
use super::reserve::Configuration;
use super::{AaveV3, NAME, Parts, refused};
use crate::live::multicall::{Answers, Batch, Slot};
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolEvent;
use plimsoll_core::MarketId;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::aave_v3::{Line, compounded_interest_v3_0, linear_interest, ray_mul};
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
    let (line, reserves) = reserves(adapter, nodes, at).await?;
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
            let category = (id > 0).then(|| AskedCategory::ask(&mut emodes, pool, line, id));
            found.push((asked, u32::from(id), category));
        }
        let categories = emodes.send(nodes, at, adapter.place()).await?;
        for (asked, emode, category) in found {
            let bitmap = answers.get(asked.bitmap, NAME)?;
            let category = match category {
                Some(slots) => Some(slots.decode(&categories, at, emode)?),
                None => None,
            };
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
                        Some(category) if category.holds(reserve, emode) => category.threshold,
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

/// The questions about an efficiency mode: until v3.1 each reserve names its one category, from v3.2 on each
/// category has a bitmap of its collateral.
enum AskedCategory {
    Named(Slot<IPool::getEModeCategoryDataCall>),
    Mapped {
        terms: Slot<IPool::getEModeCategoryCollateralConfigCall>,
        collateral: Slot<IPool::getEModeCategoryCollateralBitmapCall>,
    },
}

/// An efficiency mode, as far as collateral needs it.
struct Category {
    threshold: Bps,
    /// Which reserves it holds; `None` where reserves say so themselves.
    collateral: Option<u128>,
}

impl AskedCategory {
    fn ask(batch: &mut Batch, pool: Address, line: Line, id: u8) -> AskedCategory {
        match line {
            Line::V3_0 | Line::V3_1 => {
                AskedCategory::Named(batch.ask(pool, &IPool::getEModeCategoryDataCall { id }))
            }
            Line::V3_2 => AskedCategory::Mapped {
                terms: batch.ask(pool, &IPool::getEModeCategoryCollateralConfigCall { id }),
                collateral: batch.ask(pool, &IPool::getEModeCategoryCollateralBitmapCall { id }),
            },
        }
    }

    fn decode(self, answers: &Answers, at: &At, emode: u32) -> Result<Category, AdapterError> {
        let (threshold, collateral) = match self {
            AskedCategory::Named(slot) => {
                let data = answers.get(slot, NAME)?;
                if !data.priceSource.is_zero() {
                    let detail =
                        format!("efficiency mode {emode} has a price of its own: not covered");
                    return Err(covered(at, detail));
                }
                (data.liquidationThreshold, None)
            }
            AskedCategory::Mapped { terms, collateral } => {
                let terms = answers.get(terms, NAME)?;
                (terms.liquidationThreshold, Some(answers.get(collateral, NAME)?))
            }
        };
        Ok(Category { threshold: Bps(u32::from(threshold)), collateral })
    }
}

impl Category {
    /// Whether a reserve counts as collateral of this category.
    fn holds(&self, reserve: &Pledge, emode: u32) -> bool {
        match self.collateral {
            Some(bitmap) => U256::from(bitmap).bit(reserve.number),
            None => u32::from(reserve.configuration.emode) == emode,
        }
    }
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
async fn reserves(
    adapter: &AaveV3,
    nodes: &Nodes,
    at: &At,
) -> Result<(Line, Vec<Pledge>), AdapterError> {
    let pool = adapter.settings.pool;
    let mut batch = Batch::default();
    let list = batch.ask(pool, &IPool::getReservesListCall {});
    let provider = batch.ask(pool, &IPool::ADDRESSES_PROVIDERCall {});
    let revision = batch.ask(pool, &IPool::POOL_REVISIONCall {});
    let answers = batch.send(nodes, at, adapter.place()).await?;
    let revision = answers.get(revision, NAME)?;
    let unknown = || covered(at, format!("POOL_REVISION {revision}: {LATER}"));
    let line = Line::of_revision(revision).ok_or_else(unknown)?;
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
            parts: Parts::of(line, &data),
            configuration: Configuration::of(data.configuration),
            number: usize::from(data.id),
            indices: (Ray(supply), Ray(debt.map_err(failed)?)),
            price: Amount(priced.get(price, NAME)?).to_f64(0) / unit,
        });
    }
    Ok((line, reserves))
}

fn grown(scaled: U256, index: Ray, at: &At) -> Result<Amount, AdapterError> {
    ray_mul(scaled, index.0).map(Amount).map_err(|error| covered(at, error.to_string()))
}

fn covered(at: &At, detail: String) -> AdapterError {
    AdapterError::NotCovered { about: NAME.to_owned(), block: at.block.number, detail }
}
