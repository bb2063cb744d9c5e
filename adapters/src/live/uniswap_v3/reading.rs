//! How an answer becomes a reading: what the contract says of itself is compared with what is reckoned here.

use super::holding::{Holding, PROBE};
use super::read::{Paid, Row};
use super::{Fixed, V3Market};
use crate::live::{disagrees, not_covered};
use alloy::primitives::U256;
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::mul_div_down;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_core::{Facts, MarketId, MarketKind, RangeFacts, Time, asset};
use plimsoll_execute::AdapterError;
use plimsoll_execute::live::Words;
use plimsoll_execute::protocol::{At, Beyond, Held, Pair, Reading, Reward, Switches};
use plimsoll_frame::{MovingTerms, PoolShape, PoolTerms, Terms};
use std::sync::Arc;

/// The logarithm of the price that one tick is: `ln 1.0001`.
const TICK: f64 = 9.999_500_033_330_834e-5;
/// 2^128.
const Q128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
/// Half widths that are shown where no contract bounds them, ticks.
const UNBOUNDED: (i32, i32) = (10, 20_000);

/// Makes the reading of a market; refuses it where the contract says otherwise.
pub(super) fn reading(
    (market, at): (&MarketId, &At),
    wanted: &V3Market,
    fixed: &Fixed,
    row: Row,
) -> Result<Reading, AdapterError> {
    let failed = |error: LpError| not_covered(market, at, &error.to_string());
    let Row { holding, said, campaign } = row;
    let (low, high) = holding.value().map_err(failed)?;
    let mut held = Held::default();
    if let Some((said_low, said_high, said_free)) = said {
        disagrees(market, at, "value, low", (low.0, said_low))?;
        disagrees(market, at, "value, high", (high.0, said_high))?;
        // Where the contract sells in another pool its word is taken.
        let free = holding.liquidity().map_err(failed)?.unwrap_or(Amount(said_free));
        disagrees(market, at, "liquidity", (free.0, said_free))?;
        held = Held { shares: Shares(U256::from(holding.units)), worth: low, available: free };
    }
    let rewards = campaign.as_ref().map(|paid| rewards(paid, fixed)).unwrap_or_default();
    let running = campaign.and_then(|paid| paid.running);
    let beyond = beyond(&holding, fixed, campaign.as_ref()).map_err(failed)?;
    let takes = holding.quote.is_fresh;
    Ok(Reading {
        market: market.clone(),
        symbol: fixed.symbol.as_str().into(),
        asset: wanted.asset,
        decimals: fixed.setting.decimals.0,
        at: *at,
        share_price: holding.share_price().map_err(failed)?,
        supplied: holding.tvl().map_err(failed)?,
        borrowed: Amount::ZERO,
        supply_apr: Ray(U256::ZERO),
        borrow_apr: None,
        exit: Amount(holding.cash().0),
        entry: None,
        switches: Switches { is_active: true, is_frozen: !takes, is_paused: false },
        terms: terms(&holding, fixed, (running, campaign.as_ref())),
        held,
        rewards: Some(rewards),
        beyond,
        model: Arc::new(holding),
    })
}

/// A price for [`PROBE`] in whole units.
fn whole_price(price: U256, (asset, other): (u8, u8)) -> f64 {
    let per_raw = f64::from(price) / f64::from(PROBE);
    per_raw * 10f64.powi(i32::from(other) - i32::from(asset))
}

/// Half of the band around the middle, as a share of it.
fn band((worst, best): (U256, U256)) -> f64 {
    let (worst, best) = (f64::from(worst), f64::from(best));
    let all = worst + best;
    if all > 0.0 { (best - worst) / all } else { 0.0 }
}

