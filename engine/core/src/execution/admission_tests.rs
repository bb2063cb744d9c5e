use super::*;
use crate::execution::breaker::Breaker;
use proptest::prelude::*;

const REALLOCATE: [u8; 4] = [1, 2, 3, 4];

fn amount(units: u64) -> Amount {
    Amount(U256::from(units))
}

fn market(name: &str) -> MarketId {
    format!("aave-v3:31337:{name}").parse().unwrap()
}

fn policy() -> AdmissionPolicy {
    AdmissionPolicy {
        chain: ChainId(31_337),
        calls: BTreeSet::from([Call { to: Address::ZERO, selector: REALLOCATE }]),
        caps: BTreeMap::from([(market("a"), amount(600)), (market("b"), amount(10_000))]),
        per_market: Bps(5_000),
        entries_per_plan: Bps(3_000),
        entries_per_day: Bps(4_000),
        gas_per_day: U256::from(1_000),
        exit_gas_per_day: U256::from(5_000),
        max_fee: 50,
    }
}

struct Asked {
    entries: BTreeMap<MarketId, Amount>,
    after: BTreeMap<MarketId, Amount>,
    gas: u64,
}

impl Asked {
    fn into(name: &str, entry: u64, after: u64) -> Asked {
        Asked {
            entries: BTreeMap::from([(market(name), amount(entry))]),
            after: BTreeMap::from([(market(name), amount(after))]),
            gas: 100,
        }
    }

    fn exit() -> Asked {
        Asked { entries: BTreeMap::new(), after: BTreeMap::new(), gas: 100 }
    }

    fn request(&self) -> Request<'_> {
        Request {
            chain: ChainId(31_337),
            call: Call { to: Address::ZERO, selector: REALLOCATE },
            value: U256::ZERO,
            entries: &self.entries,
            holdings_after: &self.after,
            nav: amount(1_000),
            gas: U256::from(self.gas),
            max_fee: 50,
        }
    }

    fn admitted(&self, spent: &[Spent]) -> Admission {
        admit(&policy(), &self.request(), spent, (Breaker::Normal, NOW))
    }
}

const NOW: Time = Time(10 * DAY_MS);

fn spent(hours_ago: i64, entries: u64, gas: u64) -> Spent {
    let time = Time(NOW.0 - hours_ago * DAY_MS / 24);
    Spent { time, entries: amount(entries), gas: U256::from(gas), is_exit: entries == 0 }
}

#[test]
fn what_is_within_every_limit_is_allowed_to_the_last_unit() {
    assert_eq!(Asked::into("b", 300, 500).admitted(&[]), Ok(()));
    assert_eq!(Asked::into("b", 300, 500).admitted(&[spent(3, 100, 900)]), Ok(()));
}

#[test]
fn each_limit_is_refused_beyond_it_with_its_figures() {
    let denied = |asked: Asked, spent: &[Spent]| asked.admitted(spent).unwrap_err();
    let most = amount(500);
    assert_eq!(
        denied(Asked::into("b", 300, 501), &[]),
        [Denial::Cap { market: market("b"), after: amount(501), most }]
    );
    let total = amount(401);
    assert_eq!(
        denied(Asked::into("b", 300, 400), &[spent(23, 101, 0)]),
        [Denial::DayTurnover { total, most: amount(400) }]
    );
    assert_eq!(
        denied(Asked::into("b", 301, 400), &[]),
        [Denial::PlanTurnover { wanted: amount(301), most: amount(300) }]
    );
    assert_eq!(denied(Asked::into("c", 1, 1), &[]), [Denial::Market { market: market("c") }]);
    let gas = Denial::Gas { total: U256::from(1_001), most: U256::from(1_000) };
    assert_eq!(denied(Asked::into("b", 1, 1), &[spent(1, 1, 901)]), [gas]);
    // A holding that nobody states is not small.
    let unknown = Asked { after: BTreeMap::new(), ..Asked::into("b", 1, 1) };
    assert!(matches!(denied(unknown, &[])[..], [Denial::Cap { .. }]));
}

#[test]
fn nothing_but_the_listed_call_without_ether_on_the_right_chain_is_signed() {
    let asked = Asked::exit();
    let with = |change: &dyn Fn(&mut Request<'_>)| {
        let mut request = asked.request();
        change(&mut request);
        admit(&policy(), &request, &[], (Breaker::Normal, NOW)).unwrap_err()
    };
    let to = Address::repeat_byte(1);
    assert_eq!(with(&|request| request.call.to = to), [Denial::Call { to }]);
    let other = with(&|request| request.call.selector = [0; 4]);
    assert_eq!(other, [Denial::Call { to: Address::ZERO }]);
    let value = U256::from(1);
    assert_eq!(with(&|request| request.value = value), [Denial::Value { value }]);
    let chain = with(&|request| request.chain = ChainId(1));
    assert!(matches!(chain[..], [Denial::Chain { .. }]));
    assert!(matches!(with(&|request| request.max_fee = 51)[..], [Denial::Fee { .. }]));
}

#[test]
fn exits_are_held_back_by_no_limit_on_entries() {
    // A day whose entries and gas are used up.
    let day = [spent(1, 400, 1_000)];
    assert!(Asked::into("b", 1, 1).admitted(&day).is_err());
    assert_eq!(Asked::exit().admitted(&day), Ok(()));
    let derisk =
        |asked: &Asked| admit(&policy(), &asked.request(), &[], (Breaker::DeriskOnly, NOW)).is_ok();
    assert!(derisk(&Asked::exit()) && !derisk(&Asked::into("b", 1, 1)));
    let halt = admit(&policy(), &Asked::exit().request(), &[], (Breaker::Halt, NOW));
    assert_eq!(halt, Err(vec![Denial::Breaker { breaker: Breaker::Halt }]));
}

#[test]
fn what_was_spent_a_day_ago_is_forgotten_and_not_before() {
    let asked = Asked::into("b", 300, 300);
    assert!(asked.admitted(&[spent(23, 200, 0)]).is_err());
    assert!(asked.admitted(&[spent(24, 200, 0)]).is_ok());
}

proptest! {
    /// More spent never allows what less spent refused.
    #[test]
    fn spending_never_helps(
        entry in 0..500u64,
        after in 0..800u64,
        earlier in prop::collection::vec((0..30i64, 0..300u64, 0..800u64), 0..6),
    ) {
        let asked = Asked::into("a", entry, after);
        let all: Vec<Spent> = earlier.iter().map(|(ago, e, gas)| spent(*ago, *e, *gas)).collect();
        for count in 0..all.len() {
            if asked.admitted(&all[..count]).is_err() {
                prop_assert!(asked.admitted(&all[..=count]).is_err());
            }
        }
    }
}
