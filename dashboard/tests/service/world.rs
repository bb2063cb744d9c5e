//! An engine with something to say.

use alloy_primitives::{B256, U256};
use plimsoll_core::approve::{RefusalCause, WaiverCause};
use plimsoll_core::execution::{Attempt, BlockRef, Inclusion, Intent, Outcome, Purpose, State};
use plimsoll_core::journal::{Decided, Expected, Scored};
use plimsoll_core::units::Bps;
use plimsoll_core::{
    Action, ActionKind, Amount, CostModel, Limit, MarketId, Plan, Refusal, RiskLine,
    RiskPreference, Shares, Time, Wad, Waiver,
};
use plimsoll_dashboard::view::*;
use plimsoll_dashboard::{Event, Publisher};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const AAVE: &str = "aave-v3:31337:0x00000000000000000000000000000000000000a1";
pub(crate) const MORPHO: &str =
    "morpho-blue:31337:0x00000000000000000000000000000000000000b2:0xabcd";
pub(crate) const RANGE: &str = "uniswap-v3:31337:0x00000000000000000000000000000000000000c3:0x00000000000000000000000000000000000000d4";
pub(crate) const STAKED: &str = "staked-eth:31337:0x00000000000000000000000000000000000000e5";
pub(crate) const TIME: Time = Time(1_764_000_000_000);

pub(crate) fn market(id: &str) -> MarketId {
    id.parse().unwrap()
}

pub(crate) fn usdc(whole: u64) -> Amount {
    Amount(U256::from(whole) * U256::from(1_000_000))
}

fn contract() -> Origin {
    Origin::new(Some(1_234), TIME, "vault 0xfa, one multicall")
}

fn asset() -> AssetView {
    AssetView { symbol: "USDC".to_owned(), address: "0x0c".to_owned(), decimals: 6 }
}

pub(crate) fn health() -> Health {
    Health {
        head: Some(Health::head_of(1_234, "0x04d2", TIME)),
        since_head: Some(Duration::ZERO),
        nodes: vec![
            NodeView { name: "127.0.0.1:8545".to_owned(), head: Some(1_234), check: Check::Passed },
            NodeView {
                name: "127.0.0.1:8546".to_owned(),
                head: None,
                check: Check::failed("timeout"),
            },
        ],
        quorum: Check::Passed,
        journal: JournalView { lines: 99, check: Check::Passed },
        start_up: Check::Passed,
        ..Health::starting(Mode::Shadow, Duration::from_secs(3_600))
    }
}

pub(crate) fn vault() -> VaultView {
    let origin = contract();
    let money = |whole| origin.known(Decimal::of(usdc(whole), 6));
    VaultView {
        chain_id: 31_337,
        address: "0xfa".to_owned(),
        name: "Plimsoll USDC".to_owned(),
        asset: asset(),
        share_decimals: 12,
        line: LineView::of(Some("balanced"), &RiskPreference::of_line(RiskLine::Balanced)),
        share_price: origin.known(Decimal::wad(Wad(U256::from(1_012_345_678_900_000_000_u64)))),
        nav_low: money(100_000),
        nav_high: money(100_100),
        nav_gross: money(100_050),
        idle: money(10_000),
        supply: origin.known(Decimal::shares(Shares(U256::from(98_780_000_000_000_000_u64)), 12)),
        queued: money(0),
        loss_room_day: money(100),
        loss_room_month: money(500),
        entry_room: origin.unknown("the entry bucket was not read"),
        is_sound: origin.known(true),
        is_paused: origin.known(false),
        operator_wei: origin.known(Decimal::whole(1_500_000_000_000_000_000)),
    }
}

