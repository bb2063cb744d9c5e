use super::*;
use crate::protocol::{
    At, Beyond, Held, Pair, Predict, PredictError, Predicted, Reading, Switches,
};
use alloy::primitives::{B256, U256};
use plimsoll_core::execution::BlockRef;
use plimsoll_core::lp::loss::RangePosition;
use plimsoll_core::units::{Ray, Shares};
use plimsoll_core::{Facts, MarketKind, RangeFacts};
use plimsoll_frame::{PoolShape, PoolTerms, Terms};
use proptest::prelude::*;
use std::sync::Arc;

/// What time alone makes of a lending position.
#[derive(Debug)]
struct Grown(u64);

impl Predict for Grown {
    fn after(&self, _: bool, _: Amount, _: u64) -> Result<Predicted, PredictError> {
        let none = Amount::ZERO;
        Ok(Predicted {
            share_price: Ray::ONE,
            supply_apr: Ray::ONE,
            supplied: none,
            borrowed: none,
            exit: none,
            held: Held { shares: Shares(U256::ZERO), worth: amount(self.0), available: none },
        })
    }
}

fn amount(raw: u64) -> Amount {
    Amount(U256::from(raw))
}

/// A position of a kind: worth, index, the pair's price, facts, and what lending would have become.
struct Sketch {
    kind: MarketKind,
    shape: Option<PoolShape>,
    worth: u64,
    index: f64,
    price: Option<f64>,
    facts: Facts,
    grown: u64,
    shares: u64,
}

/// Whole raw units of an amount, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "amounts of tests, below 2^53"
)]
fn whole_units(amount: f64) -> u64 {
    amount as u64
}

impl Sketch {
    fn of(kind: MarketKind, shape: Option<PoolShape>, worth: u64) -> Sketch {
        let (index, price, facts) = (1.0, None, Facts::default());
        Sketch { kind, shape, worth, index, price, facts, grown: 0, shares: 0 }
    }

    fn look(self) -> Look {
        let at = At { block: BlockRef { number: 1, hash: B256::ZERO }, timestamp: 12 };
        let pool = self.shape.map(|shape| PoolTerms { shape, fee: 0.0005, is_foreign: true });
        let pair = self.price.map(|price| Pair {
            price,
            fees_asset: None,
            fees_foreign: None,
            depth: None,
        });
        let worth = amount(self.worth);
        let reading = Reading {
            market: "m:1:0x01".parse().unwrap(),
            symbol: "USDC".into(),
            asset: Address::ZERO,
            decimals: 6,
            at,
            share_price: Ray::from_f64_floor(self.index).unwrap(),
            supplied: worth,
            borrowed: Amount::ZERO,
            supply_apr: Ray::ONE,
            borrow_apr: None,
            exit: worth,
            entry: None,
            switches: Switches::default(),
            terms: Terms { kind: self.kind, pool, ..Terms::default() },
            held: Held { shares: Shares(U256::from(self.shares)), ..Held::default() },
            rewards: None,
            model: Arc::new(Grown(self.grown)),
            beyond: Beyond { pair, facts: self.facts, ..Beyond::default() },
        };
        Look::new(worth, Some(&reading))
    }
}

fn range(half_width: f64, offset: f64) -> Facts {
    Facts { range: Some(RangeFacts { half_width, offset }), ..Facts::default() }
}

const RANGES: Option<PoolShape> = Some(PoolShape::Ranges { least: 0.01, most: 1.0 });

#[test]
fn interest_beside_an_entry_is_told_apart_from_what_the_entry_lost() {
    let before = Sketch { grown: 1_000_500, ..Sketch::of(MarketKind::Lending, None, 1_000_000) };
    let now = Sketch::of(MarketKind::Lending, None, 3_000_497);
    let flows = Flows { entered: 2_000_000, is_moved: true, ..Flows::default() };
    let found = causes(&before.look(), &now.look(), &flows);
    assert_eq!(found, Brought { income: 500, cost: -3, ..Brought::default() });
}

#[test]
fn bad_debt_is_an_impairment() {
    let before = Sketch::of(MarketKind::Lending, None, 1_000_000).look();
    let now = Sketch::of(MarketKind::Lending, None, 950_000).look();
    let found = causes(&before, &now, &Flows::default());
    assert_eq!(found, Brought { impairment: -50_000, ..Brought::default() });
}

#[test]
fn a_slashing_and_a_discount_of_staked_ether_are_told_apart() {
    let staked = |worth, index, price| {
        let sketch = Sketch::of(MarketKind::Staking, None, worth);
        Sketch { index, price: Some(price), ..sketch }.look()
    };
    let slashed =
        causes(&staked(1_000_000, 1.2, 1.2), &staked(950_000, 1.14, 1.14), &Flows::default());
    assert!((slashed.impairment + 50_000).abs() <= 1, "{slashed:?}");
    assert_eq!(slashed.total(), -50_000);
    let sold_off =
        causes(&staked(1_000_000, 1.2, 1.2), &staked(930_000, 1.2, 1.116), &Flows::default());
    assert_eq!((sold_off.impairment, sold_off.total()), (0, -70_000));
    assert!((sold_off.price + 70_000).abs() <= 1, "{sold_off:?}");
    assert!((staked(930_000, 1.2, 1.116).discount().unwrap() - 0.07).abs() < 1e-12);
}

