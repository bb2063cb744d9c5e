//! Plan costs: what a target means in exits and entries, and what carrying it out costs.

use alloy_primitives::U256;
use plimsoll_core::{Action, ActionKind, Amount, CostModel, MarketId, Nav, Plan, Time};
use std::collections::BTreeMap;

/// Returns the plan that takes `nav` to `weights` of what is left after costs.
///
/// Exits come first. One-way turnover is the larger of what is left and what is entered. Entries are
/// rounded down, and never sum to more than idle money and exits pay after costs. Where a market's
/// weight is zero everything held in it is left. A move that is worth less than its own gas is not made,
/// and nothing is where all of it would cost everything.
#[must_use]
pub fn plan(as_of: Time, nav: &Nav, weights: &BTreeMap<MarketId, f64>, costs: &CostModel) -> Plan {
    // Costs are paid from NAV, and depend on the plan: the second pass plans with the costs of the
    // first, and what is left of the difference (of second order in the cost) is cut off the entries.
    let moving = |total| {
        let (mut exits, mut entries) = moves(nav, weights, total);
        let dust = costs.gas_per_action.unwrap_or_default();
        exits.retain(|exit| exit.amount > dust);
        entries.retain(|entry| entry.amount > dust);
        Plan { exits, entries, ..Plan::nothing(as_of, *costs) }
    };
    let estimate = moving(nav.total).cost().known();
    if estimate >= nav.total {
        return Plan::nothing(as_of, *costs);
    }
    let mut plan = moving(nav.total.saturating_sub(estimate));
    let paid = Amount(nav.idle.0.saturating_add(Plan::sum(&plan.exits).0))
        .saturating_sub(plan.cost().known());
    let asked = Plan::sum(&plan.entries);
    if asked > paid {
        for entry in &mut plan.entries {
            entry.amount = entry.amount.mul_div_down(paid, asked).unwrap_or_default();
        }
        plan.entries.retain(|entry| !entry.amount.is_zero());
    }
    plan
}

type Moves = (Vec<Action>, Vec<Action>);

/// The exits and entries that take `nav` to `weights` of `total`.
fn moves(nav: &Nav, weights: &BTreeMap<MarketId, f64>, total: Amount) -> Moves {
    let wanted = |market: &MarketId| {
        weights.get(market).map_or(Amount::ZERO, |weight| weigh(total, *weight))
    };
    let mut exits = Vec::new();
    for (market, held) in &nav.by_market {
        let amount = held.saturating_sub(wanted(market));
        if !amount.is_zero() {
            exits.push(Action { kind: ActionKind::Exit, market: market.clone(), amount });
        }
    }
    let mut entries = Vec::new();
    for market in weights.keys() {
        let amount = wanted(market).saturating_sub(nav.held(market));
        if !amount.is_zero() {
            entries.push(Action { kind: ActionKind::Enter, market: market.clone(), amount });
        }
    }
    (exits, entries)
}