pub(crate) fn positions() -> PositionsView {
    let origin = contract();
    let kept =
        Origin::new(Some(1_233), TIME, "vault 0xfa: reads and events").by("since block 1000");
    let gain = |raw| kept.known(Decimal::gain(raw, 6));
    let none = |why| kept.unknown(why);
    let position = |id: &str, whole: u64| PositionView {
        market: id.to_owned(),
        kind: Some(KindView::Lending),
        worth: origin.known(Decimal::of(usdc(whole), 6)),
        shares: origin.known(Decimal::shares(Shares(usdc(whole).0), 6)),
        weight: origin.by("worth / gross NAV").known(0.45),
        available: origin.known(Decimal::of(usdc(whole), 6)),
        share_price: origin.known(Decimal::wad(Wad(U256::from(10).pow(U256::from(18))))),
        mark: origin.known(0.0),
        cost_basis: kept.known(Decimal::of(usdc(whole - 1), 6)),
        profit: gain(1_000_000),
        since_block: Some(1_000),
        income: gain(1_000_003),
        rewards: none("no rewards are claimed there"),
        fees: none("traders pay nothing there"),
        price: none("no price moves it"),
        cost: gain(-3),
        impairment: gain(0),
        impermanent_loss: none("it is in no pool"),
        lvr: none("it is in no pool"),
        fees_due: origin.unknown("traders pay nothing there"),
        rewards_due: origin.unknown("no rewards are claimed there"),
        queued: origin.unknown("it has no queue"),
        claimable: origin.unknown("it has no queue"),
        discount: origin.unknown("it is no staked token"),
        range: None,
    };
    let price = |value| origin.by("USDC for a whole WETH").known(value);
    let range = PositionView {
        kind: Some(KindView::Mining),
        profit: gain(-1_250_000),
        income: none("nothing grows by an index there"),
        rewards: gain(2_000_000),
        fees: gain(3_000_000),
        price: gain(-6_000_000),
        cost: gain(-250_000),
        impairment: none("nothing grows by an index there"),
        impermanent_loss: gain(-900_000),
        lvr: gain(-800_000),
        fees_due: origin.known(Decimal::of(usdc(4), 6)),
        rewards_due: origin.known(Decimal::of(usdc(5), 6)),
        range: Some(RangeView {
            lower: price(1_800.0),
            upper: price(2_200.0),
            price: price(2_000.0),
            half_width: origin.known(0.1),
            offset: origin.known(0.005),
        }),
        ..position(RANGE, 5_000)
    };
    let staked = PositionView {
        kind: Some(KindView::Staking),
        price: gain(-70_000),
        cost: gain(0),
        profit: gain(-70_000),
        income: gain(0),
        queued: origin.known(Decimal::of(usdc(7), 6)),
        claimable: origin.known(Decimal::of(usdc(2), 6)),
        discount: origin.known(0.0125),
        ..position(STAKED, 100)
    };
    let lent = [position(AAVE, 45_000), position(MORPHO, 45_050)];
    PositionsView { positions: lent.into_iter().chain([range, staked]).collect() }
}

pub(crate) fn markets() -> MarketsView {
    let origin = contract();
    let of = |id: &str, name: &str| MarketView {
        market: id.to_owned(),
        protocol: name.to_owned(),
        chain_id: 31_337,
        asset: asset(),
        rates: RatesView {
            advertised_apr: origin.known(0.05),
            after_deposit_apr: origin.known(0.048),
            sustainable_apr: origin.by("linear forecast").known(0.044),
            realised_apr: origin.unknown("less than seven days of history"),
        },
        utilization: origin.known(0.87),
        tvl_usd: origin.known(12_345_678.9),
        supplied: origin.known(Decimal::of(usdc(12_345_678), 6)),
        borrowed: origin.known(Decimal::of(usdc(10_740_000), 6)),
        exit: origin.known(Decimal::of(usdc(1_605_678), 6)),
        exit_delay_days: origin.known(0.0),
        entry: origin.unknown("it has no cap"),
        price_usd: origin.known(0.9999),
        share_price: origin
            .known(Decimal::ray(plimsoll_core::Ray(U256::from(10).pow(U256::from(27))))),
        switches: SwitchesView {
            is_active: origin.known(true),
            is_frozen: origin.known(false),
            is_paused: origin.known(false),
            is_listed: origin.known(true),
        },
        terms: TermsView {
            absolute_cap: origin.known(Decimal::of(usdc(500_000), 6)),
            relative_cap: origin.known(0.5),
            target_utilization: origin.known(0.9),
            issuer: Some("circle".to_owned()),
            wrap_depth: None,
        },
    };
    MarketsView { markets: vec![of(AAVE, "aave-v3"), of(MORPHO, "morpho-blue")] }
}

fn scored() -> Scored {
    Scored {
        market: market(AAVE),
        weight: 0.45,
        advertised_apr: Some(0.05),
        after_deposit_apr: Some(0.048),
        sustainable_apr: Some(0.044),
        realised_apr: None,
        net_apr: Some(0.0432),
        interval: Some((0.031, 0.052)),
        p_loss_1y: Some(0.004),
        exit_p50_h: Some(0.0),
        exit_p95_h: None,
        binding_constraint: Some("per_protocol".to_owned()),
        limit_use: [(Limit::PerProtocol, 1.0)].into(),
    }
}

