//! The second opinion: it agrees with the engine's own policy on anything, and finds what lands against the limits.

use crate::support::artifacts;
use alloy::primitives::{Address, Bytes, U256, keccak256};
use alloy::sol_types::SolCall;
use plimsoll_core::execution::{
    AdmissionPolicy, Breaker, Call as Allowed, Denial, Request, Spent, admit,
};
use plimsoll_core::{Amount, Bps, ChainId, MarketId, Time};
use plimsoll_faults::abi::{ENTRY, EXIT, Leg, preStateHashCall, reallocateCall};
use plimsoll_faults::policy::{Asked, Past, breaches, judge, landed};
use plimsoll_faults::{Breach, Guard, Limits, MILLION, Stage};
use plimsoll_localchain::Call;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::collections::{BTreeMap, BTreeSet};

const DAY: u64 = 86_400;
const NOW: u64 = 20 * DAY;

fn market(number: u8) -> Address {
    Address::repeat_byte(number)
}

fn market_id(number: u8) -> MarketId {
    format!("local:31337:{}", market(number)).parse().unwrap()
}

fn amount(units: u64) -> Amount {
    Amount(U256::from(units))
}

/// One question in both languages.
#[derive(Debug, Clone)]
struct Question {
    chain: u64,
    to: u8,
    selector: [u8; 4],
    value: u64,
    entries: BTreeMap<u8, u64>,
    after: BTreeMap<u8, u64>,
    nav: u64,
    gas: u64,
    fee: u64,
    past: Vec<(u64, u64, u64, bool)>,
}

fn questions() -> impl Strategy<Value = Question> {
    let selector = prop_oneof![5 => Just(reallocateCall::SELECTOR), 1 => any::<[u8; 4]>()];
    let past = prop::collection::vec((0..2 * DAY, 0..400_u64, 0..500_u64, any::<bool>()), 0..4);
    (
        prop_oneof![5 => Just(31_337_u64), 1 => Just(1)],
        prop_oneof![5 => Just(9_u8), 1 => Just(8)],
        selector,
        prop_oneof![5 => Just(0_u64), 1 => 1..5_u64],
        prop::collection::btree_map(1..4_u8, 0..700_u64, 0..3),
        prop::collection::btree_map(1..4_u8, 0..900_u64, 0..4),
        500..2_000_u64,
        0..1_200_u64,
        0..60_u64,
        past,
    )
        .prop_map(|(chain, to, selector, value, entries, after, nav, gas, fee, past)| {
            Question { chain, to, selector, value, entries, after, nav, gas, fee, past }
        })
}

const PER_MARKET: u32 = 5_000;
const PER_PLAN: u32 = 3_000;
const PER_DAY: u32 = 4_000;

fn limits() -> Limits {
    Limits {
        chain: 31_337,
        signer: market(7),
        vault: market(9),
        caps: BTreeMap::from([(market(1), U256::from(600)), (market(2), U256::MAX)]),
        per_market_bps: PER_MARKET,
        entries_per_plan_bps: PER_PLAN,
        entries_per_day_bps: PER_DAY,
        gas_per_day: U256::from(1_000),
        exit_gas_per_day: U256::from(1_400),
        max_fee: 50,
        slack_bps: 0,
    }
}

fn policy() -> AdmissionPolicy {
    AdmissionPolicy {
        chain: ChainId(31_337),
        calls: BTreeSet::from([Allowed { to: market(9), selector: reallocateCall::SELECTOR }]),
        caps: BTreeMap::from([(market_id(1), amount(600)), (market_id(2), Amount(U256::MAX))]),
        per_market: Bps(PER_MARKET),
        entries_per_plan: Bps(PER_PLAN),
        entries_per_day: Bps(PER_DAY),
        gas_per_day: U256::from(1_000),
        exit_gas_per_day: U256::from(1_400),
        max_fee: 50,
    }
}

