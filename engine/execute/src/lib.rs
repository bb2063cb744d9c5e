//! The asynchronous part: the traits [`Adapter`] and [`Executor`], and the feed that joins adapters to
//! a frame.

pub mod adapter;
pub mod executor;
pub mod feed;

pub use adapter::{Adapter, AdapterError};
pub use executor::{ExecuteError, Executor};
pub use feed::{Catalog, Feed, FeedError, MarketInfo, collect};
