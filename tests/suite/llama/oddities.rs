//! The oddities of the real interface, and a server in passing trouble.

use super::server::Reply;
use super::{
    DAY_MS, HOUR_MS, Llama, NOW_MS, answer, healthy, labels, market, markets, plan, point, pool,
};
use crate::support::document;
use serde_json::{Value, json};

/// Nulls, zeros, a missing chart, text for numbers, a pool that has ended and one that stands still.
#[test]
fn what_cannot_be_believed_is_not_bought_and_said() {
    let mut pools = market();
    for (id, apy) in
        [("null", 8.0), ("zero", 8.0), ("gone", 8.0), ("nan", 8.0), ("ended", 8.0), ("still", 8.0)]
    {
        pools.push(pool(id, id, apy));
    }
    pools.push(json!({"pool": "word", "project": "p", "symbol": "USDC", "tvlUsd": "NaN"}));
    pools.push(json!({"pool": null, "project": null}));
    let llama = Llama::of(&market());
    llama.lists(&pools);
    let until = |count: usize| healthy(8.0).into_iter().take(count);
    let today = NOW_MS - HOUR_MS;
    let all = healthy(8.0).len();
    llama.charts("null", until(all - 1).chain([point(today, Value::Null)]).collect());
    llama.charts("zero", until(all - 1).chain([point(today, 0.0)]).collect());
    llama.charts("nan", until(all - 1).chain([point(today, "NaN")]).collect());
    llama.charts("ended", until(all - 9).collect());
    let mut frozen = healthy(8.0);
    for point in frozen.iter_mut().skip(all - 30) {
        (point["apy"], point["apyBase"], point["tvlUsd"]) = (json!(8.0), json!(8.0), json!(9e7));
    }
    llama.charts("still", frozen);
    let found = document(&llama.allocate(&["--json"]));
    for market in markets(plan(&found, "recommended")) {
        let protocol = market.split(':').next().unwrap();
        let healthy = ["aave-v3", "compound-v3", "morpho-blue", "fluid-lending", "nan"];
        assert!(healthy.contains(&protocol), "{market}");
    }
    let left_out: Vec<&str> = found["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["market"].as_str().unwrap())
        .collect();
    for market in ["null:1:null", "zero:1:zero", "ended:1:ended", "still:1:still"] {
        assert!(left_out.contains(&market), "{market}: {left_out:?}");
    }
    let labels = labels(&found);
    for part in [
        "USDC (gone:1:gone) left out: its chart: status 404 Not Found",
        "/pools: 2 left out: without an id, a project or a time, or with text for a number",
        "/chart/nan: 1 left out",
        "USDC (zero:1:zero), zero without cause on 2026-06-01",
        "USDC (still:1:still), frozen feed on 2026-06-01",
    ] {
        assert!(labels.contains(part), "{part}\n{labels}");
    }
}

#[test]
fn days_twice_out_of_order_and_from_the_future_change_no_plan() {
    let llama = Llama::of(&market());
    let clean = document(&llama.allocate(&["--json"]));
    let mut points = healthy(7.0);
    let early = |point: &Value| {
        let mut early = point.clone();
        let time = early["timestamp"].as_str().unwrap().replace("T11:", "T03:");
        early["timestamp"] = time.into();
        early["apy"] = json!(90.0);
        early["apyBase"] = json!(90.0);
        early
    };
    let doubles: Vec<Value> = points.iter().step_by(20).map(early).collect();
    points.reverse();
    points.extend(doubles);
    points.push(point(NOW_MS + 20_000 * DAY_MS, 70.0));
    llama.charts("m-1", points);
    let odd = document(&llama.allocate(&["--json"]));
    assert_eq!(odd["plans"], clean["plans"]);
    assert_eq!(odd["as_of"], clean["as_of"]);
    let labels = labels(&odd);
    assert!(
        labels.contains("10 readings of 1 pool left out: only the last of each day"),
        "{labels}"
    );
}

#[test]
fn a_server_that_asks_to_wait_and_one_that_heals_are_asked_again() {
    let llama = Llama::of(&market());
    let clean = document(&llama.allocate(&["--json"]));
    llama.server.asked();
    let busy = Reply::status(429).with("retry-after", "1");
    llama.server.answer("/pools", [busy, answer(&market())]);
    let chart = answer(&healthy(7.0));
    let broken = Reply::json("{\"status\":\"success\",\"data\":[]}").broken();
    llama.server.answer("/chart/m-1", [Reply::status(500), broken, chart]);
    let healed = document(&llama.allocate(&["--json"]));
    assert_eq!(healed, clean);
    let asked = llama.server.asked();
    let count = |path: &str| asked.iter().filter(|asked| *asked == path).count();
    assert_eq!((count("/pools"), count("/chart/m-1"), count("/chart/a-1")), (2, 3, 1));
}
