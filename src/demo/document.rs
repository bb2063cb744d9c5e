//! What a demo prints for programs.

use super::books::{Brought, Landed};
use plimsoll_core::Amount;
use serde::Serialize;

/// The document of `plimsoll demo --json`.
///
/// # Units
/// Amounts are decimal strings of the vault's asset; `paid_by_operator` is wei; names in `_pct` are percent.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) schema: u32,
    pub(crate) seed: u64,
    pub(crate) days: u64,
    pub(crate) vault: Vault,
    pub(crate) baselines: Baselines,
    pub(crate) moves: Vec<Move>,
    pub(crate) pnl_by_market: Vec<Profit>,
    pub(crate) kinds_used: Vec<&'static str>,
    pub(crate) gas: Gas,
    pub(crate) faults: Faults,
}

#[derive(Debug, Serialize)]
pub(crate) struct Vault {
    pub(crate) start_nav: String,
    pub(crate) end_nav: String,
    pub(crate) annualised_pct: f64,
    pub(crate) share_price_start: String,
    pub(crate) share_price_end: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Baselines {
    pub(crate) idle_pct: f64,
    pub(crate) hold_best_at_start_pct: f64,
    pub(crate) equal_pct: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Move {
    pub(crate) block: u64,
    pub(crate) plan_id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) amount: String,
    pub(crate) reason: String,
    pub(crate) binding_constraint: Option<String>,
    pub(crate) gas_used: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Profit {
    pub(crate) market: String,
    pub(crate) kind: &'static str,
    pub(crate) income: String,
    pub(crate) rewards: String,
    pub(crate) fees: String,
    pub(crate) price: String,
    pub(crate) cost: String,
    pub(crate) impairment: String,
    pub(crate) total: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Gas {
    pub(crate) paid_by_operator: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Faults {
    pub(crate) reverts: u64,
    pub(crate) reorgs: u64,
    pub(crate) restarts: u64,
}

impl Profit {
    /// What a market brought. A lending position has no rewards here, no fees and no price of its own.
    pub(crate) fn of(market: &str, brought: &Brought, decimals: u8) -> Profit {
        let text = |raw: i128| decimal(raw, decimals);
        Profit {
            market: market.to_owned(),
            kind: "lending",
            income: text(brought.income),
            rewards: text(0),
            fees: text(0),
            price: text(0),
            cost: text(brought.cost),
            impairment: text(brought.impairment),
            total: text(brought.income + brought.cost + brought.impairment),
        }
    }
}

impl Move {
    /// A leg that landed, with why.
    pub(crate) fn of(
        leg: &Landed,
        (reason, binding_constraint): (String, Option<String>),
        gas_used: u64,
        decimals: u8,
    ) -> Move {
        let (idle, market) = ("idle".to_owned(), leg.market.to_string());
        let (from, to) = if leg.is_entry { (idle, market) } else { (market, idle) };
        Move {
            block: leg.block,
            plan_id: leg.plan.to_string(),
            from,
            to,
            amount: decimal(super::books::signed(leg.amount), decimals),
            reason,
            binding_constraint,
            gas_used,
        }
    }
}

/// Raw units as a decimal string of the asset.
pub(crate) fn decimal(raw: i128, decimals: u8) -> String {
    let sign = if raw < 0 { "-" } else { "" };
    let digits = raw.unsigned_abs().to_string();
    let decimals = usize::from(decimals);
    let digits = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A yearly rate in percent, from what `start` became over `days`; simple, as everywhere.
pub(crate) fn yearly_pct(start: Amount, end: Amount, days: u64, decimals: u8) -> f64 {
    let (start, end) = (start.to_f64(decimals), end.to_f64(decimals));
    let days = f64::from(u32::try_from(days).unwrap_or(u32::MAX));
    if start > 0.0 && days > 0.0 { (end / start - 1.0) * 365.0 / days * 100.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_units_are_written_with_every_decimal() {
        assert_eq!(decimal(1, 6), "0.000001");
        assert_eq!(decimal(-100_000_000_001, 6), "-100000.000001");
        assert_eq!(decimal(7, 0), "7");
    }
}
