//! The command line as a person meets it.

use crate::support::{code, document, folder, plimsoll, said};

#[test]
fn help_names_every_subcommand_and_the_exit_codes() {
    let run = plimsoll(&["--help"]);
    let text = String::from_utf8(run.stdout).unwrap();
    for word in ["backtest", "data", "demo", "doctor", "completions", "Exit codes: 0 done"] {
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
fn the_demo_needs_nothing_and_says_where_the_report_is() {
    let (folder, _) = folder();
    let out = folder.path().join("report");
    // An empty folder is an unset one, as scripts have it.
    let run = plimsoll(&["demo", "--data", "", "--out", &out.display().to_string()]);
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
        let words = ["data", "generate", "--markets", "4", "--days", "40", "--seed", seed, "--out"];
        let run = plimsoll(&[&words[..], &[&out.display().to_string()]].concat());
        assert_eq!(code(&run), 0, "{}", said(&run));
        std::fs::read(out.join("synthetic_reserves_daily.parquet")).unwrap()
    };
    let first = generate("a", "1");
    assert_eq!(first, generate("b", "1"));
    assert_ne!(first, generate("c", "2"));
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
