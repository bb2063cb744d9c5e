//! The command line as a person meets it.

use crate::support::{code, document, folder, plimsoll, said};

#[test]
fn help_names_every_subcommand_and_the_exit_codes() {
    let run = plimsoll(&["--help"]);
    let text = String::from_utf8(run.stdout).unwrap();
    for word in [
        "backtest",
        "data",
        "demo",
        "replay",
        "init",
        "run",
        "derisk",
        "doctor",
        "completions",
        "Exit codes: 0 done",
    ] {
        assert!(text.contains(word), "{word} is missing from:\n{text}");
    }
}

#[test]
fn every_shell_gets_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = plimsoll(&["completions", shell]);
        assert_eq!(code(&run), 0);
        assert!(String::from_utf8(run.stdout).unwrap().contains("backtest"), "{shell}");
    }
}

#[test]
fn the_replay_needs_nothing_and_says_where_the_report_is() {
    let (folder, _) = folder();
    let out = folder.path().join("report");
    // An empty folder is an unset one, as scripts have it.
    let run = plimsoll(&["replay", "--data", "", "--out", &out.display().to_string()]);
    assert_eq!(code(&run), 0, "{}", said(&run));
    assert!(said(&run).contains("labelled synthetic"), "{}", said(&run));
    let report = out.canonicalize().unwrap().join("report.html");
    assert!(said(&run).contains(&format!("the report is {}", report.display())), "{}", said(&run));
    assert!(std::fs::read_to_string(report).unwrap().contains("Synthetic data"));
}

#[test]
fn generated_history_is_the_same_for_the_same_seed_and_another_for_another() {
    let (folder, _) = folder();
    let generate = |name: &str, seed: &str| {
        let out = folder.path().join(name);
        // So many markets come from three worlds.
        let words =
            ["data", "generate", "--markets", "40", "--days", "40", "--seed", seed, "--out"];
        let run = plimsoll(&[&words[..], &[&out.display().to_string()]].concat());
        assert_eq!(code(&run), 0, "{}", said(&run));
        ["synthetic_reserves_daily", "prices_daily_synthetic", "gas_price_daily_synthetic"]
            .map(|name| std::fs::read(out.join(format!("{name}.parquet"))).unwrap())
    };
    let first = generate("a", "1");
    assert_eq!(first, generate("b", "1"));
    let other = generate("c", "2");
    assert!(first.iter().zip(&other).all(|(first, other)| first != other));
}

#[test]
fn what_strikes_generated_markets_is_in_the_rows_that_are_read() {
    let (folder, path) = folder();
    // A market of this history loses a part of its deposits on the 79th day; others close for a while.
    crate::support::generated(folder.path(), 20, 120, 40);
    let checked = document(&plimsoll(&["data", "check", "--data", &path, "--json"]));
    let found = |defect: &str| -> Vec<(String, u64)> {
        let lines = checked["quality"].as_array().unwrap().iter();
        lines
            .filter(|line| line["defect"] == defect)
            .map(|line| (line["first"].as_str().unwrap().into(), line["rows"].as_u64().unwrap()))
            .collect()
    };
    assert_eq!(found("falling-index"), [("2024-03-19".to_owned(), 1)]);
    assert_eq!(found("deposits-closed").iter().map(|(_, rows)| rows).sum::<u64>(), 31);
    assert!(found("unit-slip").is_empty() && found("out-of-range").is_empty());
    assert_eq!(checked["markets"].as_array().unwrap().len(), 20);
}

#[test]
fn doctor_reports_well_and_ill() {
    let (folder, path) = folder();
    crate::support::generated(folder.path(), 4, 40, 1);
    let well = document(&plimsoll(&["doctor", "--data", &path, "--json"]));
    assert!(
        well["findings"].as_array().unwrap().iter().all(|finding| finding["ok"] == true),
        "{well}"
    );
    let ill = plimsoll(&["doctor", "--data", "/nowhere"]);
    assert_eq!(code(&ill), 6);
    assert!(said(&ill).contains("BAD  data: "), "{}", said(&ill));
}

#[test]
fn text_for_people_stays_off_standard_output() {
    let (folder, path) = folder();
    crate::support::generated(folder.path(), 4, 60, 1);
    let run = plimsoll(&["backtest", "--data", &path, "--no-spread"]);
    assert_eq!(code(&run), 0, "{}", said(&run));
    assert!(run.stdout.is_empty());
    assert!(said(&run).contains("percent, compounded over a 365-day year"));
}
