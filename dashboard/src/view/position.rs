//! What the vault holds in each market.

use super::decimal::Decimal;
use super::figure::{Aging, Figure, Forget};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every position of the vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PositionsView {
    /// The positions by market id.
    pub positions: Vec<PositionView>,
}

/// One position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PositionView {
    /// The market, `protocol:chainId:address[:detail]`.
    pub market: String,
    /// What it is worth as the protocol would pay it, in the vault's asset.
    pub worth: Figure<Decimal>,
    /// Shares, as the protocol counts them.
    pub shares: Figure<Decimal>,
    /// Its part of the gross NAV.
    pub weight: Figure<f64>,
    /// What could be taken out in this block.
    pub available: Figure<Decimal>,
    /// What one share is worth: the market's index.
    pub share_price: Figure<Decimal>,
    /// The part of it that the guardian has written off.
    pub mark: Figure<f64>,
    /// What was paid for what is held.
    pub cost_basis: Figure<Decimal>,
    /// Worth less cost basis; negative for a loss.
    pub profit: Figure<Decimal>,
}

impl Aging for PositionsView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        self.positions.iter_mut().flat_map(PositionView::figures).collect()
    }
}

impl PositionView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        vec![
            &mut self.worth,
            &mut self.shares,
            &mut self.weight,
            &mut self.available,
            &mut self.share_price,
            &mut self.mark,
            &mut self.cost_basis,
            &mut self.profit,
        ]
    }
}
