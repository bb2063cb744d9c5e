//! A plan: what to leave, what to enter, what it costs.

use crate::ids::MarketId;
use crate::time::Time;
use crate::units::{Amount, Bps};
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

/// Whether an action brings money into a market or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// From the market to idle.
    Exit,
    /// From idle to the market.
    Enter,
}

/// One call: money in or out of one market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// In or out.
    pub kind: ActionKind,
    /// The market.
    pub market: MarketId,
    /// How much, in the vault's denomination.
    pub amount: Amount,
}

/// One call that keeps a position in order and brings no money in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// The market.
    pub market: MarketId,
    /// What is done.
    #[serde(flatten)]
    pub kind: UpkeepKind,
}

/// What keeps a position in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UpkeepKind {
    /// Collects fees and rewards, and sells what is not the vault's asset.
    Harvest,
    /// Lays the range anew around the price; beside an entry into an empty position, the range that it gets.
    Range {
        /// Half of its width, in millionths of the logarithm of the price.
        half_width: u32,
    },
    /// Asks the protocol's queue to redeem: what comes of it is claimed later, and counts until then.
    RequestExit {
        /// How much, in the vault's denomination.
        amount: Amount,
    },
    /// Takes what the queue has ready.
    Claim,
}

/// What carrying out a plan costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCost {
    /// Swap and exit fees on one-way turnover.
    pub proportional: Amount,
    /// Gas of all actions; `None` where the gas price is not known, which is not free.
    pub gas: Option<Amount>,
}

impl PlanCost {
    /// Returns what the vault pays: the proportional part and the gas, where it is known.
    #[must_use]
    pub fn known(&self) -> Amount {
        Amount(self.proportional.0.saturating_add(self.gas.unwrap_or_default().0))
    }
}

/// What moving money costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostModel {
    /// Charged on one-way turnover: swap and exit fees together.
    pub turnover: Bps,
    /// Gas of one action in the vault's denomination; `None` where its price is not known.
    pub gas_per_action: Option<Amount>,
    /// Whether this is the first time that money leaves idle, which costs nothing but gas.
    pub is_first_entry: bool,
}

/// Ordered actions: exits first, so that they feed the entries.
///
/// Turnover and cost follow from the actions, so a plan whose entries were cut costs less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The clock at which it was made.
    pub as_of: Time,
    /// Money to take out, by market, each once.
    pub exits: Vec<Action>,
    /// Money to bring in, by market, each once.
    pub entries: Vec<Action>,
    /// What keeps positions in order, in the order of markets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upkeep: Vec<Upkeep>,
    /// What moving money costs.
    pub costs: CostModel,
}

impl Plan {
    /// Returns a plan in which nothing is done.
    #[must_use]
    pub fn nothing(as_of: Time, costs: CostModel) -> Plan {
        Plan { as_of, exits: Vec::new(), entries: Vec::new(), upkeep: Vec::new(), costs }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exits.is_empty() && self.entries.is_empty() && self.upkeep.is_empty()
    }

    /// Returns one-way turnover: the larger of what is left and what is entered, nothing for the first
    /// entry.
    #[must_use]
    pub fn turnover(&self) -> Amount {
        if self.costs.is_first_entry {
            return Amount::ZERO;
        }
        Plan::sum(&self.exits).max(Plan::sum(&self.entries))
    }

    /// Returns what carrying out the plan costs; the proportional part is rounded up.
    #[must_use]
    pub fn cost(&self) -> PlanCost {
        let actions = U256::from(self.exits.len() + self.entries.len() + self.upkeep.len());
        PlanCost {
            proportional: self
                .turnover()
                .share_up(self.costs.turnover)
                .unwrap_or(Amount(U256::MAX)),
            gas: self.costs.gas_per_action.map(|gas| Amount(gas.0.saturating_mul(actions))),
        }
    }

    /// Sums the amounts of `actions`, stopping at the largest representable amount.
    #[must_use]
    pub fn sum(actions: &[Action]) -> Amount {
        actions
            .iter()
            .fold(Amount::ZERO, |sum, action| Amount(sum.0.saturating_add(action.amount.0)))
    }
}
