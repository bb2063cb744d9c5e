use super::*;
use crate::panel::DayRow;
use plimsoll_frame::{MovingTerms, PoolTerms};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DAYS: i64 = 90;

/// A market over [`DAYS`] days, by what each day makes of its number.
fn track(day: impl Fn(i64) -> (DayRow, PairDay)) -> Track {
    let (days, pair): (Vec<_>, Vec<_>) = (0..DAYS).map(day).unzip();
    Track { market: "x:1:y".parse().unwrap(), first: Day(0), days, pair }
}

fn terms(kind: MarketKind, shape: Option<PoolShape>) -> Terms {
    let pool = shape.map(|shape| PoolTerms { shape, fee: 0.0005, is_foreign: true });
    Terms { kind, pool, ..Terms::default() }
}

fn score(track: &Track, terms: &Terms, queue_days: Option<f64>) -> Score {
    let seen = Seen { track, terms, today: Day(DAYS - 1), lasting: 1.0, queue_days };
    scored(&KindSettings::default(), &seen, Score::default())
}

/// A staked token that grows by 3 % a year and is sold at `discount` below what it is redeemed for.
fn staked(discount: f64) -> Track {
    track(|day| {
        let index = 1.0 + 0.03 * day as f64 / 365.0;
        let row = DayRow { share_price: Some(index), tvl_usd: Some(1e9), ..DayRow::default() };
        (row, PairDay { price: Some(index * (1.0 - discount)), ..PairDay::default() })
    })
}

#[test]
fn a_staked_token_pays_what_it_grows_by_and_its_discount_as_far_as_the_queue_closes_it() {
    let terms = terms(MarketKind::Staking, None);
    let par = score(&staked(0.0), &terms, Some(3.0)).sustainable_apr.unwrap();
    assert!((par - 0.03).abs() < 3e-4, "{par}");
    // 1 % within a month is 12.2 % a year on top; within a queue of 40 days it is 9.1 %.
    let below = |queue| score(&staked(0.01), &terms, Some(queue));
    assert!((below(3.0).sustainable_apr.unwrap() - par - 0.01 * 365.0 / 30.0).abs() < 1e-4);
    assert!((below(40.0).sustainable_apr.unwrap() - par - 0.01 * 365.0 / 40.0).abs() < 1e-4);
    assert_eq!(below(3.0).doubt, None);
}

#[test]
fn a_deep_discount_or_a_long_queue_brings_nothing_in() {
    let terms = terms(MarketKind::Staking, None);
    let deep = score(&staked(0.07), &terms, Some(3.0));
    assert_eq!(deep.doubt, Some(Doubt::Discount));
    // No more of it counts than is believed.
    assert!(deep.sustainable_apr.unwrap() < 0.03 + 0.021 * 365.0 / 30.0);
    assert_eq!(score(&staked(0.0), &terms, Some(60.0)).doubt, Some(Doubt::Queue));
}

/// A pool in ranges whose full range earns `fees` a year and whose price swings by `variance` a year.
fn ranged(fees: f64, variance: f64) -> Track {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut prices = vec![2_000.0f64];
    for _ in 1..DAYS {
        // Twelve uniform draws make one that is nearly normal.
        let shock: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let last = prices.last().copied().unwrap();
        prices.push(last * ((variance / 365.0).sqrt() * shock).exp());
    }
    let mut paid = 0.0;
    let cumulative: Vec<f64> = prices
        .iter()
        .map(|price| {
            paid += fees / 365.0 * 2.0 * price.sqrt();
            paid
        })
        .collect();
    track(|day| {
        let at = usize::try_from(day).unwrap();
        let row = DayRow {
            share_price: Some(2.0 * prices[at].sqrt()),
            tvl_usd: Some(5e6),
            ..DayRow::default()
        };
        let pair = PairDay {
            price: Some(prices[at]),
            // Half of the fees come in each token.
            fees_asset: Some(0.5 * cumulative[at]),
            fees_foreign: Some(0.5 * cumulative[at] / prices[0]),
            depth_usd: Some(5e7),
        };
        (row, pair)
    })
}

const RANGES: PoolShape = PoolShape::Ranges { least: 0.02, most: 2.0 };

