//! An approved plan as the call that the vault carries out.
//!
//! What the vault would refuse is not asked of it: exits take what can leave now, and entries take what the
//! exits and idle money really give, within the vault's own caps and bounds. An entry that has to be cut so
//! far that utilization would stay above target is not made at all.

use super::desk::DeskSettings;
use super::inputs::Inputs;
use crate::chain::vault::{LegKind, Move, Place, WAD, plan_id, reallocation};
use crate::chain::{Proposal, VaultState};
use alloy::primitives::{Bytes, U256};
use plimsoll_core::{Action, Amount, Bps, MarketId, Plan};
use plimsoll_frame::{Scores, View};
use std::collections::BTreeMap;

/// Raw units that rounding may take or give, on top of the guard.
const DUST: u64 = 10;
/// Raw units below which nothing is moved.
const LEAST_MOVED: u64 = 1_000;
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
    let (mut moves, freed) = desk.exits(&plan.exits);
    let entries = desk.entries(&plan.entries, vault.free_idle().saturating_add(freed));
    let mut entered = BTreeMap::new();
    let mut holdings_after = desk.holdings(&moves);
    for (market, amount) in entries {
        let Some(contract) = settings.places.get(&market) else { continue };
        moves.push(Move {
            contract: *contract,
            kind: LegKind::Entry,
            amount: Some(amount),
            least: less(amount, settings.guard),
            most: more(amount, settings.guard),
            data: Bytes::new(),
        });
        let held = holdings_after.entry(market.clone()).or_default();
        *held = held.saturating_add(amount);
        entered.insert(market, amount);
    }
    if moves.is_empty() {
        return None;
    }
    let valid_until = vault.timestamp.saturating_add(settings.valid_seconds);
    let id = plan_id(vault, valid_until, &moves);
    let moved = moves.iter().map(|each| each.amount.unwrap_or(each.most));
    let moved = moved.fold(Amount::ZERO, Amount::saturating_add);
    // What rounding and the guards together may cost.
    let lost = moved.saturating_sub(less(moved, settings.guard));
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
    fn place(&self, market: &MarketId) -> Option<&Place> {
        self.vault.place(*self.settings.places.get(market)?)
    }

    /// The exits, and what they give at least.
    fn exits(&self, exits: &[Action]) -> (Vec<Move>, Amount) {
        let (mut moves, mut freed) = (Vec::new(), Amount::ZERO);
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
            moves.push(Move {
                contract: place.contract,
                kind: LegKind::Exit,
                amount: (!is_all).then_some(amount),
                least,
                most: more(amount, self.settings.guard),
                data: Bytes::new(),
            });
            freed = freed.saturating_add(least);
        }
        (moves, freed)
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
            let is_worth_it = amount >= Amount(U256::from(LEAST_MOVED));
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
