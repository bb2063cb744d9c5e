//! An approved plan as the call that the vault carries out.
//!
//! What the vault would refuse is not asked of it: exits take what can leave now, and entries take what the
//! exits and idle money really give, within the vault's own caps and bounds. An entry that has to be cut so
//! far that utilization would stay above target is not made at all.

use super::desk::DeskSettings;
use super::inputs::Inputs;
use super::rest::{self, Does, Leaving, LegOf};
use super::words::Words;
use crate::chain::vault::{LegKind, Move, Place, WAD, plan_id, reallocation};
use crate::chain::{Proposal, VaultState};
use crate::protocol::At;
use alloy::primitives::{Bytes, U256};
use plimsoll_core::{Action, Amount, Bps, Facts, MarketId, Plan, Time, Upkeep, UpkeepKind};
use plimsoll_frame::{MovingTerms, Scores, View};
use std::collections::BTreeMap;

/// Raw units that rounding may take or give, on top of the guard.
const DUST: u64 = 10;
/// Raw units below which nothing is moved.
const LEAST_MOVED: u64 = 1_000;
/// Basis points that an exit of everything may bring beyond what was free when it was decided.
const ALL_MARGIN: Bps = Bps(100);
/// Basis points of everything below which an entry that was cut is not made.
const LEAST_OF_CUT: Bps = Bps(10);
/// Basis points of a position below which its queue is not asked.
const LEAST_ASKED: Bps = Bps(100);
/// Billionths.
const BILLION: u64 = 1_000_000_000;
/// Basis points of a cap that an entry leaves free: interest goes on until the plan lands.
const CAP_MARGIN: Bps = Bps(10);

/// Returns what is to be sent for `plan`; `None` where nothing of it can be done now.
#[must_use]
pub fn proposal(
    plan: &Plan,
    inputs: &Inputs,
    vault: &VaultState,
    (settings, view, scores): (&DeskSettings, &View<'_>, &Scores),
) -> Option<Proposal> {
    let desk = Cutter { inputs, vault, settings, view, scores };
    let exits = desk.exits(&plan.exits);
    let kept = desk.kept(&plan.upkeep, &exits);
    let (mut moves, mut kept, goes_in) = desk.tried(exits, kept);
    // What they give at least.
    let freed = moves.iter().map(|each| each.least).fold(Amount::ZERO, Amount::saturating_add);
    let entries = if goes_in { plan.entries.as_slice() } else { &[] };
    let entries = desk.entries(entries, vault.free_idle().saturating_add(freed));
    let mut entered = BTreeMap::new();
    let mut holdings_after = desk.holdings(&moves);
    kept.sort_by_key(|(_, each)| each.kind);
    for (market, each) in kept {
        if each.kind == LegKind::Arrange {
            // It counts as entered: what is arranged is exposed anew.
            entered.insert(market, each.amount.unwrap_or_default());
        }
        moves.push(each);
    }
    for (market, amount) in entries {
        let contract = settings.places.get(&market);
        let Some(contract) = contract.filter(|at| !desk.rests((**at, Does::Enters))) else {
            continue;
        };
        let Some(data) = desk.entry_words(&market, &plan.upkeep) else { continue };
        let costs = desk.costs(&market).entry;
        moves.push(Move {
            contract: *contract,
            kind: LegKind::Entry,
            amount: Some(amount),
            least: less(part_of(amount, 1.0 - costs), settings.guard),
            most: more(amount, settings.guard),
            data,
        });
        let held = holdings_after.entry(market.clone()).or_default();
        *held = held.saturating_add(amount);
        let sum: &mut Amount = entered.entry(market).or_default();
        *sum = sum.saturating_add(amount);
    }
    if moves.is_empty() {
        return None;
    }
    let valid_until = vault.timestamp.saturating_add(settings.valid_seconds);
    let id = plan_id(vault, valid_until, &moves);
    // What rounding, exchanges and the guards together may cost.
    let lost = moves.iter().map(|each| desk.may_lose(each));
    let lost = lost.fold(Amount::ZERO, Amount::saturating_add);
    Some(Proposal {
        id,
        data: reallocation(vault, id, valid_until, &moves),
        entries: entered,
        holdings_after,
        nav: vault.gross,
        least_after: vault.low.saturating_sub(lost),
        valid_until,
    })
}

/// `part` of `amount`, rounded down.
fn part_of(amount: Amount, part: f64) -> Amount {
    let billionths = Amount::from_f64_floor(part.clamp(0.0, 1.0), 9).unwrap_or_default();
    amount.mul_div_down(billionths, Amount(U256::from(BILLION))).unwrap_or_default()
}

/// The least that a move of `amount` may bring.
fn less(amount: Amount, guard: Bps) -> Amount {
    let slack = amount.share_up(guard).unwrap_or_default();
    amount.saturating_sub(slack).saturating_sub(Amount(U256::from(DUST)))
}

/// The most that a move of `amount` may bring.
fn more(amount: Amount, guard: Bps) -> Amount {
    let slack = amount.share_up(guard).unwrap_or_default();
    amount.saturating_add(slack).saturating_add(Amount(U256::from(DUST)))
}

/// Cuts actions to what the vault can do.
struct Cutter<'a> {
    inputs: &'a Inputs,
    vault: &'a VaultState,
    settings: &'a DeskSettings,
    view: &'a View<'a>,
    scores: &'a Scores,
}