#[test]
fn a_pool_pays_its_fees_less_what_its_swings_cost() {
    let pays = score(&ranged(0.2, 0.3), &terms(MarketKind::Lp, Some(RANGES)), None);
    let pooled = pays.pooled.unwrap();
    assert!((pooled.variance / 0.3 - 1.0).abs() < 0.4, "{}", pooled.variance);
    assert!((pooled.fees / pooled.others / 0.2 - 1.0).abs() < 0.3, "{pooled:?}");
    assert!(pays.sustainable_apr.unwrap() > 0.0);
    assert_eq!(pays.doubt, None);
    let loses = score(&ranged(0.02, 0.9), &terms(MarketKind::Lp, Some(RANGES)), None);
    assert!(loses.sustainable_apr.unwrap() < 0.0, "no width pays");
}

#[test]
fn a_short_history_of_a_price_is_a_doubt() {
    let mut known = ranged(0.2, 0.3);
    let forgotten = usize::try_from(DAYS - 15).unwrap();
    for day in &mut known.pair[..forgotten] {
        day.price = None;
    }
    let short = score(&known, &terms(MarketKind::Lp, Some(RANGES)), None);
    assert_eq!(short.doubt, Some(Doubt::ShortHistory));
}

#[test]
fn a_constant_product_pays_what_its_share_grew_by_beside_the_price() {
    let ranged = ranged(0.0, 0.3);
    let pool = track(|day| {
        let at = usize::try_from(day).unwrap();
        let price = ranged.pair[at].price.unwrap();
        let grown = (0.1 * day as f64 / 365.0).exp();
        let row = DayRow {
            share_price: Some(2.0 * price.sqrt() * grown),
            tvl_usd: Some(1e6),
            reward_apr: Some(0.08),
            ..DayRow::default()
        };
        (row, PairDay { price: Some(price), depth_usd: Some(1e6), ..PairDay::default() })
    });
    let mut terms = terms(MarketKind::Mining, Some(PoolShape::ConstantProduct));
    terms.moving = Some(MovingTerms { reward_sale: 0.25, ..MovingTerms::default() });
    let pooled = score(&pool, &terms, None).pooled.unwrap();
    assert!((pooled.fee_apr(0.0) - 0.1).abs() < 1e-3, "{pooled:?}");
    assert!((pooled.reward_apr(0.0) - 0.06).abs() < 1e-9, "a quarter goes in selling");
    // As much again of ours halves both.
    assert!((pooled.reward_apr(1e6) - 0.03).abs() < 1e-9);
}

#[test]
fn a_campaign_pays_for_as_long_as_it_lasts() {
    let market = track(|day| {
        let index = 1.0 + 0.02 * day as f64 / 365.0;
        let row = DayRow {
            share_price: Some(index),
            reward_apr: Some(0.12),
            tvl_usd: Some(1e6),
            ..DayRow::default()
        };
        (row, PairDay::default())
    });
    let terms = terms(MarketKind::Mining, None);
    let seen = |lasting| Seen {
        track: &market,
        terms: &terms,
        today: Day(DAYS - 1),
        lasting,
        queue_days: None,
    };
    let rate = |lasting| {
        let score = scored(&KindSettings::default(), &seen(lasting), Score::default());
        (score.sustainable_apr.unwrap(), score.pooled.unwrap().apr(0.0))
    };
    assert!((rate(1.0).0 - 0.14).abs() < 3e-4 && (rate(1.0).1 - 0.14).abs() < 3e-4);
    assert!((rate(0.25).0 - 0.05).abs() < 3e-4);
}

#[test]
fn months_follow_the_price_of_what_moves_with_one() {
    let market = ranged(0.1, 0.5);
    let pooled = score(&market, &terms(MarketKind::Lp, Some(RANGES)), None).pooled;
    let grown = |kind| growth(kind, pooled.as_ref(), &market, (Day(10), Day(20))).unwrap();
    let price = |day: i64| market.pair[usize::try_from(day).unwrap()].price.unwrap();
    assert!((grown(MarketKind::Staking) - price(20) / price(10)).abs() < 1e-12);
    let pooled_ = pooled.unwrap();
    let moved = range_value(pooled_.half_width, price(20) / price(10));
    let carried = grown(MarketKind::Lp) - moved;
    let per_year = pooled_.fee_apr(0.0) - pooled_.upkeep_apr(0.0);
    assert!((carried - per_year * 10.0 / 365.0).abs() < 1e-12);
}
