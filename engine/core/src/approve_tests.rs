use super::*;
use crate::plan::{Action, ActionKind, CostModel};
use crate::preference::{Fraction, RiskLine};
use crate::scenario::{Months, RareLosses};
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
        upkeep: Vec::new(),
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
        is_foreign: false,
        exit_24h_run: Some(amount(u64::MAX)),
        least: None,
    };
    let markets: BTreeMap<_, _> = names
        .iter()
        .map(|name| {
            (market(name), MarketEvidence { issuer: Some((*name).to_owned()), ..known.clone() })
        })
        .collect();
    let protocols = markets.keys().map(|market| market.protocol().to_owned()).collect();
    let chains = markets.keys().map(MarketId::chain).collect();
    Evidence { markets, scenarios: scenarios(names, 0.0, 0.0), protocols, chains }
}

/// The same where money could go to another protocol as well, so that limits between protocols hold.
fn evidence_beside_another_protocol(names: &[&str]) -> Evidence {
    let mut evidence = evidence(names);
    evidence.protocols.insert("two".to_owned());
    evidence
}

fn known<'a>(evidence: &'a mut Evidence, name: &str) -> &'a mut MarketEvidence {
    evidence.markets.get_mut(&market(name)).unwrap()
}

/// Every month every market of `names` loses `monthly`; in every year it loses `yearly`.
fn scenarios(names: &[&str], monthly: f64, yearly: f64) -> Arc<Scenarios> {
    let mut markets: Vec<MarketId> = names.iter().map(|name| market(name)).collect();
    markets.sort();
    let rare = Arc::new(RareLosses { by_column: vec![vec![(0, yearly)]; names.len()], years: 1 });
    let months =
        Months { growths: vec![vec![1.0 - monthly]; names.len()], draws: vec![vec![0]; 20] };
    Arc::new(Scenarios { markets, months, rare })
}

fn policy(enforcement: Enforcement) -> Policy {
    Policy::new(RiskPreference::of_line(RiskLine::Balanced), enforcement)
}

fn whole() -> Fraction {
    Fraction::new(1.0).unwrap()
}

/// What is said of buying `asked` with 1000 that sit idle.
fn buying(asked: &[(&str, u64)], evidence: &Evidence, enforcement: Enforcement) -> Verdict {
    approve(plan(&[], asked), &nav(1000, &[]), evidence, &policy(enforcement))
}

/// The same of a market that may hold all there is, but of which only 100 can leave within a day.
fn buying_where_100_can_leave(name: &str, asked: &[(&str, u64)]) -> Verdict {
    let mut evidence = evidence_beside_another_protocol(&[name]);
    known(&mut evidence, name).exit_24h_run = Some(amount(100));
    let mut policy = policy(Enforcement::Strict);
    policy.preference.per_protocol = whole();
    policy.preference.worst_protocol_loss = whole();
    policy.preference.per_issuer = whole();
    approve(plan(&[], asked), &nav(1000, &[]), &evidence, &policy)
}

fn entries(verdict: &Verdict) -> Vec<(String, Amount)> {
    let entries = &verdict.approved.plan().entries;
    entries.iter().map(|entry| (entry.market.to_string(), entry.amount)).collect()
}

fn amounts(entries: &[(&str, u64)]) -> Vec<(String, Amount)> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), amount(*value))).collect()
}

#[test]
fn the_protocol_cap_cuts_in_proportion_and_says_so() {
    let (a, b) = ("one:1:0xa", "one:1:0xb");
    let evidence = evidence_beside_another_protocol(&[a, b]);
    let verdict = buying(&[(a, 300), (b, 100)], &evidence, Enforcement::Strict);
    // 35 % of 1000 is 350, shared 3 to 1; floors leave 262 and 87.
    assert_eq!(entries(&verdict), amounts(&[(a, 262), (b, 87)]));
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::PerProtocol));
    assert_eq!(verdict.refusals[0].asked, amount(300));
    assert!(verdict.waivers.is_empty());
}

