//! How long to wait after a request that failed.

use plimsoll_core::Time;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use std::time::Duration;

/// Waits that double, each shortened by chance so that many clients do not return at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    random: ChaCha8Rng,
}

impl Backoff {
    /// Returns a backoff that has not waited yet.
    #[must_use]
    pub fn new(first: Duration, longest: Duration, seed: u64) -> Backoff {
        Backoff { first, longest, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Returns the wait after the failure of `attempt`, counted from 1: between half and all of it.
    pub fn after(&mut self, attempt: u32) -> Duration {
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        whole.mul_f64(self.random.random_range(0.5..1.0))
    }
}

/// Returns how long an answer asks to wait: `Retry-After` in seconds, or as a date.
///
/// The date is read against the server's own `Date`, so that our clock need not agree with its clock; where there
/// is none, against `now`, and is nothing without it.
///
/// # Source
/// RFC 9110, sections 5.6.7 and 10.2.3.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Option<Time>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(headers, &RETRY_AFTER)?;
    let now = date(headers, &DATE).or(now)?;
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
    fn waits_double_up_to_the_longest_and_come_again_with_the_same_seed() {
        let waits = || {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10), 7);
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
        let wait = |pairs: &[(HeaderName, &str)]| retry_after(&headers(pairs), Some(Time(0)));
        assert_eq!(wait(&[(RETRY_AFTER, " 7 ")]), Some(Duration::from_secs(7)));
        let until = (RETRY_AFTER, "Wed, 21 Oct 2015 07:28:00 GMT");
        let now = (DATE, "Wed, 21 Oct 2015 07:27:30 GMT");
        assert_eq!(wait(&[until.clone(), now]), Some(Duration::from_secs(30)));
        let past = (DATE, "Wed, 21 Oct 2015 08:00:00 GMT");
        assert_eq!(wait(&[until.clone(), past]), Some(Duration::ZERO));
        // 1,445,412,480 s is that date, by hand.
        let by_ours = |now| retry_after(&headers(std::slice::from_ref(&until)), now);
        assert_eq!(by_ours(Some(Time(1_445_412_475_000))), Some(Duration::from_secs(5)));
        assert_eq!(by_ours(None), None);
        for nothing in ["", "soon", "-1", "1e9"] {
            assert_eq!(wait(&[(RETRY_AFTER, nothing)]), None);
        }
        assert_eq!(wait(&[]), None);
    }
}
