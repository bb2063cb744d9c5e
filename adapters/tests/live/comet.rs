//! Compound III against a stand-in: no package holds Comet's own code. What this shows is that calls and answers have the
//! contract's form, that rates are the published ones, and that reading and prediction agree with its arithmetic as it is written
//! down; not that the deployed contract does so.

use crate::bench::{came_true, is_true};
use crate::stage::{ACT_GAS, Stage, units};
use crate::subject::{Truth, yearly};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_adapters::live::{CometMarket, CompoundV3, CompoundV3Settings};
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Act, Held, PredictError, Protocol};
use plimsoll_execute::{AdapterError, Reading};
use plimsoll_frame::Column;
use plimsoll_localchain::{Asset, CHAIN_ID, Call, Origin};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

alloy::sol! {
    #![sol(all_derives)]
    /// `contracts/local/Comet.sol`.
    interface IStandIn {
        struct Totals { uint64 baseSupplyIndex; uint64 baseBorrowIndex; uint64 a; uint64 b; uint104 totalSupplyBase; uint104 totalBorrowBase; uint40 lastAccrualTime; uint8 flags; }
        struct User { int104 principal; uint64 a; uint64 b; uint16 c; uint8 d; }
        function pause(bool supply, bool transfer, bool withdraw, bool absorb, bool buy) external;
        function supply(address asset, uint256 amount) external;
        function withdraw(address asset, uint256 amount) external;
        function totalsBasic() external view returns (Totals memory);
        function userBasic(address account) external view returns (User memory);
        function balanceOf(address account) external view returns (uint256);
        function borrowBalanceOf(address account) external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function totalBorrow() external view returns (uint256);
        function getUtilization() external view returns (uint256);
        function getSupplyRate(uint256 utilization) external view returns (uint64);
        function getBorrowRate(uint256 utilization) external view returns (uint64);
    }
}

const ASSETS: [Asset; 3] = [Asset::Usdc, Asset::Wbtc, Asset::Weth];
const MILLI: u64 = 1_000_000_000_000_000;

struct Comets {
    stage: Stage,
    comets: Vec<Address>,
}

impl Comets {
    /// The curves of comet `interest-rate-test.ts`, on three assets.
    async fn open() -> Option<Comets> {
        let stage = Stage::open(Line::V3_0).await?;
        let mut comets = Vec::new();
        let curve =
            |base: u64, low: u64, high: u64| (base * MILLI, low * MILLI, high * MILLI, 800 * MILLI);
        for asset in ASSETS {
            let arguments = (stage.token(asset), curve(0, 40, 400), curve(10, 50, 300));
            let comet =
                stage.created(Origin::StandIn, "Comet", arguments.abi_encode_params()).await;
            for who in [1, 2, 7] {
                stage.fund(stage.account(who), asset, units(1_000_000_000, asset), comet).await;
            }
            comets.push(comet);
        }
        Some(Comets { stage, comets })
    }

    fn holder(&self) -> Address {
        self.stage.account(7)
    }

    fn settings(&self) -> CompoundV3Settings {
        let market = |(comet, asset): (&Address, Asset)| CometMarket {
            comet: *comet,
            asset: self.stage.token(asset),
            holder: Some(self.holder()),
        };
        let markets = self.comets.iter().zip(ASSETS).map(market).collect();
        CompoundV3Settings { chain: CHAIN_ID, markets }
    }

    async fn read(&self) -> Vec<Reading> {
        let adapter = CompoundV3::new(self.settings());
        let read = adapter.read(&self.stage.nodes, &self.stage.at().await).await.unwrap();
        assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
        read.readings
    }

    async fn supplies(&self, who: usize, place: usize, amount: U256) {
        let call = IStandIn::supplyCall { asset: self.stage.token(ASSETS[place]), amount };
        self.stage.does(self.stage.account(who), self.comets[place], &call).await;
    }

