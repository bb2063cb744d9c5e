//! The stream of events: order, coming back, gaps, slow readers, too many readers.

use crate::support::{Running, start, within};
use crate::world::{decision, fate, health};
use plimsoll_dashboard::{Event, Settings};
use serde_json::Value;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One event as a client reads it.
#[derive(Debug, Clone, PartialEq, Default)]
struct Told {
    id: Option<u64>,
    name: String,
    data: Value,
}

/// Reads what a stream says; comments are signs of life.
fn read(text: &str) -> Vec<Told> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    let event = |block: &str| {
        let field = |name: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|rest| rest.trim().to_owned())
        };
        Told {
            id: field("id:").map(|id| id.parse().unwrap()),
            name: field("event:").unwrap(),
            data: serde_json::from_str(&field("data:").unwrap()).unwrap(),
        }
    };
    blocks.map(event).collect()
}

/// A client that reads.
struct Listener {
    response: reqwest::Response,
    text: String,
}

impl Listener {
    async fn to(running: &Running, query: &str, last: Option<u64>) -> Listener {
        let mut request = running.client.get(running.url(&format!("/v1/events{query}")));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last.to_string());
        }
        let response = within(request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener { response, text: String::new() }
    }

    /// Reads until `count` events are there.
    async fn events(&mut self, count: usize) -> Vec<Told> {
        within(async {
            loop {
                let whole = self.text.rfind("\n\n").map_or("", |end| &self.text[..end + 2]);
                let told = read(whole);
                if told.len() >= count {
                    assert_eq!(told.len(), count, "{told:?}");
                    return told;
                }
                let chunk = self.response.chunk().await.unwrap().expect("the stream ended");
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
    }
}

fn ids(told: &[Told]) -> Vec<Option<u64>> {
    told.iter().map(|told| told.id).collect()
}

#[tokio::test]
async fn events_come_in_the_order_of_the_journal_with_its_lines_as_ids() {
    let running = start(Settings::default()).await;
    running.publisher.decision(decision(2)).unwrap();
    let mut listener = Listener::to(&running, "", None).await;
    for line in [3, 5] {
        running.publisher.decision(decision(line)).unwrap();
    }
    running.publisher.fate(fate(6, 5)).unwrap();
    running.publisher.decision(decision(9)).unwrap();
    let told = listener.events(4).await;
    assert_eq!(ids(&told), [Some(3), Some(5), Some(6), Some(9)], "from now on, and nothing before");
    let names: Vec<&str> = told.iter().map(|told| told.name.as_str()).collect();
    assert_eq!(names, ["decision", "decision", "plan", "decision"]);
    assert_eq!(told[2].data["decision"], 5);
    let document = running.get("/v1/openapi.json").await.json();
    for (told, schema) in [(&told[0], "DecisionView"), (&told[2], "FateView")] {
        let schema = serde_json::json!({
            "$ref": format!("#/components/schemas/{schema}"), "components": document["components"],
        });
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&told.data));
    }
    drop(listener);
    running.stopped().await;
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let running = start(Settings::default()).await;
    for line in [3, 5, 8] {
        running.publisher.decision(decision(line)).unwrap();
    }
    let mut back = Listener::to(&running, "", Some(3)).await;
    let mut asked = Listener::to(&running, "?after=5", None).await;
    let mut both = Listener::to(&running, "?after=3", Some(8)).await;
    running.publisher.decision(decision(11)).unwrap();
    assert_eq!(ids(&back.events(3).await), [Some(5), Some(8), Some(11)]);
    assert_eq!(ids(&asked.events(2).await), [Some(8), Some(11)]);
    assert_eq!(ids(&both.events(1).await), [Some(11)], "what the client has got is the newer word");
    drop((back, asked, both));
    running.stopped().await;
}

#[tokio::test]
async fn what_is_no_longer_kept_is_told_as_a_gap_with_where_to_read_it() {
    let running = start(Settings { events_kept: 2, ..Settings::default() }).await;
    for line in [3, 5, 8, 9] {
        running.publisher.decision(decision(line)).unwrap();
    }
    let mut back = Listener::to(&running, "", Some(3)).await;
    let told = back.events(3).await;
    assert_eq!((told[0].name.as_str(), told[0].id), ("gap", None));
    assert_eq!(told[0].data["after"], 3);
    assert_eq!(told[0].data["through"], 5);
    assert_eq!(told[0].data["read"], "/v1/decisions?after=3");
    assert_eq!(ids(&told[1..]), [Some(8), Some(9)]);
    assert!(running.get("/metrics").await.text.contains("plimsoll_event_stream_gaps_total 1\n"));
    drop(back);
    running.stopped().await;
}

