//! What is asked of a vault, and how the answers become a reading.

use super::looked_through::LookedThrough;
use super::opaque::Opaque;
use super::{AskedFixed, AskedInner, Erc4626, Erc4626Vault, Fixed, Inner, stata_read};
use crate::live::aave_v3::read::Parts;
use crate::live::morpho_blue::market::{Market, Rates};
use crate::live::morpho_blue::read::{
    AskedMarket, IMorpho, IToken, ask_market, curve, decode_market,
};
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::{curve_terms, disagrees, node, not_covered};
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::rates::{RateError, SECONDS_PER_YEAR};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_core::{MarketId, MarketKind, asset};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{At, Beyond, Held, Reading, Switches};
use plimsoll_frame::Terms;
use std::sync::Arc;

sol! {
    interface IVault {
        function asset() external view returns (address);
        function decimals() external view returns (uint8);
        function totalAssets() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function convertToAssets(uint256 shares) external view returns (uint256);
        function maxDeposit(address receiver) external view returns (uint256);
        function maxWithdraw(address owner) external view returns (uint256);
        function deposit(uint256 assets, address receiver) external returns (uint256);
        function withdraw(uint256 assets, address receiver, address owner) external returns (uint256);
    }
    /// `contracts/src/markets/Erc4626Market.sol`.
    interface IMarket {
        function asset() external view returns (address);
        function inner() external view returns (address);
        function shares() external view returns (uint256);
        function totalAssets() external view returns (uint256);
        function liquidity() external view returns (uint256);
    }
}

/// Adds the questions whose answers never change.
pub(super) fn ask_fixed(batch: &mut Batch, wanted: &Erc4626Vault) -> AskedFixed {
    let inner = wanted.inner.map(|inner| match inner {
        Inner::Morpho(inner) => {
            let call = IMorpho::idToMarketParamsCall { id: inner.id };
            AskedInner::Morpho(inner.id, batch.ask(inner.morpho, &call))
        }
        Inner::Aave(inner) => {
            let call = super::stata_read::IStata::POOLCall {};
            AskedInner::Aave(inner.aave_pool, batch.ask(wanted.vault, &call))
        }
    });
    let asset = batch.ask(wanted.vault, &IVault::assetCall {});
    (asset, batch.ask(wanted.vault, &IVault::decimalsCall {}), inner)
}

/// Adds the questions about the asset whose answers never change.
pub(super) fn ask_token(
    batch: &mut Batch,
    asset: Address,
) -> (Slot<IToken::symbolCall>, Slot<IToken::decimalsCall>) {
    (batch.ask(asset, &IToken::symbolCall {}), batch.ask(asset, &IToken::decimalsCall {}))
}

/// Raw shares whose worth, in raw units, is the index in ray of whole units.
pub(super) fn index_shares(fixed: &Fixed) -> Option<U256> {
    let places = u32::from(fixed.share_decimals).checked_add(27)?;
    let places = places.checked_sub(u32::from(fixed.decimals))?;
    U256::from(10).checked_pow(U256::from(places))
}

/// The questions about one vault.
pub(super) struct Asked {
    total_assets: Slot<IVault::totalAssetsCall>,
    total_supply: Slot<IVault::totalSupplyCall>,
    index: Slot<IVault::convertToAssetsCall>,
    room: Slot<IVault::maxDepositCall>,
    idle: Slot<IToken::balanceOfCall>,
    stake: Option<AskedStake>,
    inner: Option<(AskedMarket, Slot<IMorpho::positionCall>)>,
    pub(super) reserve: Option<stata_read::Asked>,
}

struct AskedStake {
    counted: Slot<IMarket::sharesCall>,
    owned: Slot<IVault::balanceOfCall>,
    worth: Slot<IMarket::totalAssetsCall>,
    available: Slot<IMarket::liquidityCall>,
    most: Slot<IVault::maxWithdrawCall>,
}