    async fn takes(&self, who: usize, place: usize, amount: U256) -> bool {
        let call = IStandIn::withdrawCall { asset: self.stage.token(ASSETS[place]), amount };
        self.stage.tries(self.stage.account(who), self.comets[place], &call).await.is_ok()
    }

    /// What the contract says; rates are those at the utilization that it has.
    async fn truth(&self, place: usize) -> Truth {
        let (stage, comet) = (&self.stage, self.comets[place]);
        let account = self.holder();
        let utilization = stage.asks(comet, &IStandIn::getUtilizationCall {}).await;
        let supply = stage.asks(comet, &IStandIn::getSupplyRateCall { utilization }).await;
        let borrow = stage.asks(comet, &IStandIn::getBorrowRateCall { utilization }).await;
        let supplied = stage.asks(comet, &IStandIn::totalSupplyCall {}).await;
        let borrowed = stage.asks(comet, &IStandIn::totalBorrowCall {}).await;
        let worth = stage.asks(comet, &IStandIn::balanceOfCall { account }).await;
        let user = stage.asks(comet, &IStandIn::userBasicCall { account }).await;
        let cash = stage.balance(comet, stage.token(ASSETS[place])).await;
        let totals = stage.asks(comet, &IStandIn::totalsBasicCall {}).await;
        // The index now, from the contract's own rate.
        let now = stage.chain.head().await.unwrap().time;
        let elapsed = U256::from(now - totals.lastAccrualTime.to::<u64>());
        let index = U256::from(totals.baseSupplyIndex);
        let index = index + index * (U256::from(supply) * elapsed) / U256::from(10u64.pow(18));
        Truth {
            share_price: Ray(index * U256::from(10u64.pow(12))),
            supplied: Amount(supplied),
            borrowed: Some(Amount(borrowed)),
            supply_apr: Some(yearly(U256::from(supply))),
            borrow_apr: Some(yearly(U256::from(borrow))),
            exit: Amount(cash.min(supplied)),
            held: Held {
                shares: Shares(U256::from(user.principal.unsigned_abs())),
                worth: Amount(worth),
                available: Amount(worth.min(cash)),
            },
        }
    }

