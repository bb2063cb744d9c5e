//! Kill -9 at every place that the engine comes by.

use super::stage::{Theatre, sees_through};
use plimsoll_faults::Guard;
use plimsoll_faults::runner::{End, Looked, TrialSettings, recorded};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fault_every_move_is_done_once_and_nothing_is_found() {
    for guard in [Guard::Vault, Guard::EngineAlone] {
        let Some(mut theatre) = Theatre::open(guard).await else { return };
        let mut runner = theatre.trial(&TrialSettings::default()).await;
        let trace = runner.folder().join("trace");
        runner.start(&[("PLIMSOLL_KILL_TRACE", trace.to_str().unwrap())]).unwrap();
        let blocks = sees_through(&mut runner, "no fault").await;
        assert_eq!(runner.stop().unwrap(), End::Code(0));
        let points = recorded(&trace).unwrap();
        println!("{blocks} blocks, {} places to be killed at", points.len());
        assert!(points.len() >= 40, "{points:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_place_it_goes_on_with_nothing_but_its_journal() {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    runner.start(&[("PLIMSOLL_KILL", "send.after:1")]).unwrap();
    assert_eq!(runner.looked().await.unwrap(), Looked::Ended(End::KILLED));
    runner.start(&[]).unwrap();
    sees_through(&mut runner, "send.after:1").await;
}
