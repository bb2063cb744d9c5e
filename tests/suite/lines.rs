//! What the world takes beyond a line is brought back, and what a line is not full of is not bought up to its edge.

use crate::kinds::{CAMPAIGN, DULL, Held, LENDING, RANGED, STAKED, World, id, whole};
use plimsoll_allocate::Decision;
use plimsoll_core::{Action, Facts, RiskLine, RiskPreference, UpkeepKind};

/// An allocator that leaves a fiftieth of each limit free.
const ROOMY: &str = "allocator@headroom=0.02";

/// What is left of `amount` in `market` after a plan.
fn left(decision: &Decision, market: &str, amount: f64) -> f64 {
    let plan = decision.approved.plan();
    let sum = |actions: &[Action]| -> f64 {
        actions
            .iter()
            .filter(|each| each.market == id(market))
            .map(|each| each.amount.to_f64(6))
            .sum()
    };
    amount - sum(&plan.exits) + sum(&plan.entries)
}

#[test]
fn a_cap_that_what_is_held_outgrew_is_kept_again() {
    // It pays so well that nobody would sell any of it for another market.
    let lending = World { lending: 0.3, ..DULL };
    let held = Held { market: LENDING, amount: 40_000.0, ..Held::NOTHING };
    let decision = lending.decides(ROOMY, RiskLine::Balanced, held);
    let reason = &decision.entry.reason;
    assert!(reason.starts_with("back within the line: per_protocol passed"), "{reason}");
    // 98 % of 35 % of 100,000.
    assert!((left(&decision, LENDING, 40_000.0) - 34_300.0).abs() < 1.0, "{decision:?}");
    let held = Held { amount: 34_900.0, ..held };
    let decision = lending.decides(ROOMY, RiskLine::Balanced, held);
    assert!(decision.approved.plan().exits.is_empty(), "within the line nothing has to leave");
    let tight = lending.decides("allocator", RiskLine::Balanced, Held { amount: 40_000.0, ..held });
    assert!(
        tight.approved.plan().exits.is_empty(),
        "without headroom the line binds entries alone"
    );
}

#[test]
fn what_swings_too_much_by_now_is_sold_until_the_month_is_calm_enough() {
    // Its fees pay for its swings, so that only the limit sells any of it.
    let swings = World { fees: 0.2, variance: 1.2, ..DULL };
    for (line, amount) in [(RiskLine::Cautious, 9_000.0), (RiskLine::Balanced, 24_000.0)] {
        let held = Held { market: RANGED, amount, ..Held::NOTHING };
        let most = RiskPreference::of_line(line).cvar95_30d.value();
        assert!(cvar(&swings, &[(RANGED, amount)]) > most);
        let decision = swings.decides(ROOMY, line, held);
        let reason = &decision.entry.reason;
        let kept = left(&decision, RANGED, amount);
        let found = cvar(&swings, &[(RANGED, kept)]);
        assert!(found <= 0.9 * most + 1e-6, "{line}: {found} of {most}: {reason}");
        assert!(kept > 500.0, "{line}: as much as fits stays: {kept}: {reason}");
    }
}

#[test]
fn staked_ether_beyond_its_cap_is_asked_back_once_whatever_it_earns() {
    let staking = World { staking: 0.1, ..DULL };
    let held = Held { market: STAKED, amount: 45_000.0, ..Held::NOTHING };
    let decision = staking.decides(ROOMY, RiskLine::Adventurous, held);
    assert!(decision.approved.plan().exits.is_empty(), "{}", decision.entry.reason);
    let asked = |held: Held| -> f64 {
        let decision = staking.decides(ROOMY, RiskLine::Adventurous, held);
        let upkeep = decision.approved.plan().upkeep.iter();
        let asked = upkeep.filter(|each| each.market == id(STAKED)).map(|each| match each.kind {
            UpkeepKind::RequestExit { amount } => amount.to_f64(6),
            _ => 0.0,
        });
        asked.sum()
    };
    let held = Held { amount: 60_000.0, ..held };
    let first = asked(held);
    assert!((10_900.0..11_500.0).contains(&first), "down to 49,000: {first}");
    // What waits in the queue is taken off what is asked for, by whoever makes the legs of a plan.
    let waits = Held { facts: Facts { queued: whole(first), ..held.facts }, ..held };
    let again = asked(waits);
    assert!(again <= first + 1.0, "{again}");
}

/// However much more a campaign pays than everything else, a cautious vault lends on with what it may not risk.
#[test]
fn no_reward_is_so_high_that_lending_is_left_for_idle_money() {
    for rewards in [0.2, 0.5, 2.0] {
        let world = World { rewards, fees: 0.6, variance: 0.6, ..DULL };
        let held = Held { market: LENDING, amount: 20_000.0, ..Held::NOTHING };
        for strategy in ["allocator", ROOMY] {
            for line in RiskLine::ALL {
                let decision = world.decides(strategy, line, held);
                let kept = left(&decision, LENDING, 20_000.0);
                let taken: f64 =
                    [RANGED, CAMPAIGN].iter().map(|market| left(&decision, market, 0.0)).sum();
                assert!(
                    taken >= 20_000.0 - kept - 1.0,
                    "{strategy}, {line}: {kept} stays, {taken} goes in: {}",
                    decision.entry.reason
                );
            }
        }
    }
}

#[test]
fn what_holds_back_is_the_loss_where_money_is_left() {
    let decision = DULL.decides(ROOMY, RiskLine::Cautious, Held::NOTHING);
    let idle = 100_000.0
        - decision.approved.plan().entries.iter().map(|each| each.amount.to_f64(6)).sum::<f64>();
    assert!(idle > 20_000.0, "{idle} {:?}", decision.entry.scores);
    let rows = decision.entry.scores.iter().filter(|row| row.weight > 0.0);
    let told: Vec<_> = rows.map(|row| row.binding_constraint.clone().unwrap()).collect();
    assert!(
        !told.is_empty() && told.iter().all(|told| told == "es999_1y"),
        "{told:?} {:?}",
        decision.entry.scores
    );
}

/// CVaR95 of a month, of a hundred thousand of which so much is in each market.
fn cvar(world: &World, held: &[(&str, f64)]) -> f64 {
    let weights = held.iter().map(|(market, amount)| (id(market), amount / 100_000.0)).collect();
    world.scenarios().cvar95_30d(&weights).unwrap()
}
