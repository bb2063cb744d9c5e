//! Depositors who leave: they are paid what can be paid, and wait in the queue for the rest.

use super::stage::{Seat, Stage};
use alloy::primitives::{Address, U256};
use plimsoll_core::Amount;
use plimsoll_localchain::Call;
use plimsoll_localchain::abi::{IPlimsollVault, IToken};

/// Gas of what a depositor does: the vault keeps gas in reserve for each market.
pub(super) const GAS: u64 = 6_000_000;
/// Decimals that a share has more than the asset.
const MORE_DECIMALS: u8 = 6;

/// One who leaves, on the way out.
pub(super) struct Leaving {
    /// In a word.
    pub(super) who: &'static str,
    /// The vault.
    seat: Seat,
    /// Whose shares.
    pub(super) account: Address,
    /// The block.
    pub(super) asked_at: Option<u64>,
    /// All that they had.
    pub(super) shares: U256,
    /// The vault's price for a whole share then.
    pub(super) price_when_asked: f64,
    /// The block after which nothing was owed any more.
    pub(super) paid_by: Option<u64>,
}

impl Leaving {
    /// One who has not asked yet.
    pub(super) fn new(who: &'static str, seat: &Seat, account: Address) -> Leaving {
        Leaving {
            who,
            seat: seat.clone(),
            account,
            asked_at: None,
            shares: U256::ZERO,
            price_when_asked: 0.0,
            paid_by: None,
        }
    }

    fn vault(&self) -> Address {
        self.seat.vault.address
    }

    /// Asks for everything: what can be paid now, and the rest by the queue. Returns the transactions.
    pub(super) async fn ask(&mut self, stage: &Stage) -> anyhow::Result<Vec<Call>> {
        let (chain, vault, holder) = (&stage.chain, self.vault(), self.account);
        self.shares = chain.call(vault, &IPlimsollVault::balanceOfCall { account: holder }).await?;
        self.price_when_asked = price(stage, &self.seat).await?;
        self.asked_at = Some(chain.head().await?.number);
        let now = chain.call(vault, &IPlimsollVault::maxRedeemCall { holder }).await?;
        let now = now.min(self.shares);
        let mut calls = Vec::new();
        if !now.is_zero() {
            // Where leaving a market costs something, it falls on who leaves.
            let redeem = IPlimsollVault::redeemUpToCall { shares: now, minAssets: U256::ZERO };
            calls.push(Call::new(holder, vault, &redeem).with_gas(GAS));
        }
        calls.extend(self.queue(self.shares.saturating_sub(now)));
        Ok(calls)
    }

    /// Puts into the queue what could not be paid after all.
    pub(super) async fn ask_for_rest(&self, stage: &Stage) -> anyhow::Result<Option<Call>> {
        let held = IPlimsollVault::balanceOfCall { account: self.account };
        Ok(self.queue(stage.chain.call(self.vault(), &held).await?))
    }

    fn queue(&self, shares: U256) -> Option<Call> {
        let request = IPlimsollVault::requestRedeemCall { shares };
        let call = || Call::new(self.account, self.vault(), &request).with_gas(GAS);
        (!shares.is_zero()).then(call)
    }

    /// Whether something is still owed.
    pub(super) fn waits(&self) -> bool {
        self.asked_at.is_some() && self.paid_by.is_none()
    }

    /// Collects what the queue was paid.
    pub(super) fn claim(&self) -> Call {
        let claim = IPlimsollVault::claimRedeemCall { receiver: self.account };
        Call::new(self.account, self.vault(), &claim).with_gas(GAS)
    }

    /// Notes whether everything has been paid.
    pub(super) async fn note(&mut self, stage: &Stage) -> anyhow::Result<()> {
        if !self.waits() {
            return Ok(());
        }
        let (chain, vault, holder) = (&stage.chain, self.vault(), self.account);
        let held = chain.call(vault, &IPlimsollVault::balanceOfCall { account: holder }).await?;
        let queued = chain.call(vault, &IPlimsollVault::queuedCall { holder }).await?;
        if held.is_zero() && queued.shares.is_zero() && queued.assets.is_zero() {
            self.paid_by = Some(chain.head().await?.number);
        }
        Ok(())
    }

    /// What they have of the vault's asset: they deposited all that they had.
    pub(super) async fn got(&self, stage: &Stage) -> anyhow::Result<Amount> {
        let balance = IToken::balanceOfCall { account: self.account };
        Ok(Amount(stage.chain.call(self.seat.vault.asset, &balance).await?))
    }

    /// What was paid for a whole share.
    pub(super) fn price_of(&self, got: Amount) -> f64 {
        let decimals = self.seat.asset.decimals();
        let shares = Amount(self.shares).to_f64(decimals + MORE_DECIMALS);
        if shares > 0.0 { got.to_f64(decimals) / shares } else { 0.0 }
    }
}

/// Has the queue of a vault pay, as anyone may.
pub(super) fn pay_queue(stage: &Stage, seat: &Seat) -> Call {
    let anyone = stage.deployment.admin;
    Call::new(anyone, seat.vault.address, &IPlimsollVault::payQueueCall {}).with_gas(GAS)
}

/// What leaving pays for a whole share.
pub(super) async fn price(stage: &Stage, seat: &Seat) -> anyhow::Result<f64> {
    // A million shares, so that six decimals of the asset show enough of it.
    let decimals = seat.asset.decimals();
    let shares = U256::from(10).pow(U256::from(decimals + MORE_DECIMALS + 6));
    let call = IPlimsollVault::convertToAssetsCall { shares };
    let assets = Amount(stage.chain.call(seat.vault.address, &call).await?);
    Ok(assets.to_f64(decimals) / 1e6)
}
