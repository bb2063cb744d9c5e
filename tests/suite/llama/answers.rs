//! What a healthy server's answers become.

use super::server::Reply;
use super::{
    Llama, NOW, NOW_MS, healthy, holding, labels, market, markets, near, plan, pool, positions,
    refused, simple, with,
};
use crate::support::{code, document, folder, number, said};
use serde_json::{Value, json};

#[test]
fn a_healthy_answer_gives_three_plans_within_the_line_and_null_for_what_nobody_knows() {
    let llama = Llama::of(&market());
    let found = document(&llama.allocate(&["--json"]));
    assert_eq!(found["schema"], 1);
    assert_eq!(found["as_of"], NOW_MS, "now, not the end of the day");
    assert_eq!((&found["asset"], &found["line"]), (&"USDC".into(), &"balanced".into()));
    assert_eq!(found["amount"], 25000.0);
    let names: Vec<_> = found["plans"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["keep", "recommended", "highest"]);
    for plan in found["plans"].as_array().unwrap() {
        for key in ["expected_net_apr", "lo", "hi", "cvar95_30d", "worst_protocol_loss"] {
            assert!(plan.get(key).is_some(), "{key}");
        }
        for position in positions(plan) {
            for key in ["score", "p_loss_1y", "binding_constraint", "sustainable_apr"] {
                assert!(!position[key].is_null(), "{key}: {position}");
            }
            for key in ["after_deposit_apr", "exit_p50_h", "exit_p95_h", "realised_apr"] {
                assert_eq!(position.get(key), Some(&Value::Null), "{key}: {position}");
            }
        }
    }
    assert!(positions(plan(&found, "keep")).is_empty());
    assert_eq!(plan(&found, "keep")["cvar95_30d"], 0.0);
    let best = plan(&found, "recommended");
    for key in ["lo", "hi", "cvar95_30d", "p_gain"] {
        assert_eq!(best[key], Value::Null, "{key} needs an index");
    }
    assert!(number(&best["expected_net_apr"]) > 0.03);
    assert!(number(&best["worst_protocol_loss"]) <= 0.35 + 1e-9);
    let weights: Vec<f64> = positions(best).iter().map(|p| number(&p["weight"])).collect();
    assert!(weights.iter().all(|weight| *weight <= 0.35 + 1e-9), "{weights:?}");
    let sum: f64 = weights.iter().sum();
    assert!((0.9..=1.0 + 1e-9).contains(&sum), "{sum}");
    assert_eq!(markets(plan(&found, "highest")), ["morpho-blue:1:m-1"]);
    let asked = llama.server.asked();
    let charts = ["/chart/a-1", "/chart/a-2", "/chart/c-1", "/chart/f-1", "/chart/m-1"];
    assert_eq!(asked[0], "/pools");
    assert_eq!(asked[1..], charts, "what is not wanted costs no request");
}

#[test]
fn a_yearly_yield_in_percent_becomes_a_simple_rate_and_rewards_are_added() {
    let llama = Llama::of(&market());
    let rewarded = |mut point: Value| {
        let total = number(&point["apy"]);
        point["apyReward"] = json!(3.0);
        point["apyBase"] = json!(total - 3.0);
        point
    };
    llama.charts("m-1", healthy(7.0).into_iter().map(rewarded).collect());
    let (_folder, path) = folder();
    let all = ["morpho-blue:1:m-1", "compound-v3:1:c-1", "fluid-lending:1:f-1"];
    let file = holding(&path, "0", &all.map(|market| (market, "100")));
    let found = document(&llama.run_at(NOW, &["rebalance", "--position", &file, "--json"]));
    let keep = plan(&found, "keep");
    let advertised = |market: &str| {
        let position = positions(keep).iter().find(|position| position["market"] == market);
        &position.unwrap()["advertised_apr"]
    };
    near(advertised("morpho-blue:1:m-1"), simple(4.0) + simple(3.0));
    near(advertised("compound-v3:1:c-1"), simple(4.0));
    near(advertised("fluid-lending:1:f-1"), simple(4.5));
}

