//! Asking again: how often, how long apart, and how often it was needed.

use super::endpoint::Endpoint;
use super::nodes::Nodes;
use super::refusal::{Refusal, Refused};
use crate::pace::Backoff;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest that a node may have us wait: one that asks for an hour is asked again sooner, or given up.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// How often and how long apart something is asked again. Clones count together.
#[derive(Debug, Clone)]
pub struct Retries {
    /// How often in all; at least once.
    pub tries: u32,
    /// The first wait; each is about twice the one before.
    pub first_wait: Duration,
    /// The longest wait, unless the node asks for a longer one.
    pub longest_wait: Duration,
    /// How often it was needed.
    pub counts: Arc<Counts>,
}

/// What had to be done to be answered.
#[derive(Debug, Default)]
pub struct Counts {
    /// Questions that were asked again.
    pub repeated: AtomicU64,
    /// Refusals for being asked too often.
    pub too_often: AtomicU64,
    /// Ranges of blocks that were asked for in smaller parts.
    pub split: AtomicU64,
}

impl Counts {
    pub(super) fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Retries {
    /// Returns that nothing is asked again.
    #[must_use]
    pub fn none() -> Retries {
        let (first_wait, longest_wait) = (Duration::ZERO, Duration::ZERO);
        Retries { tries: 1, first_wait, longest_wait, counts: Arc::default() }
    }

    /// Asks until there is an answer, or a refusal that will not pass, or it was tried often enough.
    ///
    /// # Errors
    /// The last refusal.
    pub async fn run<T, E, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, E>
    where
        E: Refused,
        F: Future<Output = Result<T, E>>,
    {
        let mut attempt = 0;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempt += 1;
            if !self.waited(error.refusal(), attempt).await {
                return Err(error);
            }
        }
    }

    /// Waits before what failed in `attempt` (counted from 1) is asked again; false where it is not to be.
    pub(super) async fn waited(&self, refusal: Refusal, attempt: u32) -> bool {
        let asked = match refusal {
            Refusal::TooOften { wait } => {
                Counts::add(&self.counts.too_often);
                wait
            }
            Refusal::Passing { wait } => wait,
            Refusal::TooMuch { .. } => None,
            Refusal::Pruned | Refusal::Final => return false,
        };
        if attempt >= self.tries {
            return false;
        }
        Counts::add(&self.counts.repeated);
        let seed = self.counts.repeated.load(Ordering::Relaxed);
        let own = Backoff::new(self.first_wait, self.longest_wait, seed).after(attempt);
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        tokio::time::sleep(own.max(asked)).await;
        true
    }
}

impl Nodes {
    /// Returns the same nodes, asked again while what keeps them from answering may pass. For who has time: a live
    /// engine would rather look at the next block.
    #[must_use]
    pub fn patiently(mut self, retries: Retries) -> Nodes {
        self.retries = retries;
        self
    }

    /// How many questions were asked of all of them.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.endpoints.iter().map(Endpoint::asked).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[derive(Debug)]
    struct Said(Refusal);

    impl Refused for Said {
        fn refusal(&self) -> Refusal {
            self.0
        }
    }

    fn patient() -> Retries {
        let (first_wait, longest_wait) = (Duration::from_secs(1), Duration::from_secs(8));
        Retries { tries: 4, first_wait, longest_wait, counts: Arc::default() }
    }

    /// How often it was asked, and for how long it waited, where the first `bad` answers are refused.
    async fn asked(refusal: Refusal, bad: u32) -> (u32, Duration, bool) {
        let (count, start) = (Cell::new(0), tokio::time::Instant::now());
        let patient = patient();
        let answer = patient.run(|| {
            count.set(count.get() + 1);
            let is_bad = count.get() <= bad;
            async move { if is_bad { Err(Said(refusal)) } else { Ok(()) } }
        });
        let is_ok = answer.await.is_ok();
        (count.get(), start.elapsed(), is_ok)
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_that_passes_is_waited_out_and_the_rest_is_not() {
        let (count, waited, is_ok) = asked(Refusal::Passing { wait: None }, 2).await;
        assert!(is_ok && count == 3 && waited >= Duration::from_millis(1_500), "{waited:?}");
        let (count, _, is_ok) = asked(Refusal::Passing { wait: None }, 9).await;
        assert!(!is_ok && count == 4, "as often as allowed: {count}");
        for refusal in [Refusal::Final, Refusal::Pruned] {
            assert_eq!(asked(refusal, 9).await, (1, Duration::ZERO, false), "{refusal:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_is_waited_for_as_long_as_it_asks_within_reason() {
        let wait = |seconds| Some(Duration::from_secs(seconds));
        let (_, waited, _) = asked(Refusal::TooOften { wait: wait(30) }, 1).await;
        assert_eq!(waited.as_secs(), 30);
        let (_, waited, _) = asked(Refusal::TooOften { wait: wait(86_400) }, 1).await;
        assert_eq!(waited, LONGEST_ASKED);
    }
}
