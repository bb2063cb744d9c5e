//! What is asked of a `StataTokenV2` and the reserve inside it, and how the answers become a reading.

use super::read::{Row, blank, index_shares};
use super::stata::Stata;
use super::{Fixed, not_covered};
use crate::live::aave_v3::Pledged;
use crate::live::aave_v3::read::{self as aave, IScaled, Named, Parts};
use crate::live::aave_v3::reserve::{Reserve, Stake};
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::{curve_terms, disagrees};
use alloy::primitives::Address;
use alloy::sol;
use plimsoll_core::MarketId;
use plimsoll_core::rates::RateError;
use plimsoll_core::units::Shares;
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::{At, Reading, Switches};
use std::sync::Arc;

sol! {
    /// What `StataTokenV2` has beside the standard.
    interface IStata {
        function POOL() external view returns (address);
        function paused() external view returns (bool);
    }
}

/// The questions about the reserve inside a token.
pub(super) enum Asked {
    /// Its contracts are known.
    Known(Box<Known>),
    /// They are not: which are they?
    Unknown(Named),
}

/// The questions about a token whose reserve is known.
pub(super) struct Known {
    parts: Parts,
    reserve: aave::Asked,
    owned: Slot<IScaled::scaledBalanceOfCall>,
    paused: Slot<IStata::pausedCall>,
}

/// What was answered about the reserve inside a token.
pub(super) enum Found {
    /// It is this, with the token's own switch.
    Reserve(Box<(aave::Row, bool)>),
    /// Its contracts are others than remembered.
    Changed(Parts),
}

/// Adds the questions about the reserve of `asset` inside `token`.
pub(super) fn ask(
    batch: &mut Batch,
    (pool, asset): (Address, Address),
    token: Address,
    parts: Option<Parts>,
) -> Asked {
    let Some(parts) = parts else {
        return Asked::Unknown(aave::ask_named(batch, pool, asset));
    };
    let pledged = Pledged { asset, contract: None };
    let reserve = aave::ask(batch, pool, &pledged, &parts);
    let call = IScaled::scaledBalanceOfCall { account: token };
    let owned = batch.ask(parts.a_token, &call);
    let paused = batch.ask(token, &IStata::pausedCall {});
    Asked::Known(Box::new(Known { parts, reserve, owned, paused }))
}

/// Decodes the answers about the reserve.
pub(super) fn decode(
    answers: &Answers,
    asked: &Asked,
    at: &At,
    market: &MarketId,
) -> Result<Found, AdapterError> {
    let known = match asked {
        Asked::Unknown(named) => {
            return aave::named(answers, *named, at, market).map(Found::Changed);
        }
        Asked::Known(known) => known,
    };
    let parts = aave::named(answers, known.reserve.named, at, market)?;
    if parts != known.parts {
        return Ok(Found::Changed(parts));
    }
    let about = market.as_str();
    let row = aave::decode(answers, (&known.reserve, parts.line), at, market)?;
    let owned = Shares(answers.get(known.owned, about)?);
    let stake = Stake { counted: owned, owned };
    let row = aave::Row { reserve: Reserve { stake, ..row.reserve }, ..row };
    Ok(Found::Reserve(Box::new((row, answers.get(known.paused, about)?))))
}

/// Makes the reading of a token with its reserve inside; refuses it where either says otherwise.
pub(super) fn reading(
    id: &MarketId,
    fixed: &Fixed,
    at: &At,
    row: Row,
    (inner, is_paused): (aave::Row, bool),
) -> Result<Reading, AdapterError> {
    let lacks = || not_covered(id, at, "its shares have fewer decimals than a price needs");
    let model = Stata {
        reserve: inner.reserve,
        treasury_as_written: inner.reserve.accrued_to_treasury,
        is_paused,
        supply: row.total_supply,
        index_shares: index_shares(fixed).ok_or_else(lacks)?,
        counted: row.counted,
        owned: row.owned,
        read: at.timestamp,
    };
    let failed = |error: RateError| not_covered(id, at, &error.to_string());
    aave::agreed(id, at, &inner)?;
    let now = model.accrued(at.timestamp).map_err(failed)?;
    let supplied = now.total_assets().map_err(failed)?;
    disagrees(id, at, "totalAssets of the vault", (supplied.0, row.total_assets.0))?;
    let share_price = now.share_price().map_err(failed)?;
    disagrees(id, at, "convertToAssets", (share_price.0, row.index.0))?;
    let room = now.max_deposit().map_err(failed)?;
    let most = |room: Option<plimsoll_core::units::Amount>| room.unwrap_or_default().0;
    if room.is_some() || row.entry.is_some() {
        disagrees(id, at, "maxDeposit", (most(room), most(row.entry)))?;
    }
    if let Some((worth, available)) = row.said_of_stake {
        let said = now.said().map_err(failed)?;
        disagrees(id, at, "totalAssets", (said.0.0, worth.0))?;
        disagrees(id, at, "liquidity", (said.1.0, available.0))?;
    }
    let configuration = model.reserve.configuration;
    let curve = Some(aave::curve(&model.reserve.curve));
    let mut terms = curve_terms(&fixed.symbol, curve, configuration.reserve_factor.to_fraction());
    terms.wrap_depth = terms.wrap_depth.map(|depth| depth.saturating_add(1));
    let is_paused = is_paused || configuration.switches.is_paused;
    Ok(Reading {
        share_price,
        supplied,
        borrowed: now.borrowed().map_err(failed)?,
        supply_apr: now.reserve.supply_rate,
        borrow_apr: Some(now.reserve.borrow_rate),
        exit: now.exit().map_err(failed)?,
        entry: now.entry().map_err(failed)?,
        switches: Switches { is_paused, ..configuration.switches },
        held: now.held().map_err(failed)?,
        terms,
        model: Arc::new(model),
        ..blank(id, fixed, at, &row)
    })
}