#[test]
fn a_person_reads_when_it_was_asked_what_is_left_out_and_what_is_unknown() {
    let llama = Llama::of(&market());
    let run = llama.allocate(&[]);
    assert_eq!(code(&run), 0, "{}", said(&run));
    assert!(run.stdout.is_empty(), "text for people is no document");
    let text = said(&run);
    for part in [
        &format!(
            "as of {NOW}, from {}: its newest reading is of 2026-06-01T11:00:00Z",
            llama.url()
        ),
        "what our own deposit would do is unknown",
        "5 of 9 pools, chosen by what they are today",
        "on ethereum alone: there is no bridge in the model; --chain names another of base; pools on \
         Solana are left out: no chain id is known",
        "gas is unknown to this source and none is charged",
        "25000.00 USDC at the balanced line",
        "RECOMMENDED within the line",
        "CVaR95 30 d unknown; ES99.9 1 y ",
        "P(gain > 0) unknown; moving costs 0.00 without gas",
        "limits not applied (the source does not say what it needs; --strict buys nothing then)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    for part in ["NaN", "inf", "unknown %", "null"] {
        assert!(!text.contains(part), "{part}\n{text}");
    }
    let dear = said(&llama.allocate(&["--gas-usd", "2"]));
    assert!(!dear.contains("gas is unknown") && !dear.contains("without gas"), "{dear}");
}

#[test]
fn another_chain_a_unit_and_a_market_id_are_taken_at_their_word() {
    let mut pools = market();
    pools.push(with(pool("u-1", "spark", 6.5), "symbol", "USDT"));
    let llama = Llama::of(&pools);
    let base = document(&llama.allocate(&["--chain", "base", "--json"]));
    assert_eq!(markets(plan(&base, "highest")), ["aave-v3:8453:b-1"]);
    llama.server.asked();
    let dollars = ["allocate", "--asset", "usd", "--amount", "25000", "--json"];
    let dollars = document(&llama.run_at(NOW, &dollars));
    assert!(markets(plan(&dollars, "recommended")).contains(&"spark:1:u-1"), "{dollars}");
    let asked = llama.server.asked();
    assert!(!asked.contains(&"/chart/p-1".to_owned()), "a pair is no dollar: {asked:?}");
    let one = ["allocate", "--asset", "dwarf:1:d-1", "--amount", "25000", "--json"];
    let one = document(&llama.run_at(NOW, &one));
    assert_eq!(markets(plan(&one, "highest")), ["dwarf:1:d-1"], "as small as it is");
    assert_eq!(llama.server.asked(), ["/pools", "/chart/d-1"]);
}

#[test]
fn where_ethereum_has_none_the_chain_with_the_most_pools_is_taken() {
    let on = |id: &str, chain: &str| with(pool(id, id, 5.0), "chain", chain);
    let llama = Llama::of(&[on("x", "Base"), on("y", "Arbitrum"), on("z", "Arbitrum")]);
    let found = document(&llama.allocate(&["--json"]));
    assert_eq!(llama.server.asked(), ["/pools", "/chart/y", "/chart/z"]);
    assert!(labels(&found).contains("on arbitrum alone"), "{}", labels(&found));
}

#[test]
fn more_pools_than_are_read_is_said() {
    let llama = Llama::of(&market());
    let (_folder, path) = folder();
    let config = format!("{path}/few.toml");
    std::fs::write(&config, "[llama]\nmax_pools = 2\n").unwrap();
    let found = document(&llama.allocate(&["--config", &config, "--json"]));
    let labels = labels(&found);
    assert!(labels.contains("2 of 9 pools (the largest of 5 that fit)"), "{labels}");
    assert_eq!(llama.server.asked().len(), 3);
}

#[test]
fn curves_are_drawn_as_unknown_and_say_why() {
    let llama = Llama::of(&market());
    let (folder, path) = folder();
    let words = ["curves", "--asset", "USDC", "--out", &path];
    let found = document(&llama.run_at(NOW, &[&words[..], &["--json"]].concat()));
    let markets = found["markets"].as_array().unwrap();
    assert_eq!(markets.len(), 5);
    for market in markets {
        assert_eq!(market["curve"], "unknown", "a rate without utilization is no curve");
        assert_eq!(market["own_effect_is_known"], false);
        for key in ["kink", "kinked", "error_apr", "elasticity"] {
            assert_eq!(market[key], Value::Null, "{key}");
        }
    }
    let text = said(&llama.run_at(NOW, &words));
    assert!(text.contains("no curve and no size"), "{text}");
    assert!(!text.contains("none seen"), "{text}");
    let page = std::fs::read_to_string(folder.path().join("curves.html")).unwrap();
    assert!(page.contains("morpho-blue:1:m-1"));
    llama.server.answer("/pools", [Reply::status(404)]);
    let error = refused(&llama.run_at(NOW, &words), 3);
    assert!(error.contains("check the address: this is not where the interface is"), "{error}");
}
