//! Every endpoint against the document that is generated from it, and what is not answered.

use crate::support::{Running, SECRET, answer, start, start_with};
use crate::world::{
    AAVE, MORPHO, RANGE, STAKED, decision, health, markets, positions, publish, scores, vault,
};
use plimsoll_dashboard::Settings;
use plimsoll_dashboard::view::{
    Check, DecisionView, Health, MarketsView, PositionsView, ScoresView, VaultView,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Every figure in a document: whatever says where it comes from.
fn figures(value: &Value) -> Vec<&Value> {
    let within: Vec<&Value> = match value {
        Value::Array(items) => items.iter().flat_map(figures).collect(),
        Value::Object(fields) => fields.values().flat_map(figures).collect(),
        _ => Vec::new(),
    };
    let own = value.get("method").is_some() && value.get("verdict").is_none();
    own.then_some(value).into_iter().chain(within).collect()
}

#[tokio::test]
async fn every_answer_is_what_the_document_says() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let market = format!("/v1/markets/{MORPHO}");
    let asked = [
        ("/livez", "/livez", 200),
        ("/readyz", "/readyz", 200),
        ("/v1/status", "/v1/status", 200),
        ("/v1/vault", "/v1/vault", 200),
        ("/v1/positions", "/v1/positions", 200),
        ("/v1/markets", "/v1/markets", 200),
        ("/v1/markets/{market}", market.as_str(), 200),
        ("/v1/markets/{market}", "/v1/markets/none:1:0x0", 404),
        ("/v1/scores", "/v1/scores", 200),
        ("/v1/decisions", "/v1/decisions?after=0&limit=7", 200),
        ("/v1/decisions", "/v1/decisions?limit=0", 400),
        ("/v1/decisions/{id}", "/v1/decisions/20", 200),
        ("/v1/decisions/{id}", "/v1/decisions/21", 404),
        ("/v1/decisions/{id}", "/v1/decisions/x", 404),
        ("/v1/events", "/v1/events?after=x", 400),
    ];
    for (route, path, status) in asked {
        assert_eq!(running.checked(route, path).await.0, status, "{path}");
    }
    let document = running.get("/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    for route in document["paths"].as_object().unwrap().keys() {
        let streams = route == "/v1/events" || route == "/metrics";
        let seen = asked.iter().any(|(asked, _, _)| asked == route);
        assert!(seen || streams, "{route} is not asked for in this test");
    }
    running.stopped().await;
}

#[tokio::test]
async fn what_was_published_is_what_is_read() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let vault_read: VaultView =
        serde_json::from_value(running.get("/v1/vault").await.json()).unwrap();
    assert_eq!(vault_read, vault());
    let read: PositionsView =
        serde_json::from_value(running.get("/v1/positions").await.json()).unwrap();
    assert_eq!(read, positions());
    let read: MarketsView =
        serde_json::from_value(running.get("/v1/markets").await.json()).unwrap();
    assert_eq!(read, markets());
    let read: ScoresView = serde_json::from_value(running.get("/v1/scores").await.json()).unwrap();
    assert_eq!(read, scores());
    let read: DecisionView =
        serde_json::from_value(running.get("/v1/decisions/12").await.json()).unwrap();
    assert_eq!(read, decision(12));
    let market = running.get(&format!("/v1/markets/{}", AAVE.to_uppercase())).await.json();
    assert_eq!(market["market"], AAVE, "the case of an address says nothing");
    running.stopped().await;
}

