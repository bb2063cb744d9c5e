//! How a server in trouble is asked, and what is kept. Time is paused: nothing here waits.

use super::paused::let_paused_time_run;
use super::server::{Reply, Server};
use super::tests::{NOW, chart, listing, observed, point, pool, server_of_one, settings};
use super::*;
use crate::Selection;
use plimsoll_core::time::DAY_MS;
use plimsoll_core::{ChainId, Time};
use plimsoll_execute::AdapterError;
use plimsoll_frame::Observation;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Reads everything, and returns it with the notes and the seconds it took.
async fn read(
    settings: LlamaSettings,
    now: Time,
) -> (Result<Vec<Observation>, AdapterError>, Vec<Note>, f64) {
    let start = Instant::now();
    let mut source = LlamaSource::open(settings).unwrap();
    let all = match source.adapters(&Selection::default(), now, |_, _| {}).await {
        Ok(adapters) => Ok(observed(adapters).await),
        Err(error) => Err(error),
    };
    (all, source.notes().to_vec(), start.elapsed().as_secs_f64())
}

fn kept_in(folder: &Path, server: &Server) -> LlamaSettings {
    let cache = CacheSettings { folder: folder.to_owned(), max_age_days: 1.0 };
    LlamaSettings { cache: Some(cache), ..settings(server) }
}

fn one_pool() -> Reply {
    listing(&[pool("p-1", "Ethereum", "USDC")])
}

