//! One rule in one world, from the first decision to the last day.

use super::observe::{first_day, market_ids, observed};
use super::{DECISION_STEP, WARM_UP_DAYS};
use crate::outcome::{DayPoint, Outcome};
use crate::replay::{DECIMALS, ReplayError};
use crate::world::{World, WorldSettings};
use plimsoll_allocate::{Observed, RunScenario, State, step};
use plimsoll_core::journal::Executed;
use plimsoll_core::{
    Amount, Bps, CostModel, MarketId, Plan, Policy, Portfolio, Position, Ray, Shares, Time,
};
use plimsoll_frame::{
    Asked, MarketFrame, MarketRow, RiskModel, Scores, Strategy, StrategyError, TermsBook,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What moving costs in a world.
#[derive(Debug, Clone, Copy)]
pub struct Costing {
    /// Cost on one-way turnover; the first entry is free.
    pub turnover: Bps,
    /// Units of gas of one action.
    pub gas_units: f64,
    /// The run that the exit limit assumes.
    pub scenario: RunScenario,
}

/// A rule with what it is told.
pub struct Rules<'a> {
    /// The rule.
    pub strategy: &'a dyn Strategy,
    /// Scores the markets; none where nobody reads them.
    pub model: Option<&'a dyn RiskModel>,
    /// The limits.
    pub policy: &'a Policy,
}

/// A world that has been observed up to the first decision.
#[derive(Debug, Clone)]
pub struct WorldRun {
    world: World,
    ids: Vec<MarketId>,
    rows: Vec<MarketRow>,
    terms: TermsBook,
    days: u32,
    capital: f64,
    costing: Costing,
}

/// What came of following a rule.
#[derive(Debug, Clone)]
pub struct Course {
    /// The fold over its days.
    pub outcome: Outcome,
    /// What it held in each market after each decision, USD; `None` where it stayed.
    pub holdings: Vec<Option<Vec<f64>>>,
    /// The forecast in service at each decision.
    pub services: Vec<String>,
    /// The most that it wanted out and could not get, USD, and for how many decisions.
    pub stuck: (f64, usize),
    /// What was carried out, oldest first.
    executed: Vec<Executed>,
}

/// Idle money, and deposits that sit in the world.
#[derive(Debug, Clone)]
pub(super) struct Purse {
    pub(super) world: World,
    pub(super) idle: f64,
    rewards: Vec<f64>,
    pub(super) has_entered: bool,
}

/// What a trade did.
#[derive(Debug, Clone, Default)]
pub(super) struct Traded {
    pub(super) turnover: f64,
    pub(super) cost: f64,
    pub(super) gas: f64,
    pub(super) stuck: f64,
    /// What was taken out of each market, by its place.
    pub(super) out: Vec<(usize, f64)>,
    /// What was brought into each market, by its place.
    pub(super) into: Vec<(usize, f64)>,
}

impl Purse {
    pub(super) fn new(world: World, idle: f64) -> Purse {
        let rewards = vec![0.0; world.markets().len()];
        Purse { world, idle, rewards, has_entered: false }
    }

    /// Lives one day; rewards are sold for what they are counted at and join the idle money.
    pub(super) fn live(&mut self) {
        self.world.step();
        for (known, market) in self.rewards.iter_mut().zip(self.world.markets()) {
            let now = market.our_rewards();
            self.idle += (now - *known).max(0.0);
            *known = now;
        }
    }

    pub(super) fn nav(&self) -> f64 {
        self.idle + self.world.markets().iter().map(|market| market.ours()).sum::<f64>()
    }

    /// Gas of one action, USD.
    fn gas(&self, costing: &Costing) -> f64 {
        self.world.gas_usd(costing.gas_units)
    }

