//! The end: a person closes entering with the guardian's key, and who is left takes everything out in kind.
//!
//! No engine is asked for anything here.

use super::super::Show;
use super::super::document::decimal;
use super::super::stage::{DAY_BLOCKS, Seat};
use alloy::primitives::{Address, U256};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol;
use alloy::sol_types::SolEvent;
use plimsoll_core::Amount;
use plimsoll_execute::live::books::signed;
use plimsoll_localchain::abi::{IPlimsollVault, IToken};
use plimsoll_localchain::{Call, VaultMarket};
use serde::Serialize;

sol! {
    interface IClaims {
        function claims(address holder) external view returns (uint256);
        function claim(uint256 claimed, address receiver) external returns (uint256);
        function unsold() external view returns (uint256);
        event ClaimGiven(address indexed holder, uint256 indexed request, uint256 part);
    }
    interface IValue {
        function value() external view returns (uint256 gross, uint256 low, uint256 high, uint256 supply, bool isSound);
    }
}

/// Gas of leaving in kind: every market hands something over.
const GAS: u64 = 16_000_000;
/// Days for which a claim on the withdrawal queue is waited for.
const MOST_DAYS: u64 = 15;

/// What was freed, and how.
#[derive(Debug, Default, Serialize)]
pub(super) struct Freed {
    /// Who did what.
    acts: Vec<String>,
    /// What the holder got.
    got: Vec<Got>,
    /// What was there before, and what is there afterwards, in the vault's asset.
    there: String,
    /// Gains of the last day that are not unlocked: they stay when the last share leaves.
    locked: String,
    pub(super) left_behind: String,
    /// Shares that are left.
    pub(super) shares_left: String,
    /// Rewards that wait in market contracts to be sold: they count for nothing and belong to nobody who left.
    unsold_rewards: Vec<Got>,
    /// Hours until the last claim was paid.
    hours: u64,
}

/// An amount of a token.
#[derive(Debug, Serialize)]
struct Got {
    /// The market contract; the vault itself for idle money.
    from: String,
    /// The token's symbol.
    token: String,
    amount: String,
}

/// Frees what is left of a vault for `holder`, who has all shares.
pub(super) async fn free(
    show: &mut Show,
    (seat, holder): (&Seat, Address),
) -> anyhow::Result<Freed> {
    let vault = seat.vault.address;
    let decimals = seat.asset.decimals();
    let text = |raw: U256| decimal(signed(Amount(raw)), decimals);
    let chain = &show.stage.chain;
    let value = chain.call(vault, &IValue::valueCall {}).await?;
    let shares = chain.call(vault, &IPlimsollVault::balanceOfCall { account: holder }).await?;
    let pause = Call::new(seat.vault.roles.guardian, vault, &IPlimsollVault::pauseEntriesCall {});
    let leave =
        IPlimsollVault::redeemInKindCall { shares, receiver: holder, holder, forgone: Vec::new() };
    let leave = Call::new(holder, vault, &leave).with_gas(GAS);
    show.stage.shortly().await?;
    let receipts = show.stage.chain.execute(&[pause, leave]).await?;
    let mut freed = Freed {
        acts: vec!["guardian: pauseEntries".to_owned(), "holder: redeemInKind".to_owned()],
        got: got(show, seat, &receipts).await?,
        there: text(value.gross),
        locked: text(value.gross.saturating_sub(value.low)),
        left_behind: String::new(),
        shares_left: String::new(),
        unsold_rewards: Vec::new(),
        hours: 0,
    };
    morpho(show, seat, (holder, &mut freed)).await?;
    show.stage.hourly().await?;
    requests(show, seat, (holder, &receipts, &mut freed)).await?;
    unsold(show, seat, &mut freed).await?;
    let chain = &show.stage.chain;
    freed.left_behind = text(chain.call(vault, &IValue::valueCall {}).await?.gross);
    freed.shares_left = chain.call(vault, &IPlimsollVault::totalSupplyCall {}).await?.to_string();
    Ok(freed)
}

/// What the vault says it handed over.
async fn got(
    show: &Show,
    seat: &Seat,
    receipts: &[TransactionReceipt],
) -> anyhow::Result<Vec<Got>> {
    let mut all = Vec::new();
    for log in receipts.iter().flat_map(|receipt| receipt.logs()) {
        let Ok(given) = IPlimsollVault::LeftInKind::decode_log(&log.inner) else { continue };
        if given.address != seat.vault.address || given.amount.is_zero() {
            continue;
        }
        let from = name(seat, given.market);
        all.push(if given.token == given.market {
            Got { from, token: "claim".to_owned(), amount: given.amount.to_string() }
        } else {
            token(show, from, (given.token, given.amount)).await?
        });
    }
    Ok(all)
}

async fn token(show: &Show, from: String, (token, amount): (Address, U256)) -> anyhow::Result<Got> {
    let chain = &show.stage.chain;
    let Ok(symbol) = chain.call(token, &IToken::symbolCall {}).await else {
        return Ok(Got { from, token: token.to_string(), amount: amount.to_string() });
    };
    let decimals = chain.call(token, &IToken::decimalsCall {}).await?;
    Ok(Got { from, token: symbol, amount: decimal(signed(Amount(amount)), decimals) })
}