/// Two replies, then the listing.
async fn server_after_two(reply: Reply) -> Server {
    let server = server_of_one().await;
    server.answer("/pools", [reply.clone(), reply, one_pool()]);
    server
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_are_waited_out_for_as_long_as_the_server_asks() {
    let server = server_after_two(Reply::status(429).with("retry-after", "7")).await;
    let (all, _, seconds) = read(settings(&server), NOW).await;
    assert_eq!(all.unwrap().len(), 1);
    assert_eq!(server.asked(), ["/pools", "/pools", "/pools", "/chart/p-1"]);
    assert!((14.0..15.0).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_date_to_wait_for_is_read_by_the_servers_own_clock() {
    let busy = Reply::status(503)
        .with("date", "Wed, 21 Oct 2015 07:27:30 GMT")
        .with("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT");
    let server = server_after_two(busy).await;
    let (all, _, seconds) = read(settings(&server), NOW).await;
    assert_eq!(all.unwrap().len(), 1);
    assert!((60.0..61.0).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_server_error_and_a_cut_body_are_tried_again() {
    let half = "{\"status\":\"success\",\"data\":[{\"pool\":\"p-1\",\"chai";
    for reply in [
        Reply::status(500),
        Reply::status(408),
        one_pool().broken(),
        Reply::json(half),
        Reply::json(""),
    ] {
        let server = server_after_two(reply.clone()).await;
        let (all, _, seconds) = read(settings(&server), NOW).await;
        assert_eq!(all.unwrap().len(), 1, "{reply:?}");
        assert_eq!(server.asked().len(), 4, "{reply:?}");
        assert!((1.5..3.1).contains(&seconds), "half to all of 1 s and of 2 s: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_or_a_wrong_answer_is_not_tried_again() {
    let refused = json_error();
    for (reply, said) in [
        (Reply::status(404), "status 404 Not Found after 1 attempt; check the address"),
        (Reply::status(403), "status 403 Forbidden after 1 attempt; it refuses to serve this"),
        (Reply::status(204), "status 204 No Content after 1 attempt"),
        (Reply::json("<!DOCTYPE html><p>Sorry"), "it is \"<!DOCTYPE html><p>Sorry\".."),
        (refused, "its status is \"error\", not \"success\""),
    ] {
        let server = server_after_two(reply).await;
        let (all, _, seconds) = read(settings(&server), NOW).await;
        let error = all.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}/pools: ", server.url)), "{error}");
        assert!(error.contains(said), "{error}");
        assert_eq!(server.asked(), ["/pools"]);
        assert!(seconds < 0.1, "{seconds} s");
    }
}

fn json_error() -> Reply {
    Reply::json("{\"status\":\"error\",\"message\":\"no\"}")
}

#[tokio::test(start_paused = true)]
async fn attempts_run_out_with_an_error_that_says_where_what_how_often_and_what_to_do() {
    let server = server_of_one().await;
    server.answer("/pools", [Reply::status(503)]);
    let (all, _, seconds) = read(settings(&server), NOW).await;
    let error = all.unwrap_err();
    assert!(error.is_transient());
    let expected = format!(
        "{}/pools: status 503 Service Unavailable after 4 attempts; the server is in trouble: run again \
         later; where there is a cache, what was fetched is kept",
        server.url
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(server.asked().len(), 4);
    assert!((3.5..7.1).contains(&seconds), "half to all of 1, 2 and 4 s: {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_allowed_is_a_refusal() {
    let server = server_after_two(Reply::status(429).with("retry-after", "3600")).await;
    let (all, _, seconds) = read(settings(&server), NOW).await;
    let error = all.unwrap_err().to_string();
    assert!(error.contains("429 Too Many Requests, to be tried again in 3600 s"), "{error}");
    assert_eq!(server.asked().len(), 1);
    assert!(seconds < 0.1, "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let server = server_of_one().await;
    server.answer("/pools", [Reply::never()]);
    let_paused_time_run();
    let (all, _, seconds) = read(settings(&server), NOW).await;
    let error = all.unwrap_err();
    assert!(
        matches!(error, AdapterError::Http { status: None, attempts: 4, .. }),
        "no attempt lasts for ever: {error}"
    );
    assert!(error.is_transient());
    assert!(seconds < 4.0 * 60.0 + 7.1, "four timeouts and three waits: {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn requests_of_all_pools_share_one_pace() {
    let server = Server::start().await;
    let ids: Vec<String> = (0..29).map(|number| format!("p-{number}")).collect();
    let pools: Vec<_> = ids.iter().map(|id| pool(id, "Ethereum", "USDC")).collect();
    server.answer("/pools", [listing(&pools)]);
    for id in &ids {
        let path = format!("/chart/{id}");
        server.answer(&path, [chart(&[point("2024-01-01T23:01:14.123Z", 5.0)])]);
    }
    let mut paced = settings(&server);
    paced.requests.requests_per_minute = 60.try_into().unwrap();
    let (all, _, seconds) = read(paced, NOW).await;
    assert_eq!(all.unwrap().len(), 29);
    assert_eq!(server.asked().len(), 30);
    assert!((25.0..25.2).contains(&seconds), "five at once, then one a second: {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_young_copy_needs_no_network_and_an_old_one_is_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_of_one().await;
    let (first, _, _) = read(kept_in(folder.path(), &server), NOW).await;
    let first = first.unwrap();
    assert_eq!(server.asked().len(), 2);
    let (again, notes, _) = read(kept_in(folder.path(), &server), Time(NOW.0 + DAY_MS)).await;
    assert_eq!(again.unwrap(), first);
    assert_eq!(server.asked().len(), 0);
    let young = Note::YoungCopy { age_days: 1.0 };
    let chosen = Note::ChosenToday { listed: 1, fitting: 1, chosen: 1 };
    assert_eq!(notes, [young.clone(), chosen, young], "the listing and the chart");
    server.answer("/chart/p-1", [chart(&[point("2024-01-02T23:00:00Z", 6.0)])]);
    let (later, _, _) = read(kept_in(folder.path(), &server), Time(NOW.0 + DAY_MS + 1)).await;
    assert_eq!(later.unwrap()[0].row.time.day().to_string(), "2024-01-02");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_network_an_old_copy_is_used_and_its_age_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_of_one().await;
    server.answer("/pools", [listing(&["p-1", "p-2"].map(|id| pool(id, "Ethereum", "USDC")))]);
    server.answer("/chart/p-2", [chart(&[point("2024-01-01T20:00:00Z", 5.0)])]);
    let (first, _, _) = read(kept_in(folder.path(), &server), NOW).await;
    let offline = kept_in(folder.path(), &server);
    server.stop().await;
    let later = Time(NOW.0 + 5 * DAY_MS / 2);
    let (again, notes, seconds) = read(offline.clone(), later).await;
    assert_eq!(again.unwrap(), first.unwrap());
    let texts: Vec<String> = notes.iter().map(ToString::to_string).collect();
    let old = texts.iter().filter(|text| text.contains("a copy 2.5 days old is used")).count();
    assert_eq!(old, 3, "the listing and two charts: {texts:?}");
    assert!(seconds < 7.1, "only the first request is repeated: {seconds} s");
    let none = tempfile::tempdir().unwrap();
    let cache = CacheSettings { folder: none.path().to_owned(), max_age_days: 1.0 };
    let (nothing, _, _) = read(LlamaSettings { cache: Some(cache), ..offline }, later).await;
    let error = nothing.unwrap_err();
    assert!(matches!(error, AdapterError::Http { status: None, attempts: 4, .. }), "{error}");
    assert!(error.to_string().contains("check the network"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_midway_ends_the_run_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_of_one().await;
    server.answer("/pools", [listing(&["p-1", "p-2"].map(|id| pool(id, "Ethereum", "USDC")))]);
    server.answer("/chart/p-2", [Reply::status(502)]);
    let (all, _, _) = read(kept_in(folder.path(), &server), NOW).await;
    assert!(matches!(all, Err(AdapterError::Http { status: Some(502), .. })));
    server.asked();
    server.answer("/chart/p-2", [chart(&[point("2024-01-01T20:00:00Z", 5.0)])]);
    let (all, _, _) = read(kept_in(folder.path(), &server), NOW).await;
    assert_eq!(all.unwrap().len(), 2);
    assert_eq!(server.asked(), ["/chart/p-2"], "what was fetched is not fetched again");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_copy_is_said_and_fetched_again_and_a_wrong_answer_is_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_of_one().await;
    let (first, _, _) = read(kept_in(folder.path(), &server), NOW).await;
    let first = first.unwrap();
    server.asked();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    }
    let (again, notes, _) = read(kept_in(folder.path(), &server), NOW).await;
    assert_eq!(again.unwrap(), first);
    assert_eq!(server.asked().len(), 2);
    let damaged = notes.iter().filter(|note| matches!(note, Note::DamagedCopy { .. })).count();
    assert_eq!(damaged, 2, "the listing and the chart: {notes:?}");
    assert!(notes.iter().any(|note| matches!(note, Note::NamesLost { .. })), "{notes:?}");
    server.answer("/chart/p-1", [Reply::json("<html>")]);
    let later = Time(NOW.0 + 2 * DAY_MS);
    for _ in 0..2 {
        let (old, notes, _) = read(kept_in(folder.path(), &server), later).await;
        assert_eq!(old.unwrap(), first, "an older copy is better than an error page");
        assert!(notes.iter().any(|note| matches!(note, Note::OlderCopy { .. })), "{notes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_renamed_between_two_listings_keeps_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_of_one().await;
    let (first, _, _) = read(kept_in(folder.path(), &server), NOW).await;
    let mut renamed = pool("p-1", "Ethereum", "USDC.E");
    renamed["project"] = "aave-horizon".into();
    server.answer("/pools", [listing(&[renamed])]);
    let later = Time(NOW.0 + 2 * DAY_MS);
    let (again, notes, _) = read(kept_in(folder.path(), &server), later).await;
    let (first, again) = (first.unwrap(), again.unwrap());
    assert_eq!(again[0].row, first[0].row, "the same market with the same numbers");
    assert_eq!(again[0].symbol.as_ref(), "USDC.E");
    let text = notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("aave-v3:1:p-1 was called aave-v3 USDC and is called"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_address_or_a_folder_that_cannot_be_used_is_refused_and_a_key_is_not_repeated() {
    for address in ["yields", "ftp://yields.example", "http://", "https://h/?key=secret"] {
        let settings = LlamaSettings { base_url: address.to_owned(), ..LlamaSettings::default() };
        let error = LlamaSource::open(settings).err().unwrap();
        assert!(matches!(error, AdapterError::BadAddress { .. }), "{address}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let cache = Some(CacheSettings { folder: file, max_age_days: 1.0 });
    let error = LlamaSource::open(LlamaSettings { cache, ..LlamaSettings::default() });
    assert!(matches!(error, Err(AdapterError::NoCache { .. })));
    let server = server_of_one().await;
    let kept = kept_in(folder.path(), &server);
    let keyed = LlamaSettings { base_url: format!("{}/secret/yields", server.url), ..kept };
    server.answer("/secret/yields/pools", [one_pool()]);
    let (all, notes, _) = read(keyed, NOW).await;
    let error = all.unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}/../chart/p-1: status 404", server.url)), "{error}");
    assert!(!format!("{notes:?}{error}").contains("secret"), "{notes:?}");
    assert_eq!(server.asked(), ["/secret/yields/pools", "/secret/yields/chart/p-1"]);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains("secret"), "nor is it written");
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_of_the_listing_will_do() {
    for end in ["/pools", "/pools/", "/"] {
        let server = server_of_one().await;
        let base_url = format!("{}{end}", server.url);
        let (all, _, _) = read(LlamaSettings { base_url, ..settings(&server) }, NOW).await;
        assert_eq!(all.unwrap().len(), 1, "{end}");
        assert_eq!(server.asked(), ["/pools", "/chart/p-1"], "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_not_asked_again_for_what_there_is_a_copy_of() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_of_one().await;
    let ids: Vec<String> = (0..9).map(|number| format!("p-{number}")).collect();
    let pools: Vec<_> = ids.iter().map(|id| pool(id, "Ethereum", "USDC")).collect();
    server.answer("/pools", [listing(&pools), Reply::never()]);
    for id in &ids {
        let points = chart(&[point("2024-01-01T23:01:14.123Z", 5.0)]);
        server.answer(&format!("/chart/{id}"), [points, Reply::never()]);
    }
    let mut kept = kept_in(folder.path(), &server);
    kept.requests.timeout = Duration::from_secs(60);
    read(kept.clone(), NOW).await.0.unwrap();
    server.asked();
    let_paused_time_run();
    let (again, notes, seconds) = read(kept, Time(NOW.0 + 2 * DAY_MS)).await;
    assert_eq!(again.unwrap().len(), 9);
    assert_eq!(server.asked(), ["/pools"; 4], "a dead network is waited for once");
    assert!(seconds < 4.0 * 60.0 + 7.1, "{seconds} s");
    let old = notes.iter().filter(|note| matches!(note, Note::OlderCopy { .. })).count();
    assert_eq!(old, 10, "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_asked_for_each_chart_but_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_of_one().await;
    server.answer("/pools", [listing(&["p-1", "p-2"].map(|id| pool(id, "Ethereum", "USDC")))]);
    server.answer("/chart/p-2", [chart(&[point("2024-01-01T20:00:00Z", 5.0)])]);
    read(kept_in(folder.path(), &server), NOW).await.0.unwrap();
    server.asked();
    for path in ["/pools", "/chart/p-1", "/chart/p-2"] {
        server.answer(path, [Reply::status(503)]);
    }
    let later = Time(NOW.0 + 2 * DAY_MS);
    let (again, notes, _) = read(kept_in(folder.path(), &server), later).await;
    assert_eq!(again.unwrap().len(), 2);
    let asked = ["/pools", "/pools", "/pools", "/pools", "/chart/p-1", "/chart/p-2"];
    assert_eq!(server.asked(), asked);
    let text = Note::summary(&notes).join("\n");
    assert!(text.contains("3 kept copies used, up to 2.0 days old"), "{text}");
    assert!(text.contains("/pools: status 503 Service Unavailable"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_was_looked_at_is_not_asked_for_twice() {
    let server = server_of_one().await;
    let pools = [pool("p-1", "Ethereum", "p-1"), pool("p-2", "Base", "p-2")];
    server.answer("/pools", [listing(&pools)]);
    let mut source = LlamaSource::open(settings(&server)).unwrap();
    let symbols: Vec<String> =
        source.listing(NOW).await.unwrap().iter().map(|pool| pool.symbol().to_owned()).collect();
    assert_eq!(symbols, ["p-1", "p-2"]);
    let ethereum = Selection { chains: vec![ChainId(1)], ..Selection::default() };
    let adapters = source.adapters(&ethereum, NOW, |_, _| {}).await.unwrap();
    assert_eq!(observed(adapters).await.len(), 1);
    assert_eq!(server.asked(), ["/pools", "/chart/p-1"]);
    let later = Time(NOW.0 + 1);
    source.adapters(&ethereum, later, |_, _| {}).await.unwrap();
    assert_eq!(server.asked(), ["/pools", "/chart/p-1"], "another time, another listing");
}

#[test]
fn the_tests_measure_the_waits_of_the_program() {
    // The defaults of the tests above are those of the program, so what they measure is what it does.
    let settings = RequestSettings::default();
    assert_eq!(settings.first_wait, Duration::from_secs(1));
    assert_eq!((settings.max_attempts.get(), settings.requests_per_minute.get()), (4, 120));
}
