//! F01 to F03: kill -9 at every place that the engine comes by, at any instant, and once more while it recovers.

use super::stage::{Dice, Theatre, lets, sees_through};
use plimsoll_faults::Guard;
use plimsoll_faults::runner::{End, Heard, KillPoint, Looked, TrialSettings, recorded};
use std::time::Duration;

/// The places of a run in which a transaction is also bumped and its block goes once.
async fn places(theatre: &mut Theatre) -> Vec<KillPoint> {
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    let trace = runner.folder().join("trace");
    runner.start(&[("PLIMSOLL_KILL_TRACE", trace.to_str().unwrap())]).unwrap();
    sees_through(&mut runner, "no fault").await;
    assert_eq!(runner.stop().unwrap(), End::Code(0));
    let points = recorded(&trace).unwrap();
    assert!(points.len() >= 40, "{points:?}");
    points
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fault_every_move_is_done_once_and_nothing_is_found() {
    for guard in [Guard::Vault, Guard::EngineAlone] {
        let Some(mut theatre) = Theatre::open(guard).await else { return };
        let points = places(&mut theatre).await;
        println!("{guard:?}: {} places to be killed at", points.len());
        for place in ["before", "uncommitted", "after"] {
            for kind in [
                "started",
                "planned",
                "admitted",
                "simulated",
                "nonce_bound",
                "signed",
                "broadcast",
                "included",
                "final",
                "create",
            ] {
                let name = format!("journal.{kind}.{place}");
                assert!(points.iter().any(|point| point.name == name), "{name}");
            }
        }
    }
}

/// Kills at every `step`-th place, on a vault that repeats whatever it is told.
async fn killed_at_places(guard: Guard, step: usize) {
    let Some(mut theatre) = Theatre::open(guard).await else { return };
    let points = places(&mut theatre).await;
    let mut killed = 0;
    for point in points.iter().step_by(step) {
        let mut runner = theatre.trial(&TrialSettings::default()).await;
        let place = point.to_string();
        runner.start(&[("PLIMSOLL_KILL", &place)]).unwrap();
        sees_through(&mut runner, &format!("{guard:?} {place}")).await;
        assert_eq!(runner.starts, 2, "{place}: it was killed there, once");
        killed += 1;
    }
    println!("F01 {guard:?}: killed at {killed} of {} places, each move done once", points.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_killed_at_a_place_of_the_journal_it_goes_on_with_nothing_but_the_journal() {
    killed_at_places(Guard::EngineAlone, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn f01_deep_killed_at_every_place() {
    killed_at_places(Guard::EngineAlone, 1).await;
    killed_at_places(Guard::Vault, 1).await;
}

/// Kills at instants that the seed draws, ever again.
async fn killed_at_instants(kills: u64, seed: u64) {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    let mut dice = Dice::new(seed);
    let (mut killed, mut trials) = (0, 0);
    while killed < kills {
        let mut runner = theatre.trial(&TrialSettings::default()).await;
        trials += 1;
        runner.start(&[]).unwrap();
        for _ in 0..dice.among(4..=12).min(kills - killed) {
            theatre_block(&mut runner, &mut dice).await;
            runner.remember().unwrap();
            assert_eq!(runner.kill().unwrap(), End::KILLED);
            killed += 1;
            runner.start(&[]).unwrap();
        }
        sees_through(&mut runner, &format!("seed {seed}, trial {trials}")).await;
    }
    println!("F02: killed at {killed} instants in {trials} trials, seed {seed}");
}

/// A block, and so many microseconds that the engine has with it.
async fn theatre_block(runner: &mut plimsoll_faults::Runner<'_>, dice: &mut Dice) {
    if dice.among(0..=2) > 0 {
        runner.mine().await.unwrap();
    }
    // The one sleep that is meant: where it ends is where the engine is killed.
    tokio::time::sleep(Duration::from_micros(dice.among(0..=60_000))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_killed_at_any_instant_it_goes_on_with_nothing_but_its_journal() {
    killed_at_instants(20, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn f02_deep_killed_at_two_hundred_instants() {
    killed_at_instants(200, 20).await;
}

/// Kills at a place, and once more at the n-th place that the engine comes by while it recovers.
async fn killed_twice(every: usize) {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    let points = places(&mut theatre).await;
    let mut twice = 0;
    for (number, first) in points.iter().enumerate().skip(3).step_by(every) {
        let mut runner = theatre.trial(&TrialSettings::default()).await;
        runner.start(&[("PLIMSOLL_KILL", &first.to_string())]).unwrap();
        while !matches!(runner.block().await.unwrap(), Looked::Ended(End::KILLED)) {}
        // What it comes by first when it starts again.
        let again = [
            "journal.open.before:1",
            "journal.open.after:1",
            "journal.started.before:1",
            "journal.started.uncommitted:1",
            "journal.started.after:1",
            "send.before:1",
            "send.after:1",
        ];
        let second = again[number % again.len()];
        runner.start(&[("PLIMSOLL_KILL", second)]).unwrap();
        let heard = runner.looked().await.unwrap();
        twice += u64::from(heard == Looked::Ended(End::KILLED));
        if heard == Looked::Ended(End::KILLED) {
            runner.start(&[]).unwrap();
        }
        lets(&mut runner, 1).await;
        sees_through(&mut runner, &format!("{first}, then {second}")).await;
    }
    assert!(twice >= 2, "killed twice in {twice} trials alone");
    println!("F03: killed again while it recovered in {twice} trials");
}

#[tokio::test(flavor = "multi_thread")]
async fn f03_killed_while_it_recovers_it_recovers_all_the_same() {
    killed_twice(20).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn f03_deep_killed_while_it_recovers() {
    killed_twice(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_says_nothing_is_not_taken_for_one_that_is_done() {
    let Some(mut theatre) = Theatre::open(Guard::Vault).await else { return };
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    runner.start(&[]).unwrap();
    assert!(matches!(runner.looked().await.unwrap(), Looked::At(..)));
    assert_eq!(runner.kill().unwrap(), End::KILLED);
    assert!(runner.hear(Duration::from_millis(1)).await.is_err(), "it does not run");
    runner.start(&[]).unwrap();
    assert!(matches!(runner.hear(Duration::from_secs(20)).await.unwrap(), Heard::Said(_)));
}
