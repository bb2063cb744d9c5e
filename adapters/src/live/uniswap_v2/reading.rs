//! How an answer becomes a reading: what the contract says of itself is compared with what is reckoned here.

use super::read::{Paid, Row};
use super::{Campaign, Fixed, Priced, V2Market};
use crate::live::oracle::PROBE;
use crate::live::pools::costs;
use crate::live::{disagrees, not_covered};
use alloy::primitives::U256;
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::mul_div_down;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{Denomination, Facts, MarketId, MarketKind, Time, asset};
use plimsoll_execute::AdapterError;
use plimsoll_execute::live::Words;
use plimsoll_execute::protocol::{At, Beyond, Held, Pair, Reading, Reward, Switches};
use plimsoll_frame::{MovingTerms, PoolShape, PoolTerms, Terms};
use std::sync::Arc;

/// What a pair keeps of what is swapped.
pub(super) const FEE: f64 = 0.003;
/// Rewards are taken to be shared by at least this part of the pair: where hardly anybody stakes, who comes dilutes them.
const LEAST_STAKED: U256 = alloy::primitives::uint!(10_U256);

/// Makes the reading of a market; refuses it where the contract says otherwise.
pub(super) fn reading(
    (market, at): (&MarketId, &At),
    wanted: &V2Market,
    fixed: &Fixed,
    row: Row,
) -> Result<Reading, AdapterError> {
    let failed = |error: LpError| not_covered(market, at, &error.to_string());
    let Row { holding, said, paid } = row;
    let mut held = Held::default();
    if let Some((low, high, free)) = said {
        held = holding.own().map_err(failed)?;
        if holding.quotes.is_exact {
            let (_, most) = holding.value().map_err(failed)?;
            disagrees(market, at, "value, low", (held.worth.0, low))?;
            disagrees(market, at, "value, high", (most.0, high))?;
            disagrees(market, at, "liquidity", (held.available.0, free))?;
        } else {
            // What another oracle says of the very reserves is not known: the contract's word is taken.
            (held.worth, held.available) = (Amount(low), Amount(free));
        }
    }
    let supplied = holding.tvl().map_err(failed)?;
    let campaign = fixed.campaign.as_ref().zip(paid);
    let due = campaign.map(|(found, paid)| due(found, &paid)).transpose().map_err(failed)?;
    let running = campaign.filter(|(_, paid)| at.timestamp < paid.finish && !paid.rate.is_zero());
    let reward = campaign.map(|(found, paid)| reward(fixed, found, (&paid, holding.pair.supply)));
    let is_empty = holding.pair.supply.is_zero();
    let half_band = holding.quotes.half_band().map_err(failed)?;
    // Where the contract would refuse now: half of what is moved is swapped; the rest is the asset already.
    let moved = (FEE + half_band) / 2.0;
    let moved = costs(&holding, supplied).unwrap_or((moved, moved));
    let moving = moving(fixed, (moved, half_band / 2.0, campaign)).map_err(failed)?;
    let pair = Pair {
        price: whole_price(holding.quotes.middle().map_err(failed)?, fixed.setting.decimals),
        fees_asset: None,
        fees_foreign: None,
        depth: Some(supplied),
    };
    Ok(Reading {
        market: market.clone(),
        symbol: fixed.symbol.as_str().into(),
        asset: wanted.asset,
        decimals: fixed.setting.decimals.0,
        at: *at,
        share_price: holding.share_price().map_err(failed)?,
        supplied,
        borrowed: Amount::ZERO,
        supply_apr: Ray(U256::ZERO),
        borrow_apr: None,
        exit: holding.exit().map_err(failed)?,
        entry: None,
        switches: Switches {
            is_active: true,
            is_frozen: is_empty || !holding.quotes.is_fresh,
            is_paused: false,
        },
        terms: terms(fixed, moving, running.map(|(_, paid)| paid.finish)),
        held,
        rewards: Some(reward.transpose().map_err(failed)?.into_iter().collect()),
        beyond: Beyond {
            pair: Some(pair),
            delay_days: 0.0,
            facts: Facts { rewards_due: Amount(due.unwrap_or_default()), ..Facts::default() },
            words: if fixed.setting.stakes { Words::Harvests } else { Words::Plain },
        },
        model: Arc::new(holding),
    })
}

/// A price for [`PROBE`] in whole units.
fn whole_price(price: U256, (asset, other): (u8, u8)) -> f64 {
    let per_raw = f64::from(price) / f64::from(PROBE);
    per_raw * 10f64.powi(i32::from(other) - i32::from(asset))
}

/// What selling the rewards due would bring at worst; nothing while nobody knows, for then they cannot be sold.
fn due(found: &Campaign, paid: &Paid) -> Result<U256, LpError> {
    match (&found.priced, &paid.quotes) {
        (Priced::Asset, _) => Ok(paid.due),
        (_, Some(quotes)) if quotes.is_fresh => quotes.worst(paid.due),
        _ => Ok(U256::ZERO),
    }
}

/// What the campaign pays, as if all shares were paid like those that are staked.
fn reward(
    fixed: &Fixed,
    found: &Campaign,
    (paid, supply): (&Paid, U256),
) -> Result<Reward, LpError> {
    let sharing = paid.staked.max(supply / LEAST_STAKED);
    let per_second = match sharing.is_zero() {
        true => paid.rate,
        false => mul_div_down(paid.rate, supply, sharing)?,
    };
    let price = match (&found.priced, &paid.quotes) {
        (Priced::Asset, _) => Some(1.0),
        (_, Some(quotes)) if quotes.is_fresh => {
            Some(whole_price(quotes.worst(PROBE)?, (fixed.setting.decimals.0, found.decimals)))
        }
        _ => None,
    };
    Ok(Reward {
        token: found.reward,
        decimals: found.decimals,
        per_second: Amount(per_second),
        index: paid.per_share,
        end: paid.finish,
        price_usd: None,
        price_in_asset: price,
    })
}

fn moving(
    fixed: &Fixed,
    ((entry, exit), provision, campaign): ((f64, f64), f64, Option<(&Campaign, Paid)>),
) -> Result<MovingTerms, LpError> {
    let reward_sale = match campaign {
        Some((Campaign { priced: Priced::By(..), .. }, Paid { quotes: Some(quotes), .. })) => {
            fixed.reward_fee + quotes.half_band()?
        }
        _ => 0.0,
    };
    Ok(MovingTerms { entry, exit, reward_sale, provision })
}

fn terms(fixed: &Fixed, moving: MovingTerms, finish: Option<u64>) -> Terms {
    let end = finish.and_then(|finish| i64::try_from(finish).ok()?.checked_mul(1_000));
    let denominations = (&fixed.symbol, &fixed.other_symbol);
    let of = |symbol: &str| Denomination::of_symbol(symbol);
    Terms {
        kind: if finish.is_some() { MarketKind::Mining } else { MarketKind::Lp },
        pool: Some(PoolTerms {
            shape: PoolShape::ConstantProduct,
            fee: FEE,
            is_foreign: of(denominations.0) != of(denominations.1),
        }),
        moving: Some(moving),
        issuer: asset::issuer(&fixed.symbol).map(str::to_owned),
        wrap_depth: asset::wraps(&fixed.symbol),
        rewards_end: end.map(Time),
        ..Terms::default()
    }
}
