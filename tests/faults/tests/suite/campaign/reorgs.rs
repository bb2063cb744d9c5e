//! F09 to F12: blocks that go, with the transaction in them.

use super::stage::{Dice, Theatre, heals, lets, lets_land, sees_through};
use alloy::primitives::{Bytes, keccak256};
use plimsoll_faults::abi::{pauseEntriesCall, resumeEntriesCall};
use plimsoll_faults::engine::Progress;
use plimsoll_faults::proxy::{Fault, Gate, Place, Wait};
use plimsoll_faults::runner::{Looked, TrialSettings};
use plimsoll_faults::{Finding, Guard, Runner};
use plimsoll_localchain::Call;

/// What becomes of the transaction whose block went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// It is in the first block that takes the place of those that went.
    AtOnce,
    /// Another node tells of it some blocks later.
    Later,
    /// Nobody but the engine remembers it.
    Never,
}

/// Has the chain replace blocks while no question is on its way to the node: in the middle of a reorganisation anvil
/// answers from a state that is none, and may keep it. The engine is in the middle of a look all the same.
async fn replaces(runner: &Runner<'_>, replaced: impl Future<Output = ()>) {
    let gate = Gate::new();
    let held = Fault::Delay(Place::Before, Wait::Gate(gate.clone()));
    let rule = runner.proxies[0].control().add(held);
    // One question at a time: the one that is held up is the only one.
    gate.reached(1).await;
    replaced.await;
    runner.proxies[0].control().remove(rule);
}

/// The bytes of the newest transaction that landed, with blocks on top until the newest is `depth` above its parent.
async fn landed(runner: &mut Runner<'_>, plans: u64, depth: u64) -> Bytes {
    lets_land(runner, plans).await;
    let evidence = runner.evidence().await.unwrap();
    let newest = evidence.landed.last().unwrap();
    let (hash, block) = (newest.tx.hash, newest.block);
    loop {
        let head = runner.stage().chain.head().await.unwrap().number;
        assert!(head < block + depth, "the fault comes too late: block {block}, head {head}");
        if head + 1 == block + depth {
            break;
        }
        lets(runner, 1).await;
    }
    runner.raw().into_iter().find(|raw| keccak256(raw) == hash).unwrap()
}

async fn reorged(theatre: &mut Theatre, (depth, again): (u64, Again), seed: u64) {
    let what = format!("depth {depth}, {again:?}, seed {seed}");
    let mut dice = Dice::new(seed);
    let mut runner = theatre.trial(&TrialSettings { seed, ..TrialSettings::default() }).await;
    runner.settings.confirmations = depth + 2;
    runner.start(&[]).unwrap();
    runner.looked().await.unwrap();
    let raw = landed(&mut runner, dice.among(1..=3), depth).await;
    let before = runner.evidence().await.unwrap().effects().len();
    let chain = &runner.stage().chain;
    replaces(&runner, async {
        match again {
            Again::AtOnce => chain.reorg_signed(depth, &[(raw, 0)]).await.unwrap(),
            Again::Later | Again::Never => chain.reorg(depth, &[]).await.unwrap(),
        };
    })
    .await;
    let after = runner.evidence().await.unwrap().effects().len();
    assert_eq!(before - after, usize::from(again != Again::AtOnce), "{what}: it went");
    // anvil may have lost the state of the block at which it stopped; the next one has its own.
    lets(&mut runner, 1).await;
    if again == Again::Later {
        // The engine sends the same bytes by itself; that another node does as well changes nothing.
        lets(&mut runner, dice.among(0..=3)).await;
        let _ = chain.gossip(&runner.raw().into_iter().next_back().unwrap()).await;
    }
    heals(&mut runner, &what).await;
    sees_through(&mut runner, &what).await;
    let journal = runner.evidence().await.unwrap().journal.unwrap();
    let reorgs: u32 = journal.folded.intents.iter().map(|plan| plan.reorgs).sum();
    assert!(reorgs >= 1, "{what}: the journal knows of it");
}

