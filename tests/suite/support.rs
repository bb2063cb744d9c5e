//! What the tests share: the binary, temporary folders, and real history where it is given.

use polars::prelude::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the binary without any setting of the caller's environment.
pub(crate) fn plimsoll(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLIMSOLL")) {
        command.env_remove(key);
    }
    command.args(arguments).output().expect("the binary runs")
}

/// The exit code of a run.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("the binary exits by itself")
}

/// What a run said to people.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// The document a run printed.
pub(crate) fn document(output: &Output) -> serde_json::Value {
    assert_eq!(code(output), 0, "{}", said(output));
    serde_json::from_slice(&output.stdout).expect("one JSON document on standard output")
}

/// The folder of real history.
///
/// `None`, with a printed reason, where it is not given; a failure where it is required and absent.
pub(crate) fn real_history() -> Option<String> {
    let folder = std::env::var("PLIMSOLL_DATA").ok().filter(|folder| Path::new(folder).is_dir());
    if folder.is_none() {
        let is_required = std::env::var("PLIMSOLL_REQUIRE_DATA").is_ok_and(|value| value == "1");
        assert!(!is_required, "PLIMSOLL_REQUIRE_DATA=1, but PLIMSOLL_DATA names no folder");
        println!("skipped: PLIMSOLL_DATA names no folder of real history");
    }
    folder
}

/// A made-up history: `markets` over `days`, by `seed`.
pub(crate) fn generated(folder: &Path, markets: u32, days: u32, seed: u64) -> PathBuf {
    let history = plimsoll_backtests::generate::History { markets, days, seed };
    plimsoll_backtests::generate::write(folder, &history).expect("a history is written");
    folder.join("synthetic_reserves_daily.parquet")
}

/// Reads a Parquet file.
pub(crate) fn read(path: &Path) -> DataFrame {
    let file = std::fs::File::open(path).expect("the file is there");
    ParquetReader::new(file).finish().expect("the file is Parquet")
}

/// Writes a Parquet file.
pub(crate) fn write(path: &Path, mut table: DataFrame) {
    let file = std::fs::File::create(path).expect("the folder is there");
    ParquetWriter::new(file).finish(&mut table).expect("the table is written");
}

/// A folder that is removed in the end, and its path as text.
pub(crate) fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display().to_string();
    (folder, path)
}

/// A number of a document.
pub(crate) fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}
