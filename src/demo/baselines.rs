//! The same world without an engine: what money would have brought idle, in the market that paid most at the
//! start, and in all alike.

use super::document::{Baselines, yearly_pct};
use super::stage::{DAY_BLOCKS, Stage};
use alloy::primitives::{Address, U256};
use anyhow::Context;
use plimsoll_core::Amount;
use plimsoll_execute::chain::vault::{self, LegKind, Move, plan_id, reallocation};
use plimsoll_execute::chain::{Endpoint, Nodes, VaultState};
use plimsoll_execute::protocol::At;
use plimsoll_localchain::{Artifacts, CHAIN_ID, Call};
use std::time::Duration;

/// Gas of a plan that enters every market.
const GAS: u64 = 8_000_000;

/// Returns what the baselines bring in copies of `stage` over `days`; `best` is the market contract that pays
/// most at the start.
pub(crate) async fn baselines(
    stage: &Stage,
    artifacts: &Artifacts,
    (days, best): (u64, Address),
) -> anyhow::Result<Baselines> {
    let all: Vec<Address> = stage.vault.markets.iter().map(|(_, contract)| *contract).collect();
    let held = async |markets: Vec<Address>| {
        let copy = stage.copied(artifacts).await?;
        run(copy, &markets, days).await
    };
    let (idle, best, equal) = futures::try_join!(held(Vec::new()), held(vec![best]), held(all))?;
    Ok(Baselines { idle_pct: idle, hold_best_at_start_pct: best, equal_pct: equal })
}

/// Puts the same into each of `markets`, lets `days` pass, and returns the yearly rate.
async fn run(mut stage: Stage, markets: &[Address], days: u64) -> anyhow::Result<f64> {
    let start = state(&stage).await?;
    if !markets.is_empty() {
        enter(&stage, &start, markets).await?;
    }
    for _ in 0..days * DAY_BLOCKS {
        stage.driver.step(&stage.chain).await?;
    }
    let end = state(&stage).await?;
    Ok(yearly_pct(start.gross, end.gross, days, start.decimals))
}

async fn enter(stage: &Stage, state: &VaultState, markets: &[Address]) -> anyhow::Result<()> {
    let parts = U256::from(markets.len());
    let each = Amount(state.idle.0.checked_div(parts).context("no market")?);
    let moves: Vec<Move> = markets
        .iter()
        .map(|contract| Move {
            contract: *contract,
            kind: LegKind::Entry,
            amount: Some(each),
            least: Amount::ZERO,
            most: Amount(U256::MAX),
            data: alloy::primitives::Bytes::new(),
        })
        .collect();
    let valid_until = state.timestamp.saturating_add(86_400);
    let data = reallocation(state, plan_id(state, valid_until, &moves), valid_until, &moves);
    let call = Call {
        from: stage.vault.roles.allocator,
        to: Some(stage.vault.address),
        data,
        ..Call::create(stage.vault.roles.allocator, alloy::primitives::Bytes::new())
    };
    // It is in the first block that the people make.
    stage.chain.send(&call.with_gas(GAS)).await?;
    Ok(())
}

async fn state(stage: &Stage) -> anyhow::Result<VaultState> {
    let endpoint = Endpoint::new(&stage.chain.http_url(), Duration::from_secs(10))?;
    let nodes = Nodes::new(vec![endpoint], 1, CHAIN_ID)?;
    let head = nodes.head().await?;
    let at = At { block: head.block, timestamp: head.timestamp };
    Ok(vault::read(&nodes, stage.vault.address, &at).await?)
}