pub(crate) fn scores() -> ScoresView {
    let origin = Origin::new(Some(1_234), TIME, "model linear-7d").by("trained up to 2025-11-01");
    ScoresView {
        forecast: "linear".to_owned(),
        reason: "beats persistence: 41 against 55 bp".to_owned(),
        scores: vec![ScoreView::of(&scored(), &origin)],
    }
}

pub(crate) fn decided(reason: &str) -> Decided {
    let action = |kind, id, whole| Action { kind, market: market(id), amount: usdc(whole) };
    Decided {
        time: TIME,
        reason: reason.to_owned(),
        alternatives: vec![(market(MORPHO), 0.061), (market(AAVE), 0.0432)],
        expected: Some(Expected {
            gain: 12.5,
            p_gain: 0.93,
            net_apr: 0.05,
            interval: Some((0.03, 0.06)),
        }),
        scores: vec![scored()],
        plan: Plan {
            as_of: TIME,
            exits: vec![action(ActionKind::Exit, AAVE, 5_000)],
            entries: vec![action(ActionKind::Enter, MORPHO, 5_000)],
            upkeep: vec![],
            costs: CostModel {
                turnover: Bps(2),
                gas_per_action: Some(Amount(U256::from(40_000))),
                is_first_entry: false,
            },
        },
        refusals: vec![Refusal {
            market: market(MORPHO),
            cause: RefusalCause::Exceeds(Limit::PerProtocol),
            asked: usdc(9_000),
            allowed: usdc(5_000),
        }],
        waivers: vec![Waiver { limit: Limit::PerChain, cause: WaiverCause::OneChain }],
    }
}

pub(crate) fn decision(line: u64) -> DecisionView {
    let at = DecidedAt { line, block: Some(1_234), time: TIME, strategy: "lending", decimals: 6 };
    DecisionView::of(&decided("the advantage pays for its cost"), at)
}

pub(crate) fn fate(line: u64, decision: u64) -> FateView {
    let hash = B256::repeat_byte(7);
    let attempt = Attempt {
        hash,
        purpose: Purpose::Call,
        call: B256::repeat_byte(8),
        nonce: 4,
        max_fee: 30_000_000_000,
        priority_fee: 1_000_000_000,
        gas: 700_000,
        raw: vec![2, 0xde, 0xad, 0xbe, 0xef].into(),
    };
    let block = BlockRef { number: 1_236, hash: B256::repeat_byte(9) };
    let intent = Intent {
        id: B256::repeat_byte(3),
        state: State::Closed(Outcome::Done),
        to: alloy_primitives::Address::repeat_byte(0xfa),
        data: vec![1].into(),
        call: B256::repeat_byte(8),
        entries: usdc(5_000),
        valid_until: 1_764_000_600,
        decided_on: block,
        time: TIME,
        policy: None,
        gas: Some(412_345),
        nonce: Some(4),
        attempts: vec![attempt],
        inclusion: Some(Inclusion {
            hash,
            block,
            succeeded: true,
            gas_used: 412_345,
            gas_price: 20_000_000_000,
        }),
        reorgs: 0,
        reason: None,
    };
    FateView::of(&intent, decision, line)
}

/// Publishes everything that there is to publish, and counts everything that there is to count.
pub(crate) fn publish(publisher: &Publisher) {
    publisher.recall(0, [Event::Decision(Arc::new(decision(12)))]).unwrap();
    publisher.health(health());
    publisher.vault(vault());
    publisher.positions(positions());
    publisher.markets(markets());
    publisher.scores(scores());
    publisher.decision(decision(20)).unwrap();
    publisher.fate(fate(27, 20)).unwrap();
    let metrics = publisher.metrics();
    metrics.books(1_233);
    metrics.block(Duration::from_millis(700));
    metrics.reorg(2);
    metrics.transaction(Purpose::Call);
    metrics.gas(412_345, Amount(U256::from(8_246_900_000_000_000_u64)));
    metrics.plan(FateState::Done);
    metrics.node_error("https://node.example:8545/v3/a-key-of-somebody", "timeout");
    metrics.quorum_failure();
    metrics.head_to_decision(Duration::from_millis(42));
    metrics.head_to_broadcast(Duration::from_millis(90));
    metrics.adapter_read("aave-v3", Duration::from_millis(7));
}
