//! What generated histories keep to.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn history(markets: u32, days: u32, seed: u64) -> History {
    History { markets, days, seed }
}

/// The numbers of a column; null where it has none.
fn numbers(table: &DataFrame, name: &str) -> Vec<Option<f64>> {
    table.column(name).unwrap().f64().unwrap().iter().collect()
}

fn flags(table: &DataFrame, name: &str) -> Vec<bool> {
    table.column(name).unwrap().bool().unwrap().iter().map(Option::unwrap).collect()
}

/// How many rows show what only a rare event brings.
#[derive(Debug, Default)]
struct Struck {
    losses: usize,
    closed: usize,
    rewarded: usize,
    drained: usize,
}

/// Lives a part's world again beside its rows and compares every number.
fn compare(part: &Part, days: u32, struck: &mut Struck) {
    let table = part.reserves(days).unwrap();
    let names = ["supply_apr", "borrow_apr", "reward_apr", "utilization", "tvl_usd", "exit_usd"];
    let columns = names.map(|name| numbers(&table, name));
    let (indices, rewards) = (numbers(&table, "liquidity_index"), numbers(&table, "reward_index"));
    let (rooms, are_frozen) = (numbers(&table, "entry_usd"), flags(&table, "frozen"));
    let mut world = part.world(days);
    let mut before: Vec<f64> = world.markets().iter().map(WorldMarket::index).collect();
    let mut row = 0;
    for day in 0..days {
        if day > 0 {
            world.step();
        }
        if day == MISSING_DAY {
            continue;
        }
        for (market, before) in world.markets().iter().zip(&mut before) {
            let shown = [
                market.supply_apr(),
                market.borrow_apr(),
                market.reward_apr(),
                market.utilization(),
                market.supplied(),
                market.exit(),
            ];
            for (column, shown) in columns.iter().zip(shown) {
                assert_eq!(column[row].unwrap().to_bits(), shown.to_bits());
            }
            assert_eq!(rewards[row].unwrap().to_bits(), market.reward_index().to_bits());
            let is_unread = part.before + market.number() == UNREAD.0 && day > MISSING_DAY;
            let index = indices[row].unwrap();
            // Half a unit of the sixth decimal, and what floats lose.
            assert!(is_unread || (index - market.index()).abs() < 5.000_001e-7, "{index}");
            assert_eq!(are_frozen[row], !market.is_open());
            let room = if market.is_open() { market.entry_room() } else { Some(0.0) };
            assert_eq!(rooms[row].map(f64::to_bits), room.map(f64::to_bits));
            struck.losses += usize::from(market.index() < *before);
            struck.closed += usize::from(!market.is_open());
            struck.rewarded += usize::from(market.reward_apr() > 0.0);
            struck.drained += usize::from(market.utilization() >= 1.0);
            *before = market.index();
            row += 1;
        }
    }
    assert_eq!(row, table.height());
}

#[test]
fn every_row_is_what_its_world_shows_on_that_day_events_included() {
    let history = history(300, 365, 1);
    let mut struck = Struck::default();
    for part in history.parts() {
        compare(&part, history.days, &mut struck);
    }
    let Struck { losses, closed, rewarded, drained } = struck;
    assert!(losses > 0 && closed > 100 && rewarded > 1000 && drained > 50, "{struck:?}");
}

#[test]
fn no_two_markets_of_a_history_have_the_same_id() {
    let history = history(100, 10, 2);
    let mut markets = BTreeSet::new();
    for part in history.parts() {
        let ids = market_ids_after(&part.world(1), part.before);
        assert!(ids.iter().all(|id| id.protocol().starts_with(crate::world::PROTOCOL_PREFIX)));
        markets.extend(ids);
    }
    assert_eq!(markets.len(), 100);
}

#[test]
fn a_longer_history_begins_as_the_shorter_one_does() {
    let history = history(30, 0, 3);
    for part in history.parts() {
        let (short, long) = (part.reserves(60).unwrap(), part.reserves(140).unwrap());
        assert!(long.head(Some(short.height())).equals_missing(&short));
    }
}

#[test]
fn the_recorder_misses_a_day_a_new_name_and_ten_days_of_an_index() {
    let history = history(12, 130, 1);
    let parts = history.parts();
    assert_eq!(parts.len(), 1);
    let table = parts[0].reserves(history.days).unwrap();
    assert_eq!(table.height(), 12 * 129);
    let of_market =
        |number: usize, name: &str| table.column(name).unwrap().gather_every(12, number).unwrap();
    let symbols = of_market(3, "symbol");
    let symbols: Vec<_> = symbols.str().unwrap().iter().map(Option::unwrap).collect();
    assert!(symbols[..100].iter().all(|symbol| *symbol == symbols[0]));
    assert!(symbols[100..].iter().all(|symbol| *symbol == format!("{}.e", symbols[0])));
    let indices = of_market(5, "liquidity_index");
    let indices: Vec<_> = indices.f64().unwrap().iter().map(Option::unwrap).collect();
    // Rows 99 to 108 are days 99 and 101 to 109.
    assert!(indices[99..109].iter().all(|index| index.to_bits() == indices[99].to_bits()));
    assert!(indices[98] < indices[99] && indices[109] > indices[108]);
}

proptest! {
    #[test]
    fn worlds_share_the_markets_evenly(markets in 1u32..5_000, seed in any::<u64>()) {
        let parts = history(markets, 10, seed).parts();
        let mut before = 0;
        for part in &parts {
            prop_assert_eq!(part.before, before, "markets are counted on from world to world");
            prop_assert!((1..=*MARKETS.end()).contains(&part.markets), "no world has more than it may");
            prop_assert!(parts.len() == 1 || MARKETS.contains(&part.markets), "nor fewer");
            before += part.markets;
        }
        prop_assert_eq!(before, markets, "every market is in a world");
        let seeds: BTreeSet<u64> = parts.iter().map(|part| part.seed).collect();
        prop_assert_eq!(seeds.len(), parts.len(), "no world comes twice");
    }
}
