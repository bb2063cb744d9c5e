//! The four kinds on one scale: what is best by a reference calculation is entered, and what is not is refused.

use plimsoll_allocate::{Decision, Observed, RunScenario, State, step};
use plimsoll_core::preference::Fraction;
use plimsoll_core::{
    Amount, CostModel, Enforcement, Limit, MarketId, MarketKind, Policy, Portfolio, Position,
    RangeFacts, Ray, RiskLine, RiskPreference, Scenarios, Shares, Time, UpkeepKind,
};
use plimsoll_frame::{
    Asked, Column, MarketFrame, MarketRow, MovingTerms, PoolShape, PoolTerms, RiskModel, Scores,
    Terms, TermsBook,
};
use plimsoll_models::{FirstModel, FirstSettings};
use plimsoll_strategies::by_name;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

const DAYS: i64 = 100;
pub(crate) const LENDING: &str = "aave-v3:31337:0x01";
const SECOND: &str = "morpho-blue:31337:0x02";
pub(crate) const STAKED: &str = "lido:31337:0x03";
pub(crate) const RANGED: &str = "uniswap-v3:31337:0x04";
pub(crate) const CAMPAIGN: &str = "staking-rewards:31337:0x05";

/// What each market of a world pays, a year.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    pub(crate) lending: f64,
    pub(crate) staking: f64,
    pub(crate) discount: f64,
    /// What a full range earns in fees.
    pub(crate) fees: f64,
    pub(crate) variance: f64,
    /// What the campaign pays on what is in it now.
    pub(crate) rewards: f64,
    /// Days until the campaign ends.
    pub(crate) ends_in: i64,
}

/// Nothing but lending pays.
pub(crate) const DULL: World = World {
    lending: 0.04,
    staking: 0.001,
    discount: 0.0,
    fees: 0.01,
    variance: 0.5,
    rewards: 0.0,
    ends_in: 90,
};

pub(crate) fn id(name: &str) -> MarketId {
    name.parse().unwrap()
}

impl World {
    fn rows(&self) -> Vec<MarketRow> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let (mut price, mut paid) = (2_000.0f64, 0.0);
        let mut rows = Vec::new();
        for day in 0..DAYS {
            let time = Time(day * 86_400_000 + 43_200_000);
            let years = day as f64 / 365.0;
            let row = |name: &str, index: f64, tvl: f64| {
                MarketRow::empty(id(name), time)
                    .with(Column::PriceUsd, Some(1.0))
                    .with(Column::SharePrice, Some(index))
                    .with(Column::TvlUsd, Some(tvl))
                    .with(Column::ExitUsd, Some(tvl))
                    .with(Column::ExitDelayDays, Some(0.0))
            };
            for name in [LENDING, SECOND] {
                let lent = row(name, 1.0 + self.lending * years, 1e8);
                rows.push(lent.with(Column::SupplyApr, Some(self.lending)));
            }
            let index = 1.0 + self.staking * years;
            let staked = row(STAKED, index, 1e9)
                .with(Column::SupplyApr, Some(self.staking))
                .with(Column::PairPrice, Some(index * (1.0 - self.discount)));
            rows.push(staked);
            paid += self.fees / 365.0 * 2.0 * price.sqrt();
            let ranged = row(RANGED, 2.0 * price.sqrt(), 2e7)
                .with(Column::PairPrice, Some(price))
                .with(Column::FeesAsset, Some(paid))
                .with(Column::FeesForeign, Some(0.0))
                .with(Column::DepthUsd, Some(2e8));
            rows.push(ranged);
            let mined = row(CAMPAIGN, 1.0 + 0.005 * years, 5e6)
                .with(Column::SupplyApr, Some(0.005))
                .with(Column::RewardApr, Some(self.rewards));
            rows.push(mined);
            let shock: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            price *= ((self.variance / 365.0).sqrt() * shock).exp();
        }
        rows
    }

    fn terms(&self) -> TermsBook {
        let mut book = TermsBook::default();
        let base =
            Terms { issuer: Some("circle".to_owned()), wrap_depth: Some(1), ..Terms::default() };
        let moving = |entry, exit, reward_sale| {
            Some(MovingTerms { entry, exit, reward_sale, provision: 0.0 })
        };
        let shape = PoolShape::Ranges { least: 0.05, most: 3.0 };
        let all = [
            (LENDING, base.clone()),
            (SECOND, base.clone()),
            (
                STAKED,
                Terms {
                    kind: MarketKind::Staking,
                    moving: moving(0.0, 0.000_5, 0.0),
                    ..base.clone()
                },
            ),
            (
                RANGED,
                Terms {
                    kind: MarketKind::Lp,
                    pool: Some(PoolTerms { shape, fee: 0.000_5, is_foreign: true }),
                    moving: moving(0.000_5, 0.000_5, 0.0),
                    ..base.clone()
                },
            ),
            (
                CAMPAIGN,
                Terms {
                    kind: MarketKind::Mining,
                    rewards_end: Some(Time((DAYS + self.ends_in) * 86_400_000)),
                    moving: moving(0.0, 0.0, 0.01),
                    ..base
                },
            ),
        ];
        for (name, terms) in all {
            book.learn(&id(name), Time(0), terms);
        }
        book
    }

    fn scored(&self) -> (MarketFrame, Scores) {
        let frame = MarketFrame::from_rows(self.rows()).unwrap().with_terms(Arc::new(self.terms()));
        let view = frame.view(Time(DAYS * 86_400_000 - 1));
        let model = FirstModel::new(FirstSettings::default()).unwrap();
        let scores = model.scores(&view, Asked::Everything);
        (frame, scores)
    }

    /// What portfolios can lose in it.
    pub(crate) fn scenarios(&self) -> Arc<Scenarios> {
        self.scored().1.scenarios
    }

    /// What `strategy` does with a hundred thousand on `line`, of which `held` sits where it is said.
    pub(crate) fn decides(&self, strategy: &str, line: RiskLine, held: Held) -> Decision {
        let (frame, scores) = self.scored();
        let view = frame.view(Time(DAYS * 86_400_000 - 1));
        let policy = Policy {
            own_issuer: Some("circle".to_owned()),
            ..Policy::new(RiskPreference::of_line(line), Enforcement::Strict)
        };
        let mut portfolio = Portfolio::of_idle(whole(100_000.0 - held.amount), 6);
        if held.amount > 0.0 {
            let position = Position { shares: Shares(whole(held.amount).0), share_price: Ray::ONE };
            portfolio.positions.insert(id(held.market), position);
            portfolio.facts.insert(id(held.market), held.facts);
        }
        let observed = Observed {
            view,
            scores: &scores,
            portfolio,
            run: RunScenario { leaving_first: Fraction::of_percent(10) },
            costs: CostModel { gas_per_action: Some(whole(0.5)), ..CostModel::default() },
            executed: &[],
        };
        let strategy = by_name(strategy).unwrap();
        step(&State { strategy: strategy.as_ref(), policy: &policy }, &observed).unwrap()
    }

    /// The weight of each market that `strategy` enters from idle.
    fn enters(&self, strategy: &str, line: RiskLine) -> BTreeMap<String, f64> {
        let decision = self.decides(strategy, line, Held::NOTHING);
        let entries = decision.approved.plan().entries.iter();
        entries
            .map(|entry| (entry.market.to_string(), entry.amount.to_f64(6) / 100_000.0))
            .collect()
    }
}

