//! What a person sees of a demo: what is about to take time, each move with its reason, each day's state.

use super::books::Landed;
use super::document::{Document, decimal};
use super::stage::{DAYS_BEFORE, Stage};
use crate::cli::DemoOptions;
use crate::output::{self, percent, say};
use plimsoll_core::execution::PlanId;
use plimsoll_core::journal::Decided;
use plimsoll_core::{Amount, MarketId};
use plimsoll_execute::chain::Progress;
use plimsoll_execute::live::{Engine, Tick};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Tells, or keeps quiet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    is_quiet: bool,
}

impl Told {
    /// A telling that `is_quiet`.
    pub(crate) fn new(is_quiet: bool) -> Told {
        Told { is_quiet }
    }

    fn say(self, text: &str) {
        if !self.is_quiet {
            say(text);
        }
    }

    /// What is about to happen.
    pub(crate) fn begins(self, options: &DemoOptions) {
        self.say(&format!(
            "A local chain with Aave V3, Morpho Blue and an ERC-4626 vault; people lend, borrow and are liquidated there (seed \
             {}). A block stands for an hour.\n\
             First {DAYS_BEFORE} days of markets without us, then {} days with the engine, and beside it the same days for three \
             who never move. This takes one to three minutes; everything is local and synthetic, no real money is anywhere.",
            options.seed, options.days
        ));
    }

    /// The stage stands.
    pub(crate) fn stands(self, stage: &Stage, took: Duration) {
        self.say(&format!(
            "\n{DAYS_BEFORE} days in {:.0} s. A depositor brings 100,000 USDC to vault {}; the engine's key {} may move them between \
             {} markets, and nowhere else.",
            took.as_secs_f64(),
            stage.vault.address,
            stage.vault.roles.allocator,
            stage.vault.markets.len()
        ));
    }

    /// The past was read.
    pub(crate) fn learnt(self, days: u32, folder: &Path) {
        if !self.is_quiet {
            say(&format!("The engine has read {days} days of the past from the chain."));
            super::journal_at(folder);
            say("");
        }
    }

    /// What a block brought.
    pub(crate) fn looked(
        self,
        tick: &Tick,
        landed: &[Landed],
        decisions: &BTreeMap<PlanId, Decided>,
    ) {
        if self.is_quiet {
            return;
        }
        let decimals = tick.vault.decimals;
        for leg in landed {
            let amount = money(leg.amount, decimals);
            let way = if leg.is_entry { "into" } else { "out of" };
            say(&format!("  block {}: {amount} {way} {}", leg.block, short(&leg.market)));
        }
        let plan = landed.first().map(|leg| leg.plan);
        if let Some(decided) = plan.and_then(|plan| decisions.get(&plan)) {
            say(&format!("    because: {}", decided.reason));
            for scored in decided.scores.iter().filter(|scored| scored.weight > 0.0) {
                let binds = scored.binding_constraint.as_deref().unwrap_or("nothing");
                say(&format!(
                    "    {}: {} % wanted, advertises {} %, with our deposit {} %, expected to last {} %; held back by {binds}",
                    short(&scored.market),
                    percent(Some(scored.weight * 100.0)),
                    percent(scored.advertised_apr.map(|rate| rate * 100.0)),
                    percent(scored.after_deposit_apr.map(|rate| rate * 100.0)),
                    percent(scored.sustainable_apr.map(|rate| rate * 100.0)),
                ));
            }
        }
        if let Progress::Denied(_, denials) = &tick.progress {
            let reasons: Vec<String> = denials.iter().map(ToString::to_string).collect();
            say(&format!("  block {}: not sent: {}", tick.head.block.number, reasons.join("; ")));
        }
        for trip in &tick.trips {
            say(&format!("  block {}: the breaker moved: {trip:?}", tick.head.block.number));
        }
    }

    /// How an hour ended, in a word, where money cannot leave.
    pub(crate) fn hour(self, tick: &Tick) {
        let vault = &tick.vault;
        for place in &vault.places {
            let (worth, free) =
                (place.worth.unwrap_or_default(), place.available.unwrap_or_default());
            let locked = worth.saturating_sub(free);
            if locked.to_f64(vault.decimals) > 1.0 {
                self.say(&format!(
                    "  block {}: {} of {} cannot leave {}",
                    tick.head.block.number,
                    money(locked, vault.decimals),
                    money(worth, vault.decimals),
                    place.contract
                ));
            }
        }
    }

    /// How a day ended.
    pub(crate) fn day(self, day: u64, tick: &Tick, engine: &Engine) {
        if self.is_quiet {
            return;
        }
        let vault = &tick.vault;
        let places = &engine.desk().settings().places;
        let held = places.iter().filter_map(|(market, contract)| {
            let worth = vault.place(*contract)?.worth.filter(|worth| !worth.is_zero())?;
            Some(format!("{} {}", short(market), money(worth, vault.decimals)))
        });
        let held: Vec<String> = held.collect();
        say(&format!(
            "day {day:>3}  NAV {}  idle {}  {}",
            money(vault.gross, vault.decimals),
            money(vault.idle, vault.decimals),
            held.join("  ")
        ));
    }

    /// How it ended.
    pub(crate) fn ends(self, document: &Document, took: Duration) {
        if self.is_quiet {
            return;
        }
        let mut rows =
            vec![["market", "income", "cost", "impairment", "total"].map(str::to_owned).to_vec()];
        for profit in &document.pnl_by_market {
            let market =
                profit.market.parse().map_or(profit.market.clone(), |id: MarketId| short(&id));
            rows.push(vec![
                market,
                profit.income.clone(),
                profit.cost.clone(),
                profit.impairment.clone(),
                profit.total.clone(),
            ]);
        }
        say(&format!("\n{}", output::columns(&rows)));
        let vault = &document.vault;
        say(&format!(
            "\nNAV {} -> {}: {} % a year. Idle {} %, all in the market that paid most at the start {} %, the same in each {} %.\n\
             {} moves; the operator paid {} wei of gas beside it. {:.0} s in all.",
            vault.start_nav,
            vault.end_nav,
            percent(Some(vault.annualised_pct)),
            percent(Some(document.baselines.idle_pct)),
            percent(Some(document.baselines.hold_best_at_start_pct)),
            percent(Some(document.baselines.equal_pct)),
            document.moves.len(),
            document.gas.paid_by_operator,
            took.as_secs_f64()
        ));
    }
}

/// An amount with two decimals.
fn money(amount: Amount, decimals: u8) -> String {
    let text = decimal(super::books::signed(amount), decimals);
    let keep = usize::from(decimals).saturating_sub(2);
    text.get(..text.len().saturating_sub(keep)).unwrap_or(&text).to_owned()
}

/// A market's id, short: its protocol and the first figures of what names it.
fn short(market: &MarketId) -> String {
    let last = market.as_str().rsplit(':').next().unwrap_or_default();
    format!("{} {}", market.protocol(), last.get(..8).unwrap_or(last))
}
