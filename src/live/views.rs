//! What a head brought, as the service shows it.

use plimsoll_core::journal::Decided;
use plimsoll_core::{Amount, MarketId};
use plimsoll_dashboard::view::{
    AssetView, DecidedAt, Decimal, DecisionView, LineView, MarketView, MarketsView, Origin,
    RatesView, ScoreView, ScoresView, SwitchesView, TermsView, VaultView,
};
use plimsoll_execute::chain::vault::Place;
use plimsoll_execute::live::{DeskSettings, Ruling, Tick};
use plimsoll_execute::protocol::{At, Reading};
use plimsoll_frame::Scores;

/// What the service knows besides what a head brings.
#[derive(Debug, Clone)]
pub(crate) struct Setting<'a> {
    /// The chain.
    pub(crate) chain: u64,
    /// Symbol of the vault's asset.
    pub(crate) symbol: &'a str,
    /// What decisions are taken with.
    pub(crate) desk: &'a DeskSettings,
    /// The newest scores.
    pub(crate) scores: Option<&'a Scores>,
}

/// Where what a head brought comes from.
pub(super) fn origin(tick: &Tick, source: &str) -> Origin {
    let at = At { block: tick.head.block, timestamp: tick.head.timestamp };
    Origin::new(Some(at.block.number), at.time(), source)
}

/// The vault.
pub(crate) fn vault(tick: &Tick, setting: &Setting<'_>) -> VaultView {
    let state = &tick.vault;
    let from = |function: &str| origin(tick, &format!("{}.{function}", state.address));
    let money = |amount: Amount| Decimal::of(amount, state.decimals);
    let share_decimals = state.decimals.saturating_add(6);
    let [turnover, day, month] = state.room;
    let room = |part| {
        let part = Amount(state.gross.0).mul_div_down(Amount(part), Amount(wad()));
        from("room()").by("parts of net assets").maybe(part.map(money), "it does not fit 256 bits")
    };
    VaultView {
        chain_id: setting.chain,
        address: state.address.to_string(),
        name: format!("Plimsoll {}", setting.symbol),
        asset: AssetView {
            symbol: setting.symbol.to_owned(),
            address: state.asset.to_string(),
            decimals: state.decimals,
        },
        share_decimals,
        line: LineView::of(None, &setting.desk.preference),
        share_price: from("convertToAssets(1 share)").known(money(state.share_price)),
        nav_low: from("value()").known(money(state.low)),
        nav_high: from("value()").known(money(state.high)),
        nav_gross: from("value()").known(money(state.gross)),
        idle: from("idle()").known(money(state.idle)),
        supply: from("value()").known(Decimal::shares(state.supply, share_decimals)),
        queued: from("queueShares()")
            .by("at the price of leaving, rounded up")
            .known(money(state.queue_owed)),
        loss_room_day: room(day),
        loss_room_month: room(month),
        entry_room: room(turnover),
        is_sound: from("value()").known(state.is_sound),
        is_paused: from("entriesPaused()").known(state.is_paused),
        operator_wei: from("balance of the allocator").unknown("it is not read"),
    }
}

fn wad() -> alloy::primitives::U256 {
    alloy::primitives::U256::from(plimsoll_execute::chain::vault::WAD)
}

/// Every reading with its market's place in the vault.
fn readings<'a>(
    tick: &'a Tick,
    setting: &'a Setting<'_>,
) -> impl Iterator<Item = (&'a Reading, Option<&'a Place>)> {
    let reads = tick.reads.iter().flatten();
    reads.flat_map(|read| &read.readings).map(|reading| {
        let contract = setting.desk.places.get(&reading.market);
        (reading, contract.and_then(|contract| tick.vault.place(*contract)))
    })
}

/// The markets.
pub(crate) fn markets(tick: &Tick, setting: &Setting<'_>) -> MarketsView {
    let each = readings(tick, setting);
    MarketsView {
        markets: each.map(|(reading, place)| market(tick, setting, reading, place)).collect(),
    }
}

