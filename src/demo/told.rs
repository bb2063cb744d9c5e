//! What a person sees of a demo: what is about to take time, each move with its reason, each day's state.

use super::document::{self, Document, decimal};
use super::side::Side;
use super::stage::{DAYS_BEFORE, Seat, Stage};
use crate::cli::DemoOptions;
use crate::output::{self, percent, say};
use plimsoll_core::{Amount, MarketId, MarketKind};
use plimsoll_execute::chain::Progress;
use plimsoll_execute::chain::vault::LegKind;
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::{Account, Landed, signed};
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
        let what = if options.bank_run.is_some() {
            "Aave V3, Morpho Blue and an ERC-4626 vault; people lend, borrow and are liquidated there"
        } else {
            "Aave V3, Morpho Blue, an ERC-4626 vault, pools of Uniswap and Balancer, staked ether and campaigns; people lend, borrow, \
             trade, stake and farm there"
        };
        let days = if options.bank_run.is_some() {
            "a bank run with the engine".to_owned()
        } else if let Some(event) = options.event {
            format!("days with an engine for each vault, and then: {}", event.key())
        } else {
            format!(
                "{} days with an engine for each vault, and beside them the same days for three who never move",
                options.days
            )
        };
        let prices = options.prices.as_ref().map_or(String::new(), |file| {
            format!(" Ether's price is {} of {}.", options.prices_of, file.display())
        });
        self.say(&format!(
            "A local chain with {what} (seed {}).{prices} A block stands for an hour.\n\
             First {DAYS_BEFORE} days of markets without us, then {days}. This takes one to five minutes; everything is local and \
             synthetic, no real money is anywhere.",
            options.seed
        ));
    }

    /// The stage stands.
    pub(crate) fn stands(self, stage: &Stage, took: Duration) {
        self.say(&format!("\n{DAYS_BEFORE} days in {:.0} s.", took.as_secs_f64()));
        for seat in stage.seats() {
            self.say(&format!(
                "A depositor brings {} to vault {}; the engine's key {} may move it between {} markets, and nowhere else.",
                seat.asset.symbol(),
                seat.vault.address,
                seat.vault.roles.allocator,
                seat.vault.markets.len()
            ));
        }
    }

    /// The past was read.
    pub(crate) fn learnt(self, seat: &Seat, days: u32, folder: &Path) {
        if !self.is_quiet {
            let name = seat.asset.symbol();
            say(&format!(
                "The engine of the {name} vault has read {days} days of the past from the chain."
            ));
            super::journal_at(folder);
            say("");
        }
    }

    /// What a block brought.
    pub(crate) fn looked(self, side: &Side, tick: &Tick, landed: &[Landed]) {
        if self.is_quiet {
            return;
        }
        let (name, decimals) = (side.seat.asset.symbol(), tick.vault.decimals);
        for leg in landed {
            let (amount, market) = (money(leg.amount, decimals), short(&leg.market));
            let what = match leg.kind {
                LegKind::Entry => format!("{amount} into {market}"),
                LegKind::Exit => format!("{amount} out of {market}"),
                LegKind::Harvest => format!("{amount} collected from {market}"),
                LegKind::Arrange => format!("{market} laid anew"),
            };
            say(&format!("  block {} {name}: {what}", leg.block));
        }
        let plan = landed.first().map(|leg| leg.plan);
        if let Some(decided) = plan.and_then(|plan| side.decisions.get(&plan)) {
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
        let block = tick.head.block.number;
        if let Progress::Denied(_, denials) = &tick.progress {
            let reasons: Vec<String> = denials.iter().map(ToString::to_string).collect();
            say(&format!("  block {block} {name}: not sent: {}", reasons.join("; ")));
        }
        for trip in &tick.trips {
            say(&format!("  block {block} {name}: the breaker moved: {trip:?}"));
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
    pub(crate) fn day(self, day: u64, side: &Side, tick: &Tick) {
        if self.is_quiet {
            return;
        }
        let vault = &tick.vault;
        let accounts = side.books.accounts();
        let held = accounts.iter().filter(|(_, account)| !account.look.worth.is_zero());
        let held: Vec<(&MarketId, &Account)> = held.collect();
        let worths = held.iter().map(|(market, account)| {
            format!("{} {}", short(market), money(account.look.worth, vault.decimals))
        });
        let worths: Vec<String> = worths.collect();
        say(&format!(
            "day {day:>3}  {}  NAV {}  idle {}  {}",
            side.seat.asset.symbol(),
            money(vault.gross, vault.decimals),
            money(vault.idle, vault.decimals),
            worths.join("  ")
        ));
        for (market, account) in held {
            let kind = side.kind(market);
            if kind != MarketKind::Lending {
                let detail = detail(kind, account, vault.decimals);
                say(&format!("         {}: {detail}", short(market)));
            }
        }
    }

    /// How it ended.
    pub(crate) fn ends(self, document: &Document, took: Duration) {
        if self.is_quiet {
            return;
        }
        for vault in &document.vaults {
            ended(vault);
        }
        say(&format!(
            "\nThe operators paid {} wei of gas beside it. {:.0} s in all.",
            document.gas.paid_by_operator,
            took.as_secs_f64()
        ));
    }
}

/// What is known of a position beyond its worth.
fn detail(kind: MarketKind, account: &Account, decimals: u8) -> String {
    let facts = account.look.facts();
    let signed = |raw: i128| units(raw, decimals);
    if kind == MarketKind::Staking {
        let discount = account.look.discount().map(|part| part * 100.0);
        return format!(
            "rewards {}, in the queue {} ({} to be claimed), sold {} % below what it is redeemed for",
            signed(account.brought.income),
            money(facts.queued, decimals),
            money(facts.claimable, decimals),
            percent(discount)
        );
    }
    let about = |raw: f64| {
        let size = Amount::from_f64_floor(raw.abs(), 0).unwrap_or_default();
        format!("{}{}", if raw < 0.0 { "-" } else { "" }, money(size, decimals))
    };
    format!(
        "fees {} ({} due), rewards {} ({} due), impermanent loss {}, LVR {}",
        signed(account.brought.fees),
        money(facts.fees_due, decimals),
        signed(account.brought.rewards),
        money(facts.rewards_due, decimals),
        about(account.bent.impermanent_loss()),
        about(account.bent.lvr())
    )
}

/// What became of a vault.
fn ended(side: &document::Side) {
    let names = ["income", "rewards", "fees", "price", "cost", "impairment", "total"];
    let head = std::iter::once(format!("{} by market", side.name))
        .chain(std::iter::once("kind".to_owned()))
        .chain(names.map(str::to_owned));
    let mut rows = vec![head.collect::<Vec<String>>()];
    for profit in side.pnl_by_market.iter().filter(|profit| profit.is_something()) {
        let market = profit.market.parse().map_or(profit.market.clone(), |id: MarketId| short(&id));
        let parts = [
            &profit.income,
            &profit.rewards,
            &profit.fees,
            &profit.price,
            &profit.cost,
            &profit.impairment,
            &profit.total,
        ];
        let parts = parts.map(|text| brief(text));
        rows.push([vec![market, profit.kind.to_owned()], parts.to_vec()].concat());
    }
    say(&format!("\n{}", output::columns(&rows)));
    let vault = &side.vault;
    say(&format!(
        "{} NAV {} -> {}: {} % a year. Idle {} %, all in the market that lent for most at the start {} %, the same in each {} %. {} moves.",
        side.name,
        vault.start_nav,
        vault.end_nav,
        percent(Some(vault.annualised_pct)),
        percent(Some(side.baselines.idle_pct)),
        percent(Some(side.baselines.hold_best_at_start_pct)),
        percent(Some(side.baselines.equal_pct)),
        side.moves.len()
    ));
}

/// An amount with two decimals, or four where a unit is worth much.
fn money(amount: Amount, decimals: u8) -> String {
    units(signed(amount), decimals)
}

fn units(raw: i128, decimals: u8) -> String {
    brief(&decimal(raw, decimals))
}

/// A decimal string with two decimals, or four where there are eighteen.
fn brief(text: &str) -> String {
    let Some((whole, part)) = text.split_once('.') else { return text.to_owned() };
    let keep = if part.len() > 8 { 4 } else { 2 };
    let brief = format!("{whole}.{}", part.get(..keep).unwrap_or(part));
    let is_nothing = !brief.bytes().any(|digit| matches!(digit, b'1'..=b'9'));
    if is_nothing { brief.trim_start_matches('-').to_owned() } else { brief }
}

/// A market's id, short: its protocol and the first figures of what names it.
fn short(market: &MarketId) -> String {
    let last = market.as_str().rsplit(':').next().unwrap_or_default();
    format!("{} {}", market.protocol(), last.get(..8).unwrap_or(last))
}
