//! The HTTP client: paced, patient with a server in trouble, and never for ever.

use super::pace::Bucket;
use super::schema::Flaw;
use plimsoll_core::Time;
use plimsoll_execute::AdapterError;
use plimsoll_execute::pace::{Backoff, retry_after};
use reqwest::{StatusCode, Url};
use std::error::Error;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// An answer larger than this is none of DefiLlama's: its whole listing is a tenth of it.
const LARGEST_BYTES: usize = 128 << 20;

/// How a server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSettings {
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one request may take, its answer included.
    pub timeout: Duration,
    /// How often a request is made before it has failed.
    pub max_attempts: NonZeroU32,
    /// The wait after a first failure; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait between attempts; a server that asks for more has refused.
    pub longest_wait: Duration,
    /// How many requests are made in a minute, over all pools.
    pub requests_per_minute: NonZeroU32,
    /// The seed of the chance in the waits.
    pub seed: u64,
}

impl Default for RequestSettings {
    fn default() -> RequestSettings {
        const FOUR: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
        const TWICE_A_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
        RequestSettings {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            max_attempts: FOUR,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            requests_per_minute: TWICE_A_SECOND,
            seed: 0,
        }
    }
}

/// What is asked for, and how messages call it.
pub(super) struct Address {
    /// Where it is.
    pub(super) url: Url,
    /// The same without what may be secret.
    pub(super) shown: String,
}

/// The client of one server. All its requests share one pace.
pub(super) struct Client {
    http: reqwest::Client,
    settings: RequestSettings,
    bucket: Bucket,
    backoff: Backoff,
    /// How the last request ended.
    last: Last,
}

/// How a request ended, after all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// With an answer, if only a refusal.
    Answered,
    /// In the server's trouble: the next request has a single attempt, so that a run ends soon.
    InTrouble,
    /// In silence, which is the same to all requests.
    Silent,
}

/// Why an attempt failed.
enum Failure {
    /// No answer.
    Silent(String),
    /// Half an answer.
    Broken(String),
    /// An answer that is not 200, with the wait it asks for.
    Status(StatusCode, Option<Duration>),
    /// A whole answer that is not what it should be.
    Wrong(String),
}

impl Client {
    /// Returns a client for the server of `base`. Nothing is sent yet.
    pub(super) fn new(base: &Address, settings: RequestSettings) -> Result<Client, AdapterError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout);
        if matches!(base.url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
            // A server on this machine is asked directly, whatever proxy the environment names.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| AdapterError::Http {
            url: base.shown.clone(),
            status: None,
            attempts: 0,
            detail: plain(error),
        })?;
        let (bucket, backoff) = (
            Bucket::new(&settings),
            Backoff::new(settings.first_wait, settings.longest_wait, settings.seed),
        );
        Ok(Client { http, settings, bucket, backoff, last: Last::Answered })
    }

    /// Whether the last request got no answer at all: another would hardly get one, but wait as long.
    pub(super) fn is_silent(&self) -> bool {
        self.last == Last::Silent
    }

    /// Fetches `address` until `read` accepts the answer, and returns what it read with the answer.
    ///
    /// No answer, half an answer, 408, 429 and 5xx are tried again; nothing else is.
    ///
    /// # Errors
    /// [`AdapterError::Http`] and [`AdapterError::Payload`], with the number of attempts.
    pub(super) async fn fetch<T>(
        &mut self,
        address: &Address,
        now: Time,
        read: impl Fn(&[u8]) -> Result<T, Flaw>,
    ) -> Result<(T, Vec<u8>), AdapterError> {
        let is_well = self.last == Last::Answered;
        let allowed = if is_well { self.settings.max_attempts.get() } else { 1 };
        let mut attempt = 1;
        loop {
            sleep(self.bucket.take(Instant::now())).await;
            let failure = match self.exchange(address, now).await {
                Ok(body) => match read(&body) {
                    Ok(value) => {
                        self.last = Last::Answered;
                        return Ok((value, body));
                    }
                    Err(flaw) if flaw.is_cut => Failure::Broken(flaw.detail),
                    Err(flaw) => Failure::Wrong(flaw.detail),
                },
                Err(failure) => failure,
            };
            match self.wait_after(&failure, attempt) {
                Some(wait) if attempt < allowed => sleep(wait).await,
                _ => {
                    self.last = failure.leaves();
                    return Err(failure.into_error(address, attempt));
                }
            }
            attempt += 1;
        }
    }

    /// Makes one request and reads its whole answer. The timeouts of the client hold for both.
    async fn exchange(&self, address: &Address, now: Time) -> Result<Vec<u8>, Failure> {
        // Paused time would run on to the timeout while a real socket is waited for.
        #[cfg(test)]
        let _still = super::paused::hold_paused_time();
        let silent = |error: reqwest::Error| Failure::Silent(plain(error));
        let broken = |error: reqwest::Error| Failure::Broken(plain(error));
        let mut response = self.http.get(address.url.clone()).send().await.map_err(silent)?;
        if response.status() != StatusCode::OK {
            let wait = retry_after(response.headers(), Some(now));
            return Err(Failure::Status(response.status(), wait));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_BYTES {
                return Err(Failure::Wrong(format!("it is longer than {LARGEST_BYTES} bytes")));
            }
        }
        Ok(body)
    }

    /// How long to wait before another attempt; `None` where another would not help.
    fn wait_after(&mut self, failure: &Failure, attempt: u32) -> Option<Duration> {
        let wait = self.backoff.after(attempt);
        match failure {
            Failure::Silent(_) | Failure::Broken(_) => Some(wait),
            Failure::Wrong(_) => None,
            Failure::Status(status, asked) => {
                let wait = asked.map_or(wait, |asked| asked.max(wait));
                (AdapterError::is_passing(status.as_u16()) && wait <= self.settings.longest_wait)
                    .then_some(wait)
            }
        }
    }
}

impl Failure {
    /// What the next request should know of it.
    fn leaves(&self) -> Last {
        match self {
            Failure::Silent(_) => Last::Silent,
            Failure::Broken(_) => Last::InTrouble,
            Failure::Status(status, _) if AdapterError::is_passing(status.as_u16()) => {
                Last::InTrouble
            }
            Failure::Status(..) | Failure::Wrong(_) => Last::Answered,
        }
    }

    fn into_error(self, address: &Address, attempts: u32) -> AdapterError {
        let url = address.shown.clone();
        match self {
            Failure::Silent(detail) | Failure::Broken(detail) => {
                AdapterError::Http { url, status: None, attempts, detail }
            }
            Failure::Wrong(detail) => AdapterError::Payload { url, attempts, detail },
            Failure::Status(status, asked) => {
                let wait = asked.map(|wait| format!(", to be tried again in {} s", wait.as_secs()));
                AdapterError::Http {
                    url,
                    status: Some(status.as_u16()),
                    attempts,
                    detail: format!("status {status}{}", wait.unwrap_or_default()),
                }
            }
        }
    }
}

/// What went wrong, down to its cause, without the address: that may hold a key.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        texts.push(inner.to_string());
        cause = inner.source();
    }
    texts.dedup();
    texts.join(": ")
}
