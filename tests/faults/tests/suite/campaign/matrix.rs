//! The table: each fault of the matrix with how it is made, what is expected of it, and how often.
//!
//! A trial draws from its seed when a fault comes, how long it stays and in which shape. Whatever it is, the end is
//! one of two: every move is done once, or the process has stopped. Faults after which a person is needed have tests
//! of their own.

use super::stage::{Dice, Theatre, heals, lets, sees_through};
use futures::FutureExt;
use futures::future::BoxFuture;
use plimsoll_faults::proxy::{Fault, Forgery, Garbling, Gate, Lie, Place, Reply, Rule, Wait};
use plimsoll_faults::runner::{End, Looked, TrialSettings};
use plimsoll_faults::{Control, Guard, Runner};
use std::collections::BTreeMap;
use std::time::Duration;

/// How a trial has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Once the fault is healed the engine is ready within two seconds, and every move is done once.
    EachOnce,
    /// The process ends by itself, and nothing more is sent.
    Stops,
}

/// One fault of the matrix.
struct Row {
    id: &'static str,
    fault: &'static str,
    expected: Expected,
    /// Nodes that the engine asks, and how many have to agree.
    nodes: (usize, usize),
    /// Trials in `make test` and in `make deep`.
    trials: (u64, u64),
    /// Brings the fault about; the engine runs when it is called.
    strike: for<'a, 'b> fn(&'a mut Runner<'b>, &'a mut Dice) -> BoxFuture<'a, ()>,
}

const SEND: &[&str] = &["eth_sendRawTransaction"];
const RECEIPT: &[&str] = &["eth_getTransactionReceipt"];

const ROWS: &[Row] = &[
    Row {
        id: "F04",
        fault: "it is sent, and the answer is lost",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 20),
        strike: |runner, dice| lost_answers(runner, dice).boxed(),
    },
    Row {
        id: "F05",
        fault: "it is sent, and an error is answered",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 20),
        strike: |runner, dice| false_errors(runner, dice).boxed(),
    },
    Row {
        id: "F06",
        fault: "it is held up and arrives long after",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 20),
        strike: |runner, dice| held_up(runner, dice).boxed(),
    },
    Row {
        id: "F07",
        fault: "the pool forgets it",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 20),
        strike: |runner, dice| forgotten(runner, dice, false).boxed(),
    },
    Row {
        id: "F08",
        fault: "the pool forgets everything, and the engine starts again",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 10),
        strike: |runner, dice| forgotten(runner, dice, true).boxed(),
    },
    Row {
        id: "F20",
        fault: "nodes are behind, and heads go backward",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 20),
        strike: |runner, dice| behind(runner, dice).boxed(),
    },
    Row {
        id: "F21",
        fault: "a node's state is behind its head",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 20),
        strike: |runner, dice| mixed(runner, dice).boxed(),
    },
    Row {
        id: "F22",
        fault: "receipts are missing",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 20),
        strike: |runner, dice| no_receipts(runner, dice).boxed(),
    },
    Row {
        id: "F22",
        fault: "one of three nodes never shows a receipt",
        expected: Expected::EachOnce,
        nodes: (3, 2),
        trials: (1, 10),
        strike: |runner, dice| one_without_receipts(runner, dice).boxed(),
    },
    Row {
        id: "F23",
        fault: "the only node makes receipts up of what is not on the chain",
        expected: Expected::EachOnce,
        nodes: (1, 1),
        trials: (1, 10),
        strike: |runner, dice| invented(runner, dice).boxed(),
    },
    Row {
        id: "F23",
        fault: "one of three nodes forges receipts",
        expected: Expected::EachOnce,
        nodes: (3, 2),
        trials: (1, 20),
        strike: |runner, dice| forged(runner, dice).boxed(),
    },
    Row {
        id: "F24",
        fault: "one of three nodes lies about balances, counts and heads",
        expected: Expected::EachOnce,
        nodes: (3, 2),
        trials: (1, 20),
        strike: |runner, dice| lying(runner, dice).boxed(),
    },
    Row {
        id: "F24",
        fault: "one of two nodes lies, and both have to agree: nothing is done",
        expected: Expected::EachOnce,
        nodes: (2, 2),
        trials: (1, 10),
        strike: |runner, dice| quarrel(runner, dice).boxed(),
    },
    Row {
        id: "F25",
        fault: "a node is of another chain from some time on",
        expected: Expected::Stops,
        nodes: (3, 2),
        trials: (1, 20),
        strike: |runner, dice| other_chain(runner, dice).boxed(),
    },
];

fn control<'a>(runner: &'a Runner<'_>, node: usize) -> &'a Control {
    runner.proxies[node].control()
}

/// Some blocks pass before the fault comes: it meets another part of the moves each time.
async fn some_time(runner: &mut Runner<'_>, dice: &mut Dice) {
    let blocks = dice.among(0..=9);
    lets(runner, blocks).await;
}