#[test]
fn the_cap_per_chain_counts_every_market_of_the_chain_and_holds_between_chains_only() {
    let (a, b, far) = ("one:1:0xa", "two:1:0xb", "two:10:0xb");
    let mut policy = policy(Enforcement::Measurable);
    policy.preference.per_chain = Fraction::new(0.5).unwrap();
    let asked = || plan(&[], &[(a, 300), (b, 300)]);
    let verdict = approve(asked(), &nav(1000, &[]), &evidence(&[a, b, far]), &policy);
    assert_eq!(entries(&verdict), amounts(&[(a, 250), (b, 250)]));
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::PerChain));
    let alone = approve(asked(), &nav(1000, &[]), &evidence(&[a, b]), &policy);
    assert_eq!(entries(&alone), amounts(&[(a, 300), (b, 300)]));
    let waiver = Waiver { limit: Limit::PerChain, cause: WaiverCause::OneChain };
    assert!(alone.waivers.contains(&waiver), "{:?}", alone.waivers);
}

#[test]
fn an_entry_that_leaves_utilization_above_target_is_not_made_whatever_else_cuts_it() {
    let (a, b) = ("one:1:0xa", "two:1:0xb");
    let allowed = |least: u64, asked: u64, enforcement| {
        let mut evidence = evidence(&[a, b]);
        evidence.markets.get_mut(&market(a)).unwrap().least = Some(amount(least));
        approve(plan(&[], &[(a, asked)]), &nav(1000, &[]), &evidence, &policy(enforcement))
    };
    let enough = allowed(300, 300, Enforcement::Strict);
    assert_eq!(entries(&enough), vec![(a.to_owned(), amount(300))]);
    let short = allowed(301, 300, Enforcement::Measurable);
    assert_eq!(entries(&short), vec![]);
    assert_eq!(short.refusals[0].cause, RefusalCause::AboveTarget);
    // 500 would be enough, but the cap per protocol leaves 350.
    let cut = allowed(400, 500, Enforcement::Strict);
    assert_eq!(entries(&cut), vec![]);
    assert_eq!(cut.refusals.last().unwrap().cause, RefusalCause::AboveTarget);
    assert_eq!(entries(&allowed(301, 300, Enforcement::Off)).len(), 1, "off is off");
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
    // 35 % of the 989 that are left after the costs of the plan as it was asked.
    assert_eq!(entries(&verdict), amounts(&[(a, 346)]));
    // 1 % of what is left, rounded up, and the gas of one action.
    assert_eq!(verdict.approved.plan().cost().known(), amount(5));
}

#[test]
fn a_market_named_twice_is_one_entry_and_no_way_past_a_limit() {
    let a = "one:1:0xa";
    let verdict = buying_where_100_can_leave(a, &[(a, 500), (a, 500)]);
    assert_eq!(entries(&verdict), amounts(&[(a, 500)]), "as for one entry of 1000");
}

#[test]
fn an_exit_of_more_than_is_held_pays_for_no_more_than_is_held() {
    let (a, b) = ("one:1:0xa", "two:1:0xb");
    let plan = plan(&[(a, 900)], &[(b, 900)]);
    let off = policy(Enforcement::Off);
    let verdict = approve(plan, &nav(0, &[(a, 300)]), &evidence(&[a, b]), &off);
    assert_eq!(entries(&verdict), amounts(&[(b, 300)]));
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Unfunded);
    assert_eq!(verdict.approved.plan().exits.len(), 1, "the exit itself is not touched");
}

#[test]
fn with_one_protocol_the_cap_is_waived_when_measurable_and_holds_when_strict() {
    let a = "one:1:0xa";
    let evidence = evidence(&[a]);
    let mut loose = policy(Enforcement::Measurable);
    loose.preference.per_issuer = whole();
    let verdict = approve(plan(&[], &[(a, 1000)]), &nav(1000, &[]), &evidence, &loose);
    assert_eq!(entries(&verdict), amounts(&[(a, 1000)]));
    let waived: Vec<_> =
        verdict.waivers.iter().map(|waiver| (waiver.limit, waiver.cause)).collect();
    assert_eq!(
        waived,
        vec![
            (Limit::Es999_1y, WaiverCause::OneProtocol),
            (Limit::WorstProtocolLoss, WaiverCause::OneProtocol),
            (Limit::PerProtocol, WaiverCause::OneProtocol)
        ]
    );
    let verdict = buying(&[(a, 1000)], &evidence, Enforcement::Strict);
    assert_eq!(entries(&verdict), amounts(&[(a, 350)]));
}

