//! Prints 720 blocks of the local market, an hour each unless told, and how long they took.
//!
//!     cargo run --example month [seed [seconds of a block]]

use plimsoll_localchain::{
    Artifacts, ChainSettings, Driver, LocalChain, LocalChainError, MarketSettings, deploy,
};
use std::time::Instant;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "this measures")]
async fn main() -> Result<(), LocalChainError> {
    let word = |number| std::env::args().nth(number).and_then(|word| word.parse().ok());
    let (seed, block_seconds) = (word(1).unwrap_or(1), word(2).unwrap_or(3_600));
    let artifacts = Artifacts::find()?;
    let mut times = vec![("", Instant::now())];
    let settings = ChainSettings { block_seconds, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, settings).await?;
    times.push(("the node", Instant::now()));
    let deployed = deploy(&chain, &artifacts).await?;
    times.push(("the contracts", Instant::now()));
    let settings = MarketSettings { seed, ..MarketSettings::default() };
    let mut driver = Driver::start(&mut chain, deployed, settings).await?;
    times.push(("the people", Instant::now()));
    let (mut sent, mut reverted, mut liquidations) = (0, 0, 0);
    for block in 0..720 {
        let report = driver.step(&chain).await?;
        sent += report.sent;
        reverted += report.reverted;
        liquidations += report.liquidations;
        if block % 24 == 0 {
            let states = driver.observe(&chain).await?;
            let shown = states.iter().map(|(market, state)| {
                let borrow = state.borrow_apr * 100.0;
                format!("{market} {:.1} % used at {borrow:.2} %", state.utilization() * 100.0)
            });
            println!("{block:3}: {}", shown.collect::<Vec<_>>().join("; "));
        }
    }
    times.push(("720 blocks", Instant::now()));
    println!("{sent} transactions, {reverted} reverted, {liquidations} liquidations");
    for pair in times.windows(2) {
        if let [(_, from), (what, to)] = pair {
            println!("{what}: {:.2} s", to.duration_since(*from).as_secs_f64());
        }
    }
    Ok(())
}
