//! How long to wait: before a request, so that the server is not pressed, and after one that failed.

use super::client::RequestSettings;
use plimsoll_core::Time;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use std::time::Duration;
use tokio::time::Instant;

/// Requests that may be made at once after a pause.
const BURST: u32 = 5;

/// A bucket of tokens, one for each request: any minute sees at most a minute's requests and a burst.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    burst: f64,
    per_second: f64,
    last: Option<Instant>,
}

impl Bucket {
    /// Returns a full bucket.
    pub(super) fn new(settings: &RequestSettings) -> Bucket {
        let burst = f64::from(BURST.min(settings.requests_per_minute.get()));
        let per_second = f64::from(settings.requests_per_minute.get()) / 60.0;
        Bucket { tokens: burst, burst, per_second, last: None }
    }

    /// Takes a token and returns how long to wait for it.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        let passed = self.last.map(|last| now.saturating_duration_since(last));
        let gained = passed.unwrap_or_default().as_secs_f64() * self.per_second;
        self.last = Some(now);
        self.tokens = (self.tokens + gained).min(self.burst) - 1.0;
        let lacking = (-self.tokens).max(0.0);
        Duration::try_from_secs_f64(lacking / self.per_second).unwrap_or_default()
    }
}

/// Waits that double, each shortened by chance so that many clients do not return at once.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    random: ChaCha8Rng,
}

impl Backoff {
    /// Returns a backoff that has not waited yet.
    pub(super) fn new(settings: &RequestSettings) -> Backoff {
        Backoff {
            first: settings.first_wait,
            longest: settings.longest_wait,
            random: ChaCha8Rng::seed_from_u64(settings.seed),
        }
    }

    /// Returns the wait after the failure of `attempt`, counted from 1: between half and all of it.
    pub(super) fn after(&mut self, attempt: u32) -> Duration {
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        whole.mul_f64(self.random.random_range(0.5..1.0))
    }
}

/// Returns how long an answer asks to wait: `Retry-After` in seconds, or as a date.
///
/// The date is read against the server's own `Date`, so that our clock need not agree with its clock.
///
/// # Source
/// RFC 9110, sections 5.6.7 and 10.2.3.
pub(super) fn retry_after(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(headers, &RETRY_AFTER)?;
    let now = date(headers, &DATE).unwrap_or(now);
    Some(Duration::from_millis(u64::try_from(until.0.saturating_sub(now.0)).unwrap_or_default()))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<Time> {
    let text = headers.get(name)?.to_str().ok()?;
    let at = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(Time(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_one_token_each_interval() {
        let per_minute = 60.try_into().unwrap();
        let settings =
            RequestSettings { requests_per_minute: per_minute, ..RequestSettings::default() };
        let mut bucket = Bucket::new(&settings);
        let start = Instant::now();
        let waits: Vec<u64> = (0..8).map(|_| bucket.take(start).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 3], "one token a second after the burst");
        let later = start + Duration::from_secs(3600);
        let waits: Vec<u64> = (0..6).map(|_| bucket.take(later).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1], "a long pause saves no more than the burst");
    }

    #[test]
    fn waits_double_up_to_the_longest_and_come_again_with_the_same_seed() {
        let settings = RequestSettings {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(10),
            ..RequestSettings::default()
        };
        let waits = || {
            let mut backoff = Backoff::new(&settings);
            (1..=40).map(|attempt| backoff.after(attempt)).collect::<Vec<_>>()
        };
        for (wait, whole) in waits().iter().zip([1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]) {
            let seconds = wait.as_secs_f64();
            assert!((whole / 2.0..=whole).contains(&seconds), "{seconds} of {whole}");
        }
        assert_eq!(waits(), waits());
        assert!(waits()[39] <= Duration::from_secs(10), "an exponent does not overflow");
    }

    #[test]
    fn a_retry_after_is_seconds_or_a_date_and_anything_else_is_nothing() {
        let wait = |pairs: &[(HeaderName, &str)]| retry_after(&headers(pairs), Time(0));
        assert_eq!(wait(&[(RETRY_AFTER, " 7 ")]), Some(Duration::from_secs(7)));
        let until = (RETRY_AFTER, "Wed, 21 Oct 2015 07:28:00 GMT");
        let now = (DATE, "Wed, 21 Oct 2015 07:27:30 GMT");
        assert_eq!(wait(&[until.clone(), now]), Some(Duration::from_secs(30)));
        let past = (DATE, "Wed, 21 Oct 2015 08:00:00 GMT");
        assert_eq!(wait(&[until.clone(), past]), Some(Duration::ZERO));
        // 1,445,412,480 s is that date, by hand.
        let wait_by_ours = retry_after(&headers(&[until]), Time(1_445_412_475_000));
        assert_eq!(wait_by_ours, Some(Duration::from_secs(5)));
        for nothing in ["", "soon", "-1", "1e9"] {
            assert_eq!(wait(&[(RETRY_AFTER, nothing)]), None);
        }
        assert_eq!(wait(&[]), None);
    }
}
