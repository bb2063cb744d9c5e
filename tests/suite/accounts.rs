//! Health factors of real accounts, through the folds of the leg frame.

use crate::support::real_history;
use plimsoll_adapters::parquet::accounts::read_accounts;
use plimsoll_frame::LegFrame;
use std::collections::BTreeMap;
use std::path::Path;

/// The file holds each account in aggregate: one collateral and one debt leg over all its assets.
#[test]
fn the_health_factors_of_1811_real_accounts_are_reproduced() {
    let Some(data) = real_history() else { return };
    let file = Path::new(&data).join("aave_steth_positions_2023_06.parquet");
    // A health factor is a ratio, so the price of the unit of account cancels; Aave V2 accounts are in
    // ether, V3 accounts in dollars.
    let unit_usd = |unit: &str| match unit {
        "ETH" => Some(1_800.0),
        "USD" => Some(1.0),
        _ => None,
    };
    let accounts = read_accounts(&file, unit_usd).unwrap();
    assert_eq!(accounts.len(), 1811);
    let key = |leg: &plimsoll_frame::Leg| (leg.market.to_string(), leg.borrower.clone());
    let recorded: BTreeMap<_, f64> =
        accounts.iter().map(|account| (key(&account.legs[0]), account.health_factor)).collect();
    let legs = LegFrame::from_legs(accounts.into_iter().flat_map(|account| account.legs).collect())
        .unwrap();
    let folded = legs.health_factors().unwrap();
    assert_eq!(folded.height(), 1811);
    let text = |name: &str| folded.column(name).unwrap().str().unwrap().clone();
    let (markets, borrowers) = (text("market"), text("borrower"));
    let found = folded.column("health_factor").unwrap().f64().unwrap().clone();
    let mut worst = 0.0f64;
    for row in 0..folded.height() {
        let key = (markets.get(row).unwrap().to_owned(), borrowers.get(row).unwrap().to_owned());
        let recorded = recorded[&key];
        worst = worst.max((found.get(row).unwrap() / recorded - 1.0).abs());
    }
    assert!(worst <= 1e-9, "largest relative difference {worst}");
}
