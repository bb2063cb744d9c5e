//! What holders of the vault who left took out of a market beside any plan.
//!
//! The vault pays leavers out of its markets in their order, and hands them parts in kind; no event says how much of the
//! vault's asset that was. The shares that the market counts for us say it: nobody but us and leavers takes them. Where a
//! plan moved the same market between the same two looks this can be told apart for a market with an index alone; for
//! the others it is then counted among what moving cost.

use super::causes::{DUST, Flows, Look, found, signed};
use alloy::primitives::{U256, uint};
use plimsoll_core::{Amount, MarketKind};

/// Returns `flows` with what leavers took.
pub(super) fn with_drawn(before: &Look, now: &Look, flows: Flows) -> Flows {
    let drawn = drawn(before, now, &flows);
    if drawn == 0 {
        return flows;
    }
    Flows { left: flows.left.saturating_add(drawn), is_moved: true, ..flows }
}

/// Where less than one in so many shares is left, its worth, a whole number, is no measure of what the others were worth.
const FEW: U256 = uint!(16_U256);

fn drawn(before: &Look, now: &Look, flows: &Flows) -> i128 {
    let (Some(from), Some(to)) = (&before.known, &now.known) else { return 0 };
    let (had, has) = (from.shares, to.shares);
    if flows.is_moved {
        let is_told = flows.is_left && to.kind == MarketKind::Lending && !has.is_zero();
        let then = is_told.then(|| now.worth.mul_div_down(had, has)).flatten();
        let missing = then.map_or(0, |then| signed(then) + flows.net() - signed(now.worth));
        // Rounding: of each move, and of the shares that were taken as a measure.
        let dust = had.0.checked_div(has.0).map_or(0, |times| signed(Amount(times)));
        return if missing > DUST.saturating_add(dust) { missing } else { 0 };
    }
    if has >= had {
        return 0;
    }
    if had >= Amount(has.0.saturating_mul(FEW)) {
        // All of it, or nearly, as it had become: too few shares are left to measure the others by.
        let flows = Flows { is_moved: true, ..*flows };
        let then = signed(before.worth) + found(before, now, (0, &flows)).total();
        return (then - signed(now.worth)).max(0);
    }
    let tokens = now.worth.saturating_sub(to.facts.queued);
    let taken = tokens.mul_div_down(had.saturating_sub(has), has).unwrap_or_default();
    signed(taken) + signed(from.facts.queued.saturating_sub(to.facts.queued))
}
