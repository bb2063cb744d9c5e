//! What a demo prints for programs.

use super::limits::LimitUse;
use anyhow::Context;
use plimsoll_core::{Amount, MarketKind};
use plimsoll_execute::chain::vault::LegKind;
use plimsoll_execute::live::books::{Account, Landed, signed};
use serde::Serialize;
use std::collections::BTreeMap;

/// The document of `plimsoll demo --json`.
///
/// # Units
/// Amounts are decimal strings of the vault's asset; `paid_by_operator` is wei; names in `_pct` are percent.
/// What is not under `vaults` is of the vault of USDC, but for kinds, gas and faults, which are of all.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) schema: u32,
    pub(crate) seed: u64,
    pub(crate) days: u64,
    pub(crate) vault: Vault,
    pub(crate) baselines: Baselines,
    pub(crate) moves: Vec<Move>,
    pub(crate) pnl_by_market: Vec<Profit>,
    pub(crate) vaults: Vec<Side>,
    pub(crate) kinds_used: Vec<&'static str>,
    pub(crate) gas: Gas,
    pub(crate) faults: Faults,
}

/// One vault.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Side {
    /// Symbol of its asset.
    pub(crate) name: &'static str,
    /// The asset.
    pub(crate) asset: String,
    /// Its risk line.
    pub(crate) line: String,
    #[serde(flatten)]
    pub(crate) vault: Vault,
    pub(crate) baselines: Baselines,
    pub(crate) moves: Vec<Move>,
    pub(crate) pnl_by_market: Vec<Profit>,
    /// By limit: the most that was used of it at any block; of what can leave, the least.
    pub(crate) limits: BTreeMap<&'static str, LimitUse>,
    pub(crate) kinds_used: Vec<&'static str>,
}

impl Document {
    /// Returns the document of some vaults, the first of which is that of USDC.
    pub(crate) fn of(
        (seed, days): (u64, u64),
        vaults: Vec<Side>,
        gas: Gas,
        faults: Faults,
    ) -> anyhow::Result<Document> {
        let first = vaults.first().cloned().context("a demo has a vault at least")?;
        let is_used = |kind: &&str| {
            vaults.iter().any(|vault| vault.kinds_used.iter().any(|used| used == kind))
        };
        let kinds_used = MarketKind::ALL.map(MarketKind::key);
        let kinds_used = kinds_used.into_iter().filter(is_used).collect();
        Ok(Document {
            schema: 1,
            seed,
            days,
            vault: first.vault,
            baselines: first.baselines,
            moves: first.moves,
            pnl_by_market: first.pnl_by_market,
            vaults,
            kinds_used,
            gas,
            faults,
        })
    }
}

#[derive(Debug, Clone, Serialize)]
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

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Move {
    pub(crate) block: u64,
    pub(crate) plan_id: String,
    /// `entry`, `exit`, `harvest`, or `range` for a position that was laid anew.
    pub(crate) kind: &'static str,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) amount: String,
    pub(crate) reason: String,
    pub(crate) binding_constraint: Option<String>,
    pub(crate) gas_used: u64,
}

#[derive(Debug, Clone, Serialize)]
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
    /// Part of `price`: against the tokens held when the position last changed. Zero or below.
    pub(crate) impermanent_loss: String,
    /// Part of `price`: against a portfolio that is rebalanced at the oracle's price. Zero or below.
    pub(crate) lvr: String,
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
    /// What a market brought.
    pub(crate) fn of(
        (market, kind): (&str, &'static str),
        account: &Account,
        decimals: u8,
    ) -> Profit {
        let text = |raw: i128| decimal(raw, decimals);
        let about = |raw: f64| {
            let size = Amount::from_f64_floor(raw.abs(), 0).map(signed).unwrap_or_default();
            text(if raw < 0.0 { -size } else { size })
        };
        let Account { brought, bent, .. } = account;
        Profit {
            market: market.to_owned(),
            kind,
            income: text(brought.income),
            rewards: text(brought.rewards),
            fees: text(brought.fees),
            price: text(brought.price),
            cost: text(brought.cost),
            impairment: text(brought.impairment),
            total: text(brought.total()),
            impermanent_loss: about(bent.impermanent_loss()),
            lvr: about(bent.lvr()),
        }
    }
}

impl Profit {
    /// Whether anything came of it.
    pub(crate) fn is_something(&self) -> bool {
        let parts =
            [&self.income, &self.rewards, &self.fees, &self.price, &self.cost, &self.impairment];
        parts.iter().any(|text| text.bytes().any(|digit| matches!(digit, b'1'..=b'9')))
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
        let (from, to) = match leg.kind {
            LegKind::Entry => (idle, market),
            LegKind::Exit | LegKind::Harvest => (market, idle),
            LegKind::Arrange => (market.clone(), market),
        };
        Move {
            block: leg.block,
            plan_id: leg.plan.to_string(),
            kind: match leg.kind {
                LegKind::Entry => "entry",
                LegKind::Exit => "exit",
                LegKind::Harvest => "harvest",
                LegKind::Arrange => "range",
            },
            from,
            to,
            amount: decimal(signed(leg.amount), decimals),
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