#[test]
fn a_pool_share_grows_by_fees_and_falls_with_the_price() {
    let pair = |worth, index, price| {
        let shape = Some(PoolShape::ConstantProduct);
        let sketch = Sketch::of(MarketKind::Mining, shape, worth);
        Sketch { index, price: Some(price), ..sketch }.look()
    };
    // The price falls by 19 %, its root by 10 %; fees made a thousandth of it.
    let before = pair(1_000_000, 100.0, 2_000.0);
    let found = causes(&before, &pair(900_900, 90.09, 1_620.0), &Flows::default());
    assert!((found.price + 100_000).abs() <= 1 && (found.fees - 900).abs() <= 1, "{found:?}");
    assert_eq!(found.total(), -99_100);
    let flows = Flows { harvested: 7_000, is_moved: true, ..Flows::default() };
    let found = causes(&before, &pair(1_000_000, 100.0, 2_000.0), &flows);
    assert_eq!(found, Brought { rewards: 7_000, ..Brought::default() });
}

#[test]
fn a_harvest_of_a_range_brings_the_fees_that_were_due_and_rewards_beside_them() {
    let due = |fees, rewards| Facts {
        fees_due: amount(fees),
        rewards_due: amount(rewards),
        ..range(0.1, 0.0)
    };
    let at = |worth, facts| {
        let sketch = Sketch::of(MarketKind::Mining, RANGES, worth);
        Sketch { price: Some(2_000.0), facts, ..sketch }.look()
    };
    let before = at(1_000_300, due(300, 40));
    let flows = Flows { harvested: 335, is_moved: true, ..Flows::default() };
    let found = causes(&before, &at(1_000_000, due(0, 0)), &flows);
    assert_eq!(found, Brought { rewards: 35, ..Brought::default() });
    let earned = causes(&before, &at(1_000_350, due(350, 50)), &Flows::default());
    assert_eq!(earned, Brought { fees: 50, ..Brought::default() });
}

#[test]
fn what_a_new_range_cost_is_neither_fees_nor_price() {
    let at = |worth, price, facts| {
        let sketch = Sketch::of(MarketKind::Lp, RANGES, worth);
        Sketch { price: Some(price), facts, ..sketch }.look()
    };
    let before = at(1_000_000, 2_000.0, range(0.1, 0.0));
    let flows = Flows { is_moved: true, ..Flows::default() };
    let found = causes(&before, &at(996_000, 2_000.0, range(0.1, 0.0)), &flows);
    assert_eq!(found, Brought { cost: -4_000, ..Brought::default() });
}

#[test]
fn what_a_leaver_took_is_no_loss() {
    let lent = |worth, shares, grown| {
        let sketch = Sketch { shares, grown, ..Sketch::of(MarketKind::Lending, None, worth) };
        sketch.look()
    };
    // A third of the shares went, the rest grew by a thousandth.
    let mut account = Account::begun(lent(900_000, 900_000, 900_900), 7);
    account.take(lent(600_600, 600_000, 0), &Flows { is_left: true, ..Flows::default() });
    assert_eq!(account.brought, Brought { income: 900, ..Brought::default() });
    // All of it went.
    let mut account = Account::begun(lent(900_000, 900_000, 900_900), 7);
    account.take(lent(0, 0, 0), &Flows::default());
    assert_eq!(account.brought, Brought { income: 900, ..Brought::default() });
    // A third went, and a plan brought in twice as much in the same block.
    let mut account = Account::begun(lent(900_000, 900_000, 900_900), 7);
    let entered = Flows { entered: 600_600, is_moved: true, is_left: true, ..Flows::default() };
    account.take(lent(1_201_200, 1_200_000, 0), &entered);
    assert_eq!(account.brought, Brought { income: 900, ..Brought::default() });
    // The same without anyone who left: then it is what the entry cost.
    let mut account = Account::begun(lent(900_000, 900_000, 900_900), 7);
    account.take(lent(1_201_200, 1_200_000, 0), &Flows { is_left: false, ..entered });
    assert_eq!(account.brought, Brought { income: 900, cost: -300_300, ..Brought::default() });
}

#[test]
fn a_leaver_from_a_range_takes_a_part_and_its_price_is_told_of_the_whole() {
    let at = |worth, price: f64, shares| {
        let facts = range(0.1, (price / 2_000.0).ln());
        let sketch = Sketch::of(MarketKind::Lp, RANGES, worth);
        Sketch { price: Some(price), facts, shares, ..sketch }.look()
    };
    let curve = RangePosition::new(1.0, ((-0.1_f64).exp(), 0.1_f64.exp())).unwrap();
    let whole = i128::from(whole_units(1e6 * curve.value(0.97) / curve.value(1.0)));
    let mut account = Account::begun(at(1_000_000, 2_000.0, 50), 7);
    let left = u64::try_from(whole * 40 / 50).unwrap();
    account.take(at(left, 1_940.0, 40), &Flows { is_left: true, ..Flows::default() });
    let Brought { price, cost, .. } = account.brought;
    assert!((price - (whole - 1_000_000)).abs() <= 2 && cost.abs() <= 4, "{:?}", account.brought);
    assert_eq!(account.brought.total(), price + cost);
    // From here on the smaller position follows its own curve.
    let lost = account.bent.impermanent_loss();
    account.take(at(left, 1_940.0, 40), &Flows::default());
    assert!((account.bent.impermanent_loss() - lost).abs() < 1e-6);
}