#[tokio::test]
async fn money_is_a_decimal_string_and_a_figure_says_where_it_is_from() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let vault = running.get("/v1/vault").await.json();
    assert_eq!(vault["nav_low"]["value"], "100000.000000");
    assert_eq!(vault["nav_low"]["as_of"]["block"], 1_234);
    assert_eq!(vault["nav_low"]["as_of"]["time"], "2025-11-24T16:00:00Z");
    assert_eq!(vault["line"]["limits"]["per_protocol"], 0.35);
    assert_eq!(vault["entry_room"]["value"], Value::Null);
    assert_eq!(vault["entry_room"]["unknown"], "the entry bucket was not read");
    let positions = running.get("/v1/positions").await.json();
    assert_eq!(positions["positions"][0]["profit"]["value"], "1.000000");
    let range = &positions["positions"][2];
    assert_eq!((&range["kind"], &range["since_block"]), (&"mining".into(), &1_000.into()));
    assert_eq!(range["profit"]["value"], "-1.250000", "a loss has a sign");
    assert_eq!(range["lvr"]["value"], "-0.800000");
    assert_eq!(range["lvr"]["method"], "since block 1000");
    assert_eq!(range["lvr"]["as_of"]["block"], 1_233, "books may be a block behind");
    assert_eq!(range["range"]["upper"]["value"], 2_200.0);
    assert_eq!(positions["positions"][0]["range"], Value::Null);
    let queued = &positions["positions"][0]["queued"];
    assert_eq!((&queued["value"], &queued["unknown"]), (&Value::Null, &"it has no queue".into()));
    let decision = running.get("/v1/decisions/20").await.json();
    assert_eq!(decision["plan"]["entries"][0]["amount"], "5000.000000");
    assert_eq!(decision["plan"]["cost"]["proportional"], "1.000000");
    assert_eq!(decision["refusals"][0]["cause"], "exceeds");
    assert_eq!(decision["refusals"][0]["limit"], "per_protocol");
    assert_eq!(decision["binding"][0]["constraint"], "per_protocol");
    assert_eq!(decision["fate"]["state"], "done");
    assert_eq!(decision["fate"]["gas_paid_wei"], "8246900000000000");
    let all = running.get("/v1/decisions").await.text;
    assert!(!all.contains("deadbeef"), "signed bytes are not shown");
    running.stopped().await;
}

#[tokio::test]
async fn before_the_engine_has_spoken_nothing_is_shown_as_zero() {
    let running = start(Settings::default()).await;
    for path in ["/v1/status", "/v1/vault", "/v1/positions", "/v1/markets", "/v1/scores"] {
        let (status, problem) = running.checked(path, path).await;
        assert_eq!(status, 503, "{path}");
        assert_eq!(problem["type"], "urn:plimsoll:problem:not-known-yet");
    }
    let (status, readiness) = running.checked("/readyz", "/readyz").await;
    assert_eq!((status, &readiness["reasons"][0]["check"]), (503, &"engine".into()));
    assert_eq!(running.get("/livez").await.status, 200);
    running.stopped().await;
}

#[tokio::test]
async fn an_engine_is_ready_only_when_every_check_passes() {
    let running = start(Settings::default()).await;
    let cases: [(&str, Health); 4] = [
        ("heads", Health { head: None, ..health() }),
        ("quorum", Health { quorum: Check::failed("1 of 3 agree"), ..health() }),
        (
            "journal",
            Health {
                journal: plimsoll_dashboard::view::JournalView {
                    lines: 9,
                    check: Check::failed("disk full"),
                },
                ..health()
            },
        ),
        ("start_up", Health { start_up: Check::Pending, ..health() }),
    ];
    for (check, health) in cases {
        running.publisher.health(health);
        let (status, readiness) = running.checked("/readyz", "/readyz").await;
        assert_eq!(status, 503, "{check}");
        assert_eq!(readiness["reasons"].as_array().unwrap().len(), 1);
        assert_eq!(readiness["reasons"][0]["check"], check);
    }
    running.publisher.health(health());
    assert_eq!(running.checked("/readyz", "/readyz").await.0, 200);
    running.stopped().await;
}

