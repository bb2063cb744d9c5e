//! What every generated world keeps to.

use super::*;
use plimsoll_core::Curve;
use proptest::prelude::*;

fn world(seed: u64) -> World {
    World::new(&WorldSettings { markets: Some(12), days: 240, seed })
}

/// Every number of a world, bit for bit.
fn bits(world: &World) -> Vec<u64> {
    let of_market = |market: &WorldMarket| {
        let curve = market.curve();
        [
            market.supplied(),
            market.borrowed(),
            market.ours(),
            market.our_rewards(),
            market.index(),
            market.reward_index(),
            market.reward_usd_per_year(),
            curve.borrow_apr(0.5),
            curve.borrow_apr(1.0),
            market.entry_room().unwrap_or(-1.0),
        ]
    };
    let around = [world.gas_price_gwei(), world.ether_usd()];
    world.markets().iter().flat_map(of_market).chain(around).map(f64::to_bits).collect()
}

#[test]
fn the_same_seed_gives_the_same_world_bit_for_bit() {
    let (mut one, mut other) = (world(7), world(7));
    for _ in 0..240 {
        assert_eq!(bits(&one), bits(&other));
        one.step();
        other.step();
    }
    assert_ne!(bits(&world(7)), bits(&world(8)));
}

#[test]
fn a_longer_world_begins_as_the_shorter_one() {
    let mut long = World::new(&WorldSettings { markets: Some(12), days: 400, seed: 7 });
    let mut short = world(7);
    for _ in 0..240 {
        assert_eq!(bits(&long), bits(&short));
        long.step();
        short.step();
    }
    short.step();
    assert_eq!(short.day(), 240, "time stands still after the last day");
}

#[test]
fn a_clone_lives_the_same_future_and_leaves_the_original_alone() {
    let mut original = world(3);
    let before = bits(&original);
    let mut clone = original.clone();
    clone.deposit(0, 1e5);
    clone.withdraw(0, 1e5);
    (0..30).for_each(|_| clone.step());
    assert_eq!(bits(&original), before);
    (0..30).for_each(|_| original.step());
    for (market, twin) in original.markets().iter().zip(clone.markets()) {
        assert!(
            (market.supplied() / twin.supplied() - 1.0).abs() < 1e-9,
            "the same but for rounding"
        );
    }
}

#[test]
fn moving_nothing_changes_nothing() {
    let (mut touched, mut untouched) = (world(5), world(5));
    for _ in 0..240 {
        for market in 0..12 {
            touched.deposit(market, 0.0);
            assert_eq!(touched.withdraw(market, 0.0).to_bits(), 0.0f64.to_bits());
            assert_eq!(
                touched.withdraw(market, 1e6).to_bits(),
                0.0f64.to_bits(),
                "nothing is ours"
            );
        }
        for amount in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(!touched.deposit(0, amount));
        }
        assert_eq!(bits(&touched), bits(&untouched));
        touched.step();
        untouched.step();
    }
}

#[test]
fn a_market_pays_what_its_curve_says() {
    let mut world = world(11);
    for _ in 0..240 {
        for market in world.markets() {
            let (curve, utilization) = (market.curve(), market.utilization());
            let supply_apr = curve.supply_apr(utilization, market.reserve_factor());
            assert_eq!(market.borrow_apr().to_bits(), curve.borrow_apr(utilization).to_bits());
            assert_eq!(market.supply_apr().to_bits(), supply_apr.to_bits());
        }
        world.step();
    }
}

#[test]
fn our_deposit_lowers_the_rate_as_the_allocator_predicts() {
    for seed in 0..20 {
        let mut world = world(seed);
        for place in 0..world.markets().len() {
            for amount in [1e3, 1e5, 1e7] {
                let market = &world.markets()[place];
                let (before, lending) =
                    (market.supply_apr() + market.reward_apr(), market.lending());
                let ours = market.ours();
                if !world.deposit(place, amount) {
                    continue;
                }
                let market = &world.markets()[place];
                let found = market.supply_apr() + market.reward_apr();
                let predicted = lending.after_deposit_apr(ours + amount);
                assert!((found / predicted - 1.0).abs() < 1e-9, "{found} {predicted}");
                assert!(found < before, "seed {seed}, market {place}: {before} -> {found}");
            }
        }
    }
}