/// What the second opinion says, by kind.
fn second(question: &Question) -> BTreeSet<String> {
    let amounts = |all: &BTreeMap<u8, u64>| {
        all.iter().map(|(place, units)| (market(*place), U256::from(*units))).collect()
    };
    let asked = Asked {
        chain: question.chain,
        to: market(question.to),
        selector: question.selector.to_vec(),
        is_cancel: false,
        value: U256::from(question.value),
        has_entries: question.entries.values().any(|units| *units > 0),
        entries: amounts(&question.entries),
        after: amounts(&question.after),
        nav: U256::from(question.nav),
        gas: U256::from(question.gas),
        fee: u128::from(question.fee),
        time: NOW,
    };
    let past: Vec<Past> = question
        .past
        .iter()
        .map(|(ago, entered, gas, is_exit)| Past {
            time: NOW - ago,
            entered: U256::from(if *is_exit { 0 } else { *entered }),
            gas: U256::from(*gas),
            is_exit: *is_exit,
        })
        .collect();
    let kinds = judge(&limits(), &asked, &past).into_iter().map(|breach| match breach {
        Breach::Chain { .. } => "chain".to_owned(),
        Breach::Call { .. } => "call".to_owned(),
        Breach::Value { .. } => "value".to_owned(),
        Breach::Market { market } => format!("market {market}"),
        Breach::Cap { market, most, .. } => format!("cap {market} {most}"),
        Breach::PlanEntries { most, .. } => format!("plan {most}"),
        Breach::DayEntries { found, most } => format!("day {found} {most}"),
        Breach::Gas { found, most } => format!("gas {found} {most}"),
        Breach::Fee { .. } => "fee".to_owned(),
        other => panic!("not about one plan: {other}"),
    });
    kinds.collect()
}

/// What the engine's own policy says, by kind.
fn first(question: &Question) -> BTreeSet<String> {
    let amounts = |all: &BTreeMap<u8, u64>| -> BTreeMap<MarketId, Amount> {
        all.iter().map(|(place, units)| (market_id(*place), amount(*units))).collect()
    };
    let (entries, after) = (amounts(&question.entries), amounts(&question.after));
    let request = Request {
        chain: ChainId(question.chain),
        call: Allowed { to: market(question.to), selector: question.selector },
        value: U256::from(question.value),
        entries: &entries,
        holdings_after: &after,
        nav: amount(question.nav),
        gas: U256::from(question.gas),
        max_fee: u128::from(question.fee),
    };
    let time = |seconds: u64| Time(i64::try_from(seconds).unwrap() * 1_000);
    let spent: Vec<Spent> = question
        .past
        .iter()
        .map(|(ago, entered, gas, is_exit)| Spent {
            time: time(NOW - ago),
            entries: amount(if *is_exit { 0 } else { *entered }),
            gas: U256::from(*gas),
            is_exit: *is_exit,
        })
        .collect();
    let address =
        |id: &MarketId| (1..4).find(|number| market_id(*number) == *id).map(market).unwrap();
    let denials = admit(&policy(), &request, &spent, (Breaker::Normal, time(NOW)));
    let kinds = denials.err().unwrap_or_default().into_iter().map(|denial| match denial {
        Denial::Chain { .. } => "chain".to_owned(),
        Denial::Call { .. } => "call".to_owned(),
        Denial::Value { .. } => "value".to_owned(),
        Denial::Market { market } => format!("market {}", address(&market)),
        Denial::Cap { market, most, .. } => format!("cap {} {}", address(&market), most.0),
        Denial::PlanTurnover { most, .. } => format!("plan {}", most.0),
        Denial::DayTurnover { total, most } => format!("day {} {}", total.0, most.0),
        Denial::Gas { total, most } => format!("gas {total} {most}"),
        Denial::Fee { .. } => "fee".to_owned(),
        Denial::Breaker { .. } => "breaker".to_owned(),
    });
    kinds.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn two_policies_written_apart_say_the_same_of_any_plan(question in questions()) {
        prop_assert_eq!(first(&question), second(&question));
    }
}

