//! The same world without an engine: what money would have brought idle, in the market that paid most at the
//! start, and in all alike.

use super::document::{Baselines, yearly_pct};
use super::stage::{DAY_BLOCKS, Seat, Stage};
use alloy::primitives::{Address, Bytes, U256};
use anyhow::Context;
use plimsoll_core::Amount;
use plimsoll_execute::chain::vault::{self, LegKind, Move, plan_id, reallocation};
use plimsoll_execute::chain::{Endpoint, Nodes, VaultState};
use plimsoll_execute::live::Tick;
use plimsoll_execute::protocol::{At, Reading};
use plimsoll_localchain::{Artifacts, CHAIN_ID, Call};
use std::time::Duration;

/// Gas of a plan that enters one market.
const GAS: u64 = 4_000_000;
/// Half width of a range that nobody looks after, millionths of the logarithm of the price.
const WIDE: u32 = 550_000;

/// A vault as it is first seen, with the market contract of each market that it has.
pub(crate) struct First<'a> {
    /// What was seen.
    pub(crate) tick: &'a Tick,
    /// The market contracts.
    pub(crate) places: &'a std::collections::BTreeMap<plimsoll_core::MarketId, Address>,
}

/// The market contracts that are entered, each with the words of its entry.
type Held = Vec<(Address, Bytes)>;

/// Returns what the baselines bring in copies of `stage` over `days`, for each vault that was seen.
pub(crate) async fn baselines(
    stage: &Stage,
    artifacts: &Artifacts,
    (days, first): (u64, &[First<'_>]),
) -> anyhow::Result<Vec<Baselines>> {
    let best: Vec<Held> = first.iter().map(First::best).collect();
    let all: Vec<Held> = first.iter().map(First::all).collect();
    let none = vec![Held::new(); first.len()];
    let held = async |markets: Vec<Held>| {
        let copy = stage.copied(artifacts).await?;
        run(copy, &markets, days).await
    };
    let (idle, best, equal) = futures::try_join!(held(none), held(best), held(all))?;
    let each = idle.into_iter().zip(best.into_iter().zip(equal));
    let rates = each.map(|(idle_pct, (hold_best_at_start_pct, equal_pct))| Baselines {
        idle_pct,
        hold_best_at_start_pct,
        equal_pct,
    });
    Ok(rates.collect())
}

impl First<'_> {
    fn readings(&self) -> impl Iterator<Item = (&Reading, Address)> {
        let readings = self.tick.reads.iter().flatten().flat_map(|read| &read.readings);
        readings.filter_map(|reading| Some((reading, *self.places.get(&reading.market)?)))
    }

    /// The market with the highest rate of interest, of which there is one that anybody can look up.
    fn best(&self) -> Held {
        let rated = self.readings().map(|(reading, contract)| (reading.supply_apr, contract));
        rated.max().map(|(_, contract)| (contract, Bytes::new())).into_iter().collect()
    }

    /// Every market that takes money, ranges wide.
    fn all(&self) -> Held {
        let words = |reading: &Reading| reading.beyond.words.entry(Some(WIDE));
        let each = self.readings();
        each.filter_map(|(reading, contract)| Some((contract, words(reading)?))).collect()
    }
}

/// Puts the same into each of the markets of each vault, lets `days` pass, and returns the yearly rates.
async fn run(mut stage: Stage, held: &[Held], days: u64) -> anyhow::Result<Vec<f64>> {
    let mut starts = Vec::new();
    for (seat, markets) in stage.seats().zip(held) {
        let start = state(&stage, seat).await?;
        enter(&stage, (seat, &start), markets).await?;
        starts.push(start);
    }
    for _ in 0..days * DAY_BLOCKS {
        stage.driver.step(&stage.chain).await?;
    }
    let mut rates = Vec::new();
    for (seat, start) in stage.seats().zip(starts) {
        let end = state(&stage, seat).await?;
        rates.push(yearly_pct(start.gross, end.gross, days, start.decimals));
    }
    Ok(rates)
}

/// Sends a plan for each market, so that one that cannot be entered keeps nobody out of the others.
async fn enter(
    stage: &Stage,
    (seat, state): (&Seat, &VaultState),
    markets: &Held,
) -> anyhow::Result<()> {
    let Some(parts) = std::num::NonZeroUsize::new(markets.len()) else { return Ok(()) };
    let each = Amount(state.idle.0 / U256::from(parts.get()));
    for (contract, data) in markets {
        let entry = Move {
            contract: *contract,
            kind: LegKind::Entry,
            amount: Some(each),
            least: Amount::ZERO,
            most: Amount(U256::MAX),
            data: data.clone(),
        };
        let moves = [entry];
        let valid_until = state.timestamp.saturating_add(86_400);
        let data = reallocation(state, plan_id(state, valid_until, &moves), valid_until, &moves);
        let allocator = seat.vault.roles.allocator;
        let call =
            Call { to: Some(seat.vault.address), data, ..Call::create(allocator, Bytes::new()) };
        // They are in the first block that the people make.
        stage.chain.send(&call.with_gas(GAS)).await?;
    }
    Ok(())
}

async fn state(stage: &Stage, seat: &Seat) -> anyhow::Result<VaultState> {
    let endpoint = Endpoint::new(&stage.chain.http_url(), Duration::from_secs(120))?;
    let nodes = Nodes::new(vec![endpoint], 1, CHAIN_ID)?;
    let head = nodes.head().await.context("the chain of a baseline")?;
    let at = At { block: head.block, timestamp: head.timestamp };
    Ok(vault::read(&nodes, seat.vault.address, &at).await?)
}