#[test]
fn what_chance_decides_does_not_depend_on_our_deposits() {
    let (mut with_us, mut without) = (world(21), world(21));
    for day in 0..240 {
        let today = without.outside.day(without.lived).unwrap().to_vec();
        assert_eq!(
            format!("{today:?}"),
            format!("{:?}", with_us.outside.day(with_us.lived).unwrap())
        );
        for (market, twin) in with_us.markets().iter().zip(without.markets()) {
            assert_eq!(market.campaign(), twin.campaign());
            assert_eq!(market.is_open(), twin.is_open());
            assert!(
                matches!(market.curve(), Curve::Adaptive { .. }) || market.curve() == twin.curve()
            );
        }
        assert_eq!(with_us.gas_price_gwei().to_bits(), without.gas_price_gwei().to_bits());
        assert_eq!(with_us.ether_usd().to_bits(), without.ether_usd().to_bits());
        (0..12).for_each(|market| {
            with_us.withdraw(market, if day % 7 == 3 { 1e9 } else { 0.0 });
            with_us.deposit(market, if day % 7 == 4 { 1e7 } else { 0.0 });
        });
        with_us.step();
        without.step();
    }
}

#[test]
fn others_leave_and_borrowers_come_where_we_deposit_much() {
    let (mut fewer, mut cheaper, mut count) = (0, 0, 0);
    for seed in 0..20 {
        let (mut with_us, mut without) = (world(seed), world(seed));
        if !with_us.deposit(0, 0.4 * without.markets()[0].supplied()) {
            continue;
        }
        (0..60).for_each(|_| {
            with_us.step();
            without.step();
        });
        let (market, twin) = (&with_us.markets()[0], &without.markets()[0]);
        count += 1;
        fewer += u32::from(market.supplied() - market.ours() < twin.supplied());
        cheaper += u32::from(market.borrowed() > twin.borrowed());
    }
    assert!(count >= 15, "{count}");
    assert!(fewer >= count - 1 && cheaper >= count - 1, "{fewer} and {cheaper} of {count}");
}

#[test]
fn a_cap_refuses_what_does_not_fit() {
    let mut world = world(2);
    let (place, room) = world
        .markets()
        .iter()
        .enumerate()
        .find_map(|(place, market)| Some((place, market.entry_room().filter(|room| *room > 1.0)?)))
        .unwrap();
    assert!(!world.deposit(place, room * 1.001));
    assert!(world.deposit(place, room * 0.999));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn books_balance_whatever_we_do(
        seed in 0u64..1_000,
        moves in proptest::collection::vec((0usize..12, -2.0f64..1.0, 3.0f64..8.0), 240),
    ) {
        let mut world = world(seed);
        for (place, direction, size) in moves {
            let (amount, market) = (10f64.powf(size), world.markets()[place].clone());
            if direction > 0.0 {
                let taken = if world.deposit(place, amount) { amount } else { 0.0 };
                let gained = world.markets()[place].ours() - market.ours();
                prop_assert!((gained - taken).abs() < 1e-6, "a deposit is taken whole or not at all");
            } else {
                let paid = world.withdraw(place, amount);
                prop_assert!(
                    paid <= market.exit() && paid <= market.ours() && paid <= amount,
                    "a withdrawal never exceeds what is liquid, what is ours and what was asked for"
                );
            }
            let before = world.clone();
            let today = world.outside.day(world.lived).unwrap().to_vec();
            world.step();
            for ((market, before), today) in world.markets().iter().zip(before.markets()).zip(&today) {
                let (supplied, utilization) = (market.supplied(), market.utilization());
                prop_assert!(
                    (market.borrowed() + market.exit() - supplied).abs() <= 1e-9 * supplied,
                    "what is borrowed and what is liquid are what is supplied"
                );
                prop_assert!((0.0..=1.0).contains(&utilization), "utilization is a fraction");
                if today.events.loss <= 0.0 {
                    let grown = before.index() * (1.0 + before.supply_apr() / 365.0);
                    prop_assert!(
                        (market.index() - grown).abs() < 1e-12 && market.index() >= before.index(),
                        "without a loss the index grows by the rate of the morning and by nothing else"
                    );
                    prop_assert!(
                        (market.ours() - before.ours() * market.index() / before.index()).abs() < 1e-6,
                        "what is ours grows with the index and by nothing else"
                    );
                }
            }
        }
    }
}
