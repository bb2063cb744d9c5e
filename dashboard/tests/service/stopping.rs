//! Time limits, and stopping in good order.

use crate::support::{start, start_with, within};
use crate::world::{decision, health};
use plimsoll_dashboard::{ServiceError, Settings, Span, listen};
use std::sync::{Arc, Mutex, mpsc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

type Answered =
    Result<Vec<plimsoll_dashboard::view::DecisionView>, Box<dyn std::error::Error + Send + Sync>>;

/// A journal that answers when it is told to, and says when it was asked.
fn slow_journal() -> (mpsc::Sender<()>, Arc<Notify>, impl Fn(Span) -> Answered + Send + Sync) {
    let (release, waiting) = mpsc::channel();
    let (waiting, asked) = (Mutex::new(waiting), Arc::new(Notify::new()));
    let told = Arc::clone(&asked);
    let answer = move |_| {
        told.notify_one();
        // Released by the test, or by its end.
        let _released = waiting.lock().unwrap().recv();
        Ok(vec![decision(3)])
    };
    (release, asked, answer)
}

#[tokio::test]
async fn stopping_lets_a_slow_request_finish_and_takes_no_new_one() {
    let (release, asked, journal) = slow_journal();
    let running = start_with(Settings::default(), Arc::new(journal)).await;
    let url = running.url("/v1/decisions?after=0");
    let request = tokio::spawn(running.client.get(url).send());
    within(asked.notified()).await;
    let address = running.address.clone();
    running.stop.cancel();
    within(async {
        while TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!running.served.is_finished(), "it waits for the request");
    release.send(()).unwrap();
    let answer = within(request).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("\"id\":3"));
    within(running.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn stopping_ends_every_stream_and_idle_connection() {
    let running = start(Settings { drain_seconds: 3_600, ..Settings::default() }).await;
    running.publisher.health(health());
    let mut stream = running.client.get(running.url("/v1/events")).send().await.unwrap();
    assert_eq!(running.get("/readyz").await.status, 200, "its connection stays open, idle");
    running.stop.cancel();
    let end = within(stream.chunk()).await.unwrap();
    assert!(end.is_none(), "the stream ends and is not cut: {end:?}");
    within(running.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_does_not_finish_in_time_is_cut() {
    let (release, asked, journal) = slow_journal();
    let settings = Settings { drain_seconds: 0, ..Settings::default() };
    let running = start_with(settings, Arc::new(journal)).await;
    let request = tokio::spawn(running.client.get(running.url("/v1/decisions?after=0")).send());
    within(asked.notified()).await;
    running.stop.cancel();
    within(running.served).await.unwrap().unwrap();
    assert!(within(request).await.unwrap().is_err(), "the answer never came");
    drop(release);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let (release, _, journal) = slow_journal();
    let settings = Settings { request_seconds: 1, ..Settings::default() };
    let running = start_with(settings, Arc::new(journal)).await;
    let answer = within(running.get("/v1/decisions?after=0")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["type"], "urn:plimsoll:problem:too-slow");
    drop(release);
    running.stopped().await;
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_an_error_without_its_details() {
    let journal = |_| Err("/home/someone/journal.db is locked".into());
    let running = start_with(Settings::default(), Arc::new(journal)).await;
    let answer = running.get("/v1/decisions?after=0").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["type"], "urn:plimsoll:problem:internal");
    assert!(!answer.text.contains("someone"), "{}", answer.text);
    running.stopped().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let running = start(Settings { connections: 1, ..Settings::default() }).await;
    let request = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", running.address);
    let mut part = [0; 4096];
    let mut first = TcpStream::connect(&running.address).await.unwrap();
    first.write_all(request.as_bytes()).await.unwrap();
    assert!(within(first.read(&mut part)).await.unwrap() > 0);
    let mut second = TcpStream::connect(&running.address).await.unwrap();
    second.write_all(request.as_bytes()).await.unwrap();
    // The first is answered again and again, the second not at all.
    for _ in 0..20 {
        first.write_all(request.as_bytes()).await.unwrap();
        assert!(within(first.read(&mut part)).await.unwrap() > 0);
        let mut none = [0; 1];
        assert!(second.try_read(&mut none).is_err(), "it has no place yet");
    }
    drop(first);
    assert!(within(second.read(&mut part)).await.unwrap() > 0);
    drop(second);
    running.stopped().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let running = start(Settings::default()).await;
    let error = listen(running.address.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, ServiceError::Listen { .. }));
    assert!(error.to_string().contains(&running.address), "{error}");
    running.stopped().await;
}