#[tokio::test]
async fn when_the_engine_falls_silent_every_figure_becomes_unknown() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let fresh = running.get("/metrics").await.text;
    assert!(fresh.contains("plimsoll_vault_nav_assets{bound=\"low\"} 100000\n"), "{fresh}");
    assert!(fresh.contains("plimsoll_ready 1\n"));
    let limit = Duration::from_millis(50);
    running.publisher.health(Health { head_limit: limit, ..health() });
    let answer = running.until("/readyz", |answer| answer.status == 503).await;
    assert_eq!(answer.json()["reasons"][0]["check"], "heads");
    for (path, least) in
        [("/v1/vault", 13), ("/v1/positions", 4 * 21 + 5), ("/v1/markets", 40), ("/v1/scores", 11)]
    {
        let (status, body) = running.checked(path, path).await;
        let figures = figures(&body);
        assert_eq!((status, figures.len()), (200, least), "{path}: every figure is found");
        for figure in figures {
            assert!(figure["value"].is_null(), "{path}: {figure}");
            // What the books say is of a block before.
            let block = figure["as_of"]["block"].as_u64().unwrap();
            assert!(figure["unknown"].is_string() && (1_233..=1_234).contains(&block));
        }
    }
    let stale = running.get("/metrics").await.text;
    assert!(stale.contains("plimsoll_ready 0\n"));
    for gone in ["plimsoll_vault_", "plimsoll_position_", "plimsoll_market_", "plimsoll_operator_"]
    {
        assert!(fresh.contains(&format!("\n{gone}")), "{gone}");
        assert!(!stale.contains(&format!("\n{gone}")), "{gone} in {stale}");
    }
    running.publisher.health(health());
    assert_eq!(running.get("/readyz").await.status, 200);
    assert_eq!(running.get("/v1/vault").await.json()["nav_low"]["value"], "100000.000000");
    assert!(running.get("/metrics").await.text.contains("plimsoll_vault_nav_assets"));
    running.stopped().await;
}

#[tokio::test]
async fn a_market_that_is_no_longer_published_leaves_the_metrics() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let series = format!("plimsoll_position_worth_assets{{market=\"{MORPHO}\"}} 45050\n");
    assert!(running.get("/metrics").await.text.contains(&series));
    let mut fewer = positions();
    fewer.positions.retain(|position| position.market != MORPHO);
    running.publisher.positions(fewer);
    let text = running.get("/metrics").await.text;
    assert!(!text.contains(&format!(
        "plimsoll_position_brought_assets{{cause=\"income\",market=\"{MORPHO}\"}}"
    )));
    assert!(!text.contains(&series) && text.contains("plimsoll_position_worth_assets"), "{text}");
    running.stopped().await;
}

#[tokio::test]
async fn what_a_position_brought_is_measured_by_cause_and_what_does_not_apply_has_no_series() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let text = running.get("/metrics").await.text;
    let is = |name: &str, labels: &str, value: &str| {
        let series = format!("\nplimsoll_position_{name}{{{labels}}} {value}\n");
        assert!(text.contains(&series), "{series} in {text}");
    };
    is("brought_assets", &format!("cause=\"fees\",market=\"{RANGE}\""), "3");
    is("brought_assets", &format!("cause=\"price\",market=\"{RANGE}\""), "-6");
    is("brought_assets", &format!("cause=\"impairment\",market=\"{AAVE}\""), "0");
    is("brought_since_block_number", &format!("market=\"{AAVE}\""), "1000");
    is("curve_loss_assets", &format!("market=\"{RANGE}\",measure=\"lvr\""), "-0.8");
    is("curve_loss_assets", &format!("market=\"{RANGE}\",measure=\"impermanent_loss\""), "-0.9");
    is("due_assets", &format!("market=\"{RANGE}\",what=\"rewards\""), "5");
    is("queue_assets", &format!("market=\"{STAKED}\",part=\"claimable\""), "2");
    is("discount_ratio", &format!("market=\"{STAKED}\""), "0.0125");
    is("range_offset_ratio", &format!("market=\"{RANGE}\""), "0.005");
    for (name, market) in
        [("curve_loss", AAVE), ("queue", AAVE), ("discount", RANGE), ("due", AAVE)]
    {
        let mut lines =
            text.lines().filter(|line| line.starts_with(&format!("plimsoll_position_{name}")));
        assert!(!lines.any(|line| line.contains(market)), "{name} of {market} does not apply");
    }
    running.stopped().await;
}