/// Adds the questions about a vault.
pub(super) fn ask(
    batch: &mut Batch,
    wanted: &Erc4626Vault,
    (fixed, parts): (&Fixed, Option<Parts>),
) -> Asked {
    let vault = wanted.vault;
    let shares = index_shares(fixed).unwrap_or_default();
    let receiver = wanted.contract.unwrap_or_default();
    let reserve = wanted
        .inner
        .and_then(Inner::aave)
        .map(|inner| stata_read::ask(batch, (inner.aave_pool, fixed.asset), vault, parts));
    let inner = wanted.inner.and_then(Inner::morpho).zip(fixed.params.as_ref());
    let inner = inner.map(|(inner, params)| {
        let market = ask_market(batch, inner.morpho, inner.id, params);
        let call = IMorpho::positionCall { id: inner.id, user: vault };
        (market, batch.ask(inner.morpho, &call))
    });
    let stake = wanted.contract.map(|contract| AskedStake {
        counted: batch.ask(contract, &IMarket::sharesCall {}),
        owned: batch.ask(vault, &IVault::balanceOfCall { account: contract }),
        worth: batch.ask(contract, &IMarket::totalAssetsCall {}),
        available: batch.ask(contract, &IMarket::liquidityCall {}),
        most: batch.ask(vault, &IVault::maxWithdrawCall { owner: contract }),
    });
    Asked {
        total_assets: batch.ask(vault, &IVault::totalAssetsCall {}),
        total_supply: batch.ask(vault, &IVault::totalSupplyCall {}),
        index: batch.ask(vault, &IVault::convertToAssetsCall { shares }),
        room: batch.ask(vault, &IVault::maxDepositCall { receiver }),
        idle: batch.ask(fixed.asset, &IToken::balanceOfCall { account: vault }),
        stake,
        inner,
        reserve,
    }
}

/// What was answered about one vault, decoded.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) total_assets: Amount,
    pub(super) total_supply: U256,
    pub(super) index: Ray,
    pub(super) entry: Option<Amount>,
    idle: Amount,
    pub(super) counted: Shares,
    pub(super) owned: Shares,
    /// What the market contract says of its worth and liquidity.
    pub(super) said_of_stake: Option<(Amount, Amount)>,
    /// What the vault would pay the market contract.
    most: Amount,
    /// The market inside, with the vault's supply shares.
    pub(super) inner: Option<Market>,
}

/// Decodes the answers about a vault.
pub(super) fn decode(
    answers: &Answers,
    asked: &Asked,
    at: &At,
    market: &MarketId,
) -> Result<Row, AdapterError> {
    let about = market.as_str();
    let room = answers.get(asked.room, about)?;
    let mut row = Row {
        total_assets: Amount(answers.get(asked.total_assets, about)?),
        total_supply: answers.get(asked.total_supply, about)?,
        index: Ray(answers.get(asked.index, about)?),
        entry: (room != U256::MAX).then_some(Amount(room)),
        idle: Amount(answers.get(asked.idle, about)?),
        counted: Shares::ZERO,
        owned: Shares::ZERO,
        said_of_stake: None,
        most: Amount::ZERO,
        inner: None,
    };
    if let Some(slots) = &asked.stake {
        row.counted = Shares(answers.get(slots.counted, about)?);
        row.owned = Shares(answers.get(slots.owned, about)?);
        row.most = Amount(answers.get(slots.most, about)?);
        let worth = Amount(answers.get(slots.worth, about)?);
        row.said_of_stake = Some((worth, Amount(answers.get(slots.available, about)?)));
    }
    if let Some((inner, position)) = &asked.inner {
        let owned = Shares(answers.get(*position, about)?.supplyShares);
        row.inner = Some(Market { owned, ..decode_market(answers, inner, at, market)? });
    }
    Ok(row)
}

/// Makes the reading of a vault with its market inside; refuses it where the vault says otherwise.
pub(super) fn looked_through(
    id: &MarketId,
    fixed: &Fixed,
    at: &At,
    row: Row,
) -> Result<Reading, AdapterError> {
    let (Some(market), Some(shares)) = (row.inner, index_shares(fixed)) else {
        return Err(not_covered(id, at, "its shares have fewer decimals than a price needs"));
    };
    let places = fixed.share_decimals.checked_sub(fixed.decimals);
    let places = places
        .ok_or_else(|| not_covered(id, at, "its shares have fewer decimals than its asset"))?;
    let model = LookedThrough {
        market,
        supply: row.total_supply,
        virtual_shares: U256::from(10).saturating_pow(U256::from(places)),
        index_shares: shares,
        counted: row.counted,
        owned: row.owned,
        read: at.timestamp,
    };
    let failed = |error: RateError| not_covered(id, at, &error.to_string());
    let now = model.accrued(at.timestamp).map_err(failed)?;
    let supplied = now.total_assets().map_err(failed)?;
    disagrees(id, at, "totalAssets of the vault", (supplied.0, row.total_assets.0))?;
    let share_price = now.share_price().map_err(failed)?;
    disagrees(id, at, "convertToAssets", (share_price.0, row.index.0))?;
    let held = now.held().map_err(failed)?;
    if let Some((worth, available)) = row.said_of_stake {
        disagrees(id, at, "totalAssets", (held.worth.0, worth.0))?;
        disagrees(id, at, "liquidity", (held.available.0, available.0))?;
    }
    let Rates { supply, borrow } = now.market.rates().map_err(failed)?;
    let mut terms = curve_terms(&fixed.symbol, curve(&now.market), market.fee.to_f64());
    terms.wrap_depth = terms.wrap_depth.map(|depth| depth.saturating_add(1));
    Ok(Reading {
        share_price,
        supplied,
        borrowed: now.borrowed().map_err(failed)?,
        supply_apr: supply,
        borrow_apr: Some(borrow),
        exit: now.exit().map_err(failed)?,
        held,
        terms,
        model: Arc::new(model),
        ..blank(id, fixed, at, &row)
    })
}

