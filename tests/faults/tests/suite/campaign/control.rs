//! The null control: an engine without the rule that the same bytes are sent again has to be found out.

use super::stage::{Theatre, lets};
use plimsoll_faults::proxy::{Fault, Forgery, Rule};
use plimsoll_faults::runner::TrialSettings;
use plimsoll_faults::{Breach, Finding, Guard, Runner};

/// Receipts are missing for some blocks, as in F22; what is found in the end.
async fn without_receipts(runner: &mut Runner<'_>, environment: &[(&str, &str)]) -> Vec<Finding> {
    let hidden = Rule::new(Fault::Receipt(Forgery::Empty));
    let rule = runner.proxies[0].control().add(hidden);
    runner.start(environment).unwrap();
    runner.looked().await.unwrap();
    lets(runner, 4).await;
    runner.proxies[0].control().remove(rule);
    lets(runner, 8).await;
    runner.judged(false).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_takes_a_missing_receipt_for_a_failure_is_found_out() {
    let naive = ("PLIMSOLL_NAIVE_RESEND", "1");
    // The stand-in does what it is told as often as it is told: the plan is carried out twice.
    let Some(mut theatre) = Theatre::open(Guard::EngineAlone).await else { return };
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    let found = without_receipts(&mut runner, &[naive]).await;
    let twice =
        |finding: &Finding| matches!(finding, Finding::MoreThanOnce { count, .. } if *count > 1);
    assert!(found.iter().any(twice), "{found:?}");
    // The same trial, the same engine, with the rule.
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    assert_eq!(without_receipts(&mut runner, &[]).await, []);
    // The real vault refuses the second; that it was signed at all is found.
    let Some(mut theatre) = Theatre::open(Guard::Vault).await else { return };
    let mut runner = theatre.trial(&TrialSettings::default()).await;
    let found = without_receipts(&mut runner, &[naive]).await;
    let crossed = |finding: &Finding| {
        matches!(finding, Finding::Policy { breach: Breach::PlanAtTwoNonces { .. }, .. })
    };
    assert!(found.iter().any(crossed), "{found:?}");
    assert!(!found.iter().any(twice), "the vault's own guard: {found:?}");
}
