//! Uniswap V3's pool against core.

use super::bench::Bench;
use super::v3_steps::{Count, Setting, Subject};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Both kinds of decimals, every spacing, prices in the middle and at both ends.
const SETTINGS: [Setting; 8] = [
    // USDC and WETH at 2,500: raw price 2.5e-9 the one way.
    Setting { fee: 500, spacing: 10, decimals: (18, 6), home: -198_080, bits: (20, 90) },
    Setting { fee: 3_000, spacing: 60, decimals: (6, 18), home: 198_080, bits: (20, 90) },
    Setting { fee: 500, spacing: 10, decimals: (6, 6), home: 0, bits: (20, 70) },
    Setting { fee: 10_000, spacing: 200, decimals: (18, 18), home: -6_932, bits: (1, 106) },
    Setting { fee: 3_000, spacing: 60, decimals: (8, 18), home: 250_000, bits: (1, 30) },
    Setting { fee: 10_000, spacing: 200, decimals: (18, 18), home: -887_000, bits: (1, 100) },
    Setting { fee: 3_000, spacing: 60, decimals: (18, 18), home: 887_100, bits: (1, 100) },
    Setting { fee: 500, spacing: 10, decimals: (18, 8), home: 700_000, bits: (60, 100) },
];

/// So many steps on each pool, a few in a block; what differs first is an error.
async fn steps(bench: &mut Bench, seed: u64, each: u32, is_wrong: bool) -> Result<Count, String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = Count::default();
    for (place, setting) in SETTINGS.into_iter().enumerate() {
        bench.wait(12).await;
        let mut subject = Subject::create(bench, setting).await;
        subject.is_wrong = is_wrong;
        let mut left = each;
        while left > 0 {
            let block = rng.random_range(1..=24).min(left);
            left -= block;
            let seconds = if rng.random() { 12 } else { rng.random_range(1..200_000) };
            let now = bench.wait(seconds).await;
            let expected: Vec<_> = (0..block).flat_map(|_| subject.step(&mut rng, now)).collect();
            let told = |error| format!("pool {place}, {left} steps left: {error}");
            bench.compare(&expected).await.map_err(told)?;
        }
        for part in 0.. {
            let now = bench.next();
            let Some(part) = subject.everything(now).into_iter().nth(part) else { break };
            bench.compare(&part).await.map_err(|error| format!("pool {place}: {error}"))?;
        }
        count = count.plus(subject.count);
    }
    Ok(count)
}

#[tokio::test]
async fn uniswap_v3_equals_core_after_each_of_500_random_steps() {
    let Some(mut bench) = Bench::open().await else { return };
    let count = steps(&mut bench, 1, 64, false).await.unwrap();
    println!("512 steps equal to the wei: {count:?}");
    assert!(count.swaps > 200 && count.mints > 80 && count.burns > 40, "{count:?}");
    assert!(count.ticks_crossed > 50 && count.reverts > 5, "{count:?}");
    assert!(count.reverts < 150, "{count:?}");
}

#[tokio::test]
#[ignore = "long: make deep"]
async fn deep_uniswap_v3_equals_core_after_each_of_10_000_random_steps() {
    let Some(mut bench) = Bench::open().await else { return };
    let count = steps(&mut bench, 2, 1_250, false).await.unwrap();
    println!("10,000 steps equal to the wei: {count:?}");
    assert!(count.swaps > 4_000 && count.ticks_crossed > 2_000, "{count:?}");
}

#[tokio::test]
async fn control_a_rounding_turned_round_is_found() {
    let Some(mut bench) = Bench::open().await else { return };
    let found = steps(&mut bench, 1, 64, true).await.unwrap_err();
    assert!(found.contains("mint") && found.contains("returns"), "{found}");
}
