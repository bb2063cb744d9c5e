//! Answers that `--cache` keeps.

use super::{
    ALLOCATE, HOUR_MS, Llama, NOW_MS, labels, market, markets, plan, positions, refused, run,
};
use crate::support::{document, folder};
use serde_json::Value;

#[test]
fn a_second_run_within_the_fresh_time_asks_nothing_and_says_how_old_its_answers_are() {
    let llama = Llama::of(&market());
    let (_folder, path) = folder();
    let words = ["--cache", &path, "--json"];
    let first = document(&llama.allocate(&words));
    assert_eq!(llama.server.asked().len(), 6);
    let again = document(&llama.allocate_at("2026-06-01T15:00:00Z", &words));
    assert!(llama.server.asked().is_empty(), "kept for six hours");
    assert_eq!(again["data_hash"], first["data_hash"]);
    assert_eq!(again["as_of"], NOW_MS + 3 * HOUR_MS);
    let same = |found: &Value| positions(plan(found, "recommended")).to_vec();
    assert_eq!(same(&again), same(&first));
    let labels = labels(&again);
    assert!(labels.contains("6 kept copies used, up to 3.0 hours old"), "{labels}");
    let same_time = || llama.allocate_at("2026-06-01T15:00:00Z", &words).stdout;
    assert_eq!(same_time(), same_time(), "the same copies at the same time give the same bytes");
    document(&llama.allocate_at("2026-06-01T18:00:01Z", &words));
    assert_eq!(llama.server.asked().len(), 6, "after six hours everything is asked again");
}

#[test]
fn without_the_server_kept_answers_serve_and_their_age_is_said() {
    let llama = Llama::of(&market());
    let (_folder, path) = folder();
    let first = document(&llama.allocate(&["--cache", &path, "--json"]));
    let url = llama.stop();
    let words = [&ALLOCATE[..], &["--llama", &url, "--cache", &path]].concat();
    let later = |now: &str| document(&run(now, &[&words[..], &["--json"]].concat()));
    let found = later("2026-06-01T20:00:00Z");
    assert_eq!(positions(plan(&found, "recommended")), positions(plan(&first, "recommended")));
    let text = labels(&found);
    let expected = format!(
        "6 kept copies used, up to 8.0 hours old, for want of newer answers: {url}/pools: "
    );
    assert!(text.contains(&expected), "{text}");
    let found = later("2026-06-04T00:00:00Z");
    assert_eq!(found["as_of"], 1_780_358_399_999_i64, "the end of the last day that is known");
    let text = labels(&found);
    assert!(text.contains("up to 2.5 days old"), "{text}");
    assert!(text.contains("2.5 days before now: what is paid now may differ"), "{text}");
    let run = run("2026-07-15T00:00:00Z", &words);
    let error = refused(&run, 3);
    assert!(error.contains("6 kept copies used, up to 43.5 days old"), "{error}");
    assert!(error.contains("no row from 2026-06-15 to 2026-07-15"), "{error}");
}

#[test]
fn a_damaged_copy_is_said_and_fetched_again() {
    let llama = Llama::of(&market());
    let (folder, path) = folder();
    let words = ["--cache", &path, "--json"];
    let first = document(&llama.allocate(&words));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap().path();
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    }
    llama.server.asked();
    let again = document(&llama.allocate(&words));
    assert_eq!(again["plans"], first["plans"]);
    assert_eq!(llama.server.asked().len(), 6);
    assert!(labels(&again).contains("/pools is damaged"), "{}", labels(&again));
}

#[test]
fn a_pool_that_is_renamed_keeps_its_id_where_answers_are_kept() {
    let llama = Llama::of(&market());
    let (_folder, path) = folder();
    let words = ["--cache", &path, "--json"];
    document(&llama.allocate(&words));
    let mut pools = market();
    pools[3]["project"] = "morpho-v2".into();
    llama.lists(&pools);
    let found = document(&llama.allocate_at("2026-06-01T20:00:00Z", &words));
    assert_eq!(markets(plan(&found, "highest")), ["morpho-blue:1:m-1"]);
    let labels = labels(&found);
    let expected = "morpho-blue:1:m-1 was called morpho-blue USDC and is called morpho-v2 USDC now";
    assert!(labels.contains(expected), "{labels}");
}
