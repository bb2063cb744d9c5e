use super::*;

const NOW: u64 = 1_000_000;

fn feed(second: Option<SecondSource>) -> PriceFeed {
    let (asset, feed) = (Address::repeat_byte(1), Address::repeat_byte(2));
    PriceFeed { asset, feed, decimals: 8, heartbeat_seconds: 3_600, second }
}

fn round(dollars: f64, updated: u64) -> Round {
    let answer = Amount::from_f64_floor(dollars, 8).unwrap().0;
    Round {
        feed: Address::repeat_byte(2),
        id: 7,
        answered_in: 7,
        answer: I256::try_from(answer).unwrap(),
        updated: U256::from(updated),
        decimals: 8,
    }
}

fn single(round: Round) -> Price {
    price(&feed(None), NOW, Ok(round), (None, None))
}

#[test]
fn a_fresh_answer_is_the_price_and_stays_exact() {
    let known = single(round(2_500.25, NOW - 3_600)).unwrap();
    assert!((known.usd - 2_500.25).abs() < 1e-9);
    assert_eq!((known.answer, known.updated), (U256::from(250_025_000_000u64), NOW - 3_600));
}

#[test]
fn old_future_unfinished_and_worthless_answers_are_unknown_and_say_why() {
    let stale = single(round(1.0, NOW - 3_601)).unwrap_err();
    assert!(matches!(stale, Unknown::Stale { .. }), "{stale}");
    assert!(matches!(single(round(1.0, NOW + 1)), Err(Unknown::Stale { .. })));
    assert!(matches!(single(round(1.0, 0)), Err(Unknown::Incomplete { .. })));
    let carried = Round { answered_in: 6, ..round(1.0, NOW) };
    assert!(matches!(single(carried), Err(Unknown::Incomplete { round: 7, .. })));
    assert!(matches!(single(round(0.0, NOW)), Err(Unknown::NotPositive { .. })));
    let below = Round { answer: I256::MINUS_ONE, ..round(1.0, NOW) };
    assert!(matches!(single(below), Err(Unknown::NotPositive { .. })));
    let wide = Round { decimals: 18, ..round(1.0, NOW) };
    let refused = single(wide).unwrap_err();
    assert_eq!(refused, Unknown::Decimals { feed: wide.feed, expected: 8, found: 18 });
}

fn second(times: Option<Address>) -> SecondSource {
    let feed = Address::repeat_byte(3);
    SecondSource { feed, times, heartbeat_seconds: 86_400, max_deviation_bps: Bps(100) }
}

#[test]
fn two_sources_that_differ_are_not_used_and_a_second_that_fails_confirms_nothing() {
    let feed = feed(Some(second(None)));
    let with = |other: Result<Round, Unknown>| {
        price(&feed, NOW, Ok(round(100.0, NOW)), (Some(other), None))
    };
    assert!(with(Ok(round(100.9, NOW - 86_400))).is_ok());
    let apart = with(Ok(round(102.0, NOW))).unwrap_err();
    assert!(matches!(apart, Unknown::Deviates { .. }), "{apart}");
    let old = with(Ok(round(100.0, NOW - 86_401))).map(|known| known.usd);
    assert!(matches!(old, Err(Unknown::Unconfirmed(_))), "{old:?}");
    let gone = with(Err(Unknown::NoAnswer("reverts".to_owned()))).unwrap_err();
    assert_eq!(gone.to_string(), "the second source is unknown: reverts");
}

#[test]
fn a_cross_rate_is_the_product_of_two_feeds() {
    let feed = feed(Some(second(Some(Address::repeat_byte(4)))));
    let cross = |ratio: f64| {
        let other = (Some(Ok(round(ratio, NOW))), Some(Ok(round(2_000.0, NOW))));
        price(&feed, NOW, Ok(round(2_400.0, NOW)), other)
    };
    assert!(cross(1.2).is_ok());
    assert!(matches!(cross(1.0), Err(Unknown::Deviates { .. })));
}