#[test]
fn live_an_unanswerable_limit_forbids_buying() {
    let a = "one:1:0xa";
    for limit in Limit::ALL {
        let mut evidence = evidence_beside_another_protocol(&[a]);
        let known = known(&mut evidence, a);
        match limit {
            Limit::Cvar95_30d => Arc::make_mut(&mut evidence.scenarios).months.draws.clear(),
            Limit::Es999_1y => {
                Arc::make_mut(&mut evidence.scenarios).rare = Arc::default();
            }
            Limit::PerIssuer => known.issuer = None,
            Limit::WrapDepth => known.wrap_depth = None,
            Limit::Exit24hRun => known.exit_24h_run = None,
            // Protocol and chain are part of the market's id: they are always known.
            Limit::PerProtocol | Limit::WorstProtocolLoss | Limit::PerChain => continue,
            // Without a pair there is no foreign price.
            Limit::ForeignExposure => continue,
        }
        let verdict = buying(&[(a, 10)], &evidence, Enforcement::Strict);
        assert_eq!(entries(&verdict), vec![], "{limit}");
        assert_eq!(verdict.refusals[0].cause, RefusalCause::Unanswerable(limit));

        let verdict = buying(&[(a, 10)], &evidence, Enforcement::Measurable);
        assert_eq!(entries(&verdict).len(), 1, "{limit} is waived");
        assert!(verdict.waivers.contains(&Waiver { limit, cause: WaiverCause::Unanswerable }));
    }
}

#[test]
fn a_market_that_is_not_open_is_never_bought_even_with_limits_off() {
    let a = "one:1:0xa";
    let mut evidence = evidence(&[a]);
    known(&mut evidence, a).open = false;
    for enforcement in [Enforcement::Strict, Enforcement::Measurable, Enforcement::Off] {
        let verdict = buying(&[(a, 10)], &evidence, enforcement);
        assert_eq!(entries(&verdict), vec![]);
        assert_eq!(verdict.refusals[0].cause, RefusalCause::NotOpen);
    }
}

#[test]
fn a_portfolio_measure_that_is_too_high_scales_the_entries_down_to_the_limit() {
    let a = "one:1:0xa";
    let mut evidence = evidence(&[a]);
    evidence.scenarios = scenarios(&[a], 0.04, 0.0);
    let verdict = buying(&[(a, 320)], &evidence, Enforcement::Strict);
    // 4 % of 25 % is the 1 % that the balanced line allows.
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::Cvar95_30d));
    assert_eq!(entries(&verdict), amounts(&[(a, 250)]));
    evidence.scenarios = scenarios(&[a], 0.0, 1.0);
    let verdict = buying(&[(a, 320)], &evidence, Enforcement::Strict);
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::Es999_1y));
    assert_eq!(entries(&verdict), amounts(&[(a, 300)]));
}

#[test]
fn a_measure_that_is_no_number_or_passed_already_forbids_buying_and_no_exit() {
    let (a, b) = ("one:1:0xa", "two:1:0xb");
    let mut evidence = evidence(&[a, b]);
    let cases = [
        (f64::NAN, 0, RefusalCause::Unanswerable(Limit::Cvar95_30d)),
        (0.04, 300, RefusalCause::Exceeds(Limit::Cvar95_30d)),
    ];
    for (monthly, held, cause) in cases {
        evidence.scenarios = scenarios(&[a, b], monthly, 0.0);
        let holding = nav(700, &[(b, held)]);
        let asked = plan(&[(b, 20)], &[(a, 10)]);
        let verdict = approve(asked, &holding, &evidence, &policy(Enforcement::Strict));
        assert_eq!(verdict.refusals[0].cause, cause);
        assert_eq!(entries(&verdict), vec![]);
        assert_eq!(verdict.approved.plan().exits.len(), 1, "nothing blocks an exit");
    }
}

#[test]
fn markets_that_move_with_a_foreign_price_share_one_cap() {
    let (a, b, c) = ("one:1:0xa", "two:1:0xb", "three:1:0xc");
    let mut evidence = evidence(&[a, b, c]);
    for name in [a, b] {
        known(&mut evidence, name).is_foreign = true;
    }
    let verdict = buying(&[(a, 200), (b, 200), (c, 200)], &evidence, Enforcement::Strict);
    // A quarter of everything may move with a foreign price.
    assert_eq!(entries(&verdict), amounts(&[(a, 125), (b, 125), (c, 200)]));
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::ForeignExposure));
}

#[test]
fn the_exit_limit_cuts_only_what_could_not_leave() {
    let a = "one:1:0xa";
    let verdict = buying_where_100_can_leave(a, &[(a, 1000)]);
    // 60 % must be able to leave: 400 may be stuck, and 100 of the position is not.
    assert_eq!(entries(&verdict), amounts(&[(a, 500)]));
}

