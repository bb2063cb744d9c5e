//! The words of `plimsoll ingest`.

use crate::live::settings::Hidden;
use alloy::primitives::Address;
use clap::Args;
use plimsoll_core::MarketId;
use std::convert::Infallible;
use std::num::NonZeroU64;
use std::path::PathBuf;

/// Options of `ingest`. Markets and prices come from `[ingest]` of the settings, or from `[live]`.
#[derive(Debug, Clone, Args)]
pub(crate) struct IngestOptions {
    /// A node over HTTP, or env:NAME for one whose address is in the environment. With several, all have to give
    /// the same answers. Old states need an archive node
    #[arg(long, value_name = "URL", required = true, value_parser = parse_node)]
    pub(crate) rpc: Vec<Hidden>,
    /// First block
    #[arg(long, value_name = "N")]
    pub(crate) from_block: u64,
    /// Last block
    #[arg(long, value_name = "M")]
    pub(crate) to_block: u64,
    /// Folder to write to; a run that was interrupted goes on there, and a later --to-block adds to it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Markets by id; of the configured ones, or in addition to them. All configured ones without it
    #[arg(long, value_delimiter = ',', value_name = "ID,..", value_parser = parse_market)]
    pub(crate) market: Vec<MarketId>,
    /// The pool of Aave V3 markets that are named by id alone
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) aave_pool: Option<Address>,
    /// Read the markets every so many blocks; at every block by default
    #[arg(long, value_name = "N", conflicts_with = "every_seconds")]
    pub(crate) every: Option<NonZeroU64>,
    /// Read the markets at the first block of every so many seconds, such as 3600 for each hour
    #[arg(long, value_name = "S")]
    pub(crate) every_seconds: Option<NonZeroU64>,
    /// Blocks of a part: what is read, written and noted at once
    #[arg(long, value_name = "N", default_value = "7200")]
    pub(crate) chunk_blocks: NonZeroU64,
    /// Questions that may be open at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) concurrency: u8,
    /// How often each question is tried
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) tries: u32,
    /// The wait before the second try, milliseconds; each later one is about twice as long, up to 30 seconds
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub(crate) first_wait_ms: u64,
    /// How long an answer may take, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) timeout_ms: u64,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_node(text: &str) -> Result<Hidden, Infallible> {
    Ok(Hidden::new(text.to_owned()))
}

fn parse_market(text: &str) -> Result<MarketId, String> {
    let id: Result<MarketId, _> = text.parse();
    id.map_err(|error| error.to_string())
}