async fn problem(
    running: &Running,
    request: reqwest::RequestBuilder,
    status: u16,
    kind: &str,
) -> Value {
    let response = running.client.execute(request.build().unwrap()).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert!(!response.headers().contains_key("access-control-allow-origin"));
    let answer = answer(response).await;
    assert_eq!((answer.status, answer.kind.as_str()), (status, "application/problem+json"));
    let body = answer.json();
    assert_eq!(body["type"], format!("urn:plimsoll:problem:{kind}"));
    assert_eq!(body["status"], status);
    body
}

#[tokio::test]
async fn what_is_not_answered_is_a_problem_document() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let get = |path: &str| running.client.get(running.url(path));
    let post = running.client.post(running.url("/v1/vault"));
    problem(&running, get("/nowhere"), 404, "no-such-path").await;
    problem(&running, get("/v1/markets/none"), 404, "not-found").await;
    problem(&running, post, 405, "wrong-method").await;
    for query in ["limit=0", "limit=501", "limit=-1", "after=abc", "since=3", "after=1&after=2"] {
        problem(&running, get(&format!("/v1/decisions?{query}")), 400, "bad-query").await;
    }
    problem(&running, get("/v1/vault").body("x"), 413, "has-body").await;
    problem(&running, get("/v1/vault").header("host", "attacker.example"), 421, "wrong-host").await;
    let place = get("/v1/events").header("last-event-id", "yesterday");
    problem(&running, place, 400, "bad-query").await;
    let refused = running.client.delete(running.url("/v1/vault")).send().await.unwrap();
    let allowed = refused.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allowed.contains("GET"), "{allowed}");
    running.stopped().await;
}

#[tokio::test]
async fn older_decisions_are_read_from_the_journal() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let history = move |span| {
        noted.lock().unwrap().push(span);
        Ok(vec![decision(3), decision(4)])
    };
    let running =
        start_with(Settings { events_kept: 2, ..Settings::default() }, Arc::new(history)).await;
    for line in [3, 4, 7, 9] {
        running.publisher.decision(decision(line)).unwrap();
    }
    let ids = |body: Value| -> Vec<u64> {
        let decisions = body["decisions"].as_array().unwrap().clone();
        decisions.iter().map(|decision| decision["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids(running.get("/v1/decisions?after=4").await.json()), [7, 9]);
    assert!(asked.lock().unwrap().is_empty(), "what is kept is not read again");
    assert_eq!(ids(running.get("/v1/decisions?after=2&limit=2").await.json()), [3, 4]);
    assert_eq!(asked.lock().unwrap()[0].after, Some(2));
    running.stopped().await;

    let alone = start(Settings { events_kept: 2, ..Settings::default() }).await;
    for line in [3, 4, 7, 9] {
        alone.publisher.decision(decision(line)).unwrap();
    }
    let body = alone.get("/v1/decisions?after=2").await.json();
    assert_eq!(body["complete"], false, "it says that there is more than it can show");
    assert_eq!(alone.get("/v1/decisions?after=4").await.json()["complete"], true);
    alone.stopped().await;
}

#[tokio::test]
async fn reasons_from_elsewhere_are_shown_without_secrets() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let quoted = format!("node says: bad password {SECRET}");
    running.publisher.health(Health { quorum: Check::failed(&quoted), ..health() });
    let mut told = decision(30);
    told.reason = quoted.clone();
    running.publisher.decision(told).unwrap();
    running.publisher.metrics().node_error(SECRET, "refused");
    for path in ["/readyz", "/v1/status", "/v1/decisions", "/metrics"] {
        let text = running.get(path).await.text;
        assert!(!text.contains(SECRET), "{path}");
        assert!(text.contains("[redacted]"), "{path} shows that something was cut");
        assert!(!text.contains("a-key-of-somebody"), "{path}");
    }
    running.stopped().await;
}
