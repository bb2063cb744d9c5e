//! What the suite needs of a protocol: an adapter, the truth as the bytecode tells it without the adapter's
//! help, and the means to put a market into a state.

use crate::stage::Stage;
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_localchain::Asset;

/// What the contracts say of a market at the newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) share_price: Ray,
    pub(crate) supplied: Amount,
    /// `None` where the protocol's interface does not say.
    pub(crate) borrowed: Option<Amount>,
    pub(crate) supply_apr: Option<Ray>,
    pub(crate) borrow_apr: Option<Ray>,
    pub(crate) exit: Amount,
    pub(crate) held: Held,
}

/// A state to put a market into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything is refused.
    Paused,
    /// Deposits are refused.
    Frozen,
    /// So much more, whole tokens, may be supplied at most.
    Capped(u64),
    /// Everything is lent.
    Utilised,
    /// Tokens are sent to where the protocol keeps its cash.
    Donated,
    /// Somebody supplies on behalf of our market contract.
    Gifted,
    /// Lenders bear a loss.
    BadDebt,
}

/// A way to be configured wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The protocol's own address is a token's.
    Protocol,
    /// The protocol's own address has no code.
    NoCode,
    /// The market contract is that of another market.
    Contract,
    /// The market does not exist.
    Market,
    /// Another chain.
    Chain,
    /// No market contract: nothing is wrong, nothing is held.
    NoContract,
}

#[async_trait]
pub(crate) trait Subject: Send + Sync {
    fn name(&self) -> &'static str;

    /// Of which line the pool of Aave is that it stands on.
    fn line(&self) -> Line {
        Line::V3_0
    }

    /// Adds to the stage what only this protocol needs.
    async fn prepare(&self, _stage: &mut Stage) {}

    /// Why a check has no meaning here, by its name.
    fn meaningless(&self, _check: &str) -> Option<&'static str> {
        None
    }

    /// The adapter of all places, rightly configured, or wrongly in one way.
    fn adapter(&self, stage: &Stage, wrong: Option<Wrong>) -> Box<dyn Protocol>;

    fn asset(&self, stage: &Stage, place: usize) -> Asset;

    /// The market contract.
    fn contract(&self, stage: &Stage, place: usize) -> Address;

    /// What holds the money: whose balance bounds what can leave.
    fn till(&self, stage: &Stage, place: usize) -> Address;

    /// A contract whose failure is the failure of this place alone, of those that are tested.
    fn own_part(&self, stage: &Stage, place: usize) -> Address;

    async fn truth(&self, stage: &Stage, place: usize) -> Truth;

    /// Puts a market into a state, or says why that has no meaning here.
    async fn set(&self, stage: &Stage, place: usize, wanted: Wanted) -> Result<(), &'static str>;

    /// Whether what an action does is predicted exactly, or estimated.
    fn is_exact(&self) -> bool {
        true
    }

    /// Whether what can leave after an entry is predicted exactly, or from below.
    fn is_available_exact(&self) -> bool {
        true
    }

    /// By which field another market's contract is found out.
    fn contract_field(&self) -> &'static str {
        "asset"
    }

    /// How many calls a read takes.
    fn calls(&self) -> usize {
        1
    }
}

/// A ray of a rate per second in wad.
pub(crate) fn yearly(per_second: U256) -> Ray {
    Ray(per_second * U256::from(31_536_000u64) * U256::from(1_000_000_000u64))
}