    /// Does the adapter's own call in a block at `time`; whether it was done.
    async fn done(&self, place: usize, (is_entry, amount): (bool, U256), time: u64) -> bool {
        use alloy::providers::Provider;
        let adapter = CompoundV3::new(self.settings());
        let market = adapter.markets()[place].clone();
        let act = Act { market, is_entry, amount: Amount(amount) };
        let (to, data) = adapter.call(&act, self.holder()).unwrap();
        assert_eq!(adapter.decode(to, &data), Some(act));
        let empty = IStandIn::totalSupplyCall {};
        let call = Call { data, ..Call::new(self.holder(), to, &empty) }.with_gas(ACT_GAS);
        let hash = self.stage.chain.send(&call).await.unwrap();
        self.stage.chain.mine_at(time).await.unwrap();
        let receipt = self.stage.chain.provider().get_transaction_receipt(hash).await.unwrap();
        receipt.unwrap().status()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_those_that_comets_own_tests_print() {
    let Some(comets) = Comets::open().await else { return };
    for (place, asset) in ASSETS.into_iter().enumerate() {
        comets.supplies(1, place, units(1_000, asset)).await;
        // Interest of the seconds between blocks is below a billionth of utilization at first.
        for (borrowed, supply, borrow) in
            [(100u64, 0.004, 0.015), (700, 0.032, 0.05), (100, 0.072, 0.08)]
        {
            assert!(comets.takes(2, place, units(borrowed, asset)).await);
            let reading = comets.read().await.remove(place);
            let found = (reading.supply_apr.to_f64(), reading.borrow_apr.unwrap().to_f64());
            assert!((found.0 - supply).abs() < 1e-5, "{asset:?} {borrowed} {found:?}");
            assert!((found.1 - borrow).abs() < 1e-5, "{asset:?} {borrowed} {found:?}");
            let row = reading.observation(Some(2.0)).row;
            let utilization = row.get(Column::Utilization).unwrap();
            let curve = reading.terms.curve.unwrap();
            assert!((curve.borrow_apr(utilization) - found.1).abs() < 1e-5);
            assert!((curve.supply_apr(utilization, 0.0) - found.0).abs() < 1e-5);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suppliers_may_have_lent_more_than_lies_there() {
    let Some(comets) = Comets::open().await else { return };
    comets.supplies(1, 0, units(1_000, Asset::Usdc)).await;
    comets.supplies(7, 0, units(100, Asset::Usdc)).await;
    assert!(comets.takes(2, 0, units(1_100, Asset::Usdc)).await);
    comets.stage.chain.mine_at(comets.stage.at().await.timestamp + 40 * 86_400).await.unwrap();
    let reading = comets.read().await.remove(0);
    is_true(&reading, &comets.truth(0).await).unwrap();
    assert!(reading.exit.is_zero() && reading.held.available.is_zero());
    assert!(!reading.held.worth.is_zero());
    let (asked, time) = (Amount(units(1, Asset::Usdc)), reading.at.timestamp + 12);
    let refused = Err(PredictError::NotAvailable { asked, available: Amount::ZERO });
    assert_eq!(reading.model.after(false, asked, time), refused);
    assert!(!comets.done(0, (false, asked.0), time).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_are_read_and_close_what_they_close() {
    let Some(comets) = Comets::open().await else { return };
    comets.supplies(1, 0, units(1_000, Asset::Usdc)).await;
    comets.supplies(7, 0, units(100, Asset::Usdc)).await;
    for (supply, withdraw) in [(true, false), (false, true), (true, true), (false, false)] {
        let call =
            IStandIn::pauseCall { supply, transfer: false, withdraw, absorb: false, buy: false };
        comets.stage.does(comets.stage.account(1), comets.comets[0], &call).await;
        let reading = comets.read().await.remove(0);
        assert_eq!(reading.switches.is_frozen, supply);
        assert_eq!(reading.switches.is_paused, supply && withdraw);
        assert_eq!(reading.exit.is_zero(), withdraw);
        for (is_entry, is_closed) in [(true, supply), (false, withdraw)] {
            let time = comets.stage.at().await.timestamp + 12;
            let one = units(1, Asset::Usdc);
            assert_eq!(reading.model.after(is_entry, Amount(one), time).is_err(), is_closed);
            assert_eq!(comets.done(0, (is_entry, one), time).await, !is_closed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_wrongly_is_named() {
    let Some(comets) = Comets::open().await else { return };
    let (nodes, at) = (&comets.stage.nodes, comets.stage.at().await);
    CompoundV3::new(comets.settings()).check(nodes, &at).await.unwrap();
    let wrong = async |change: &dyn Fn(&mut CompoundV3Settings)| {
        let mut settings = comets.settings();
        change(&mut settings);
        CompoundV3::new(settings).check(nodes, &at).await.unwrap_err()
    };
    let error = wrong(&|settings| settings.markets[1].asset = settings.markets[0].asset).await;
    let is_named = matches!(&error, AdapterError::Mismatch { field: "baseToken", contract, .. }
        if *contract == comets.comets[1]);
    assert!(is_named, "{error}");
    let error = wrong(&|settings| settings.markets[0].comet = Address::repeat_byte(0x77)).await;
    assert!(matches!(error, AdapterError::NoCode { .. }), "{error}");
    let error = wrong(&|settings| settings.markets[0].comet = settings.markets[0].asset).await;
    assert!(error.to_string().contains("baseToken()"), "{error}");
    let error = wrong(&|settings| settings.chain = 1).await;
    assert!(matches!(error, AdapterError::WrongChain { .. }), "{error}");
    let mut nobody = comets.settings();
    nobody.markets[0].holder = None;
    let read = CompoundV3::new(nobody).read(nodes, &at).await.unwrap();
    assert_eq!(read.readings[0].held, Held::default());
    let adapter = CompoundV3::new(comets.settings());
    assert!(adapter.legs(nodes, &at, 0).await.is_err(), "borrowers are not read");
    let (to, _) = (comets.comets[0], ());
    assert_eq!(adapter.decode(to, &Bytes::new()), None);
    let (asset, amount) = (comets.stage.token(Asset::Wbtc), U256::from(1));
    let foreign = IStandIn::supplyCall { asset, amount }.abi_encode().into();
    assert_eq!(
        adapter.decode(to, &foreign),
        None,
        "collateral is not what this adapter enters with"
    );
}

#[derive(Debug, Default)]
struct Count {
    states: usize,
    readings: usize,
    entries: usize,
    exits: usize,
    waits: usize,
    refused: usize,
}

async fn equals(states: usize, seed: u64) {
    let Some(comets) = Comets::open().await else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = Count::default();
    for (place, asset) in ASSETS.into_iter().enumerate() {
        comets.supplies(1, place, units(1_000, asset)).await;
    }
    while count.states < states {
        for _ in 0..rng.random_range(0..3) {
            let (place, who) = (rng.random_range(0..3), rng.random_range(1..3));
            let whole = units(1_000, ASSETS[place]);
            let amount =
                whole * U256::from(rng.random_range(1u64..900_000)) / U256::from(1_000_000);
            if rng.random_bool(0.45) {
                comets.supplies(who, place, amount).await;
            } else {
                // More than there is cash is refused.
                comets.takes(who, place, amount).await;
            }
        }
        let readings = comets.read().await;
        for (place, reading) in readings.iter().enumerate() {
            is_true(reading, &comets.truth(place).await)
                .unwrap_or_else(|why| panic!("{}: {why}", reading.market));
            count.readings += 1;
        }
        count.states += 1;
        let place = rng.random_range(0..3);
        let reading = &readings[place];
        let most = [2, 3_600, 900_000][rng.random_range(0..3)];
        let time = reading.at.timestamp + rng.random_range(1..most);
        let is_entry = rng.random_bool(0.5);
        let part = U256::from(rng.random_range(1u64..1_000_000));
        let whole = units(500, ASSETS[place]);
        let million = U256::from(1_000_000);
        let amount = match (rng.random_range(0..8), is_entry) {
            (0, _) => U256::ZERO,
            (1, _) => U256::from(rng.random_range(1u64..20)),
            (2, false) => reading.held.available.0,
            (3, false) => reading.held.worth.0 + whole * part / million,
            (_, true) => whole * part / million,
            (_, false) => reading.held.available.0 * part / million,
        };
        let foreseen = reading.model.after(is_entry, Amount(amount), time);
        if amount.is_zero() {
            comets.stage.chain.mine_at(time).await.unwrap();
            count.waits += 1;
            came_true(&foreseen.unwrap(), &comets.truth(place).await).unwrap();
            continue;
        }
        let Ok(foreseen) = foreseen else {
            // The stand-in would lend what is more than ours: it asks for no collateral.
            assert!(!is_entry && amount > reading.held.available.0, "{foreseen:?}");
            count.refused += 1;
            continue;
        };
        assert!(comets.done(place, (is_entry, amount), time).await);
        came_true(&foreseen, &comets.truth(place).await)
            .unwrap_or_else(|why| panic!("{} {is_entry} {amount}: {why}", reading.market));
        if is_entry { count.entries += 1 } else { count.exits += 1 }
    }
    println!("compound-v3, against a stand-in: {count:?}, seed {seed}");
    assert!(count.entries > states / 8 && count.exits > states / 12, "too little was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_and_predictions_equal_the_stand_in() {
    equals(60, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `make deep`"]
async fn readings_and_predictions_equal_the_stand_in_in_a_thousand_states() {
    equals(1_000, 11).await;
}