#[tokio::test]
async fn a_restart_that_recalls_the_journal_leaves_no_gap() {
    let running = start(Settings::default()).await;
    let recalled = [Event::Decision(Arc::new(decision(70))), Event::Fate(Arc::new(fate(74, 70)))];
    running.publisher.recall(40, recalled).unwrap();
    let mut before = Listener::to(&running, "", Some(50)).await;
    assert_eq!(ids(&before.events(2).await), [Some(70), Some(74)]);
    let mut older = Listener::to(&running, "", Some(30)).await;
    let told = older.events(3).await;
    assert_eq!((told[0].name.as_str(), &told[0].data["through"]), ("gap", &40.into()));
    let counted = running.get("/metrics").await.text;
    assert!(
        counted.contains("plimsoll_decisions_total{verdict=\"moved\"} 0\n"),
        "not counted twice"
    );
    drop((before, older));
    running.stopped().await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_nobody_and_loses_nothing_silently() {
    const EVENTS: u64 = 4_000;
    let running = start(Settings { events_kept: 64, ..Settings::default() }).await;
    running.publisher.decision(decision(1)).unwrap();
    let mut slow = TcpStream::connect(&running.address).await.unwrap();
    let request = format!("GET /v1/events?after=1 HTTP/1.1\r\nHost: {}\r\n\r\n", running.address);
    slow.write_all(request.as_bytes()).await.unwrap();
    running.until("/metrics", |it| it.text.contains("plimsoll_event_streams 1\n")).await;
    // Each is some kilobytes: together they are more than any socket holds.
    for line in 2..=EVENTS {
        running.publisher.decision(decision(line)).unwrap();
        if line.is_multiple_of(50) {
            tokio::task::yield_now().await;
        }
    }
    running.publisher.health(health());
    assert_eq!(running.get("/readyz").await.status, 200, "others are answered meanwhile");
    let newest = EVENTS - 1;
    let mut quick = Listener::to(&running, "", Some(newest)).await;
    assert_eq!(ids(&quick.events(1).await), [Some(EVENTS)]);

    let mut text = Vec::new();
    let mut part = vec![0; 1 << 16];
    let last = format!("id: {EVENTS}\n");
    let reads = async {
        while !String::from_utf8_lossy(&text[text.len().saturating_sub(1 << 17)..]).contains(&last)
        {
            let read = slow.read(&mut part).await.unwrap();
            assert!(read > 0, "the stream ended");
            text.extend_from_slice(&part[..read]);
        }
    };
    within(reads).await;
    let mut came = 1;
    let mut gaps = 0;
    let text = String::from_utf8(text).unwrap();
    for line in text.lines() {
        if let Some(gap) = line.strip_prefix("data: {\"after\"") {
            let gap: Value = serde_json::from_str(&format!("{{\"after\"{gap}")).unwrap();
            assert_eq!(gap["after"], came, "the gap begins where the client is");
            came = gap["through"].as_u64().unwrap();
            gaps += 1;
        }
        if let Some(id) = line.strip_prefix("id: ") {
            assert_eq!(id.parse::<u64>().unwrap(), came + 1, "every line is told or in a gap");
            came += 1;
        }
    }
    assert_eq!(came, EVENTS);
    assert!(gaps > 0, "it was slow enough to miss something");
    drop(quick);
    running.stopped().await;
}

#[tokio::test]
async fn a_stream_too_many_is_refused_and_a_free_place_is_given_again() {
    let running = start(Settings { streams: 1, ..Settings::default() }).await;
    let first = Listener::to(&running, "", None).await;
    let (status, problem) = running.checked("/v1/events", "/v1/events").await;
    assert_eq!((status, &problem["type"]), (503, &"urn:plimsoll:problem:too-many-streams".into()));
    drop(first);
    running.until("/metrics", |it| it.text.contains("plimsoll_event_streams 0\n")).await;
    let mut second = Listener::to(&running, "", None).await;
    running.publisher.decision(decision(4)).unwrap();
    assert_eq!(ids(&second.events(1).await), [Some(4)]);
    drop(second);
    running.stopped().await;
}

#[tokio::test]
async fn a_line_that_is_not_newer_is_refused_and_not_told() {
    let running = start(Settings::default()).await;
    let mut listener = Listener::to(&running, "", None).await;
    running.publisher.decision(decision(4)).unwrap();
    let error = running.publisher.decision(decision(4)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 4 does not come after line 4, the newest that was published"
    );
    running.publisher.decision(decision(5)).unwrap();
    assert_eq!(ids(&listener.events(2).await), [Some(4), Some(5)]);
    let text = running.get("/metrics").await.text;
    assert!(text.contains("plimsoll_decisions_total{verdict=\"moved\"} 2\n"), "{text}");
    drop(listener);
    running.stopped().await;
}
