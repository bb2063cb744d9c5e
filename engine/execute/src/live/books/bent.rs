//! What the curve of a pool cost a position: impermanent loss and loss-versus-rebalancing, by their definitions.
//!
//! Both are part of what the price did, told apart by what they are measured against. Impermanent loss: the tokens that
//! the position was made of when it last changed. LVR: a portfolio that holds the same tokens at every block, but trades
//! at the oracle's price. Fees are in neither.

use super::causes::Look;
use plimsoll_core::lp::loss::RangePosition;

/// The curve that a position follows since it last changed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Since {
    position: RangePosition,
    /// The price at which it began, which the position counts as one.
    price: f64,
    /// Raw units of the asset for a unit of its value.
    scale: f64,
}

/// Both losses of a position so far, raw units of the vault's asset; none is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bent {
    since: Option<Since>,
    closed: f64,
    running: f64,
    lvr: f64,
}

impl Bent {
    /// Impermanent loss: against the tokens held when the position last changed, and as much as there was before each change.
    #[must_use]
    pub fn impermanent_loss(&self) -> f64 {
        self.closed + self.running
    }

    /// Loss-versus-rebalancing, with a block as its step.
    #[must_use]
    pub fn lvr(&self) -> f64 {
        self.lvr
    }

    /// Takes in the price from `before` to `now`; where something of ours moved another position begins.
    pub(super) fn take(&mut self, before: &Look, now: &Look, is_moved: bool) {
        if let (Some((position, from, inside)), Some((_, to, _))) = (before.curve(), now.curve()) {
            self.lvr += scaled(position, inside) * position.impermanent_loss(1.0, to / from);
        }
        let price = now.curve().map(|(_, price, _)| price);
        if let (Some(since), Some(price)) = (self.since, price) {
            self.running = since.scale * since.position.impermanent_loss(1.0, price / since.price);
        }
        if is_moved || self.since.is_none() {
            self.closed += std::mem::take(&mut self.running);
            self.since = now.curve().map(|(position, price, inside)| Since {
                position,
                price,
                scale: scaled(position, inside),
            });
        }
    }
}

/// Raw units for a unit of the position's value.
fn scaled(position: RangePosition, inside: f64) -> f64 {
    let worth = position.value(1.0);
    if worth > 0.0 { inside / worth } else { 0.0 }
}