#[test]
fn the_questions_reach_every_limit_and_plans_that_are_within_all() {
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..2_000 {
        let question = questions().new_tree(&mut runner).unwrap().current();
        let found = second(&question);
        if found.is_empty() {
            *kinds.entry("allowed".to_owned()).or_default() += 1;
        }
        for kind in found {
            *kinds.entry(kind.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
    }
    let wanted =
        ["allowed", "call", "cap", "chain", "day", "fee", "gas", "market", "plan", "value"];
    assert_eq!(kinds.keys().map(String::as_str).collect::<Vec<_>>(), wanted, "{kinds:?}");
    assert!(kinds.values().all(|count| *count >= 20), "{kinds:?}");
}

/// A stage on which the engine's key does as it likes.
struct Hostile {
    stage: Stage,
    limits: Limits,
    plans: u64,
}

impl Hostile {
    async fn open(guard: Guard) -> Option<Hostile> {
        let stage = Stage::set(&artifacts()?, guard).await.unwrap();
        let caps = BTreeMap::from([(stage.markets[0], U256::from(MILLION / 2))]);
        let limits = Limits {
            signer: stage.engine,
            vault: stage.vault,
            caps,
            per_market_bps: 4_000,
            gas_per_day: U256::MAX,
            exit_gas_per_day: U256::MAX,
            max_fee: 50_000_000_000,
            slack_bps: 1,
            ..limits()
        };
        Some(Hostile { stage, limits, plans: 0 })
    }

    async fn does(&mut self, plan: u64, place: usize, is_entry: bool, assets: u64) {
        self.plans += 1;
        let chain = &self.stage.chain;
        let hash = chain.call(self.stage.vault, &preStateHashCall {}).await.unwrap();
        let leg = Leg {
            market: self.stage.markets[place],
            kind: if is_entry { ENTRY } else { EXIT },
            assets: U256::from(assets),
            minimum: U256::ZERO,
            maximum: U256::MAX,
            data: Bytes::new(),
        };
        let call = reallocateCall {
            planId: keccak256(plan.to_be_bytes()),
            validUntil: u64::MAX,
            expectedHash: hash,
            legs: vec![leg],
        };
        let call = Call::new(self.stage.engine, self.stage.vault, &call);
        chain.execute(&[call.with_gas(3_000_000)]).await.unwrap();
    }

    async fn found(&self) -> Vec<Breach> {
        let head = self.stage.chain.head().await.unwrap().number;
        let node = self.stage.chain.provider();
        let landed = landed(node, &self.limits, 0..=head).await.unwrap();
        assert_eq!(landed.len() as u64, self.plans, "all of the key, and nothing of others");
        breaches(&self.limits, &landed, &[]).into_iter().map(|(_, breach)| breach).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lands_within_the_limits_breaks_none() {
    let Some(mut hostile) = Hostile::open(Guard::Vault).await else { return };
    hostile.does(1, 0, true, MILLION / 4).await;
    hostile.does(2, 0, false, MILLION / 8).await;
    hostile.does(3, 0, true, MILLION / 8).await;
    assert_eq!(hostile.found().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lands_against_a_limit_is_found_on_the_chain() {
    let Some(mut hostile) = Hostile::open(Guard::Vault).await else { return };
    hostile.does(1, 0, true, MILLION / 4).await;
    hostile.does(2, 1, true, MILLION / 100).await;
    let unlisted = hostile.found().await;
    assert_eq!(unlisted, [Breach::Market { market: hostile.stage.markets[1] }]);
    hostile.does(3, 0, true, MILLION / 4).await;
    let found = hostile.found().await;
    assert!(matches!(found[1], Breach::Cap { .. }), "{found:?}");
    assert!(matches!(found[2], Breach::DayEntries { .. }), "{found:?}");
    // A day later the turnover is free again.
    let time = hostile.stage.chain.head().await.unwrap().time;
    hostile.stage.chain.mine_at(time + DAY).await.unwrap();
    hostile.does(4, 0, false, MILLION / 4).await;
    hostile.does(5, 0, true, MILLION / 10).await;
    assert_eq!(hostile.found().await.len(), 3);
    hostile.does(6, 0, true, MILLION / 2).await;
    let found = hostile.found().await;
    let kinds: Vec<bool> = found[3..]
        .iter()
        .map(|breach| {
            matches!(
                breach,
                Breach::Cap { .. } | Breach::PlanEntries { .. } | Breach::DayEntries { .. }
            )
        })
        .collect();
    assert_eq!(kinds, [true, true, true], "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_calls_ether_fees_and_repeated_plans_are_found() {
    let Some(mut hostile) = Hostile::open(Guard::EngineAlone).await else { return };
    hostile.does(1, 0, true, MILLION / 10).await;
    hostile.does(1, 0, true, MILLION / 10).await;
    let plan = keccak256(1_u64.to_be_bytes());
    assert_eq!(hostile.found().await, [Breach::Repeated { plan, count: 2 }]);
    let engine = hostile.stage.engine;
    let chain = &hostile.stage.chain;
    let mut gift = Call::new(engine, hostile.stage.vault, &preStateHashCall {});
    gift.to = Some(market(3));
    gift.value = U256::from(3);
    chain.execute(&[gift.with_gas_price(60_000_000_000)]).await.unwrap();
    hostile.plans += 1;
    let found = hostile.found().await;
    let fee = Breach::Fee { found: 60_000_000_000, most: 50_000_000_000 };
    let value = Breach::Value { value: U256::from(3) };
    assert!(matches!(found[0], Breach::Call { .. }), "{found:?}");
    assert_eq!(found[1..3], [value, fee]);
}
