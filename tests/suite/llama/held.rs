//! `rebalance`: what is held.

use super::server::Reply;
use super::{
    HOUR_MS, Llama, NOW, NOW_MS, healthy, holding, market, markets, plan, point, pool, positions,
    refused,
};
use crate::support::{document, folder, number, said};
use serde_json::Value;

#[test]
fn a_holding_is_moved_or_kept_by_what_moving_brings() {
    let llama = Llama::of(&market());
    let (_folder, path) = folder();
    let file = holding(&path, "20000", &[("compound-v3:1:c-1", "5000")]);
    let words = ["rebalance", "--position", &file, "--risk", "balanced"];
    let moved = document(&llama.run_at(NOW, &[&words[..], &["--json"]].concat()));
    assert_eq!((&moved["schema"], &moved["decision"]), (&1.into(), &"move".into()));
    assert!(number(&moved["gain"]) > 0.0);
    assert_eq!((&moved["p_gain"], &moved["gas_is_known"]), (&Value::Null, &false.into()));
    assert_eq!(markets(plan(&moved, "keep")), ["compound-v3:1:c-1"]);
    let text = said(&llama.run_at(NOW, &words));
    assert!(text.starts_with("MOVE: the best move gains +"), "{text}");
    assert!(
        text.contains("USDC net of all but gas in 90 days with P(net gain > 0) unknown"),
        "{text}"
    );
    let dear = [&words[..], &["--gas-usd", "5000", "--json"]].concat();
    assert_eq!(document(&llama.run_at(NOW, &dear))["decision"], "wait");
}

#[test]
fn what_is_held_is_read_though_it_is_small_renamed_or_silent() {
    let mut pools = market();
    pools.push(pool("e-1", "ended", 8.0));
    let llama = Llama::of(&pools);
    llama.charts("e-1", healthy(8.0).into_iter().take(190).collect());
    let (_folder, path) = folder();
    let held = [("dwarf:1:d-1", "1000"), ("aave-v2:1:a-1", "2000"), ("ended:1:e-1", "3000")];
    let file = holding(&path, "4000", &held);
    let words = ["rebalance", "--position", &file, "--json"];
    let found = document(&llama.run_at(NOW, &words));
    let keep = plan(&found, "keep");
    assert_eq!(markets(keep), ["aave-v2:1:a-1", "dwarf:1:d-1", "ended:1:e-1"]);
    let ended =
        positions(keep).iter().find(|position| position["market"] == "ended:1:e-1").unwrap();
    assert_eq!(ended["sustainable_apr"], Value::Null, "it says nothing any more");
    assert_eq!(keep["expected_net_apr"], Value::Null);
    let best = plan(&found, "recommended");
    assert!(markets(best).contains(&"ended:1:e-1"), "held, though never bought: {best}");
}

#[test]
fn a_position_of_which_nothing_is_known_is_refused_with_the_reason() {
    let llama = Llama::of(&market());
    let (_folder, path) = folder();
    let rebalance = |market: &str| {
        let file = holding(&path, "4000", &[(market, "1000")]);
        llama.run_at(NOW, &["rebalance", "--position", &file])
    };
    let error = refused(&rebalance("aave-v3:1:none"), 2);
    assert!(
        error.contains("position aave-v3:1:none: the source has no such market of USDC"),
        "{error}"
    );
    assert!(error.contains("it has aave-v3:1:a-1, "), "{error}");
    llama.charts("c-1", vec![point(NOW_MS - HOUR_MS, 4.0)]);
    let error = refused(&rebalance("compound-v3:1:c-1"), 3);
    assert!(error.contains("none of its readings passed the data-quality gate"), "{error}");
    llama.server.answer("/chart/c-1", [Reply::status(404)]);
    let error = refused(&rebalance("compound-v3:1:c-1"), 3);
    assert!(
        error.contains("position compound-v3:1:c-1: ") && error.contains("404 Not Found"),
        "{error}"
    );
    let file = holding(&path, "0", &[("aave-v3:1:a-1", "1"), ("aave-v3:8453:b-1", "1")]);
    let error = refused(&llama.run_at(NOW, &["rebalance", "--position", &file]), 2);
    assert!(error.contains("there is no bridge in the model"), "{error}");
}
