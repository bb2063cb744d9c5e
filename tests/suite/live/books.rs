//! What the service says that positions brought, against the chain: while a node refuses the vault's events or does not
//! answer, when blocks were passed over, when a holder leaves, and after a reorganisation.

use super::process::{Place, Running, Stage};
use crate::support::{code, said};
use alloy::primitives::U256;
use plimsoll_faults::FaultProxy;
use plimsoll_faults::proxy::{Fault, Gate, Limit, Place as When, Rule, Wait};
use plimsoll_localchain::abi::{IPlimsollVault, IToken};
use plimsoll_localchain::{Asset, Call};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The six causes.
const CAUSES: [&str; 6] = ["income", "rewards", "fees", "price", "cost", "impairment"];
/// Polls of a tenth of a second.
const POLLS: u32 = 600;

/// A decimal string with the six decimals of USDC as raw units.
fn raw(figure: &Value) -> i128 {
    let text = figure["value"].as_str().unwrap_or_else(|| panic!("unknown: {figure}"));
    let (whole, part) = text.split_once('.').expect("a decimal point");
    assert_eq!(part.len(), 6, "{text}: every decimal of USDC");
    format!("{whole}{part}").parse().unwrap()
}

/// The value of a metric without labels.
async fn metric(running: &Running, name: &str) -> Option<u64> {
    let (_, text) = running.asked("/metrics").await?;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")))?;
    Some(line.parse().unwrap())
}

