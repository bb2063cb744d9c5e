//! Advertised pool yields from DefiLlama, or from any server that speaks its interface.
//!
//! Two calls are made: `GET /pools` lists what there is today, and `GET /chart/{pool}` gives one pool's
//! history, a reading a day. Answers are kept in a folder, so that a second run needs no network.
//!
//! What this source cannot say, and so leaves null: a share price (advertised rates earn nothing in a
//! replay), a price, utilization, and what can be withdrawn. It says in its [`Note`]s that pools are
//! chosen by what they are today, so that its past holds the survivors only. A chart holds no names: a
//! pool bears its name of today in all its past.
//!
//! # Units
//! DefiLlama's rates are APY in percent; here they become APR fractions, as in the Parquet source.
//! `tvlUsd` is taken as it is: of a lending pool that is supply less borrows, not its size.
//!
//! # Source
//! `DefiLlama/yield-server`, `src/api/controllers` (`enriched.js`, `yield.js`): a chart has the last
//! reading of each UTC day, and a pool is named by a UUID that outlives its symbol and project.

mod cache;
mod choose;
mod client;
mod history;
mod note;
mod pace;
mod registry;
mod row;
mod schema;
mod source;

pub use cache::CacheSettings;
pub use choose::PoolFilter;
pub use client::RequestSettings;
pub use note::Note;
pub use schema::Pool;
pub use source::LlamaSource;

/// Where DefiLlama serves its yields.
pub const DEFAULT_URL: &str = "https://yields.llama.fi";

/// How the source asks, for which pools, and where it keeps the answers.
///
/// There is no `Debug`: the address of a paid plan holds its key.
#[derive(Clone)]
pub struct LlamaSettings {
    /// The address that `/pools` and `/chart/{pool}` are appended to.
    pub base_url: String,
    /// Where answers are kept; without it everything is fetched in every run.
    pub cache: Option<CacheSettings>,
    /// Which pools are read.
    pub pools: PoolFilter,
    /// How the server is asked.
    pub requests: RequestSettings,
}

impl Default for LlamaSettings {
    fn default() -> LlamaSettings {
        LlamaSettings {
            base_url: DEFAULT_URL.to_owned(),
            cache: None,
            pools: PoolFilter::default(),
            requests: RequestSettings::default(),
        }
    }
}

#[cfg(test)]
mod paused;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_network;