/// What is held before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) market: &'static str,
    pub(crate) amount: f64,
    pub(crate) facts: plimsoll_core::Facts,
}

impl Held {
    pub(crate) const NOTHING: Held = Held {
        market: LENDING,
        amount: 0.0,
        facts: plimsoll_core::Facts {
            range: None,
            fees_due: Amount::ZERO,
            rewards_due: Amount::ZERO,
            queued: Amount::ZERO,
            claimable: Amount::ZERO,
        },
    };
}

pub(crate) fn whole(amount: f64) -> Amount {
    Amount::from_f64_floor(amount, 6).unwrap()
}

#[test]
fn where_nothing_else_pays_only_lending_is_entered() {
    let entered = DULL.enters("allocator", RiskLine::Balanced);
    assert_eq!(entered.keys().map(String::as_str).collect::<Vec<_>>(), [LENDING, SECOND]);
    for strategy in ["stake", "lp-range", "mine"] {
        let decision = DULL.decides(strategy, RiskLine::Balanced, Held::NOTHING);
        let plan = decision.approved.plan();
        assert!(
            plan.entries.is_empty(),
            "{strategy}: {:?} {}",
            plan.entries,
            decision.entry.reason
        );
    }
}

/// Each kind in a world in which, by plain arithmetic, it pays more than lending does, and in one in which it does not.
#[test]
fn each_kind_is_entered_where_it_pays_most_and_refused_where_it_does_not() {
    let staking = World { staking: 0.07, ..DULL };
    // 30 % fees less 5 % of LVR for a full range; narrower is a multiple of that.
    let lp = World { fees: 0.3, variance: 0.4, ..DULL };
    // Half a percent and 20 % less a hundredth, until the end of the quarter.
    let mining = World { rewards: 0.2, ..DULL };
    let cases = [("stake", STAKED, staking), ("lp-range", RANGED, lp), ("mine", CAMPAIGN, mining)];
    for (strategy, market, world) in cases {
        for strategy in [strategy, "allocator"] {
            let entered = world.enters(strategy, RiskLine::Adventurous);
            assert!(
                entered.get(market).is_some_and(|part| *part > 0.02),
                "{strategy}: {entered:?}"
            );
        }
    }
    let deep = World { discount: 0.05, ..staking };
    // 2 % of fees less an eighth of 0.4.
    let swings = World { fees: 0.02, variance: 0.4, ..DULL };
    let over = World { ends_in: 0, ..mining };
    let cases = [("stake", STAKED, deep), ("lp-range", RANGED, swings), ("mine", CAMPAIGN, over)];
    for (strategy, market, world) in cases {
        for strategy in [strategy, "allocator"] {
            let entered = world.enters(strategy, RiskLine::Adventurous);
            assert_eq!(entered.get(market), None, "{strategy}: {entered:?}");
        }
    }
}

