//! F32 and F36: a disk that is full, and two engines with one key.

use super::stage::{Dice, Theatre, heals, lets, sees_through};
use plimsoll_faults::engine::Progress;
use plimsoll_faults::runner::{End, Heard, Looked, TrialSettings};
use plimsoll_faults::{Finding, Guard, Process, Runner};
use std::time::Duration;

/// A disk with room for `kib`: the engine stops by itself at the first line that does not fit, and goes on once
/// there is room. Returns whether it was full at all.
async fn full_disk(theatre: &mut Theatre, kib: u64) -> bool {
    let what = format!("F32, {kib} KiB");
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    runner.disk_kib = Some(kib);
    runner.start(&[]).unwrap();
    let mut stopped = None;
    for block in 0..40 {
        let looked = if block == 0 { runner.looked().await } else { runner.block().await }.unwrap();
        match looked {
            Looked::Ended(end) => {
                stopped = Some(end);
                break;
            }
            Looked::At(_, Progress::AllDone) => break,
            _ => {}
        }
    }
    if let Some(end) = stopped {
        assert_eq!(end, End::Code(3), "{what}: it stops by itself: {}", runner.log());
        let is_new = |finding: &Finding| {
            // A journal that could not even be made is none.
            let has_none = matches!(finding, Finding::Journal(detail) if !detail.contains("line"));
            !(has_none && runner.raw().is_empty())
        };
        let found = runner.judged(false).await.unwrap();
        assert!(!found.iter().any(is_new), "{what}: {found:?}");
    }
    runner.disk_kib = None;
    if stopped.is_some() {
        heals(&mut runner, &what).await;
    }
    sees_through(&mut runner, &what).await;
    stopped.is_some()
}

async fn full_disks(sizes: impl Iterator<Item = u64>) {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    let (mut full, mut all) = (0, 0);
    for kib in sizes {
        full += u64::from(full_disk(&mut theatre, kib).await);
        all += 1;
    }
    assert!(full >= all / 2, "the disk was full {full} times of {all}");
    println!("F32: the disk was full in {full} of {all} trials, at another write each");
}

#[tokio::test(flavor = "multi_thread")]
async fn f32_on_a_full_disk_it_stops_signs_nothing_and_goes_on_when_there_is_room() {
    full_disks([4, 60, 120, 200].into_iter()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_f32_full_at_every_write() {
    full_disks((1..=75).map(|step| step * 4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_a_second_engine_on_the_same_journal_does_not_start() {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    runner.start(&[]).unwrap();
    runner.looked().await.unwrap();
    let mut second = Process::start(&runner.launch(&[]).unwrap()).unwrap();
    let mut ended = None;
    for _ in 0..3 {
        if let Heard::Ended(end) = second.hear(Duration::from_secs(20)).await.unwrap() {
            ended = Some(end);
            break;
        }
    }
    assert_eq!(ended, Some(End::Code(3)), "it ends by itself");
    sees_through(&mut runner, "F36, the same folder").await;
}

/// Two engines with one key and journals of their own. Returns whether a person was called: one that had nothing left
/// to sign when the other began has nothing to be called for.
async fn twins(theatre: &mut Theatre, seed: u64) -> bool {
    let what = format!("F36, two folders, seed {seed}");
    let mut dice = Dice::new(seed);
    let mut first = theatre.trial(&TrialSettings { seed, ..TrialSettings::default() }).await;
    let stage = first.stage();
    let other = TrialSettings { seed: seed + 100, ..TrialSettings::default() };
    let mut second = Runner::new(stage, &super::stage::engine(), &other).await.unwrap();
    second.settings.label = "second".to_owned();
    first.start(&[]).unwrap();
    first.looked().await.unwrap();
    // Never so long that its last plan is on its way: an engine that is done signs nothing that could be missed.
    lets(&mut first, dice.among(0..=4)).await;
    second.start(&[]).unwrap();
    let (mut is_called, mut is_over) = (false, false);
    for _ in 0..60 {
        let both = [first.block().await.unwrap(), second.looked().await.unwrap()];
        let any = |is: fn(&Progress) -> bool| {
            both.iter().filter(|looked| matches!(looked, Looked::At(_, how) if is(how))).count()
        };
        is_called = any(|how| matches!(how, Progress::Frozen)) > 0;
        is_over = any(|how| matches!(how, Progress::AllDone)) == 2;
        if is_called || is_over {
            break;
        }
    }
    assert!(is_called || is_over, "{what}: neither calls a person, and they do not end");
    for runner in [&first, &second] {
        let found = runner.judged(false).await.unwrap();
        // Each finds the other's transactions; neither did anything twice.
        let is_other = |finding: &Finding| {
            matches!(
                finding,
                Finding::Foreign { .. } | Finding::UnknownPlan(_) | Finding::Policy { .. }
            )
        };
        assert!(found.iter().all(is_other), "{what}: {found:?}");
    }
    is_called
}

/// Has twins run by each of `seeds`; at least half of them meet.
async fn all_twins(theatre: &mut Theatre, seeds: u64) {
    let mut called = 0;
    for seed in 1..=seeds {
        called += u64::from(twins(theatre, seed).await);
    }
    println!("F36: {called} of {seeds} pairs with one key called a person, the others never met");
    assert!(called * 2 >= seeds, "{called} of {seeds} called a person");
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_two_engines_with_one_key_call_a_person_and_do_nothing_twice() {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    all_twins(&mut theatre, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_f36_two_engines_with_one_key() {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    all_twins(&mut theatre, 30).await;
}