async fn lost_answers(runner: &mut Runner<'_>, dice: &mut Dice) {
    let lost = [
        Fault::DropAfter,
        Fault::Answer(Place::After, Reply::Status(504)),
        Fault::Garble(Garbling::Cut),
        Fault::Garble(Garbling::Truncated),
        Fault::Garble(Garbling::OtherId),
    ];
    let rule = Rule::new(dice.one_of(&lost)).on(SEND).times(dice.among(1..=4));
    control(runner, 0).add(rule);
    lets(runner, 8).await;
}

async fn false_errors(runner: &mut Runner<'_>, dice: &mut Dice) {
    let errors = [
        (-32_603, "Internal error"),
        (-32_000, "nonce too low"),
        (-32_000, "already known"),
        (-32_000, "replacement transaction underpriced"),
        (-32_000, "insufficient funds for gas * price + value"),
        (-32_005, "daily request count exceeded"),
    ];
    let (code, message) = dice.one_of(&errors);
    let reply = Reply::Error { code, message: message.to_owned() };
    let rule = Rule::new(Fault::Answer(Place::After, reply)).on(SEND).times(dice.among(1..=4));
    control(runner, 0).add(rule);
    lets(runner, 8).await;
}

async fn held_up(runner: &mut Runner<'_>, dice: &mut Dice) {
    let gate = Gate::new();
    let place = dice.one_of(&[Place::Before, Place::After]);
    let rule = Rule::new(Fault::Delay(place, Wait::Gate(gate.clone()))).on(SEND);
    control(runner, 0).add(rule.times(dice.among(1..=2)));
    // The engine gives up waiting, and sends the same bytes again; then what was held up arrives.
    lets(runner, dice.among(1..=6)).await;
    gate.open();
    lets(runner, 2).await;
}

async fn forgotten(runner: &mut Runner<'_>, dice: &mut Dice, restarts: bool) {
    some_time(runner, dice).await;
    let chain = &runner.stage().chain;
    for _ in 0..dice.among(1..=3) {
        // What was sent since the last block is in the pool now.
        chain.forget_all().await.unwrap();
        if restarts {
            runner.kill().unwrap();
            runner.start(&[]).unwrap();
        }
        lets(runner, dice.among(1..=2)).await;
    }
}

async fn behind(runner: &mut Runner<'_>, dice: &mut Dice) {
    some_time(runner, dice).await;
    for _ in 0..dice.among(1..=4) {
        let lag = control(runner, 0).add(Fault::Lag(dice.among(1..=6)));
        lets(runner, dice.among(1..=3)).await;
        control(runner, 0).remove(lag);
        lets(runner, dice.among(0..=1)).await;
    }
}

async fn mixed(runner: &mut Runner<'_>, dice: &mut Dice) {
    some_time(runner, dice).await;
    let all = ["eth_getTransactionCount", "eth_call", "eth_simulateV1", "eth_getBlockByHash"];
    let methods = dice.one_of(&[&all[..1], &all[..2], &all[..], &all[1..3]]);
    control(runner, 0).add(Rule::new(Fault::Lag(dice.among(1..=5))).on(methods));
    lets(runner, dice.among(2..=8)).await;
}

async fn no_receipts(runner: &mut Runner<'_>, dice: &mut Dice) {
    some_time(runner, dice).await;
    // Fewer blocks than those after which a used nonce without a transaction of ours needs a person.
    control(runner, 0).add(Rule::new(Fault::Receipt(Forgery::Empty)).on(RECEIPT));
    lets(runner, dice.among(1..=8)).await;
}

async fn one_without_receipts(runner: &mut Runner<'_>, dice: &mut Dice) {
    let node = usize::try_from(dice.among(0..=2)).unwrap();
    control(runner, node).add(Fault::Receipt(Forgery::Empty));
    lets(runner, 14).await;
}

async fn invented(runner: &mut Runner<'_>, dice: &mut Dice) {
    let chain = &runner.stage().chain;
    control(runner, 0).add(Fault::Receipt(Forgery::Invented));
    for _ in 0..dice.among(2..=6) {
        // Never in a block while the lie stands.
        chain.forget_all().await.unwrap();
        lets(runner, 1).await;
    }
}

async fn forged(runner: &mut Runner<'_>, dice: &mut Dice) {
    let node = usize::try_from(dice.among(0..=2)).unwrap();
    let forgery =
        dice.one_of(&[Forgery::Failed, Forgery::OtherBlock, Forgery::Invented, Forgery::Empty]);
    control(runner, node).add(Fault::Receipt(forgery));
    lets(runner, 14).await;
}

async fn lying(runner: &mut Runner<'_>, dice: &mut Dice) {
    let node = usize::try_from(dice.among(0..=2)).unwrap();
    some_time(runner, dice).await;
    for lie in lies(dice) {
        control(runner, node).add(Fault::Lie(lie));
    }
    lets(runner, 10).await;
}

