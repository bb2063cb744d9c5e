//! The settings of DefiLlama's interface.

use crate::config::Positive;
use crate::observatory::Wanted;
use plimsoll_adapters::llama::{PoolFilter, RequestSettings};
use plimsoll_core::{Denomination, MarketId};
use serde::Deserialize;
use std::num::NonZeroU32;
use std::time::Duration;

/// Hours in a day.
const DAY_HOURS: f64 = 24.0;

/// How DefiLlama is asked, and for which pools.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Llama {
    /// Age at which a kept answer is fetched again.
    fresh_hours: Positive,
    /// Least total value of a pool that is not held.
    min_tvl_usd: Usd,
    /// At most this many pools are read, the largest.
    max_pools: NonZeroU32,
    /// Requests a minute, over all pools.
    requests_per_minute: NonZeroU32,
    /// How often a request is made before it has failed.
    max_attempts: NonZeroU32,
    /// How long one request may take.
    timeout_seconds: Seconds,
    /// The wait after a first failure; it doubles with each further one.
    first_wait_seconds: Seconds,
    /// The longest wait between attempts; a server that asks for more has refused.
    longest_wait_seconds: Seconds,
}

/// USD, zero or more.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Usd(f64);

/// A span of time from a millisecond to a day.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Seconds(Duration);

impl TryFrom<f64> for Usd {
    type Error = String;

    fn try_from(value: f64) -> Result<Usd, String> {
        let is_value = value.is_finite() && value >= 0.0;
        is_value.then_some(Usd(value)).ok_or_else(|| format!("{value} is not a number from 0"))
    }
}

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(value: f64) -> Result<Seconds, String> {
        let is_span = (0.001..=86_400.0).contains(&value);
        let span = is_span.then(|| Duration::try_from_secs_f64(value).ok()).flatten();
        span.map(Seconds)
            .ok_or_else(|| format!("{value} is not a number of seconds from 0.001 to 86400"))
    }
}

impl Default for Llama {
    fn default() -> Llama {
        let (requests, pools) = (RequestSettings::default(), PoolFilter::default());
        let max_pools = u32::try_from(pools.max_pools).ok().and_then(NonZeroU32::new);
        Llama {
            fresh_hours: Positive(6.0),
            min_tvl_usd: Usd(pools.min_tvl_usd),
            max_pools: max_pools.unwrap_or(NonZeroU32::MAX),
            requests_per_minute: requests.requests_per_minute,
            max_attempts: requests.max_attempts,
            timeout_seconds: Seconds(requests.timeout),
            first_wait_seconds: Seconds(requests.first_wait),
            longest_wait_seconds: Seconds(requests.longest_wait),
        }
    }
}

impl Llama {
    /// Age at which a kept answer is fetched again.
    pub(super) fn max_age_days(&self) -> f64 {
        self.fresh_hours.0 / DAY_HOURS
    }

    /// How the server is asked.
    pub(super) fn requests(&self) -> RequestSettings {
        let requests = RequestSettings::default();
        RequestSettings {
            connect_timeout: requests.connect_timeout.min(self.timeout_seconds.0),
            timeout: self.timeout_seconds.0,
            max_attempts: self.max_attempts,
            first_wait: self.first_wait_seconds.0,
            longest_wait: self.longest_wait_seconds.0,
            requests_per_minute: self.requests_per_minute,
            seed: requests.seed,
        }
    }

    /// The pools that `wanted` names, on any chain.
    pub(super) fn filter(&self, wanted: &Wanted<'_>) -> PoolFilter {
        let mut filter = PoolFilter {
            min_tvl_usd: self.min_tvl_usd.0,
            max_pools: usize::try_from(self.max_pools.get()).unwrap_or(usize::MAX),
            held: wanted.held.to_vec(),
            ..PoolFilter::default()
        };
        match Denomination::from(wanted.asset.to_uppercase()) {
            Denomination::Own(name) if name == "ALL" => {}
            Denomination::Own(_) => filter.symbols = vec![wanted.asset.trim().to_owned()],
            unit => filter.unit = Some(unit),
        }
        filter.held.extend(wanted.asset.parse::<MarketId>());
        filter
    }
}