#[test]
fn a_deeper_wrap_than_allowed_is_not_bought() {
    let a = "one:1:0xa";
    let mut evidence = evidence(&[a]);
    known(&mut evidence, a).wrap_depth = Some(3);
    let verdict = buying(&[(a, 10)], &evidence, Enforcement::Strict);
    assert_eq!(verdict.refusals[0].cause, RefusalCause::Exceeds(Limit::WrapDepth));
}

proptest! {
    #[test]
    fn nothing_blocks_an_exit_and_no_limit_is_passed(
        held in proptest::collection::vec(0u64..1_000_000, 4),
        idle in 0u64..1_000_000,
        exits in proptest::collection::vec(0u64..1_000_000, 4),
        asks in proptest::collection::vec(0u64..2_000_000, 4),
        liquidity in proptest::collection::vec(0u64..1_000_000, 4),
        wraps in proptest::collection::vec(0u8..5, 4),
        bps in 0u32..200,
        strict in any::<bool>(),
    ) {
        let names = ["one:1:0xa", "one:1:0xb", "two:1:0xa", "three:1:0xa"];
        let pairs = |values: &[u64]| -> Vec<(&'static str, u64)> {
            names.iter().copied().zip(values.iter().copied()).collect()
        };
        let nav = nav(idle, &pairs(&held));
        let exits: Vec<u64> = exits.iter().zip(&held).map(|(exit, held)| *exit.min(held)).collect();
        let mut plan = plan(&pairs(&exits), &pairs(&asks));
        plan.costs.turnover = crate::units::Bps(bps);
        let mut evidence = evidence(&names);
        for (name, (exit, wrap)) in names.iter().zip(liquidity.iter().zip(&wraps)) {
            let known = known(&mut evidence, name);
            known.exit_24h_run = Some(amount(*exit));
            known.wrap_depth = Some(*wrap);
            // Two markets rest on one issuer.
            known.issuer = Some(if name.ends_with('a') { "circle" } else { "sky" }.to_owned());
        }
        let enforcement = if strict { Enforcement::Strict } else { Enforcement::Measurable };
        let verdict = approve(plan.clone(), &nav, &evidence, &policy(enforcement));
        let passed = verdict.approved.plan();
        prop_assert_eq!(&passed.exits, &plan.exits, "nothing blocks an exit");
        let whole = |amount: Amount| amount.0.to::<u64>();
        let bought = |name: &str| passed.entries.iter()
            .filter(|entry| entry.market.as_str() == name).map(|entry| whole(entry.amount)).sum::<u64>();
        let spent: u64 = names.iter().map(|name| bought(name)).sum();
        let left = whole(nav.total) - whole(passed.cost().known()).min(whole(nav.total));
        prop_assert!(
            spent == 0 || spent + whole(passed.cost().known()) <= idle + exits.iter().sum::<u64>(),
            "entries and costs are funded by idle money and exits"
        );
        let kept: Vec<u64> = held.iter().zip(&exits).map(|(held, exit)| held - exit).collect();
        let group = |wanted: &dyn Fn(&str) -> bool| {
            let members = names.iter().zip(&kept).filter(|(name, _)| wanted(name));
            members.fold((0, 0), |(kept, new), (name, held)| (kept + held, new + bought(name)))
        };
        for protocol in ["one", "two", "three"] {
            let (kept, new) = group(&|name| name.starts_with(protocol));
            prop_assert!(new == 0 || 100 * (kept + new) <= 35 * left, "no buy takes a protocol past its cap");
        }
        for issuer in ['a', 'b'] {
            let (kept, new) = group(&|name| name.ends_with(issuer));
            prop_assert!(new == 0 || 100 * (kept + new) <= 35 * left, "no buy takes an issuer past its cap");
        }
        for (name, wrap) in names.iter().zip(&wraps) {
            prop_assert!(bought(name) == 0 || *wrap <= 2, "no buy is wrapped deeper than allowed");
        }
        let stuck = |new: bool| names.iter().zip(kept.iter().zip(&liquidity)).map(|(name, (kept, exit))| {
            (kept + if new { bought(name) } else { 0 }).saturating_sub(*exit)
        }).sum::<u64>();
        prop_assert!(
            stuck(true) == stuck(false) || 100 * stuck(true) <= 40 * left,
            "no buy leaves less than 60 % able to leave"
        );
        for entry in &passed.entries {
            let asked = plan.entries.iter().find(|ask| ask.market == entry.market).unwrap().amount;
            prop_assert!(entry.amount <= asked, "approval never buys more than was asked");
        }
    }
}
