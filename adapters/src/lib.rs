//! Sources of market rows: one file per protocol or kind of source.
//!
//! Recorded history in Parquet, and advertised yields over HTTP. A source refuses a file or an answer
//! that differs from what its kind needs, and never fills in a missing value.

mod apy;
pub mod ingest;
pub mod live;
pub mod llama;
pub mod parquet;
mod recorded;
mod recorder;

pub use llama::{LlamaSettings, LlamaSource};
pub use parquet::{ParquetSource, Selection};
pub use recorder::{RecordError, Recorder};
