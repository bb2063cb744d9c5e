//! What the vault holds in each market.

use super::decimal::Decimal;
use super::figure::{Aging, Figure, Forget};
use plimsoll_core::MarketKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every position of the vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PositionsView {
    /// The positions by market id.
    pub positions: Vec<PositionView>,
}

/// How a market earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindView {
    /// Borrowers pay interest.
    Lending,
    /// Validators earn rewards.
    Staking,
    /// Traders pay fees to those who provide liquidity.
    Lp,
    /// A campaign pays rewards to those who stake.
    Mining,
}

impl From<MarketKind> for KindView {
    fn from(kind: MarketKind) -> KindView {
        match kind {
            MarketKind::Lending => KindView::Lending,
            MarketKind::Staking => KindView::Staking,
            MarketKind::Lp => KindView::Lp,
            MarketKind::Mining => KindView::Mining,
        }
    }
}

/// The range of prices in which a position provides liquidity.
///
/// Prices are those of the other token in the vault's asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeView {
    /// Its lower end.
    pub lower: Figure<f64>,
    /// Its upper end.
    pub upper: Figure<f64>,
    /// The price now, by the oracle that the position is valued by.
    pub price: Figure<f64>,
    /// Half of its width, in the logarithm of the price.
    pub half_width: Figure<f64>,
    /// How far the price is from its middle, in the logarithm of the price; beyond the half width it earns nothing.
    pub offset: Figure<f64>,
}

/// One position.
///
/// What it brought (`income` to `lvr`, `profit`, `cost_basis`) is counted from `since_block` on; the engine keeps no books of
/// what was before. A gain is above zero, a loss below. The six causes add up to `profit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PositionView {
    /// The market, `protocol:chainId:address[:detail]`.
    pub market: String,
    /// How it earns; null where the market could not be read since the start.
    #[schema(required = true)]
    pub kind: Option<KindView>,
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
    /// Worth less profit: the worth at `since_block`, and what went in after it less what came out.
    pub cost_basis: Figure<Decimal>,
    /// Everything that it brought since then.
    pub profit: Figure<Decimal>,
    /// The block from which on it is known what the position brought; null where that is not known.
    #[schema(required = true)]
    pub since_block: Option<u64>,
    /// Growth of an index: interest, or what validators earn.
    pub income: Figure<Decimal>,
    /// Rewards, when they were sold.
    pub rewards: Figure<Decimal>,
    /// What traders paid.
    pub fees: Figure<Decimal>,
    /// What prices did to what is held, impermanent loss among it.
    pub price: Figure<Decimal>,
    /// What moving cost.
    pub cost: Figure<Decimal>,
    /// Falls of an index: bad debt, slashing.
    pub impairment: Figure<Decimal>,
    /// The part of `price` that the curve of a pool cost against holding the tokens of when the position last changed.
    pub impermanent_loss: Figure<Decimal>,
    /// The part of `price` that the curve of a pool cost against trading the same at the oracle's price at each look: LVR.
    pub lvr: Figure<Decimal>,
    /// Fees that could be collected now; they are in `worth`.
    pub fees_due: Figure<Decimal>,
    /// Rewards that could be claimed now, at what they would be sold for; they are not in `worth`.
    pub rewards_due: Figure<Decimal>,
    /// What waits in the protocol's queue; it is in `worth`.
    pub queued: Figure<Decimal>,
    /// What of it can be claimed now.
    pub claimable: Figure<Decimal>,
    /// How much less than what it is redeemed for a staked token is sold for; below zero where it is sold for more.
    pub discount: Figure<f64>,
    /// The range of a position that has one; null for others.
    #[schema(required = true)]
    pub range: Option<RangeView>,
}

impl Aging for PositionsView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        self.positions.iter_mut().flat_map(PositionView::figures).collect()
    }
}

impl PositionView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        let range = self.range.iter_mut().flat_map(RangeView::figures);
        let mut figures: Vec<&mut dyn Forget> = vec![
            &mut self.worth,
            &mut self.shares,
            &mut self.weight,
            &mut self.available,
            &mut self.share_price,
            &mut self.mark,
            &mut self.cost_basis,
            &mut self.profit,
            &mut self.income,
            &mut self.rewards,
            &mut self.fees,
            &mut self.price,
            &mut self.cost,
            &mut self.impairment,
            &mut self.impermanent_loss,
            &mut self.lvr,
            &mut self.fees_due,
            &mut self.rewards_due,
            &mut self.queued,
            &mut self.claimable,
            &mut self.discount,
        ];
        figures.extend(range);
        figures
    }
}

impl RangeView {
    fn figures(&mut self) -> [&mut dyn Forget; 5] {
        [&mut self.lower, &mut self.upper, &mut self.price, &mut self.half_width, &mut self.offset]
    }
}