async fn depths(guard: Guard, depths: &[u64], seeds: u64) {
    let Some(mut theatre) = Theatre::open(guard).await else { return };
    let mut held = 0;
    for depth in depths {
        for again in [Again::AtOnce, Again::Later, Again::Never] {
            for seed in 1..=seeds {
                reorged(&mut theatre, (*depth, again), seed).await;
                held += 1;
            }
        }
    }
    println!("F09, F10, F11 {guard:?}: {held} reorganisations of depths {depths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_f10_f11_a_block_that_goes_takes_nothing_with_it_and_brings_nothing_twice() {
    depths(Guard::EngineAlone, &[1, 3, 8], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_f09_f10_f11_depths_one_to_eight() {
    depths(Guard::EngineAlone, &[1, 2, 3, 4, 5, 6, 7, 8], 4).await;
    depths(Guard::Vault, &[1, 2, 3, 4, 5, 6, 7, 8], 2).await;
}

/// The world in which the transaction comes back is another: entries are closed there.
async fn closed_meanwhile(theatre: &mut Theatre, gossips: bool) {
    let what = format!("entries closed, gossip {gossips}");
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    runner.settings.confirmations = 5;
    runner.start(&[]).unwrap();
    runner.looked().await.unwrap();
    let raw = landed(&mut runner, 1, 2).await;
    let chain = &runner.stage().chain;
    let guardian = chain.accounts()[4];
    let vault = runner.stage().vault;
    replaces(&runner, async {
        chain.reorg(2, &[(Call::new(guardian, vault, &pauseEntriesCall {}), 0)]).await.unwrap();
    })
    .await;
    if gossips {
        let _ = chain.gossip(&raw).await;
    }
    lets(&mut runner, 12).await;
    assert_eq!(runner.evidence().await.unwrap().effects().len(), 0, "{what}: nothing enters");
    chain.execute(&[Call::new(guardian, vault, &resumeEntriesCall {})]).await.unwrap();
    sees_through(&mut runner, &what).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_what_is_not_right_any_more_after_a_reorg_ends_and_is_planned_anew() {
    let Some(mut theatre) = Theatre::open(Guard::Vault).await else { return };
    for gossips in [false, true] {
        closed_meanwhile(&mut theatre, gossips).await;
    }
}

/// A block goes that was taken to be final.
async fn deep_reorg(theatre: &mut Theatre, seed: u64) {
    let what = format!("F12, seed {seed}");
    let mut dice = Dice::new(seed);
    let mut runner = theatre.trial(&TrialSettings { seed, ..TrialSettings::default() }).await;
    runner.settings.confirmations = 2;
    runner.start(&[]).unwrap();
    runner.looked().await.unwrap();
    let depth = dice.among(4..=8);
    landed(&mut runner, 1, depth).await;
    replaces(&runner, async {
        runner.stage().chain.reorg(depth, &[]).await.unwrap();
    })
    .await;
    let mut looks = Vec::new();
    for _ in 0..4 {
        looks.push(runner.block().await.unwrap());
    }
    let is_halted = |looked: &Looked| matches!(looked, Looked::At(_, Progress::Halted));
    assert!(looks.iter().any(is_halted), "{what}: it goes on: {looks:?}");
    let journal = runner.evidence().await.unwrap().journal.unwrap();
    let signed: usize = journal.folded.intents.iter().map(|plan| plan.attempts.len()).sum();
    let sent = runner.raw().len();
    lets(&mut runner, 8).await;
    runner.kill().unwrap();
    runner.start(&[]).unwrap();
    lets(&mut runner, 4).await;
    let journal = runner.evidence().await.unwrap().journal.unwrap();
    let later: usize = journal.folded.intents.iter().map(|plan| plan.attempts.len()).sum();
    assert_eq!((later, runner.raw().len()), (signed, sent), "{what}: nothing is signed or sent");
    let found = runner.judged(false).await.unwrap();
    // What was final and is gone is no mistake of the engine's.
    let is_gone = |finding: &Finding| matches!(finding, Finding::Disagrees { effects: 0, .. });
    assert!(found.iter().all(is_gone), "{what}: {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_reorg_beyond_finality_stops_everything_until_a_person_comes() {
    for guard in [Guard::EngineAlone, Guard::Vault] {
        let Some(mut theatre) = Theatre::open(guard).await else { return };
        for seed in 1..=3 {
            deep_reorg(&mut theatre, seed).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_f12_reorgs_beyond_finality() {
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    for seed in 1..=50 {
        deep_reorg(&mut theatre, seed).await;
    }
}
