//! Nodes that limit, break off, withhold, forget, disagree and change their minds: the same bytes come out, or an error
//! that says how to go on.

use super::stage::{Stage, assert_same, bytes, refused};
use crate::support::{document, said};
use plimsoll_faults::FaultProxy;
use plimsoll_faults::proxy::{Fault, Garbling, Lie, Limit, Place, Refusal, Reply, Rule};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// A stage, what an undisturbed run writes, and a proxy before the node.
struct Trial {
    stage: Stage,
    proxy: FaultProxy,
}

impl Trial {
    async fn set() -> Trial {
        let stage = Stage::set(3_600, 48).await;
        stage.plain(&stage.folder("whole"));
        let chain = &stage.chain;
        let proxy = FaultProxy::start(&chain.http_url(), &chain.ws_url(), 3).await.unwrap();
        Trial { stage, proxy }
    }

    /// Runs through the proxy while `rule` holds, into a folder of its own.
    async fn under(&self, name: &str, rules: Vec<Rule>) -> std::process::Output {
        self.proxy.control().heal();
        self.proxy.control().clear_log();
        rules.into_iter().for_each(|rule| {
            self.proxy.control().add(rule);
        });
        self.run(name, &[&self.proxy.http_url()]).await
    }

    async fn run(&self, name: &str, nodes: &[&str]) -> std::process::Output {
        let mut command = self.stage.command(&self.stage.folder(name), self.stage.last, nodes);
        // The proxy lives on this thread's runtime.
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    fn is_whole(&self, name: &str) {
        assert_same(&self.stage.folder("whole"), &self.stage.folder(name), name);
    }
}

fn number(params: &Value, name: &str) -> Option<u64> {
    let text = params[0][name].as_str()?;
    u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

/// The range that was asked for; none where a block was asked for by its hash.
fn range(params: &Value) -> Option<(u64, u64)> {
    Some((number(params, "fromBlock")?, number(params, "toBlock")?))
}

type Said = fn(u64, u64) -> Refusal;

/// A provider that answers at most so many blocks.
fn by_blocks(most: u64, said: Said) -> Rule {
    let limit = move |params: &Value, _: &Value| {
        let (from, to) = range(params)?;
        (to - from + 1 > most).then(|| said(from, from + most - 1))
    };
    Rule::new(Fault::Limit(Limit(Arc::new(limit))))
}

/// A provider that answers at most so many events.
fn by_results(most: usize, said: Said) -> Rule {
    let limit = move |params: &Value, result: &Value| {
        let (from, to) = range(params)?;
        (result.as_array()?.len() > most && to > from).then(|| said(from, from + (to - from) / 2))
    };
    Rule::new(Fault::Limit(Limit(Arc::new(limit))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_providers_limit_is_met_by_smaller_ranges_and_the_same_bytes_come_out() {
    let trial = Trial::set().await;
    let providers: [(&str, Rule); 9] = [
        (
            "alchemy",
            by_blocks(5, |from, to| {
                (
                    400,
                    -32_600,
                    format!(
                        "You can make eth_getLogs requests with up to a 5 block range. Based on your parameters, this block range should work: [{from:#x}, {to:#x}]"
                    ),
                )
            }),
        ),
        (
            "infura",
            by_results(40, |from, to| {
                (
                    200,
                    -32_005,
                    format!(
                        "query returned more than 40 results. Try with this block range [{from:#X}, {to:#X}]."
                    ),
                )
            }),
        ),
        (
            "infura by blocks",
            by_blocks(3, |_, _| (200, -32_602, "range 16 exceeds limit of 3".into())),
        ),
        (
            "quicknode",
            by_blocks(7, |_, _| (413, -32_614, "eth_getLogs is limited to a 7 range".into())),
        ),
        ("ankr", by_blocks(2, |_, _| (200, -32_600, "block range is too wide".into()))),
        ("publicnode", by_blocks(4, |_, _| (200, -32_701, "exceed maximum block range: 4".into()))),
        (
            "reth",
            by_results(30, |from, to| {
                (
                    200,
                    -32_602,
                    format!("query exceeds max results 30, retry with the range {from}-{to}"),
                )
            }),
        ),
        (
            "nethermind",
            by_results(30, |_, _| {
                (200, -32_005, "Too many logs requested. Max logs per response is 30.".into())
            }),
        ),
        (
            "a hint that is none",
            by_blocks(6, |_, _| {
                (200, -32_602, "this block range should work: [0x0, 0xffffffff]".into())
            }),
        ),
    ];
    for (name, rule) in providers {
        let done = document(&trial.under(name, vec![rule]).await);
        assert!(done["asked"]["split"].as_u64().unwrap() > 0, "{name}: {done:#}");
        assert_eq!(
            done["asked"]["repeated"], 0,
            "{name}: a limit is no trouble to wait out: {done:#}"
        );
        trial.is_whole(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_break_off_are_asked_again_and_the_same_bytes_come_out() {
    let trial = Trial::set().await;
    let error = |code: i64, message: &str| Reply::Error { code, message: message.to_owned() };
    let before = |reply: Reply| Fault::Answer(Place::Before, reply);
    let faults = [
        ("429", before(Reply::Status(429))),
        ("500", before(Reply::Status(500))),
        ("503 after", Fault::Answer(Place::After, Reply::Status(503))),
        ("html", before(Reply::Html)),
        ("rate limit in words", before(error(-32_005, "project ID request rate exceeded"))),
        ("header not found", before(error(-32_000, "header not found"))),
        ("truncated", Fault::Garble(Garbling::Truncated)),
        ("cut", Fault::Garble(Garbling::Cut)),
        ("other id", Fault::Garble(Garbling::OtherId)),
        ("no id", Fault::Garble(Garbling::NoId)),
        ("drop", Fault::DropAfter),
    ];
    for (name, fault) in faults {
        let rule = Rule::new(fault.clone()).in_per_mille(100);
        let done = document(&trial.under(name, vec![rule]).await);
        assert!(trial.proxy.control().count(&fault) > 0, "{name} never happened");
        assert!(done["asked"]["repeated"].as_u64().unwrap() > 0, "{name}: {done:#}");
        trial.is_whole(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_an_error_that_says_how_to_go_on_and_never_a_gap() {
    let trial = Trial::set().await;
    // Trouble that does not end, after some of it was read.
    let down = Rule::new(Fault::Answer(Place::Before, Reply::Status(502)));
    let stopped = trial.under("stopped", vec![down.on(&["eth_getLogs"]).after(8)]).await;
    let words = refused(&stopped, 3);
    assert!(words.contains("tried 8 times") && words.contains("502"), "{words}");
    assert!(words.contains("run the same command again"), "{words}");
    let resumed = document(&trial.under("stopped", Vec::new()).await);
    assert!(resumed["resumed"].as_u64().unwrap() > 0, "something was finished: {resumed:#}");
    trial.is_whole("stopped");
    // A node that has thrown old states away.
    let reply =
        Reply::Error { code: -32_000, message: "missing trie node 0xab (path )".to_owned() };
    let pruned = Rule::new(Fault::Answer(Place::Before, reply)).on(&["eth_call"]);
    let words = refused(&trial.under("pruned", vec![pruned]).await, 3);
    assert!(words.contains("archive node") && words.contains("missing trie node"), "{words}");
    // Two nodes that differ about a block.
    let wanted = format!("{:#x}", trial.stage.first + 20);
    let other = move |method: &str, params: &Value, mut result: Value| {
        if method == "eth_getBlockByNumber" && params[0] == json!(wanted) {
            result["hash"] = json!(alloy::primitives::B256::repeat_byte(7));
        }
        result
    };
    trial.proxy.control().heal();
    trial.proxy.control().add(Rule::new(Fault::Lie(Lie::Custom(Arc::new(other)))));
    let (node, proxy) = (trial.stage.chain.http_url(), trial.proxy.http_url());
    let words = refused(&trial.run("differ", &[&node, &proxy]).await, 3);
    assert!(words.contains("1 of 2 nodes said the same"), "{words}");
    // One of them alone is found out by the header after it.
    let words = refused(&trial.run("alone", &[&proxy]).await, 3);
    assert!(words.contains("do not fit together") && words.contains("has parent"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_a_range_withholds_are_found_by_the_blocks_filters() {
    let trial = Trial::set().await;
    type Shorten = fn(&mut Vec<Value>);
    let withheld: [(&str, Shorten); 3] = [
        ("cut at the end", |logs| logs.truncate(logs.len() * 2 / 3)),
        ("the last is missing", |logs| drop(logs.pop())),
        ("a block is missing", |logs| {
            let middle = logs.get(logs.len() / 2).map(|log| log["blockNumber"].clone());
            logs.retain(|log| Some(&log["blockNumber"]) != middle.as_ref());
        }),
    ];
    for (name, shorten) in withheld {
        let lie = move |method: &str, params: &Value, mut result: Value| {
            if let (true, Some(_), Value::Array(logs)) =
                (method == "eth_getLogs", range(params), &mut result)
            {
                shorten(logs);
            }
            result
        };
        let rule = Rule::new(Fault::Lie(Lie::Custom(Arc::new(lie))));
        let done = document(&trial.under(name, vec![rule]).await);
        assert!(done["asked"]["withheld_blocks"].as_u64().unwrap() > 0, "{name}: {done:#}");
        trial.is_whole(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_that_the_chain_replaced_are_read_again_and_another_chain_is_refused() {
    let mut stage = Stage::set(3_600, 40).await;
    let folder = stage.folder("kept");
    let before = stage.plain(&folder);
    // Epochs of 32 blocks: the newest forty are not final.
    assert_eq!(before["is_final"], false, "{before:#}");
    stage.chain.rollback(12).await.unwrap();
    stage.drive(12).await;
    let node = stage.chain.http_url();
    let again = stage.ingest(&folder, &[&node]);
    assert!(said(&again).contains("the last 2 finished parts are read again"), "{}", said(&again));
    assert_eq!(document(&again)["resumed"], 1);
    let fresh = stage.folder("fresh");
    let document = stage.plain(&fresh);
    assert_eq!(document["resumed"], 0);
    assert_same(&fresh, &folder, "after a reorganisation");
    refuses_another(&mut stage, &folder, &node).await;
}

/// Another chain, other settings and another process in the same folder.
async fn refuses_another(stage: &mut Stage, folder: &Path, node: &str) {
    let kept = bytes(folder);
    let run = |words: &[&str]| {
        let mut command = stage.command(folder, stage.last, &[node]);
        refused(&command.args(words).output().unwrap(), 4)
    };
    let words = run(&["--every", "2"]);
    assert!(
        words.contains("was begun with --every") && words.contains("another folder"),
        "{words}"
    );
    let text = std::fs::read_to_string(stage.config()).unwrap();
    std::fs::write(stage.config(), text.replace("864000", "864001")).unwrap();
    let words = run(&[]);
    assert!(words.contains("was begun with prices"), "{words}");
    std::fs::write(stage.config(), text).unwrap();
    // The same contracts at the same addresses, from the same first block on, and other blocks.
    let other = Stage::set(7_200, 40).await;
    let words = refused(&stage.ingest(folder, &[&other.chain.http_url()]), 4);
    assert!(words.contains("it is another chain"), "{words}");
    assert_eq!(bytes(folder), kept, "a refusal changes nothing");
}