#[test]
fn the_three_lines_hold_different_portfolios_each_within_its_limits() {
    let world = World { staking: 0.055, fees: 0.3, variance: 0.4, rewards: 0.15, ..DULL };
    let mut before = 0.0;
    for line in RiskLine::ALL {
        let entered = world.enters("allocator", line);
        let preference = RiskPreference::of_line(line);
        let foreign = entered.get(RANGED).copied().unwrap_or_default();
        assert!(foreign <= preference.foreign_exposure.value() + 1e-6, "{line}: {entered:?}");
        for (market, part) in &entered {
            assert!(*part <= preference.per_protocol.value() + 1e-6, "{line}: {market} {part}");
        }
        assert!(foreign > before, "{line} takes more of what swings: {entered:?}");
        before = foreign;
    }
}

#[test]
fn a_foreign_price_is_capped_and_the_cap_is_named() {
    let world = World { fees: 0.6, variance: 0.02, ..DULL };
    let decision = world.decides("allocator", RiskLine::Balanced, Held::NOTHING);
    let ranged: Vec<_> =
        decision.entry.scores.iter().filter(|row| row.market == id(RANGED)).collect();
    assert_eq!(ranged[0].binding_constraint.as_deref(), Some("foreign_exposure"));
    assert!((ranged[0].limit_use[&Limit::ForeignExposure] - 1.0).abs() < 1e-12);
    assert!((ranged[0].weight - 0.25).abs() < 1e-6, "{}", ranged[0].weight);
}

#[test]
fn an_entry_comes_with_its_range_and_a_range_that_was_left_is_laid_anew() {
    let world = World { fees: 0.3, variance: 0.4, ..DULL };
    let first = world.decides("lp-range", RiskLine::Adventurous, Held::NOTHING);
    let upkeep = &first.approved.plan().upkeep;
    let [only] = upkeep.as_slice() else { panic!("{upkeep:?}") };
    let UpkeepKind::Range { half_width } = only.kind else { panic!("{only:?}") };
    let width = f64::from(half_width) / 1e6;
    let held = |offset, fees: f64| Held {
        market: RANGED,
        amount: 20_000.0,
        facts: plimsoll_core::Facts {
            range: Some(RangeFacts { half_width: width, offset }),
            fees_due: whole(fees),
            ..Held::NOTHING.facts
        },
    };
    let does = |held| {
        let plan = world.decides("lp-range", RiskLine::Adventurous, held).approved.plan().clone();
        plan.upkeep.iter().map(|each| each.kind).collect::<Vec<_>>()
    };
    assert_eq!(does(held(0.0, 1.0)), [], "in its middle, with little to collect");
    assert_eq!(does(held(0.0, 50.0)), [UpkeepKind::Harvest]);
    let left = does(held(1.2 * width, 1.0));
    assert!(matches!(left.as_slice(), [UpkeepKind::Range { .. }]), "{left:?}");
}

#[test]
fn a_staked_token_far_below_its_worth_is_asked_back_from_the_protocol_at_once() {
    let world = World { staking: 0.03, discount: 0.07, ..DULL };
    let held = Held { market: STAKED, amount: 30_000.0, ..Held::NOTHING };
    let decision = world.decides("allocator", RiskLine::Balanced, held);
    let plan = decision.approved.plan();
    let asked: Vec<_> = plan.upkeep.iter().filter(|each| each.market == id(STAKED)).collect();
    let [only] = asked.as_slice() else { panic!("{plan:?}") };
    let UpkeepKind::RequestExit { amount } = only.kind else { panic!("{only:?}") };
    assert!(amount.to_f64(6) > 29_999.0, "all of it: {amount:?}");
    assert!(plan.exits.iter().all(|exit| exit.market != id(STAKED)), "none of it is sold");
    let calm = World { discount: 0.001, ..world };
    let held = Held { amount: 20_000.0, ..held };
    let decision = calm.decides("allocator", RiskLine::Balanced, held);
    let upkeep = &decision.approved.plan().upkeep;
    assert!(upkeep.is_empty(), "a small discount is waited with: {upkeep:?}");
}

#[test]
fn a_staked_token_below_its_worth_is_left_by_the_queue() {
    let world = World { staking: 0.001, discount: 0.01, lending: 0.15, ..DULL };
    let held = Held { market: STAKED, amount: 30_000.0, ..Held::NOTHING };
    let decision = world.decides("allocator", RiskLine::Balanced, held);
    let plan = decision.approved.plan();
    let asked: Vec<_> = plan.upkeep.iter().filter(|each| each.market == id(STAKED)).collect();
    assert!(
        matches!(asked.as_slice(), [each] if matches!(each.kind, UpkeepKind::RequestExit { .. })),
        "{plan:?}"
    );
    assert!(plan.exits.iter().all(|exit| exit.market != id(STAKED)));
}