#[test]
fn what_was_held_before_the_books_began_is_no_gain() {
    let account = Account::begun(Sketch::of(MarketKind::Lending, None, 5_000_000).look(), 1_234);
    assert_eq!((account.since, account.brought), (1_234, Brought::default()));
}

#[test]
fn what_moved_while_the_worth_could_not_be_read_is_not_lost() {
    let lent = |worth, shares| {
        Sketch { shares, grown: worth, ..Sketch::of(MarketKind::Lending, None, worth) }.look()
    };
    let mut account = Account::begun(lent(1_000, 1_000), 7);
    let entered = Flows { entered: 500, is_moved: true, ..Flows::default() };
    account.pending = account.pending.and(&entered);
    account.take(lent(1_500, 1_500), &Flows::default());
    assert_eq!(account.brought, Brought::default());
    account.take(lent(1_507, 1_500), &Flows::default());
    assert_eq!(account.brought, Brought { income: 7, ..Brought::default() }, "once");
}

proptest! {
    #[test]
    fn causes_add_up_whatever_happened(
        kind in 0_usize..4, shape in 0_usize..4, worths in (0_u64..1 << 50, 0_u64..1 << 50), index in 0.5_f64..2.0,
        prices in (0.1_f64..10.0, 0.1_f64..10.0), due in (0_u64..1_000_000, 0_u64..1_000_000), moved in (0_i128..1 << 40, 0_i128..1 << 40, 0_i128..1 << 40, any::<bool>())
    ) {
        let shapes = [None, RANGES, Some(PoolShape::ConstantProduct), Some(PoolShape::Stable)];
        let facts = |due| Facts { fees_due: amount(due), rewards_due: amount(due / 2), ..range(0.2, 0.05) };
        let sketch = |worth, index, price, due| {
            let sketch = Sketch::of(MarketKind::ALL[kind], shapes[shape], worth);
            Sketch { index, price: Some(price), facts: facts(due), grown: worth, ..sketch }.look()
        };
        let (before, now) = (sketch(worths.0, 1.0, prices.0, due.0), sketch(worths.1, index, prices.1, due.1));
        let (entered, left, harvested, is_moved) = moved;
        let flows = if is_moved { Flows { entered, left, harvested, over: 3, is_moved, is_left: false } } else { Flows::default() };
        let flow = flows.entered - flows.left - flows.harvested - flows.over;
        let gained = signed(now.worth) - signed(before.worth) - flow;
        prop_assert_eq!(causes(&before, &now, &flows).total(), gained);
    }

    #[test]
    fn both_losses_of_a_range_are_their_definitions(
        steps in prop::collection::vec(-0.03_f64..0.03, 1..40), half in 0.05_f64..0.5
    ) {
        // A position that nobody moves: its worth follows the curve, and so does what is told of it.
        let mut account = Account::default();
        let position = RangePosition::new(1.0, ((-half).exp(), half.exp())).unwrap();
        let (start, mut offset, mut lvr) = (2_000.0, 0.0_f64, 0.0);
        let scale = 1e12 / position.value(1.0);
        let look = |offset: f64| {
            let sketch = Sketch::of(MarketKind::Lp, RANGES, whole_units(scale * position.value(offset.exp())));
            Sketch { price: Some(start * offset.exp()), facts: range(half, offset), ..sketch }.look()
        };
        let entry = Flows { entered: 1_000_000_000_000, is_moved: true, ..Flows::default() };
        account.take(look(0.0), &entry);
        for step in &steps {
            let (from, to) = (offset.exp(), (offset + step).exp());
            let (tokens, asset) = position.amounts(from);
            lvr += scale * (position.value(to) - tokens * to - asset);
            offset += step;
            account.take(look(offset), &Flows::default());
        }
        let (tokens, asset) = position.amounts(1.0);
        let loss = scale * (position.value(offset.exp()) - tokens * offset.exp() - asset);
        // 1e-9 of what is held: worths are whole units, and each step's scale is taken from them.
        prop_assert!((account.bent.impermanent_loss() - loss).abs() < 1_000.0, "{} {loss}", account.bent.impermanent_loss());
        prop_assert!((account.bent.lvr() - lvr).abs() < 1_000.0, "{} {lvr}", account.bent.lvr());
        let price = account.brought.price as f64;
        let change = scale * (position.value(offset.exp()) - position.value(1.0));
        prop_assert!((price - change).abs() < 1_000.0, "what the price did: {price} {change}");
    }
}
