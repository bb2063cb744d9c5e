//! Sources of market rows: one file per protocol or kind of source.
//!
//! Only the Parquet source of recorded history is here yet. It refuses a file whose columns or types
//! differ from what its kind needs, and never fills in a missing value.

pub mod parquet;

pub use parquet::{ParquetSource, Selection};
