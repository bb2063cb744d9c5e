//! Every adapter passes every check that has a meaning for it, on the protocols' own bytecode.

use crate::bench::{self, Bench};
use crate::checks;
use crate::on_aave::{ON_V3_0, ON_V3_2};
use crate::on_morpho::OnMorpho;
use crate::on_pairs::OnPairs;
use crate::on_ranges::OnRanges;
use crate::on_stables::OnStables;
use crate::on_staked::OnStaked;
use crate::on_stata::OnStata;
use crate::on_vaults::OnVaults;
use crate::stage::Stage;
use crate::subject::Subject;

async fn conforms(subject: &dyn Subject) {
    let Some(mut stage) = Stage::open(subject.line()).await else { return };
    stage.populate().await;
    subject.prepare(&mut stage).await;
    let bench = Bench { stage: &stage, subject, wrap: |adapter| adapter };
    let report = bench::run(&bench, false).await;
    let name = subject.name();
    println!("{name}: {} checks hold of {}", report.held, checks::ALL.len());
    for (check, why) in &report.meaningless {
        println!("{name}: {check} has no meaning: {why}");
    }
    for (check, why) in &report.failed {
        println!("{name}: {check} FAILS: {why}");
    }
    assert!(report.failed.is_empty(), "{} of the checks fail", report.failed.len());
    assert!(report.held >= 30, "only {} checks have a meaning", report.held);
}

#[tokio::test(flavor = "multi_thread")]
async fn aave_v3_conforms() {
    conforms(&ON_V3_0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aave_v3_2_conforms() {
    conforms(&ON_V3_2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn morpho_blue_conforms() {
    conforms(&OnMorpho).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_looked_through_vault_conforms() {
    conforms(&OnVaults { is_looked_through: true }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stata_token_conforms() {
    conforms(&OnStata).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opaque_vault_conforms() {
    conforms(&OnVaults { is_looked_through: false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uniswap_v3_conforms() {
    conforms(&OnRanges).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uniswap_v2_conforms() {
    conforms(&OnPairs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn balancer_stable_conforms() {
    conforms(&OnStables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staked_eth_conforms() {
    conforms(&OnStaked).await;
}
