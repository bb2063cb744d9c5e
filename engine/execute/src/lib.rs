//! The asynchronous part: the traits [`Adapter`] and [`Executor`], the feed that joins adapters to a frame,
//! and the journal of what was decided and sent.

pub mod adapter;
pub mod chain;
pub mod executor;
pub mod feed;
pub mod journal;
pub mod killpoint;
pub mod live;
pub mod pace;
pub mod protocol;

pub use adapter::{Adapter, AdapterError};
pub use executor::{ExecuteError, Executor};
pub use feed::{Catalog, Feed, FeedError, MarketInfo, collect};
pub use protocol::{At, Protocol, Reading};