    /// Takes out and brings in what `exits` and `entries` ask for, market by market, as far as there is
    /// liquidity and money.
    pub(super) fn trade(
        &mut self,
        exits: &[(usize, f64)],
        entries: &[(usize, f64)],
        costing: &Costing,
    ) -> Traded {
        let mut traded = Traded::default();
        let (mut left, mut actions) = (0.0, 0.0);
        for (market, amount) in exits {
            let paid = self.world.withdraw(*market, *amount);
            traded.stuck += (amount - paid).max(0.0);
            actions += f64::from(u8::from(paid > 0.0));
            left += paid;
            traded.out.push((*market, paid));
        }
        self.idle += left;
        let gas = self.gas(costing);
        let wanted: f64 = entries.iter().map(|(_, amount)| amount).sum();
        let share = if self.has_entered { costing.turnover.to_fraction() } else { 0.0 };
        let count = entries.len() as f64;
        // Entries shrink until they and their costs are paid.
        let paid = self.idle - (actions + count) * gas - share * left.max(wanted.min(self.idle));
        let part = if wanted > 0.0 { (paid / wanted).clamp(0.0, 1.0) } else { 0.0 };
        let mut entered = 0.0;
        for (market, amount) in entries {
            let amount = amount * part;
            if amount > 0.0 && self.world.deposit(*market, amount) {
                self.idle -= amount;
                entered += amount;
                actions += 1.0;
                traded.into.push((*market, amount));
            }
        }
        traded.turnover = if self.has_entered { left.max(entered) } else { 0.0 };
        traded.cost = share * traded.turnover;
        traded.gas = actions * gas;
        self.idle = (self.idle - traded.cost - traded.gas).max(0.0);
        self.has_entered |= entered > 0.0;
        traded
    }
}

impl WorldRun {
    /// Lives and observes a world up to the first decision.
    #[must_use]
    pub fn prepare(settings: &WorldSettings, capital: f64, costing: Costing) -> WorldRun {
        let mut world = World::new(settings);
        let ids = market_ids(&world);
        let (mut rows, mut terms) = (Vec::new(), TermsBook::default());
        rows.extend(observed(&world, &ids, &mut terms));
        for _ in 0..WARM_UP_DAYS {
            world.step();
            rows.extend(observed(&world, &ids, &mut terms));
        }
        WorldRun { world, ids, rows, terms, days: settings.days, capital, costing }
    }

