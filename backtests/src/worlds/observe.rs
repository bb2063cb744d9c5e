//! What an observer sees of a world: rows and terms, as an adapter would give them.

use crate::world::{World, WorldMarket};
use plimsoll_core::{ChainId, Day, MarketId, Time};
use plimsoll_frame::{Column, MarketRow, Terms, TermsBook};

/// The calendar day of a world's day 0.
const FIRST_DAY: Day = Day(19_723);
/// One market in so many does not tell its curve, which then has to be fitted.
const SILENT_ONE_IN: u32 = 4;
/// Minutes after midnight at which a day is observed.
const OBSERVED_MINUTES: i64 = 20;

/// The calendar day of a world's day 0: 2024-01-01.
#[must_use]
pub fn first_day() -> Day {
    FIRST_DAY
}

/// An address of its own for each market, spread over all addresses as real ones are.
#[must_use]
pub fn address(market: u32) -> String {
    let high = u64::from(market).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("0x{high:016x}{market:024x}")
}

/// The ids of a world's markets, in its order.
#[must_use]
pub fn market_ids(world: &World) -> Vec<MarketId> {
    market_ids_after(world, 0)
}

/// The ids of a world's markets where `before` markets of other worlds have been counted.
pub(crate) fn market_ids_after(world: &World, before: u32) -> Vec<MarketId> {
    let id = |market: &WorldMarket| {
        let address = address(before.saturating_add(market.number()));
        MarketId::new(market.protocol(), ChainId(1), &address)
    };
    world.markets().iter().map(id).collect()
}

/// Returns today's row of every market, ours included as a chain would show it, and adds what their
/// contracts say to `terms`.
pub fn observed(world: &World, ids: &[MarketId], terms: &mut TermsBook) -> Vec<MarketRow> {
    let time = time_of(world);
    for (market, id) in world.markets().iter().zip(ids) {
        terms.learn(id, time, terms_of(market));
    }
    rows(world, ids).collect()
}

/// When a world's day is observed.
fn time_of(world: &World) -> Time {
    let day = FIRST_DAY.plus(i64::from(world.day()));
    Time(day.start().0 + OBSERVED_MINUTES * 60_000)
}

/// Returns today's row of every market, ours included as a chain would show it.
pub(crate) fn rows<'w>(
    world: &'w World,
    ids: &'w [MarketId],
) -> impl Iterator<Item = MarketRow> + 'w {
    let time = time_of(world);
    world.markets().iter().zip(ids).map(move |(market, id)| {
        let room = market.entry_room().unwrap_or(f64::INFINITY);
        let room = if market.is_open() { room } else { 0.0 };
        MarketRow::empty(id.clone(), time)
            .with(Column::PriceUsd, Some(1.0))
            .with(Column::SharePrice, Some(market.index()))
            .with(Column::RewardIndex, Some(market.reward_index()))
            .with(Column::SupplyApr, Some(market.supply_apr()))
            .with(Column::RewardApr, Some(market.reward_apr()))
            .with(Column::Utilization, Some(market.utilization()))
            .with(Column::TvlUsd, Some(market.supplied()))
            .with(Column::ExitUsd, Some(market.exit()))
            .with(Column::EntryUsd, room.is_finite().then_some(room))
            .with(Column::ExitDelayDays, Some(0.0))
    })
}

fn terms_of(market: &WorldMarket) -> Terms {
    let is_silent = market.number().is_multiple_of(SILENT_ONE_IN);
    let rewards_end =
        market.campaign().map(|campaign| FIRST_DAY.plus(i64::from(campaign.end_day)).start());
    Terms {
        curve: (!is_silent).then(|| market.curve()),
        reserve_factor: (!is_silent).then(|| market.reserve_factor()),
        issuer: Some(market.issuer().to_owned()),
        wrap_depth: Some(1),
        rewards_end,
        ..Terms::default()
    }
}