impl Cutter<'_> {
    fn now(&self) -> Time {
        At { block: self.vault.block, timestamp: self.vault.timestamp }.time()
    }

    /// Whether upkeep or an entry was refused lately and is not tried yet.
    fn rests(&self, place: LegOf) -> bool {
        rest::rests(&self.inputs.refused, place, self.now())
    }

    /// Leaves out what is not tried now. Returns exits, upkeep, and whether anything may be brought in beside them: entries
    /// were approved with all exits carried out.
    fn tried(
        &self,
        mut exits: Vec<Move>,
        mut kept: Vec<(MarketId, Move)>,
    ) -> (Vec<Move>, Vec<(MarketId, Move)>, bool) {
        let place = |each: &Move| (each.contract, Does::of(each.kind, &each.data));
        let leaves = |each: &Move| matches!(place(each).1, Does::Leaves | Does::Requests);
        kept.retain(|(_, each)| leaves(each) || !self.rests(place(each)));
        let all = exits.iter().chain(kept.iter().map(|(_, each)| each));
        let legs: Vec<LegOf> = all.filter(|each| leaves(each)).map(place).collect();
        let has_others = kept.iter().any(|(_, each)| place(each).1 == Does::Collects);
        let leaving = rest::leaving(&self.inputs.refused, &legs, has_others, self.now());
        let goes_in = leaving == Leaving::All && !self.inputs.only_leaves;
        let is_tried = |each: &Move| match &leaving {
            Leaving::All => true,
            Leaving::Trusted(trusted) => !leaves(each) || trusted.contains(&place(each)),
            Leaving::Alone(only) => place(each) == *only,
        };
        let stays = |each: &Move| is_tried(each) && (goes_in || each.kind != LegKind::Arrange);
        exits.retain(&stays);
        kept.retain(|(_, each)| stays(each));
        (exits, kept, goes_in)
    }

    fn place(&self, market: &MarketId) -> Option<&Place> {
        self.vault.place(*self.settings.places.get(market)?)
    }

    /// What market contracts are told.
    fn words(&self, market: &MarketId) -> Words {
        let said = self.inputs.seen.iter().find_map(|seen| seen.words.get(market));
        said.copied().unwrap_or_default()
    }

    fn facts(&self, market: &MarketId) -> Facts {
        let said = self.inputs.seen.iter().find_map(|seen| seen.facts.get(market));
        said.copied().unwrap_or_default()
    }

    /// What moving in a market costs beside gas.
    fn costs(&self, market: &MarketId) -> MovingTerms {
        self.view.terms(market).and_then(|terms| terms.moving).unwrap_or_default()
    }

    /// The words of an entry; `None` where a range is needed and none is chosen.
    fn entry_words(&self, market: &MarketId, upkeep: &[Upkeep]) -> Option<Bytes> {
        if self.facts(market).range.is_some() {
            return Some(Bytes::new());
        }
        let range = upkeep.iter().find_map(|each| match each.kind {
            UpkeepKind::Range { half_width } if each.market == *market => Some(half_width),
            _ => None,
        });
        self.words(market).entry(range)
    }

    /// The legs that keep positions in order, each with its market; nothing is arranged while entering is closed.
    fn kept(&self, upkeep: &[Upkeep], exits: &[Move]) -> Vec<(MarketId, Move)> {
        let is_open = !self.vault.is_paused && self.vault.is_sound;
        let legs = upkeep.iter().filter_map(|each| {
            let place = self.place(&each.market)?;
            let has_position = place.worth.is_some_and(|worth| !worth.is_zero());
            if matches!(each.kind, UpkeepKind::Range { .. })
                && (!is_open || self.facts(&each.market).range.is_none())
            {
                return None;
            }
            let (kind, data) = self.words(&each.market).leg(self.doable(each, upkeep)?)?;
            let left = exits.iter().find(|exit| exit.contract == place.contract);
            let left = left.map(|exit| exit.amount.unwrap_or(exit.most)).unwrap_or_default();
            let worth = place.worth?.saturating_sub(left);
            let costs = self.costs(&each.market);
            let least = part_of(worth, 1.0 - costs.entry.max(costs.exit));
            let leg = Move {
                contract: place.contract,
                kind,
                amount: Some(if kind == LegKind::Arrange { worth } else { Amount::ZERO }),
                least: less(least, self.settings.guard),
                // Rewards come on top, and are worth what they are sold for.
                most: Amount(U256::MAX),
                data,
            };
            has_position.then(|| (each.market.clone(), leg))
        });
        legs.collect()
    }

    /// What of an upkeep can be done: what waits in a queue is not asked for again, and asking claims as well.
    fn doable(&self, each: &Upkeep, upkeep: &[Upkeep]) -> Option<UpkeepKind> {
        let asks = |other: &Upkeep| {
            let request = match other.kind {
                UpkeepKind::RequestExit { amount } if other.market == each.market => amount,
                _ => return None,
            };
            let worth = self.place(&other.market)?.worth?;
            // What waits in the queue is worth something, and is on its way already.
            let queued = self.facts(&other.market).queued;
            let amount = request.saturating_sub(queued).min(worth.saturating_sub(queued));
            // What the band leaves over waits for the next request.
            let least = worth.share_up(LEAST_ASKED)?.max(Amount(U256::from(LEAST_MOVED)));
            (amount > least).then_some(UpkeepKind::RequestExit { amount })
        };
        match each.kind {
            UpkeepKind::RequestExit { .. } => asks(each),
            UpkeepKind::Claim if upkeep.iter().any(|other| asks(other).is_some()) => None,
            kind => Some(kind),
        }
    }

    /// What a leg may cost.
    fn may_lose(&self, leg: &Move) -> Amount {
        let moved = match (leg.kind, leg.amount) {
            (LegKind::Exit | LegKind::Entry, amount) => amount.unwrap_or(leg.most),
            _ => {
                let worth = self.vault.place(leg.contract).and_then(|place| place.worth);
                worth.unwrap_or_default()
            }
        };
        let market = self.settings.places.iter().find(|(_, place)| **place == leg.contract);
        let costs = market.map(|(market, _)| self.costs(market)).unwrap_or_default();
        let kept = part_of(moved, 1.0 - costs.entry.max(costs.exit));
        moved.saturating_sub(less(kept, self.settings.guard))
    }

    /// The exits.
    fn exits(&self, exits: &[Action]) -> Vec<Move> {
        let mut moves = Vec::new();
        for exit in exits {
            let Some(place) = self.place(&exit.market) else { continue };
            let (worth, available) = (place.worth.unwrap_or_default(), place.available);
            let available = available.unwrap_or_default();
            // Interest goes on until the plan lands: everything is asked for as everything.
            let is_all = exit.amount >= worth && available >= worth;
            let amount = exit.amount.min(available).min(worth);
            if amount < Amount(U256::from(LEAST_MOVED)) && !is_all || amount.is_zero() {
                continue;
            }
            let least = less(amount, self.settings.guard);
            // All that there is may bring more than it is counted as, which is at the worst price of a band, and more
            // still when it lands.
            let most = if is_all {
                more(available, ALL_MARGIN)
            } else {
                more(amount, self.settings.guard)
            };
            moves.push(Move {
                contract: place.contract,
                kind: LegKind::Exit,
                amount: (!is_all).then_some(amount),
                least,
                most,
                data: Bytes::new(),
            });
        }
        moves
    }

    /// What each market holds after the exits among `moves`.
    fn holdings(&self, moves: &[Move]) -> BTreeMap<MarketId, Amount> {
        let held = self.settings.places.iter().filter_map(|(market, contract)| {
            let worth = self.vault.place(*contract)?.worth?;
            let left = moves.iter().find(|each| each.contract == *contract);
            let left = left.map_or(Amount::ZERO, |each| each.amount.unwrap_or(worth));
            Some((market.clone(), worth.saturating_sub(left)))
        });
        held.collect()
    }

    /// The entries that `funds` pay for and the vault takes.
    fn entries(&self, entries: &[Action], funds: Amount) -> Vec<(MarketId, Amount)> {
        if self.vault.is_paused || !self.vault.is_sound {
            return Vec::new();
        }
        let room = self.vault.room.first().copied().unwrap_or_default();
        let gross = self.vault.gross;
        let bucket = gross.mul_div_down(Amount(room), Amount(U256::from(WAD))).unwrap_or_default();
        let most = funds.min(bucket).min(self.inputs.entry_room);
        let asked = Plan::sum(entries);
        let kept = entries.iter().filter_map(|entry| {
            let place = self.place(&entry.market).filter(|place| place.mark_bps == 0)?;
            let worth = place.worth?;
            let share = entry.amount.mul_div_down(most, asked.max(most)).unwrap_or_default();
            let relative = gross.share_down(Bps(u32::from(place.relative_cap_bps)))?;
            let cap = place.absolute_cap.min(relative);
            let cap = cap.saturating_sub(cap.share_up(CAP_MARGIN).unwrap_or_default());
            let amount = share.min(cap.saturating_sub(worth));
            // What is cut to next to nothing is not worth its gas: the day's room comes back drop by drop.
            let least = gross.share_up(LEAST_OF_CUT)?;
            let is_worth_it = amount >= Amount(U256::from(LEAST_MOVED))
                && (amount == entry.amount || amount >= least);
            let stands =
                amount == entry.amount || self.is_below_target(&entry.market, worth, amount);
            (is_worth_it && stands).then(|| (entry.market.clone(), amount))
        });
        kept.collect()
    }

    /// Whether an entry that was cut still brings utilization down to its target, or finds it there.
    fn is_below_target(&self, market: &MarketId, worth: Amount, amount: Amount) -> bool {
        let decimals = self.vault.decimals;
        let price = self.view.quote(market).and_then(|quote| quote.price_usd);
        let least = self.scores.of(market).zip(price);
        let least =
            least.and_then(|(score, price)| score.least_deposit(price, worth.to_f64(decimals)));
        least.is_some_and(|least| worth.saturating_add(amount).to_f64(decimals) >= least)
    }
}
