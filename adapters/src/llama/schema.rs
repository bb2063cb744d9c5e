//! What DefiLlama's answers look like, as far as this source reads them.
//!
//! Every field may be null or absent, and fields that are not named here are ignored. An entry that
//! cannot be read is counted and left out; an answer that is no listing at all is refused.

use plimsoll_core::Time;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A pool of the listing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Pool {
    /// Its UUID.
    #[serde(rename = "pool")]
    id: Option<String>,
    project: Option<String>,
    chain: Option<String>,
    symbol: Option<String>,
    /// Total value today, USD; of a lending pool what is left to borrow.
    #[serde(rename = "tvlUsd")]
    pub tvl_usd: Option<f64>,
    /// Whether all its assets are stablecoins.
    pub stablecoin: Option<bool>,
}

impl Pool {
    /// The UUID. It is part of an address, so nothing but letters, digits and hyphens is let through.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let id = self.id.as_deref()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (!id.is_empty() && id.len() <= 64 && id.bytes().all(is_plain)).then_some(id)
    }

    /// The project, where it can be part of a market id.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        let project = self.project.as_deref()?.trim();
        (!project.is_empty() && !project.contains(':')).then_some(project)
    }

    /// What DefiLlama calls the chain; empty where it says nothing.
    #[must_use]
    pub fn chain(&self) -> &str {
        self.chain.as_deref().unwrap_or_default().trim()
    }

    /// The name of its assets; empty where there is none.
    #[must_use]
    pub fn symbol(&self) -> &str {
        self.symbol.as_deref().unwrap_or_default().trim()
    }
}

/// A point of a chart.
///
/// # Units
/// USD and percent APY, as DefiLlama gives them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    /// When it was taken.
    pub(super) time: Time,
    /// Total value.
    pub(super) tvl_usd: Option<f64>,
    /// Base and rewards together.
    pub(super) apy_pct: Option<f64>,
    /// What the pool itself pays.
    pub(super) apy_base_pct: Option<f64>,
    /// What is paid on top in other tokens.
    pub(super) apy_reward_pct: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    timestamp: String,
    tvl_usd: Option<f64>,
    apy: Option<f64>,
    apy_base: Option<f64>,
    apy_reward: Option<f64>,
}

/// The entries of an answer that could be read.
#[derive(Debug, PartialEq)]
pub(super) struct Entries<T> {
    /// Those that could, in the order of the answer.
    pub(super) read: Vec<T>,
    /// How many could not.
    pub(super) unreadable: usize,
}

/// What is wrong with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// In words.
    pub(super) detail: String,
    /// Whether the answer ends before it is complete.
    pub(super) is_cut: bool,
}

/// Reads the answer of `/pools`.
pub(super) fn pools(body: &[u8]) -> Result<Entries<Pool>, Flaw> {
    entries(body, |pool: Pool| (pool.id().is_some() && pool.project().is_some()).then_some(pool))
}

/// Reads the answer of `/chart/{pool}`.
pub(super) fn chart(body: &[u8]) -> Result<Entries<Reading>, Flaw> {
    entries(body, |point: Point| {
        let at = chrono::DateTime::parse_from_rfc3339(&point.timestamp).ok()?;
        Some(Reading {
            time: Time(at.timestamp_millis()),
            tvl_usd: point.tvl_usd,
            apy_pct: point.apy,
            apy_base_pct: point.apy_base,
            apy_reward_pct: point.apy_reward,
        })
    })
}

#[derive(Deserialize)]
struct Answer<T> {
    status: Option<String>,
    data: Option<Vec<Entry<T>>>,
}

/// An entry as it should be, or anything else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry<T> {
    Known(T),
    Other(IgnoredAny),
}

fn entries<E: DeserializeOwned, T>(
    body: &[u8],
    usable: impl Fn(E) -> Option<T>,
) -> Result<Entries<T>, Flaw> {
    let answer: Answer<E> = serde_json::from_slice(body).map_err(|error| flaw(body, &error))?;
    let refused = |detail: String| Flaw { detail, is_cut: false };
    if let Some(status) = answer.status.filter(|status| status != "success") {
        return Err(refused(format!("its status is {status:?}, not \"success\"")));
    }
    let data = answer.data.ok_or_else(|| refused("it has no `data`".to_owned()))?;
    let count = data.len();
    let known = data.into_iter().filter_map(|entry| match entry {
        Entry::Known(entry) => usable(entry),
        Entry::Other(IgnoredAny) => None,
    });
    let read: Vec<T> = known.collect();
    Ok(Entries { unreadable: count - read.len(), read })
}

/// The flaw of a body that is not the JSON it should be: with its beginning, which tells a gateway's
/// error page at a glance.
fn flaw(body: &[u8], error: &serde_json::Error) -> Flaw {
    if error.is_eof() {
        let detail = format!("the answer ends after {} bytes, in the middle", body.len());
        return Flaw { detail, is_cut: true };
    }
    let text = String::from_utf8_lossy(body);
    let beginning: String = text.trim_start().chars().take(60).collect();
    Flaw { detail: format!("it is {beginning:?}..: {error}"), is_cut: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_but_the_id_and_the_project_may_be_missing() {
        let body = br#"{"status":"success","data":[
            {"pool":"a-1","project":"p","chain":null,"symbol":null,"tvlUsd":null,"new":{"x":[1]}},
            {"pool":null,"project":"p"}, {"pool":"../x","project":"p"}, {"pool":"b","project":"p:q"},
            {"pool":"c","project":" "}, 7, null, {"pool":"d","project":"p","tvlUsd":"1"}]}"#;
        let found = pools(body).unwrap();
        assert_eq!(found.unreadable, 7);
        assert_eq!(found.read.len(), 1);
        let pool = &found.read[0];
        assert_eq!((pool.id(), pool.project()), (Some("a-1"), Some("p")));
        assert_eq!((pool.chain(), pool.symbol(), pool.tvl_usd), ("", "", None));
    }

    #[test]
    fn a_point_needs_a_time_alone() {
        let body = br#"{"status":"success","data":[
            {"timestamp":"2024-01-01T23:01:14.123Z","tvlUsd":5,"apy":0,"apyBase":null},
            {"timestamp":null,"apy":1}, {"timestamp":"yesterday","apy":1}]}"#;
        let found = chart(body).unwrap();
        assert_eq!(found.unreadable, 2);
        let expected = Reading {
            time: Time(1_704_150_074_123),
            tvl_usd: Some(5.0),
            apy_pct: Some(0.0),
            apy_base_pct: None,
            apy_reward_pct: None,
        };
        assert_eq!(found.read, [expected]);
    }

    #[test]
    fn an_answer_that_is_no_listing_says_what_it_is() {
        let detail = |body: &[u8]| chart(body).unwrap_err();
        assert_eq!(
            detail(br#"{"status":"error","message":"no"}"#).detail,
            "its status is \"error\", not \"success\""
        );
        assert_eq!(detail(br#"{"status":"success"}"#).detail, "it has no `data`");
        let page = detail(b"<!DOCTYPE html><html><body>502</body></html>");
        assert!(page.detail.contains("<!DOCTYPE html>") && !page.is_cut, "{page:?}");
        assert!(detail(b"").is_cut);
        assert!(detail(br#"{"status":"success","data":[{"timest"#).is_cut);
        assert!(!detail(br#""invalid configID!""#).is_cut);
    }
}
