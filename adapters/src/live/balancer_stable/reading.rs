//! How an answer becomes a reading: what the pool and the contract say of themselves is compared with what is reckoned here.

use super::StableMarket;
use super::holding::Holding;
use super::learn::Fixed;
use super::math::WAD;
use super::read::Row;
use crate::live::pools::costs;
use crate::live::{disagrees, not_covered};
use alloy::primitives::U256;
use plimsoll_core::lp::LpError;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{MarketId, MarketKind, asset};
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::{At, Beyond, Held, Pair, Reading, Switches};
use plimsoll_frame::{MovingTerms, PoolShape, PoolTerms, Terms};
use std::sync::Arc;

/// Makes the reading of a market; refuses it where the pool or the contract says otherwise.
pub(super) fn reading(
    (market, at): (&MarketId, &At),
    wanted: &StableMarket,
    fixed: &Fixed,
    row: Row,
) -> Result<Reading, AdapterError> {
    let failed = |error: LpError| not_covered(market, at, &error.to_string());
    let Row { holding, pool, said } = row;
    disagrees(market, at, "getRate", (holding.rate().map_err(failed)?, pool.0))?;
    let supply = holding.pool.actual_supply(holding.now).map_err(failed)?;
    disagrees(market, at, "getActualSupply", (supply, pool.1))?;
    let (low, high) = holding.prices().map_err(failed)?;
    let mut held = Held::default();
    if let Some(said) = said {
        disagrees(market, at, "position, low price", (low, said.prices.0))?;
        disagrees(market, at, "position, high price", (high, said.prices.1))?;
        held = holding.own().map_err(failed)?;
        let (_, most) = holding.value().map_err(failed)?;
        disagrees(market, at, "value, low", (held.worth.0, said.value.0))?;
        disagrees(market, at, "value, high", (most.0, said.value.1))?;
        disagrees(market, at, "liquidity", (held.available.0, said.free))?;
    }
    let supplied = holding.tvl().map_err(failed)?;
    let doors = holding.doors;
    Ok(Reading {
        market: market.clone(),
        symbol: fixed.symbol.as_str().into(),
        asset: wanted.asset,
        decimals: fixed.decimals,
        at: *at,
        share_price: holding.share_price().map_err(failed)?,
        supplied,
        borrowed: Amount::ZERO,
        supply_apr: Ray(U256::ZERO),
        borrow_apr: None,
        exit: holding.exit(),
        entry: None,
        switches: Switches {
            is_active: true,
            is_frozen: doors.is_frozen || !holding.is_fresh,
            is_paused: doors.is_paused,
        },
        terms: terms(&holding, fixed, (low, supplied)).map_err(failed)?,
        held,
        rewards: Some(Vec::new()),
        beyond: Beyond { pair: Some(pair(&holding, supplied)), ..Beyond::default() },
        model: Arc::new(holding),
    })
}

/// What the worst of the other tokens fetches in the asset, for a unit as the pool counts it: one is par.
fn pair(holding: &Holding, supplied: Amount) -> Pair {
    let mut least = f64::INFINITY;
    for (coin, token) in holding.coins.iter().zip(&holding.pool.tokens) {
        let Some((worst, best)) = coin.price else { continue };
        let drift =
            coin.source.map_or(1.0, |source| f64::from(source.rate) / f64::from(token.rate));
        let middle = f64::midpoint(f64::from(worst), f64::from(best));
        least = least.min(middle * drift / f64::from(holding.setting.whole));
    }
    Pair { price: least, fees_asset: None, fees_foreign: None, depth: Some(supplied) }
}

fn terms(
    holding: &Holding,
    fixed: &Fixed,
    (low, supplied): (U256, Amount),
) -> Result<Terms, LpError> {
    let fee = f64::from(holding.pool.swap_fee) / f64::from(WAD);
    // Where the contract would refuse now: what is beside the pool's proportion pays the fee, as if it were swapped, and what
    // enters is worth what the worst token is.
    let swapped = fee * (1.0 - holding.weight()?);
    let worst = 1.0 - f64::from(low) / f64::from(holding.setting.whole);
    // Of it half of the oracle's band is provision; the rest is a token that is sold below par.
    let discount = (1.0 - pair(holding, Amount::ZERO).price).max(0.0);
    let (entry, exit) = costs(holding, supplied).unwrap_or((swapped + worst.max(0.0), swapped));
    Ok(Terms {
        kind: MarketKind::Lp,
        pool: Some(PoolTerms { shape: PoolShape::Stable, fee, is_foreign: false }),
        moving: Some(MovingTerms {
            entry,
            exit,
            reward_sale: 0.0,
            provision: (worst - discount).max(0.0),
        }),
        issuer: asset::issuer(&fixed.symbol).map(str::to_owned),
        wrap_depth: asset::wraps(&fixed.symbol),
        ..Terms::default()
    })
}