fn lies(dice: &mut Dice) -> Vec<Lie> {
    let power = u32::try_from(dice.among(1..=12)).unwrap();
    let all = [
        vec![Lie::Scaled(power)],
        vec![Lie::NonceAhead(dice.among(1..=9))],
        vec![Lie::NonceBehind(dice.among(1..=9))],
        vec![Lie::HeadHash],
        vec![Lie::HeadHash, Lie::Scaled(power), Lie::NonceAhead(1), Lie::GasPercent(50)],
    ];
    dice.one_of(&all)
}

async fn quarrel(runner: &mut Runner<'_>, dice: &mut Dice) {
    some_time(runner, dice).await;
    let power = u32::try_from(dice.among(1..=12)).unwrap();
    control(runner, 1).add(Fault::Lie(Lie::Scaled(power)));
    control(runner, 1).add(Fault::Lie(Lie::NonceAhead(1)));
    let sent = runner.raw().len();
    lets(runner, 4).await;
    // What was signed before may be sent again; nothing new is signed.
    let journal = runner.evidence().await.unwrap().journal.unwrap();
    let signed: usize = journal.folded.intents.iter().map(|plan| plan.attempts.len()).sum();
    lets(runner, dice.among(1..=6)).await;
    let journal = runner.evidence().await.unwrap().journal.unwrap();
    let later: usize = journal.folded.intents.iter().map(|plan| plan.attempts.len()).sum();
    assert_eq!(signed, later, "nothing is signed while the nodes quarrel; {sent} were sent before");
}

async fn other_chain(runner: &mut Runner<'_>, dice: &mut Dice) {
    let node = usize::try_from(dice.among(0..=2)).unwrap();
    some_time(runner, dice).await;
    control(runner, node).add(Fault::ChainId(dice.one_of(&[1, 5, 8_453])));
}

/// Holds one trial of `row`.
async fn trial(row: &Row, theatre: &mut Theatre, seed: u64) -> Duration {
    let (nodes, quorum) = row.nodes;
    let settings = TrialSettings { nodes, quorum, seed, ..TrialSettings::default() };
    let mut runner = theatre.trial(&settings).await;
    runner.settings.timeout_ms = 500;
    let mut dice = Dice::new(seed);
    let what = format!("{} ({}), seed {seed}", row.id, row.fault);
    runner.start(&[]).unwrap();
    runner.looked().await.unwrap();
    (row.strike)(&mut runner, &mut dice).await;
    match row.expected {
        Expected::EachOnce => {
            let took = heals(&mut runner, &what).await;
            sees_through(&mut runner, &what).await;
            took
        }
        Expected::Stops => {
            stops(&mut runner, &what).await;
            Duration::ZERO
        }
    }
}

/// The process ends by itself, and nothing is sent after the fault.
async fn stops(runner: &mut Runner<'_>, what: &str) {
    let sent = runner.raw().len();
    for _ in 0..3 {
        if let Looked::Ended(end) = runner.block().await.unwrap() {
            assert!(matches!(end, End::Code(code) if code != 0), "{what}: {end:?}");
            assert!(runner.raw().len() <= sent + 1, "{what}: nothing is sent any more");
            // A person corrects it, and it goes on.
            heals(runner, what).await;
            sees_through(runner, what).await;
            return;
        }
    }
    panic!("{what}: it did not stop: {}", runner.log());
}

/// Holds the trials of every row, and says how many.
async fn campaign(trials: fn(&Row) -> u64) {
    for guard in [Guard::Vault, Guard::EngineAlone] {
        let Some(mut theatre) = Theatre::open(guard).await else { return };
        let mut counts: BTreeMap<&str, (u64, Duration)> = BTreeMap::new();
        for row in ROWS {
            for seed in 1..=trials(row) {
                let took = trial(row, &mut theatre, seed).await;
                let entry = counts.entry(row.id).or_default();
                *entry = (entry.0 + 1, entry.1.max(took));
            }
        }
        for (id, (count, slowest)) in counts {
            println!(
                "{id} {guard:?}: {count} trials, ready after {} ms at most",
                slowest.as_millis()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_table_ends_as_the_matrix_says() {
    campaign(|row| row.trials.0).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_every_fault_of_the_table_ends_as_the_matrix_says() {
    campaign(|row| row.trials.1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_node_of_another_chain_is_refused_at_the_start() {
    let Some(mut theatre) = Theatre::open(Guard::Vault).await else { return };
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    control(&runner, 0).add(Fault::ChainId(1));
    runner.start(&[]).unwrap();
    assert_eq!(runner.looked().await.unwrap(), Looked::Ended(End::Code(3)));
    assert!(runner.raw().is_empty());
}