/// `weight` of `total`, rounded down to 18 decimals of the weight; all of it from one on.
fn weigh(total: Amount, weight: f64) -> Amount {
    if weight >= 1.0 {
        return total;
    }
    let one = Amount(U256::from(1_000_000_000_000_000_000u64));
    let weight = Amount::from_f64_floor(weight, 18).unwrap_or_default();
    total.mul_div_down(weight, one).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::{Bps, Portfolio};
    use proptest::prelude::*;

    fn amount(value: u64) -> Amount {
        Amount(U256::from(value))
    }

    fn nav(idle: u64, held: &[(&str, u64)]) -> Nav {
        let mut nav = Portfolio::of_idle(amount(idle), 6).nav();
        for (name, value) in held {
            nav.by_market.insert(name.parse().unwrap(), amount(*value));
            nav.total = nav.total.checked_add(amount(*value)).unwrap();
        }
        nav
    }

    fn weights(pairs: &[(&str, f64)]) -> BTreeMap<MarketId, f64> {
        pairs.iter().map(|(name, weight)| (name.parse().unwrap(), *weight)).collect()
    }

    fn costs(bps: u32) -> CostModel {
        CostModel { turnover: Bps(bps), gas_per_action: None, is_first_entry: false }
    }

    #[test]
    fn a_full_switch_at_5_bp_costs_exactly_5_bp_of_nav() {
        let nav = nav(0, &[("a:1:x", 1_000_000)]);
        let plan = plan(Time(0), &nav, &weights(&[("a:1:y", 1.0)]), &costs(5));
        assert_eq!(plan.cost().proportional, amount(500));
        assert_eq!(plan.turnover(), amount(1_000_000));
        assert_eq!(plan.exits[0].amount, amount(1_000_000));
        assert_eq!(plan.entries[0].amount, amount(999_500));
    }

    #[test]
    fn the_first_entry_is_free_but_for_gas() {
        let free = CostModel { is_first_entry: true, ..costs(20) };
        let plan_of =
            |costs: &CostModel| plan(Time(0), &nav(1_000, &[]), &weights(&[("a:1:x", 1.0)]), costs);
        assert_eq!(plan_of(&free).entries[0].amount, amount(1_000));
        assert_eq!(plan_of(&free).turnover(), Amount::ZERO);
        let gas = CostModel { gas_per_action: Some(amount(7)), ..free };
        assert_eq!(plan_of(&gas).entries[0].amount, amount(993));
    }

    #[test]
    fn unknown_gas_stays_unknown_and_is_not_zero() {
        let plan = plan(Time(0), &nav(1_000, &[]), &weights(&[("a:1:x", 1.0)]), &costs(0));
        assert_eq!(plan.cost().gas, None);
    }

    #[test]
    fn a_move_worth_less_than_its_gas_is_not_made_and_nothing_is_for_everything() {
        let held = nav(0, &[("a:1:x", 500_010), ("a:1:y", 499_990)]);
        let halves = weights(&[("a:1:x", 0.5), ("a:1:y", 0.5)]);
        let gas = |gas| CostModel { gas_per_action: Some(amount(gas)), ..costs(5) };
        assert!(plan(Time(0), &held, &halves, &gas(20)).is_empty());
        let idle = nav(100, &[]);
        assert!(plan(Time(0), &idle, &halves, &gas(20)).entries.len() == 2);
        assert!(plan(Time(0), &idle, &halves, &gas(51)).is_empty());
        assert!(plan(Time(0), &idle, &weights(&[("a:1:x", 1.0)]), &gas(100)).is_empty());
    }

    #[test]
    fn rebalancing_two_markets_charges_one_way() {
        let nav = nav(0, &[("a:1:x", 600_000), ("a:1:y", 400_000)]);
        let plan = plan(Time(0), &nav, &weights(&[("a:1:x", 0.5), ("a:1:y", 0.5)]), &costs(10));
        // 100,000 moves once, at 10 bp: 100, which both halves bear.
        assert_eq!(plan.cost().proportional, amount(101));
        assert_eq!(plan.exits[0].amount, amount(100_050));
        assert_eq!(plan.entries[0].amount, amount(99_949));
    }

    proptest! {
        #[test]
        fn a_plan_is_paid_for_and_leaves_no_market_below_zero(
            idle in 0u64..1_000_000_000,
            held in proptest::collection::vec(0u64..1_000_000_000, 3),
            raw in proptest::collection::vec(0.0f64..1.0, 4),
            bps in 0u32..500,
            gas in proptest::option::of(0u64..100_000),
        ) {
            let names = ["a:1:w", "a:1:x", "a:1:y", "a:1:z"];
            let held: Vec<_> = names.iter().copied().zip(held).collect();
            let nav = nav(idle, &held);
            let sum: f64 = raw.iter().sum::<f64>().max(1.0);
            let weights = names.iter().copied().zip(raw.iter().map(|w| w / sum)).collect::<Vec<_>>();
            let model = CostModel { gas_per_action: gas.map(amount), ..costs(bps) };
            let plan = plan(Time(0), &nav, &super::tests::weights(&weights), &model);
            let paid = nav.idle.0 + Plan::sum(&plan.exits).0;
            prop_assert!(
                plan.entries.is_empty() || Plan::sum(&plan.entries).0 + plan.cost().known().0 <= paid,
                "entries and costs are paid by idle money and exits"
            );
            for exit in &plan.exits {
                prop_assert!(exit.amount <= nav.held(&exit.market), "no more leaves a market than is in it");
            }
            let both = plan.exits.iter().any(|exit| plan.entries.iter().any(|e| e.market == exit.market));
            prop_assert!(!both, "no market is left and entered in one plan");
        }
    }
}
