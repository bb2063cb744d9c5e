//! F29: the socket that tells of heads breaks, stutters or falls silent; asking goes on beside it.

use super::stage::{Theatre, lets, sees_through};
use plimsoll_faults::proxy::{Fault, Lie, Rule, SocketFault};
use plimsoll_faults::runner::{Looked, TrialSettings};
use plimsoll_faults::{Guard, Stopwatch};
use std::time::Duration;

/// Milliseconds between two looks of an engine that nobody calls.
const POLL: u64 = 400;

async fn broken_socket(theatre: &mut Theatre, fault: Fault, times: u64) -> Duration {
    let what = format!("F29, {} {times} times", fault.name());
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    runner.settings.websocket = Some(runner.proxies[0].ws_url());
    runner.settings.poll_ms = POLL;
    runner.start(&[]).unwrap();
    runner.looked().await.unwrap();
    lets(&mut runner, 1).await;
    let control = runner.proxies[0].control();
    control.add(Rule::new(fault.clone()).on(&["eth_subscription"]).times(times));
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        let since = Stopwatch::start();
        let looked = runner.block().await.unwrap();
        assert!(matches!(looked, Looked::At(..)), "{what}: no block is missed: {looked:?}");
        slowest = slowest.max(since.elapsed());
    }
    assert!(runner.proxies[0].control().count(&fault) > 0, "{what}: it happened");
    // A block or two of this chain at most: what the socket does not tell is asked for.
    assert!(slowest < Duration::from_secs(2), "{what}: seen after {slowest:?}");
    runner.proxies[0].control().heal();
    sees_through(&mut runner, &what).await;
    slowest
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_whatever_the_socket_does_no_block_is_missed() {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    let mut faults: Vec<Fault> = [
        SocketFault::BrokenFrame,
        SocketFault::StrayError,
        SocketFault::Close,
        SocketFault::Skip,
        SocketFault::Repeat,
        SocketFault::Silence,
    ]
    .map(Fault::Socket)
    .to_vec();
    faults.push(Fault::Lag(2));
    faults.push(Fault::Lie(Lie::HeadHash));
    for fault in faults {
        let slowest = broken_socket(&mut theatre, fault.clone(), 2).await;
        println!("F29 {}: a block seen after {} ms at most", fault.name(), slowest.as_millis());
    }
}