fn market(
    tick: &Tick,
    setting: &Setting<'_>,
    reading: &Reading,
    place: Option<&Place>,
) -> MarketView {
    let from = origin(tick, reading.market.protocol());
    let money = |amount: Amount| Decimal::of(amount, reading.decimals);
    let price = tick.prices.get(&reading.asset).copied();
    let (supplied, borrowed) =
        (reading.supplied.to_f64(reading.decimals), reading.borrowed.to_f64(reading.decimals));
    let utilization = (supplied > 0.0).then(|| borrowed / supplied);
    let tvl = price.map(|price| supplied * price);
    let no_price = "its price is stale or not known";
    MarketView {
        market: reading.market.to_string(),
        protocol: reading.market.protocol().to_owned(),
        chain_id: setting.chain,
        asset: AssetView {
            symbol: reading.symbol.to_string(),
            address: reading.asset.to_string(),
            decimals: reading.decimals,
        },
        rates: rates(tick, setting, reading),
        utilization: from.by("borrowed over supplied").maybe(utilization, "nothing is supplied"),
        tvl_usd: from.by("supplied times price").maybe(tvl, no_price),
        supplied: from.known(money(reading.supplied)),
        borrowed: from.known(money(reading.borrowed)),
        exit: from.known(money(reading.exit)),
        exit_delay_days: from.known(0.0),
        entry: from.maybe(reading.entry.map(money), "it has no cap"),
        price_usd: origin(tick, "price feed").maybe(price, no_price),
        share_price: from.known(Decimal::ray(reading.share_price)),
        switches: SwitchesView {
            is_active: from.known(reading.switches.is_active),
            is_frozen: from.known(reading.switches.is_frozen),
            is_paused: from.known(reading.switches.is_paused),
            is_listed: origin(tick, "vault").known(place.is_some()),
        },
        terms: TermsView {
            absolute_cap: origin(tick, "vault").maybe(
                place.map(|place| Decimal::of(place.absolute_cap, tick.vault.decimals)),
                "the vault does not list it",
            ),
            relative_cap: origin(tick, "vault").maybe(
                place.map(|place| f64::from(place.relative_cap_bps) / 10_000.0),
                "the vault does not list it",
            ),
            target_utilization: from.by("the rate curve").maybe(
                reading.terms.curve.as_ref().map(|curve| curve.target()),
                "its curve is not known",
            ),
            issuer: reading.terms.issuer.clone(),
            wrap_depth: reading.terms.wrap_depth,
        },
    }
}

/// The four rates: the first as read, the others as the newest decision scored them.
fn rates(tick: &Tick, setting: &Setting<'_>, reading: &Reading) -> RatesView {
    let read = origin(tick, reading.market.protocol());
    let model = match setting.scores.and_then(|scores| scores.clock) {
        Some(clock) => Origin::new(None, clock, "model"),
        None => read.clone(),
    };
    let scored = |market: &MarketId| setting.scores.and_then(|scores| scores.of(market));
    let score = scored(&reading.market);
    let reason = "nothing was decided since the start";
    RatesView {
        advertised_apr: read.known(reading.supply_apr.to_f64()),
        after_deposit_apr: model.unknown("it depends on the deposit: see the scores"),
        sustainable_apr: model.maybe(score.and_then(|score| score.sustainable_apr), reason),
        realised_apr: model
            .by("growth of the index over seven days")
            .maybe(score.and_then(|score| score.realised_apr), "not seven days are known"),
    }
}

/// The scores of a decision.
pub(crate) fn scores(tick: &Tick, ruling: &Ruling) -> ScoresView {
    let from = origin(tick, "model");
    ScoresView {
        forecast: ruling.scores.service.forecast.clone(),
        reason: ruling.scores.service.reason.clone(),
        scores: ruling.decided.scores.iter().map(|scored| ScoreView::of(scored, &from)).collect(),
    }
}

/// Where a decision is, and how it is read.
pub(crate) fn decided_at<'a>(
    line: u64,
    block: Option<u64>,
    decided: &Decided,
    (strategy, decimals): (&'a str, u8),
) -> DecidedAt<'a> {
    DecidedAt { line, block, time: decided.time, strategy, decimals }
}

/// A decision on a line of the journal.
pub(crate) fn decision(tick: &Tick, line: u64, ruling: &Ruling, strategy: &str) -> DecisionView {
    let block = Some(tick.head.block.number);
    let at = decided_at(line, block, &ruling.decided, (strategy, tick.vault.decimals));
    DecisionView::of(&ruling.decided, at)
}