/// The positions once the books are kept up to `head`.
async fn kept(running: &Running, head: u64) -> Vec<Value> {
    for _ in 0..POLLS {
        if metric(running, "plimsoll_books_block_number").await == Some(head) {
            let positions = running.json("/v1/positions").await;
            let positions = positions["positions"].as_array().unwrap().clone();
            let is_newest = |each: &Value| each["profit"]["as_of"]["block"] == head;
            if positions.iter().all(is_newest) {
                return positions;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the books were not kept up to block {head}: {}", running.said());
}

/// Everything that positions brought, and that each is the sum of its causes.
fn brought(positions: &[Value]) -> i128 {
    for each in positions {
        assert_eq!(each["kind"], "lending", "{each}");
        let known = CAUSES.iter().filter(|cause| !each[**cause]["value"].is_null());
        let sum: i128 = known.map(|cause| raw(&each[*cause])).sum();
        assert_eq!(sum, raw(&each["profit"]), "{each}");
        assert_eq!(raw(&each["worth"]) - raw(&each["cost_basis"]), sum, "{each}");
        for cause in ["fees", "price", "rewards", "impermanent_loss", "lvr", "queued", "discount"] {
            let figure = &each[cause];
            assert!(
                figure["value"].is_null() && figure["unknown"].is_string(),
                "{cause}: {figure}"
            );
        }
        assert!(each["range"].is_null());
        assert_eq!(raw(&each["impairment"]), 0, "nothing was lost: {each}");
        let cost = raw(&each["cost"]);
        assert!((-20..=20).contains(&cost), "moving costs rounding alone: {each}");
    }
    positions.iter().map(|each| raw(&each["profit"])).sum()
}

async fn gross(running: &Running, head: u64) -> i128 {
    let vault = running.json("/v1/vault").await;
    assert_eq!(vault["nav_gross"]["as_of"]["block"], head);
    raw(&vault["nav_gross"])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_positions_brought_adds_up_whatever_becomes_of_the_questions_for_events() {
    let mut stage = Stage::set().await;
    let proxy = FaultProxy::start(&stage.chain.http_url(), &stage.chain.ws_url(), 1).await.unwrap();
    let place = Place {
        node: proxy.http_url(),
        socket: proxy.ws_url(),
        folder: stage.folder.path().to_owned(),
        port: stage.port,
    };
    std::fs::write(stage.config(), stage.settings(&place)).unwrap();
    stage.init();
    // The books alone ask for several events at once.
    let refused = Limit(Arc::new(|asked: &Value, _: &Value| {
        let events = asked[0]["topics"][0].as_array().map(Vec::len);
        let words = "the archive of events is being mended".to_owned();
        (events == Some(4)).then_some((200, -32_000, words))
    }));
    let refusal = proxy.control().add(Fault::Limit(refused));
    let mut running = stage.run(&["--live"]);
    let since = stage.chain.head().await.unwrap().number;
    running.at(since).await;
    assert_eq!(kept(&running, since).await.len(), 0, "nothing is held at the beginning");
    let start = gross(&running, since).await;

    // The engine lends though no event can be had, and its figures say of which block they are.
    let mut head = since;
    for _ in 0..4 {
        stage.driver.step(&stage.chain).await.unwrap();
        head = stage.chain.head().await.unwrap().number;
        running.at(head).await;
    }
    let positions = running.json("/v1/positions").await;
    let positions = positions["positions"].as_array().unwrap();
    let worth: i128 = positions.iter().map(|each| raw(&each["worth"])).sum();
    assert!(worth > 50_000_000_000, "most of 100,000 USDC is lent: {worth}");
    for each in positions {
        assert_eq!(each["worth"]["as_of"]["block"], head);
        let income = &each["income"];
        assert_eq!((&income["as_of"]["block"], raw(income)), (&since.into(), 0), "{income}");
        let method = income["method"].as_str().unwrap();
        assert!(method.contains(&format!("since block {since}; later events")), "{method}");
    }
    assert_eq!(metric(&running, "plimsoll_books_block_number").await, Some(since));
    assert!(proxy.control().counts()["limit"] > 0, "questions were refused");

    // Once they can, what was missed is taken in, and money that went in is no gain.
    proxy.control().remove(refusal);
    stage.driver.step(&stage.chain).await.unwrap();
    let head = stage.chain.head().await.unwrap().number;
    running.at(head).await;
    let positions = kept(&running, head).await;
    assert!(positions.iter().all(|each| each["since_block"] == since), "{positions:?}");
    let gained = gross(&running, head).await - start;
    assert_eq!(brought(&positions), gained, "the books add up, to the last unit");
    assert!(gained > 0, "lending brings something: {gained}");

    // The engine is at rest from here on: what changes is not its doing.
    let ordered = stage.command(&["pause", "--wait-seconds", "0"]).output().unwrap();
    assert_eq!(code(&ordered), 0, "{}", said(&ordered));
    // A question that is not answered holds no head up. Blocks may be passed over.
    let gate = Gate::new();
    let waits = Fault::Delay(When::Before, Wait::Gate(gate.clone()));
    proxy.control().add(Rule::new(waits).on(&["eth_getLogs"]).times(1));
    stage.driver.step(&stage.chain).await.unwrap();
    gate.reached(1).await;
    for _ in 0..3 {
        stage.driver.step(&stage.chain).await.unwrap();
    }
    let head = stage.chain.head().await.unwrap().number;
    running.at(head).await;
    assert!(metric(&running, "plimsoll_books_block_number").await < Some(head));
    gate.open();
    let positions = kept(&running, head).await;
    assert_eq!(brought(&positions), gross(&running, head).await - start);

    // A holder leaves with money from the markets: that is no loss.
    let vault = stage.vault.address;
    let holder = stage.chain.accounts()[5];
    let usdc = stage.deployment.token(Asset::Usdc).unwrap().token;
    let balance = IToken::balanceOfCall { account: holder };
    let had: U256 = stage.chain.call(usdc, &balance).await.unwrap();
    let shares = IPlimsollVault::balanceOfCall { account: holder };
    let shares: U256 = stage.chain.call(vault, &shares).await.unwrap();
    let part = shares * U256::from(6) / U256::from(10);
    let redeem = IPlimsollVault::redeemCall { shares: part, receiver: holder, holder };
    let call = Call::new(holder, vault, &redeem).with_gas(6_000_000);
    stage.chain.execute(&[call]).await.unwrap();
    let has: U256 = stage.chain.call(usdc, &balance).await.unwrap();
    let paid = i128::try_from(has - had).unwrap();
    assert!(paid > 50_000_000_000, "{paid}");
    let left = stage.chain.head().await.unwrap().number;
    running.at(left).await;
    let positions = kept(&running, left).await;
    let gained = gross(&running, left).await - start + paid;
    // What a leaver took is told from shares: a unit of rounding for each market.
    assert!((brought(&positions) - gained).abs() <= 9, "{gained}: {positions:?}");

    // Then that block is no longer the chain's: the holder is there again.
    stage.chain.reorg(1, &[]).await.unwrap();
    stage.chain.mine().await.unwrap();
    let head = stage.chain.head().await.unwrap().number;
    running.at(head).await;
    let positions = kept(&running, head).await;
    assert!(positions.iter().all(|each| each["since_block"] == since), "{positions:?}");
    assert_eq!(brought(&positions), gross(&running, head).await - start, "as if it had not been");
    assert_eq!(running.stop(), 0, "{}", left);
}