    /// How many markets there are.
    #[must_use]
    pub fn markets(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn purse(&self) -> Purse {
        Purse::new(self.world.clone(), self.capital)
    }

    pub(super) fn costing(&self) -> &Costing {
        &self.costing
    }

    /// Days from the first decision to the end.
    pub(super) fn days_left(&self) -> u32 {
        self.days - WARM_UP_DAYS
    }

    /// Follows a rule to the last day.
    ///
    /// # Errors
    /// [`ReplayError`] where the rule has no answer or a row is no row.
    pub fn follow(&self, rules: &Rules<'_>) -> Result<Course, ReplayError> {
        let mut purse = self.purse();
        let (mut rows, mut terms) = (self.rows.clone(), self.terms.clone());
        let mut course = Course {
            outcome: Outcome::default(),
            holdings: Vec::new(),
            services: Vec::new(),
            stuck: (0.0, 0),
            executed: Vec::new(),
        };
        for passed in 0..=self.days_left() {
            if passed.is_multiple_of(DECISION_STEP) && passed < self.days_left() {
                let frame = MarketFrame::from_rows(rows.clone())
                    .map_err(|cause| ReplayError::Frame { cause: cause.to_string() })?;
                let frame = frame.with_terms(Arc::new(terms.clone()));
                self.decide(rules, &frame, &mut purse, &mut course)?;
            }
            course.outcome.days.push(self.point(&purse));
            if passed < self.days_left() {
                purse.live();
                rows.extend(observed(&purse.world, &self.ids, &mut terms));
            }
        }
        Ok(course)
    }

    fn decide(
        &self,
        rules: &Rules<'_>,
        frame: &MarketFrame,
        purse: &mut Purse,
        course: &mut Course,
    ) -> Result<(), ReplayError> {
        let day = first_day().plus(i64::from(purse.world.day()));
        let view = frame.view(day.end());
        let asked = if rules.strategy.reads_scores() { Asked::Everything } else { Asked::Limits };
        let scores = rules.model.map_or_else(Scores::default, |model| model.scores(&view, asked));
        let observed = Observed {
            view,
            scores: &scores,
            portfolio: self.portfolio(purse),
            run: self.costing.scenario,
            costs: CostModel {
                turnover: self.costing.turnover,
                gas_per_action: Amount::from_f64_floor(purse.gas(&self.costing), DECIMALS),
                is_first_entry: !purse.has_entered,
            },
            executed: &course.executed,
        };
        let strategy = rules.strategy.name();
        let failed = |cause: StrategyError| ReplayError::Strategy { strategy, day, cause };
        let decision = step(&State { strategy: rules.strategy, policy: rules.policy }, &observed)
            .map_err(failed)?;
        course.outcome.decisions += 1;
        course.outcome.waivers.extend(decision.entry.waivers.iter().cloned());
        course.services.push(scores.service.forecast.clone());
        let plan = decision.approved.plan();
        if plan.is_empty() {
            course.holdings.push(None);
            return Ok(());
        }
        self.carry_out(plan, purse, course);
        let held = purse.world.markets().iter().map(|market| market.ours()).collect();
        course.holdings.push(Some(held));
        Ok(())
    }

    fn carry_out(&self, plan: &Plan, purse: &mut Purse, course: &mut Course) {
        let place = |market: &MarketId| self.ids.iter().position(|id| id == market);
        let amounts = |actions: &[plimsoll_core::Action]| -> Vec<(usize, f64)> {
            let each = actions.iter();
            each.filter_map(|action| Some((place(&action.market)?, action.amount.to_f64(DECIMALS))))
                .collect()
        };
        let (exits, entries) = (amounts(&plan.exits), amounts(&plan.entries));
        let nav = purse.nav();
        let traded = purse.trade(&exits, &entries, &self.costing);
        course.executed.push(self.executed(plan.as_of, &traded, nav));
        let outcome = &mut course.outcome;
        outcome.switches += usize::from(!exits.is_empty());
        outcome.turnover += traded.turnover / nav;
        outcome.cost += traded.cost / nav;
        outcome.gas_charged += traded.gas / nav;
        outcome.gas_known.0 += 1;
        outcome.gas_known.1 += 1;
        // What cannot leave to the last cent is rounding, not a locked market.
        if traded.stuck > 1e-6 * nav {
            course.stuck = (course.stuck.0.max(traded.stuck), course.stuck.1 + 1);
        }
    }

    /// A trade, as a vault's books have it.
    fn executed(&self, time: Time, traded: &Traded, nav: f64) -> Executed {
        let amount = |value: f64| Amount::from_f64_floor(value, DECIMALS).unwrap_or_default();
        let by_market = |moved: &[(usize, f64)]| -> BTreeMap<MarketId, Amount> {
            let each = moved.iter().filter(|(_, value)| *value > 0.0);
            each.filter_map(|(place, value)| Some((self.ids.get(*place)?.clone(), amount(*value))))
                .collect()
        };
        Executed {
            time,
            out: by_market(&traded.out),
            left: BTreeSet::new(),
            into: by_market(&traded.into),
            turnover: amount(traded.turnover),
            cost: amount(traded.cost),
            gas: Some(amount(traded.gas)),
            nav_before: amount(nav),
        }
    }

    /// What is held, as a vault's books have it.
    fn portfolio(&self, purse: &Purse) -> Portfolio {
        let amount = |value: f64| Amount::from_f64_floor(value, DECIMALS).unwrap_or_default();
        let positions: BTreeMap<MarketId, Position> = self
            .ids
            .iter()
            .zip(purse.world.markets())
            .filter_map(|(id, market)| {
                let shares = Shares(amount(market.ours() / market.index()).0);
                let share_price = Ray::from_f64_floor(market.index())?;
                (shares != Shares::ZERO).then(|| (id.clone(), Position { shares, share_price }))
            })
            .collect();
        Portfolio { positions, ..Portfolio::of_idle(amount(purse.idle), DECIMALS) }
    }

    fn point(&self, purse: &Purse) -> DayPoint {
        let nav = purse.nav();
        let out: f64 =
            purse.world.markets().iter().map(|market| market.ours().min(market.exit())).sum();
        DayPoint {
            day: first_day().plus(i64::from(purse.world.day())),
            nav: nav / self.capital,
            idle: if nav > 0.0 { purse.idle / nav } else { 0.0 },
            exitable_24h: (nav > 0.0).then(|| ((purse.idle + out) / nav).min(1.0)),
        }
    }
}
