//! What rare events do, in worlds found by seed.

use super::*;

/// The first world on the eve of such events, and the place of the market they come to.
fn find(is_such: impl Fn(&WorldMarket, &events::Events) -> bool) -> (World, usize) {
    for seed in 0..500 {
        let mut world = World::new(&WorldSettings { markets: Some(12), days: 240, seed });
        while let Some(today) = world.outside.clone().day(world.lived) {
            for (place, today) in today.iter().enumerate() {
                if is_such(&world.markets()[place], &today.events) {
                    return (world, place);
                }
            }
            world.step();
        }
    }
    panic!("no such event in 500 worlds")
}

#[test]
fn a_run_takes_all_that_is_liquid_and_ends() {
    let (mut world, place) =
        find(|market, events| events.leaving > 0.2 && market.utilization() > 0.7);
    let before = world.markets()[place].supplied();
    let mut highest: f64 = 0.0;
    for _ in 0..12 {
        world.step();
        highest = highest.max(world.markets()[place].utilization());
    }
    assert!(highest >= 0.99, "{highest}");
    (0..60).for_each(|_| world.step());
    let market = &world.markets()[place];
    assert!(market.utilization() < 0.95, "{}", market.utilization());
    assert!(market.supplied() > 0.6 * before, "{} of {before}", market.supplied());
}

#[test]
fn in_a_run_we_get_no_more_than_what_is_liquid() {
    let (mut world, place) = find(|market, events| {
        events.leaving > 0.2 && market.utilization() > 0.7 && market.is_open()
    });
    assert!(world.deposit(place, 1e3));
    let mut was_stuck = false;
    for _ in 0..12 {
        world.step();
        let exit = world.markets()[place].exit();
        was_stuck |= exit < 1e3;
        assert!(world.clone().withdraw(place, 1e9) <= exit);
    }
    assert!(was_stuck);
}

#[test]
fn a_campaign_pays_by_share_and_ends_on_its_date() {
    let (mut world, place) = find(|market, events| {
        market.campaign().is_none() && events.campaign.is_some() && market.is_open()
    });
    assert!(world.deposit(place, 1e5));
    world.step();
    let campaign = world.markets()[place].campaign().unwrap();
    assert!(campaign.end_day > world.day());
    let mut paid = 0.0;
    while world.day() < campaign.end_day.min(239) {
        let market = &world.markets()[place];
        assert_eq!(market.campaign(), Some(campaign), "announced once, changed never");
        paid += market.reward_apr() * market.ours() / 365.0;
        world.step();
    }
    let market = &world.markets()[place];
    assert!(campaign.end_day > 239 || market.campaign() != Some(campaign));
    assert!(paid > 0.0 && (market.our_rewards() / paid - 1.0).abs() < 1e-9);
}

#[test]
fn a_loss_takes_the_same_part_of_everybodys_deposit() {
    let (mut world, place) =
        find(|market, events| events.loss > 0.05 && market.is_open() && market.utilization() > 0.4);
    assert!(world.deposit(place, 1e3));
    let before = world.markets()[place].clone();
    let loss = world.outside.day(world.lived).unwrap()[place].events.loss;
    world.step();
    let market = &world.markets()[place];
    let left = 1.0 - loss;
    let grown = 1.0 + before.supply_apr() / 365.0;
    assert!((market.index() / before.index() / (left * grown) - 1.0).abs() < 1e-12);
    assert!((market.ours() / before.ours() / (left * grown) - 1.0).abs() < 1e-12);
}

#[test]
fn a_pause_keeps_us_out_but_not_in() {
    let (mut world, place) =
        find(|market, events| events.is_paused && market.is_open() && market.exit() > 1e5);
    assert!(world.deposit(place, 1e3));
    world.step();
    assert!(!world.markets()[place].is_open());
    assert!(!world.deposit(place, 1.0));
    assert!((world.withdraw(place, 1e3) - 1e3).abs() < 1e-9);
}
