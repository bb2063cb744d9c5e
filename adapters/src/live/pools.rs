//! What markets in pools have in common: they are entered and left by the market contract's own calls, and nobody borrows.

use alloy::primitives::{Bytes, U256};
use alloy::sol;
use alloy::sol_types::SolCall;
use plimsoll_core::MarketId;
use plimsoll_core::units::Amount;
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::{Act, At};
use plimsoll_frame::LegFrame;

sol! {
    /// `contracts/src/markets/Market.sol`.
    interface IMarketCalls {
        function deposit(uint256 assets, bytes data) external;
        function withdraw(uint256 assets) external;
    }
}

/// The market contract's call for an act, without words.
pub(super) fn call(act: &Act) -> Bytes {
    let assets = act.amount.0;
    let data = if act.is_entry {
        IMarketCalls::depositCall { assets, data: Bytes::new() }.abi_encode()
    } else {
        IMarketCalls::withdrawCall { assets }.abi_encode()
    };
    data.into()
}

/// Reads such a call back.
pub(super) fn act(market: &MarketId, data: &Bytes) -> Option<Act> {
    let (assets, is_entry) = match data.get(..4)? {
        selector if selector == IMarketCalls::depositCall::SELECTOR => {
            (IMarketCalls::depositCall::abi_decode_validate(data).ok()?.assets, true)
        }
        selector if selector == IMarketCalls::withdrawCall::SELECTOR => {
            (IMarketCalls::withdrawCall::abi_decode_validate(data).ok()?.assets, false)
        }
        _ => return None,
    };
    Some(Act { market: market.clone(), is_entry, amount: Amount(assets) })
}

/// The part of a pool that is moved to see what moving costs.
const PROBE_PART: U256 = alloy::primitives::uint!(1_000_U256);

/// A position that can be moved to see what that costs.
pub(super) trait Movable: Clone {
    /// Enters with so much; `None` where the contract would refuse.
    fn entered(self, assets: U256) -> Option<Self>;
    /// Has at least one part in `parts` of all shares, and nothing else.
    fn owning(self, parts: U256) -> Option<Self>;
    /// Leaves with so much; `None` where the contract would refuse.
    fn left(self, assets: U256) -> Option<Self>;
    /// What leaving is priced at.
    fn low(&self) -> Option<U256>;
}

/// Returns what entering with a thousandth of a pool and leaving with half of that cost, as shares of what is moved: what the low
/// value falls by, and what comes in does not make up for. `None` where the contract would refuse it now.
pub(super) fn costs<M: Movable>(position: &M, supplied: Amount) -> Option<(f64, f64)> {
    let moved = supplied.0 / PROBE_PART;
    let half = moved / U256::from(2);
    let gained = position.clone().entered(moved)?.low()?.saturating_sub(position.low()?);
    let owner = position.clone().owning(PROBE_PART)?;
    let lost = owner.low()?.saturating_sub(owner.left(half)?.low()?);
    let share = |lost: U256, of: U256| f64::from(lost) / f64::from(of);
    let (entry, exit) = (moved.saturating_sub(gained), lost.saturating_sub(half));
    (!half.is_zero()).then(|| (share(entry, moved), share(exit, half)))
}

/// No borrowers.
pub(super) fn no_legs(about: &str, at: &At) -> Result<LegFrame, AdapterError> {
    LegFrame::from_legs(Vec::new()).map_err(|error| AdapterError::NotCovered {
        about: about.to_owned(),
        block: at.block.number,
        detail: error.to_string(),
    })
}
