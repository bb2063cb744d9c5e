//! Clear errors, with the exit code of their kind.

use super::server::Reply;
use super::{ALLOCATE, Llama, NOW, market, markets, plan, pool, refused, run, with};
use crate::support::{document, folder};

#[test]
fn a_server_that_is_gone_mute_or_in_trouble_is_named_with_what_to_do() {
    let llama = Llama::of(&market());
    llama.server.answer("/chart/c-1", [Reply::status(503)]);
    let error = refused(&llama.allocate(&["--json"]), 3);
    let expected = format!(
        "{}/chart/c-1: status 503 Service Unavailable after 4 attempts; the server",
        llama.url()
    );
    assert!(error.contains(&expected), "{error}");
    llama.server.answer("/pools", [Reply::status(429).with("retry-after", "3600")]);
    let error = refused(&llama.allocate(&["--json"]), 3);
    assert!(error.contains("429 Too Many Requests, to be tried again in 3600 s"), "{error}");
    assert!(error.contains("allow fewer requests a minute"), "{error}");
    llama.server.answer("/pools", [Reply::never()]);
    let (_folder, path) = folder();
    let config = format!("{path}/hasty.toml");
    std::fs::write(&config, "[llama]\ntimeout_seconds = 0.05\nmax_attempts = 2\n").unwrap();
    let error = refused(&llama.allocate(&["--config", &config]), 3);
    assert!(error.contains("timed out after 2 attempts; check the network"), "{error}");
    let url = llama.stop();
    let error = refused(&run(NOW, &[&ALLOCATE[..], &["--llama", &url]].concat()), 3);
    assert!(error.starts_with(&format!("plimsoll: data: {url}/pools: ")), "{error}");
    assert!(error.contains("refused") && error.contains("after 4 attempts"), "{error}");
    assert!(error.contains("check the network and the address, then run again"), "{error}");
}

#[test]
fn a_page_an_empty_listing_and_charts_that_are_all_missing_are_errors_of_the_data() {
    let llama = Llama::of(&market());
    for id in ["a-1", "a-2", "c-1", "m-1", "f-1"] {
        llama.server.answer(&format!("/chart/{id}"), [Reply::status(404)]);
    }
    let error = refused(&llama.allocate(&[]), 3);
    assert!(error.contains("left out") && error.contains("check the address"), "{error}");
    llama.server.answer("/pools", [Reply::json("<!DOCTYPE html><title>Down</title>")]);
    let error = refused(&llama.allocate(&[]), 3);
    assert!(error.contains("/pools: the answer is not usable after 1 attempt"), "{error}");
    assert!(error.contains("<!DOCTYPE html>") && error.contains("try again later"), "{error}");
    llama.lists(&[]);
    let error = refused(&llama.allocate(&[]), 3);
    assert!(error.contains("/pools: the listing is empty; try again later"), "{error}");
}

#[test]
fn an_asset_or_a_chain_that_no_pool_has_is_refused_with_what_there_is() {
    let llama = Llama::of(&market());
    let asset = |asset: &str| llama.run_at(NOW, &["allocate", "--asset", asset, "--amount", "5"]);
    let error = refused(&asset("USDCC"), 2);
    assert!(error.contains("none of 9 pools is of \"USDCC\""), "{error}");
    assert!(error.trim_end().ends_with("did you mean USDC?"), "{error}");
    let error = refused(&llama.allocate(&["--chain", "arbitrum"]), 2);
    assert!(
        error.contains("no pool of USDC on arbitrum; there are some on ethereum, base"),
        "{error}"
    );
    let error = refused(&llama.allocate(&["--chain", "atlantis"]), 2);
    assert!(error.contains("chain \"atlantis\" is not known"), "{error}");
    llama.lists(&[with(pool("s", "s", 5.0), "chain", "Solana")]);
    let error = refused(&llama.allocate(&[]), 2);
    assert!(
        error.contains("no pool of USDC on a chain with a known id; there are some on Solana"),
        "{error}"
    );
}

#[test]
fn pools_that_are_too_small_are_refused_with_the_setting_that_lets_them_through() {
    let dwarf = with(pool("d-1", "dwarf", 5.0), "tvlUsd", 1e5);
    let llama = Llama::of(&[dwarf]);
    let error = refused(&llama.allocate(&[]), 3);
    let expected = "1 of 1 pools are of USDC, but the largest holds 100000 USD and 1000000 are needed; lower \
                    min_tvl_usd under [llama]";
    assert!(error.contains(expected), "{error}");
    let (_folder, path) = folder();
    let config = format!("{path}/small.toml");
    std::fs::write(&config, "[llama]\nmin_tvl_usd = 0\n").unwrap();
    let found = document(&llama.allocate(&["--config", &config, "--json"]));
    assert_eq!(markets(plan(&found, "highest")), ["dwarf:1:d-1"]);
    std::fs::write(&config, "[llama]\nmin_tvl = 0\n").unwrap();
    let error = refused(&llama.allocate(&["--config", &config]), 4);
    assert!(error.contains("did you mean `min_tvl_usd`?"), "{error}");
}

#[test]
fn words_that_are_no_address_no_folder_or_no_time_are_refused_before_anything_is_asked() {
    let llama = Llama::of(&market());
    for address in ["yields.llama.fi", "ftp://h", "http://h/?key=secret"] {
        let run = run(NOW, &[&ALLOCATE[..], &["--llama", address]].concat());
        let error = refused(&run, 2);
        assert!(error.contains("give one such as https://yields.llama.fi"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    let (_folder, path) = folder();
    let file = format!("{path}/a-file");
    std::fs::write(&file, "").unwrap();
    let error = refused(&llama.allocate(&["--cache", &file]), 5);
    assert!(
        error.contains("a-file: ") && error.contains("give a folder that can be written to"),
        "{error}"
    );
    let error = refused(&llama.allocate_at("yesterday", &[]), 2);
    assert!(error.contains("PLIMSOLL_NOW=yesterday: expected a time such as"), "{error}");
    assert!(llama.server.asked().is_empty());
}
