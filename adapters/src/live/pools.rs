//! What markets in pools have in common: they are entered and left by the market contract's own calls, and nobody borrows.

use alloy::primitives::Bytes;
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

/// No borrowers.
pub(super) fn no_legs(about: &str, at: &At) -> Result<LegFrame, AdapterError> {
    LegFrame::from_legs(Vec::new()).map_err(|error| AdapterError::NotCovered {
        about: about.to_owned(),
        block: at.block.number,
        detail: error.to_string(),
    })
}
