use super::*;
use crate::plan::{ActionKind, CostModel};
use crate::preference::RiskLine;
use crate::time::Time;
use alloy_primitives::U256;
use proptest::prelude::*;

fn amount(value: u64) -> Amount {
    Amount(U256::from(value))
}

fn market(name: &str) -> MarketId {
    name.parse().unwrap()
}

fn action(kind: ActionKind, name: &str, value: u64) -> Action {
    Action { kind, market: market(name), amount: amount(value) }
}

fn plan(exits: &[(&str, u64)], entries: &[(&str, u64)]) -> Plan {
    Plan {
        as_of: Time(0),
        exits: exits.iter().map(|(name, value)| action(ActionKind::Exit, name, *value)).collect(),
        entries: entries
            .iter()
            .map(|(name, value)| action(ActionKind::Enter, name, *value))
            .collect(),
        costs: CostModel::default(),
    }
}

fn nav(idle: u64, held: &[(&str, u64)]) -> Nav {
    let by_market: BTreeMap<_, _> =
        held.iter().map(|(name, value)| (market(name), amount(*value))).collect();
    let total = held.iter().map(|(_, value)| value).sum::<u64>() + idle;
    Nav { total: amount(total), idle: amount(idle), by_market }
}

/// Evidence that answers everything and allows everything but the protocol caps.
fn evidence(names: &[&str]) -> Evidence {
    let known = MarketEvidence {
        open: true,
        issuer: None,
        wrap_depth: Some(0),
        exit_24h_run: Some(amount(u64::MAX)),
    };
    let markets: BTreeMap<_, _> = names
        .iter()
        .map(|name| {
            (market(name), MarketEvidence { issuer: Some((*name).to_owned()), ..known.clone() })
        })
        .collect();
    let protocols = markets.keys().map(|market| market.protocol().to_owned()).collect();
    Evidence { markets, cvar95_30d: Some(0.0), es999_1y: Some(0.0), protocols }
}

fn policy(enforcement: Enforcement) -> Policy {
    Policy { preference: RiskPreference::of_line(RiskLine::Balanced), enforcement }
}

fn entries(verdict: &Verdict) -> Vec<(String, Amount)> {
    let entries = &verdict.approved.plan().entries;
    entries.iter().map(|entry| (entry.market.to_string(), entry.amount)).collect()
}

#[test]
fn the_protocol_cap_cuts_in_proportion_and_says_so() {
    let (a, b) = ("one:1:0xa", "one:1:0xb");
    let mut evidence = evidence(&[a, b]);
    evidence.protocols.insert("two".to_owned());
    let verdict = approve(
        plan(&[], &[(a, 300), (b, 100)]),
        &nav(1000, &[]),
        &evidence,
        &policy(Enforcement::Strict),
    );
    // 35 % of 1000 is 350, shared 3 to 1; floors leave 262 and 87.
    assert_eq!(entries(&verdict), vec![(a.to_owned(), amount(262)), (b.to_owned(), amount(87))]);
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::PerProtocol));
    assert_eq!(verdict.refusals[0].asked, amount(300));
    assert!(verdict.waivers.is_empty());
}

#[test]
fn a_plan_that_was_cut_costs_what_is_left_of_it() {
    let (a, b) = ("one:1:0xa", "two:1:0xb");
    let mut plan = plan(&[], &[(a, 1000)]);
    plan.costs = CostModel {
        turnover: crate::units::Bps(100),
        gas_per_action: Some(amount(1)),
        is_first_entry: false,
    };
    assert_eq!(plan.cost().known(), amount(11));
    let verdict = approve(plan, &nav(1000, &[]), &evidence(&[a, b]), &policy(Enforcement::Strict));
    assert_eq!(entries(&verdict), vec![(a.to_owned(), amount(350))]);
    // 1 % of 350, rounded up, and the gas of one action.
    assert_eq!(verdict.approved.plan().cost().known(), amount(5));
}

#[test]
fn with_one_protocol_the_cap_is_waived_when_measurable_and_holds_when_strict() {
    let a = "one:1:0xa";
    let ask = || plan(&[], &[(a, 1000)]);
    let evidence = evidence(&[a]);
    let mut loose = policy(Enforcement::Measurable);
    loose.preference.per_issuer = Fraction::new(1.0).unwrap();
    let verdict = approve(ask(), &nav(1000, &[]), &evidence, &loose);
    assert_eq!(entries(&verdict), vec![(a.to_owned(), amount(1000))]);
    let waived: Vec<_> =
        verdict.waivers.iter().map(|waiver| (waiver.limit, waiver.cause)).collect();
    assert_eq!(
        waived,
        vec![
            (Limit::WorstProtocolLoss, WaiverCause::OneProtocol),
            (Limit::PerProtocol, WaiverCause::OneProtocol)
        ]
    );
    let verdict = approve(ask(), &nav(1000, &[]), &evidence, &policy(Enforcement::Strict));
    assert_eq!(entries(&verdict), vec![(a.to_owned(), amount(350))]);
}

