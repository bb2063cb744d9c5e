//! How long to wait before a request, so that the server is not pressed.

use super::client::RequestSettings;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