fn beyond(holding: &Holding, fixed: &Fixed, campaign: Option<&Paid>) -> Result<Beyond, LpError> {
    let (asset, other) = fixed.setting.decimals;
    let growth = holding.pool.growth;
    let (of_asset, of_other) = holding.sorted((growth.token0, growth.token1));
    // A unit of liquidity is 10^((a + b) / 2) raw ones, so that it is worth twice the root of the price in whole units.
    let unit = 10f64.powf(f64::from(u16::from(asset) + u16::from(other)) / 2.0);
    let fees = |growth: U256, places: u8| {
        Some(f64::from(growth) / Q128 * unit / 10f64.powi(i32::from(places)))
    };
    let tick = holding.oracle_tick()?;
    let pair = Pair {
        price: whole_price(holding.middle(), fixed.setting.decimals),
        fees_asset: fees(of_asset, asset),
        fees_foreign: fees(of_other, other),
        depth: Some(holding.depth()?),
    };
    let (assets, others) = holding.fees()?;
    let sold = mul_div_down(others, holding.quote.worst, PROBE)?;
    let due = assets.checked_add(sold).ok_or(LpError::Overflow { what: "fees" })?;
    let rewards_due =
        campaign.map(|paid| mul_div_down(paid.due, paid.price.0, PROBE)).transpose()?;
    let range = (holding.units != 0).then(|| range_facts(holding, tick));
    let facts = Facts {
        range,
        fees_due: Amount(due),
        rewards_due: Amount(rewards_due.unwrap_or_default()),
        ..Facts::default()
    };
    let words = Words::Range { tick, spacing: fixed.spacing };
    Ok(Beyond { pair: Some(pair), delay_days: 0.0, facts, words })
}

/// The range around the oracle's price; up is where the other token is worth more of the asset.
fn range_facts(holding: &Holding, tick: i32) -> RangeFacts {
    let (lower, upper) = (f64::from(holding.range.0), f64::from(holding.range.1));
    let up = if holding.setting.is_asset_zero { -1.0 } else { 1.0 };
    RangeFacts {
        half_width: (upper - lower) / 2.0 * TICK,
        offset: up * (f64::from(tick) - f64::midpoint(lower, upper)) * TICK,
    }
}

fn terms(
    holding: &Holding,
    fixed: &Fixed,
    (running, campaign): (Option<(U256, u64)>, Option<&Paid>),
) -> Terms {
    let (least, most) = match holding.setting.bounds.width {
        (0, 0) => UNBOUNDED,
        // A range is laid on ticks that may be used, which makes it wider by up to a spacing on each side.
        (least, most) => (least / 2, most / 2 - fixed.spacing - 1),
    };
    let least = least.max(fixed.spacing);
    let shape = PoolShape::Ranges {
        least: f64::from(least) * TICK,
        most: f64::from(most.max(least)) * TICK,
    };
    // Half of what is moved is swapped; the rest is the asset already.
    let provision = band((holding.quote.worst, holding.quote.best)) / 2.0;
    let swapped = fixed.swap_fee / 2.0;
    let sold = campaign.map(|paid| match paid.price {
        price if price.0 == price.1 => 0.0,
        price => fixed.reward_fee + band(price),
    });
    let end = running.and_then(|(_, end)| i64::try_from(end).ok()?.checked_mul(1_000));
    Terms {
        kind: if running.is_some() { MarketKind::Mining } else { MarketKind::Lp },
        pool: Some(PoolTerms {
            shape,
            fee: f64::from(fixed.fee) / 1e6,
            is_foreign: is_foreign(&fixed.symbol, &fixed.other_symbol),
        }),
        moving: Some(MovingTerms {
            entry: swapped + provision,
            exit: swapped,
            reward_sale: sold.unwrap_or_default(),
            provision,
        }),
        issuer: asset::issuer(&fixed.symbol).map(str::to_owned),
        wrap_depth: asset::wraps(&fixed.symbol),
        rewards_end: end.map(Time),
        ..Terms::default()
    }
}

/// Whether the other token's price is its own: tokens of one denomination are held together by redemption.
fn is_foreign(asset: &str, other: &str) -> bool {
    use plimsoll_core::Denomination;
    Denomination::of_symbol(asset) != Denomination::of_symbol(other)
}

fn rewards(paid: &Paid, fixed: &Fixed) -> Vec<Reward> {
    let Some((campaign, (per_second, end))) = fixed.campaign.as_ref().zip(paid.running) else {
        return Vec::new();
    };
    let worst = whole_price(paid.price.0, (fixed.setting.decimals.0, campaign.decimals));
    vec![Reward {
        token: campaign.reward,
        decimals: campaign.decimals,
        per_second: Amount(per_second),
        index: U256::ZERO,
        end,
        price_usd: None,
        price_in_asset: Some(worst),
    }]
}