#[test]
fn live_an_unanswerable_limit_forbids_buying() {
    let a = "one:1:0xa";
    for limit in Limit::ALL {
        let mut evidence = evidence(&[a]);
        let known = evidence.markets.get_mut(&market(a)).unwrap();
        match limit {
            Limit::Cvar95_30d => evidence.cvar95_30d = None,
            Limit::Es999_1y => evidence.es999_1y = None,
            Limit::PerIssuer => known.issuer = None,
            Limit::WrapDepth => known.wrap_depth = None,
            Limit::Exit24hRun => known.exit_24h_run = None,
            // The protocol is part of the market's id: it is always known.
            Limit::PerProtocol | Limit::WorstProtocolLoss => continue,
        }
        let verdict = approve(
            plan(&[], &[(a, 10)]),
            &nav(1000, &[]),
            &evidence,
            &policy(Enforcement::Strict),
        );
        assert_eq!(entries(&verdict), vec![], "{limit}");
        assert_eq!(verdict.refusals[0].cause, RefusalCause::Unanswerable(limit));

        let verdict = approve(
            plan(&[], &[(a, 10)]),
            &nav(1000, &[]),
            &evidence,
            &policy(Enforcement::Measurable),
        );
        assert_eq!(entries(&verdict).len(), 1, "{limit} is waived");
        assert!(verdict.waivers.contains(&Waiver { limit, cause: WaiverCause::Unanswerable }));
    }
}

#[test]
fn a_market_that_is_not_open_is_never_bought_even_with_limits_off() {
    let a = "one:1:0xa";
    let mut evidence = evidence(&[a]);
    evidence.markets.get_mut(&market(a)).unwrap().open = false;
    for enforcement in [Enforcement::Strict, Enforcement::Measurable, Enforcement::Off] {
        let verdict =
            approve(plan(&[], &[(a, 10)]), &nav(1000, &[]), &evidence, &policy(enforcement));
        assert_eq!(entries(&verdict), vec![]);
        assert_eq!(verdict.refusals[0].cause, RefusalCause::NotOpen);
    }
}

#[test]
fn a_portfolio_measure_that_is_too_high_or_no_number_forbids_buying() {
    let a = "one:1:0xa";
    for found in [0.02, f64::NAN] {
        let mut evidence = evidence(&[a]);
        evidence.cvar95_30d = Some(found);
        let verdict = approve(
            plan(&[], &[(a, 10)]),
            &nav(1000, &[]),
            &evidence,
            &policy(Enforcement::Strict),
        );
        assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::Cvar95_30d));
        assert_eq!(entries(&verdict), vec![]);
    }
}

#[test]
fn the_exit_limit_cuts_only_what_could_not_leave() {
    let a = "one:1:0xa";
    let mut evidence = evidence(&[a]);
    evidence.protocols.insert("two".to_owned());
    evidence.markets.get_mut(&market(a)).unwrap().exit_24h_run = Some(amount(100));
    let mut policy = policy(Enforcement::Strict);
    policy.preference.per_protocol = Fraction::new(1.0).unwrap();
    policy.preference.worst_protocol_loss = Fraction::new(1.0).unwrap();
    policy.preference.per_issuer = Fraction::new(1.0).unwrap();
    let verdict = approve(plan(&[], &[(a, 1000)]), &nav(1000, &[]), &evidence, &policy);
    // 60 % must be able to leave: 400 may be stuck, and 100 of the position is not.
    assert_eq!(entries(&verdict), vec![(a.to_owned(), amount(500))]);
}

#[test]
fn a_deeper_wrap_than_allowed_is_not_bought() {
    let a = "one:1:0xa";
    let mut evidence = evidence(&[a]);
    evidence.markets.get_mut(&market(a)).unwrap().wrap_depth = Some(3);
    let verdict =
        approve(plan(&[], &[(a, 10)]), &nav(1000, &[]), &evidence, &policy(Enforcement::Strict));
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::WrapDepth));
}

proptest! {
    #[test]
    fn nothing_blocks_an_exit_and_no_limit_is_passed(
        held in proptest::collection::vec(0u64..1_000_000, 4),
        idle in 0u64..1_000_000,
        exits in proptest::collection::vec(0u64..1_000_000, 4),
        asks in proptest::collection::vec(0u64..2_000_000, 4),
        strict in any::<bool>(),
    ) {
        let names = ["one:1:0xa", "one:1:0xb", "two:1:0xa", "three:1:0xa"];
        let pairs = |values: &[u64]| -> Vec<(&'static str, u64)> {
            names.iter().copied().zip(values.iter().copied()).collect()
        };
        let nav = nav(idle, &pairs(&held));
        let exits: Vec<u64> = exits.iter().zip(&held).map(|(exit, held)| *exit.min(held)).collect();
        let plan = plan(&pairs(&exits), &pairs(&asks));
        let enforcement = if strict { Enforcement::Strict } else { Enforcement::Measurable };
        let verdict = approve(plan.clone(), &nav, &evidence(&names), &policy(enforcement));
        let passed = verdict.approved.plan();
        prop_assert_eq!(&passed.exits, &plan.exits, "nothing blocks an exit");
        let paid = U256::from(idle) + U256::from(exits.iter().sum::<u64>());
        prop_assert!(Plan::sum(&passed.entries).0 <= paid, "entries are funded by idle money and exits");
        for protocol in ["one", "two", "three"] {
            let of = |id: &MarketId| id.protocol() == protocol;
            let kept: u64 = names.iter().zip(held.iter().zip(&exits))
                .filter(|(name, _)| name.starts_with(protocol)).map(|(_, (held, exit))| held - exit).sum();
            let bought = passed.entries.iter().filter(|entry| of(&entry.market))
                .fold(U256::ZERO, |sum, entry| sum + entry.amount.0);
            let cap = U256::from(35) * nav.total.0 / U256::from(100);
            prop_assert!(
                bought.is_zero() || U256::from(kept) + bought <= cap,
                "no buy takes a protocol past its cap"
            );
        }
        for (after, before) in passed.entries.iter().map(|entry| {
            let asked = plan.entries.iter().find(|ask| ask.market == entry.market);
            (entry.amount, asked.map(|ask| ask.amount).unwrap_or_default())
        }) {
            prop_assert!(after <= before, "approval never buys more than was asked");
        }
    }
}
