//! The scorecard of the forecasts on made-up history: no look-ahead, and what is refused.

use crate::models_score::{assert_has_the_promised_names, score};
use crate::support::{code, document, folder, generated, plimsoll, read, said};
use polars::prelude::*;
use std::path::Path;

#[test]
fn rows_more_than_seven_days_after_the_last_scored_day_change_nothing() {
    let (folder, path) = folder();
    let file = generated(folder.path(), 20, 160, 4);
    let span = ["--from", "2024-04-15", "--to", "2024-05-20"];
    let before = score(&path, &span);
    assert_has_the_promised_names(&document(&before));
    // 2024-05-27 is the last day whose index a label needs.
    let end = lit(1_716_854_400_000i64)
        .cast(DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)));
    alter(&file, col("timestamp").gt_eq(end));
    assert_eq!(before.stdout, score(&path, &span).stdout);
}

fn alter(file: &Path, after: Expr) {
    let other = |name: &str| {
        when(after.clone()).then(col(name) * lit(3.0)).otherwise(col(name)).alias(name)
    };
    let table = read(file).lazy().with_columns(["supply_apr", "liquidity_index"].map(other));
    crate::support::write(file, table.collect().unwrap());
}

#[test]
fn words_and_days_that_cannot_be_scored_are_refused_with_the_remedy() {
    let (folder, path) = folder();
    generated(folder.path(), 8, 100, 2);
    for (words, expected_code, expected) in [
        (vec!["--from", "2024-03-01", "--to", "2024-02-01"], 2, "is after --to 2024-02-01"),
        (vec!["--chains", "etherium"], 2, "there are ethereum"),
        (vec!["--from", "2024-04-05"], 3, "the last day that can be scored is 2024-04-02"),
        (vec!["--from", "2030-01-01"], 3, "the file covers 2024-01-01 to 2024-04-09"),
        (vec!["--from", "2024-01-20"], 3, "too little history before 2024-01-20"),
    ] {
        let run = score(&path, &words);
        assert_eq!(code(&run), expected_code, "{words:?}: {}", said(&run));
        assert!(said(&run).contains(expected), "{words:?}: {}", said(&run));
        assert!(run.stdout.is_empty(), "nothing half-done on standard output");
    }
    let run = plimsoll(&["models", "score", "--data", &path, "--task", "tomorrow"]);
    assert_eq!(code(&run), 2);
    assert!(said(&run).contains("realised7"), "{}", said(&run));
}
