//! Prints 720 hours of the local world with pools, campaigns and staked ether, and how long everything took.
//!
//!     cargo run --example world [seed]

use plimsoll_localchain::{
    Artifacts, ChainSettings, Driver, LocalChain, LocalChainError, MarketSettings, SceneSettings,
    VaultRoles, WorldSettings, deploy, deploy_world,
};
use std::time::Instant;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "this measures")]
async fn main() -> Result<(), LocalChainError> {
    let seed = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1);
    let artifacts = Artifacts::find()?;
    let mut times = vec![("", Instant::now())];
    let settings = ChainSettings { block_seconds: 3_600, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, settings).await?;
    let deployed = deploy(&chain, &artifacts).await?;
    times.push(("node and lending markets", Instant::now()));
    let [_, allocator, owner, curator, guardian, ..] = chain.accounts() else { return Ok(()) };
    let roles =
        VaultRoles { owner: *owner, curator: *curator, allocator: *allocator, guardian: *guardian };
    let begun = (roles.into(), WorldSettings::default());
    let world = deploy_world(&mut chain, &artifacts, &deployed, begun).await?;
    times.push(("pools, staked ether, two vaults", Instant::now()));
    let settings = MarketSettings { seed, ..MarketSettings::default() };
    let mut driver = Driver::start(&mut chain, deployed, settings).await?;
    driver.enter(&chain, world, SceneSettings::default()).await?;
    times.push(("the people", Instant::now()));
    let state = chain.dump().await?;
    times.push(("writing all of it down", Instant::now()));
    let copy = LocalChain::start(&artifacts, chain.settings()).await?;
    copy.load(&state).await?;
    times.push(("another node from what was written", Instant::now()));
    let (mut sent, mut reverted) = (0, 0);
    for block in 0..720 {
        let report = driver.step(&chain).await?;
        sent += report.sent;
        reverted += report.reverted;
        if block % 24 == 0 {
            let now = driver.look(&chain).await?;
            println!(
                "{block:3}: ether {:.2} {:.2}; USDT {:.4}; staked {:.4} x {:.5}; reward {:.3}, {:.1} % staked for {:.1} %; {:.0} wait",
                now.range_price,
                now.pair_price(),
                now.usd.price(),
                now.ether.price() / now.staked_rate,
                now.staked_rate,
                now.reward_price(),
                now.staked_part * 100.0,
                now.reward_apr(report.head.time, now.reward_price()) * 100.0,
                now.waiting,
            );
        }
    }
    times.push(("720 blocks", Instant::now()));
    println!("{sent} transactions, {reverted} reverted");
    for pair in times.windows(2) {
        if let [(_, from), (what, to)] = pair {
            println!("{what}: {:.2} s", to.duration_since(*from).as_secs_f64());
        }
    }
    Ok(())
}
