//! What keeps positions in order: ranges that follow the price, fees and rewards that are collected, and exits by
//! a protocol's own queue where selling costs more.

use crate::candidates::{Candidates, YEAR_DAYS};
use crate::optimise::Earns;
use plimsoll_core::{Amount, Facts, MarketId, MarketKind, Plan, Pooled, Upkeep, UpkeepKind};
use plimsoll_frame::{Doubt, Situation, Target};
use std::collections::{BTreeMap, BTreeSet};

/// What is collected has to be worth so many times the gas of collecting it.
const WORTH_COLLECTING: f64 = 20.0;
/// The same of what will not grow any more: a queue that is ready, rewards of a campaign that is over.
const WORTH_CLAIMING: f64 = 2.0;
/// Days of a queue beyond which an exit sells instead.
const MOST_QUEUE_DAYS: f64 = 21.0;
/// Millionths.
const MILLION: f64 = 1e6;

/// What keeps positions in order, by market.
pub type Keeping = BTreeMap<MarketId, Vec<UpkeepKind>>;

/// Returns what is to be done beside the moves to `weights`, and the markets whose exits go by their queue.
#[must_use]
pub fn upkeep(
    now: &Situation<'_>,
    candidates: &Candidates,
    weights: &BTreeMap<MarketId, f64>,
) -> (Keeping, BTreeSet<MarketId>) {
    let mut keeping = Keeping::new();
    let mut by_queue = BTreeSet::new();
    let pairs = candidates.markets.iter().zip(&candidates.book.choices);
    for (market, choice) in pairs {
        let wanted = weights.get(market).copied().unwrap_or_default() * now.nav;
        let facts = now.facts.get(market).copied().unwrap_or_default();
        let mut each = match &choice.earns {
            Earns::Pooled(pooled) => collecting(now, &facts, pooled.rewards > 0.0),
            _ => collecting(now, &facts, true),
        };
        if let Earns::Pooled(pooled) = &choice.earns {
            each.extend(range(pooled, &facts, choice.held, wanted));
        }
        if let Some(asked) = redeemed(now, market, choice.held) {
            each.push(asked);
            by_queue.insert(market.clone());
        }
        if wanted < choice.held && queue_is_cheaper(now, market, choice.held - wanted) {
            by_queue.insert(market.clone());
        }
        if !each.is_empty() {
            keeping.insert(market.clone(), each);
        }
    }
    (keeping, by_queue)
}

/// A staked token that is sold so far below what it is redeemed for that none is brought in any more is not waited with:
/// all of it is asked back from the protocol, which pays in full.
fn redeemed(now: &Situation<'_>, market: &MarketId, held: f64) -> Option<UpkeepKind> {
    let is_doubted =
        now.scores.of(market).is_some_and(|score| score.doubt == Some(Doubt::Discount));
    if held <= 0.0 || !is_doubted || !queue_is_cheaper(now, market, held) {
        return None;
    }
    Some(UpkeepKind::RequestExit { amount: Amount::from_f64_floor(held, now.decimals)? })
}

/// What is worth collecting; what will not grow any more sooner than what does.
fn collecting(now: &Situation<'_>, facts: &Facts, grows: bool) -> Vec<UpkeepKind> {
    let Some(gas) = now.costs.gas_per_action else { return Vec::new() };
    let whole = |amount: Amount| amount.to_f64(now.decimals);
    let mut each = Vec::new();
    let is_worth = |amount: f64, times: f64| amount > (times * gas).max(f64::MIN_POSITIVE);
    let rewards = whole(facts.rewards_due);
    if is_worth(whole(facts.fees_due) + rewards, WORTH_COLLECTING)
        || !grows && is_worth(rewards, WORTH_CLAIMING)
    {
        each.push(UpkeepKind::Harvest);
    }
    if is_worth(whole(facts.claimable), WORTH_CLAIMING) {
        each.push(UpkeepKind::Claim);
    }
    each
}

/// The range that a position gets: a first one beside an entry, and a new one where the price has left it or another
/// width is better, as long as it pays at all.
fn range(pooled: &Pooled, facts: &Facts, held: f64, wanted: f64) -> Option<UpkeepKind> {
    let width = pooled.half_width?;
    let stays = wanted > 0.0;
    let is_new = held <= 0.0;
    let moves = facts
        .range
        .is_some_and(|range| range.is_left() || (width / range.half_width - 1.0).abs() > 1e-3);
    if !stays || !(is_new || moves && pooled.apr(wanted) > 0.0) {
        return None;
    }
    let millionths = Amount::from_f64_floor(width * MILLION, 0)?;
    Some(UpkeepKind::Range { half_width: u32::try_from(millionths.0).ok()? })
}

/// Whether redeeming `amount` by the protocol's queue costs less than selling it: the discount and the costs of the
/// exchange against what is not earned while it waits, and gas for asking and for claiming.
fn queue_is_cheaper(now: &Situation<'_>, market: &MarketId, amount: f64) -> bool {
    let known = now.view.quote(market).zip(now.scores.of(market));
    let Some((quote, score)) = known.filter(|(_, score)| score.kind == MarketKind::Staking) else {
        return false;
    };
    let (Some(days), Some(index)) = (quote.exit_delay_days, quote.share_price) else {
        return false;
    };
    let discount = quote.pair_price.map_or(0.0, |price| 1.0 - price / index);
    let waiting = score.sustainable_apr.unwrap_or_default().max(0.0) * days / YEAR_DAYS;
    let gas = 2.0 * now.costs.gas_per_action.unwrap_or_default() / amount;
    days <= MOST_QUEUE_DAYS && discount + score.moving.1 > waiting + gas
}

/// Returns `plan` with what `target` keeps in order, and with its exits by queue as requests.
#[must_use]
pub fn in_order(plan: Plan, target: &Target) -> Plan {
    let (queued, exits): (Vec<_>, Vec<_>) =
        plan.exits.into_iter().partition(|exit| target.by_queue.contains(&exit.market));
    let kept = target.upkeep.iter().flat_map(|(market, kinds)| {
        kinds.iter().map(|kind| Upkeep { market: market.clone(), kind: *kind })
    });
    let is_asked = |market: &MarketId| {
        let kinds = target.upkeep.get(market).into_iter().flatten();
        kinds.into_iter().any(|kind| matches!(kind, UpkeepKind::RequestExit { .. }))
    };
    let queued = queued.into_iter().filter(|exit| !is_asked(&exit.market));
    let asked = queued.map(|exit| {
        let kind = UpkeepKind::RequestExit { amount: exit.amount };
        Upkeep { market: exit.market, kind }
    });
    let mut upkeep: Vec<Upkeep> = kept.chain(asked).collect();
    upkeep.sort_by(|a, b| (&a.market, a.kind).cmp(&(&b.market, b.kind)));
    Plan { exits, upkeep, ..plan }
}

#[cfg(test)]
#[path = "upkeep_tests.rs"]
mod tests;