/// What a market contract of the vault is.
fn name(seat: &Seat, contract: Address) -> String {
    let known = seat.vault.markets.iter().find(|(_, each)| *each == contract);
    known.map_or_else(|| "idle".to_owned(), |(market, _)| format!("{market:?}"))
}

/// Takes the claims on Morpho out.
async fn morpho(
    show: &Show,
    seat: &Seat,
    (holder, freed): (Address, &mut Freed),
) -> anyhow::Result<()> {
    let chain = &show.stage.chain;
    let is_morpho = |market: &VaultMarket| matches!(market, VaultMarket::Morpho(_));
    for (market, contract) in seat.vault.markets.iter().filter(|(market, _)| is_morpho(market)) {
        let claimed = chain.call(*contract, &IClaims::claimsCall { holder }).await?;
        if claimed.is_zero() {
            continue;
        }
        let balance = IToken::balanceOfCall { account: holder };
        let before = chain.call(seat.vault.asset, &balance).await?;
        let claim = IClaims::claimCall { claimed, receiver: holder };
        chain.execute(&[Call::new(holder, *contract, &claim)]).await?;
        let paid = chain.call(seat.vault.asset, &balance).await?.saturating_sub(before);
        freed.acts.push(format!("holder: claim of {market:?}"));
        freed
            .got
            .push(token(show, format!("{market:?}, claimed"), (seat.vault.asset, paid)).await?);
    }
    Ok(())
}

/// Waits for the withdrawal queue and takes the claims on requests out.
async fn requests(
    show: &mut Show,
    seat: &Seat,
    (holder, receipts, freed): (Address, &[TransactionReceipt], &mut Freed),
) -> anyhow::Result<()> {
    let logs = receipts.iter().flat_map(|receipt| receipt.logs());
    let given = logs.filter_map(|log| IClaims::ClaimGiven::decode_log(&log.inner).ok());
    let given = given.filter(|given| given.holder == holder && !given.part.is_zero());
    let mut waiting: Vec<(Address, U256)> =
        given.map(|given| (given.address, given.request)).collect();
    let known = |contract| {
        seat.vault
            .markets
            .iter()
            .any(|(market, each)| *each == contract && *market == VaultMarket::StakedEth)
    };
    waiting.retain(|(contract, _)| known(*contract));
    while !waiting.is_empty() && freed.hours < MOST_DAYS * DAY_BLOCKS {
        let mut later = Vec::new();
        for (contract, request) in waiting {
            let claim = IClaims::claimCall { claimed: request, receiver: holder };
            let call = Call::new(holder, contract, &claim);
            let balance = IToken::balanceOfCall { account: holder };
            let before = show.stage.chain.call(seat.vault.asset, &balance).await?;
            show.stage.shortly().await?;
            let done = show.stage.chain.execute(&[call]).await;
            show.stage.hourly().await?;
            if done.is_err() {
                later.push((contract, request));
                continue;
            }
            let after = show.stage.chain.call(seat.vault.asset, &balance).await?;
            let paid = after.saturating_sub(before);
            freed.acts.push(format!("holder: claim of request {request}"));
            let from = format!("withdrawal request {request}");
            freed.got.push(token(show, from, (seat.vault.asset, paid)).await?);
        }
        waiting = later;
        if !waiting.is_empty() {
            show.stage.driver.step(&show.stage.chain).await?;
            freed.hours += 1;
        }
    }
    anyhow::ensure!(waiting.is_empty(), "claims {waiting:?} were not paid in {MOST_DAYS} days");
    Ok(())
}

/// Rewards that nobody could sell.
async fn unsold(show: &Show, seat: &Seat, freed: &mut Freed) -> anyhow::Result<()> {
    let Some(world) = &show.stage.world else { return Ok(()) };
    for (market, contract) in &seat.vault.markets {
        if !matches!(market, VaultMarket::UniswapV2 | VaultMarket::UniswapV3) {
            continue;
        }
        let waiting = show.stage.chain.call(*contract, &IClaims::unsoldCall {}).await?;
        if !waiting.is_zero() {
            let held = (world.reward.token, waiting);
            freed.unsold_rewards.push(token(show, format!("{market:?}"), held).await?);
        }
    }
    Ok(())
}

impl Freed {
    /// It in words.
    pub(super) fn words(&self) -> String {
        let got =
            self.got.iter().map(|got| format!("{} {} from {}", got.amount, got.token, got.from));
        let got: Vec<String> = got.collect();
        let unsold = self.unsold_rewards.iter();
        let unsold: Vec<String> = unsold
            .map(|each| format!("; {} {} unsold in {}", each.amount, each.token, each.from))
            .collect();
        format!(
            "freed ({}): of {} there, {} is left{}; got {}",
            self.acts.join(", "),
            self.there,
            self.left_behind,
            unsold.concat(),
            got.join(", ")
        )
    }
}