/// Makes the reading of a vault that is not looked through, with the rate at which its index grew.
pub(super) fn opaque(
    (id, wanted): (&MarketId, &Erc4626Vault),
    fixed: &Fixed,
    at: &At,
    (row, rate): (Row, Ray),
) -> Result<Reading, AdapterError> {
    let (worth, available) = row.said_of_stake.unwrap_or_default();
    let held = Held { shares: row.counted, worth, available };
    // The standard tells what one holder can take, and nobody else: idle money can leave in any case.
    let exit = row.idle.max(row.most).min(row.total_assets);
    let model = Opaque {
        share_price: row.index,
        rate,
        supplied: row.total_assets,
        exit,
        entry: row.entry,
        index_shares: index_shares(fixed).unwrap_or_default(),
        held,
        read: at.timestamp,
    };
    let wrap_depth = asset::wraps(&fixed.symbol);
    let kind = wanted.staking_days.map_or(MarketKind::Lending, |_| MarketKind::Staking);
    let delay_days = f64::from(wanted.staking_days.unwrap_or_default());
    let terms = Terms {
        kind,
        issuer: asset::issuer(&fixed.symbol).map(str::to_owned),
        wrap_depth: wrap_depth.map(|depth| depth.saturating_add(1)),
        ..Terms::default()
    };
    Ok(Reading {
        supply_apr: rate,
        exit,
        held,
        terms,
        model: Arc::new(model),
        beyond: Beyond { delay_days, ..Beyond::default() },
        ..blank(id, fixed, at, &row)
    })
}

/// What both kinds of reading have in common.
pub(super) fn blank(id: &MarketId, fixed: &Fixed, at: &At, row: &Row) -> Reading {
    let held = Held::default();
    let none = Opaque {
        share_price: row.index,
        rate: Ray(U256::ZERO),
        supplied: row.total_assets,
        exit: Amount::ZERO,
        entry: row.entry,
        index_shares: U256::ZERO,
        held,
        read: at.timestamp,
    };
    Reading {
        market: id.clone(),
        symbol: fixed.symbol.as_str().into(),
        asset: fixed.asset,
        decimals: fixed.decimals,
        at: *at,
        share_price: row.index,
        supplied: row.total_assets,
        borrowed: Amount::ZERO,
        supply_apr: Ray(U256::ZERO),
        borrow_apr: None,
        exit: Amount::ZERO,
        entry: row.entry,
        switches: Switches { is_active: true, is_frozen: false, is_paused: false },
        terms: Terms::default(),
        held,
        rewards: None,
        model: Arc::new(none),
        beyond: Beyond::default(),
    }
}

/// The yearly growth of a vault's index over its window, simple; zero where it fell.
pub(super) async fn growth(
    adapter: &Erc4626,
    nodes: &Nodes,
    at: &At,
    (market, wanted, fixed): (&MarketId, &Erc4626Vault, &Fixed),
    row: &Row,
) -> Result<Ray, AdapterError> {
    let about = market.as_str();
    let number = at.block.number.saturating_sub(wanted.window_blocks.max(1));
    let then = nodes.block(number).await.map_err(node(about, at))?;
    let before = At { block: then.block, timestamp: then.timestamp };
    let mut batch = Batch::default();
    let shares = index_shares(fixed).unwrap_or_default();
    let slot = batch.ask(wanted.vault, &IVault::convertToAssetsCall { shares });
    let answers = batch.send(nodes, &before, adapter.place()).await?;
    let index = Amount(answers.get(slot, about)?);
    let seconds = U256::from(at.timestamp.saturating_sub(before.timestamp));
    let gained = Amount(row.index.0).saturating_sub(index);
    let ray_years = Amount(Ray::ONE.0.saturating_mul(U256::from(SECONDS_PER_YEAR)));
    let rate = gained.mul_div_down(ray_years, Amount(index.0.saturating_mul(seconds)));
    let lacks = "its rate is unknown: it had no index, or no time went by";
    rate.map(|rate| Ray(rate.0)).ok_or_else(|| not_covered(market, at, lacks))
}
