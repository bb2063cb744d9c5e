//! Differential: what `plimsoll-core` computes equals what the deployed bytecode does, to the last
//! ray and wad.

use crate::support::{Desk, HOUR, units};
use alloy::primitives::{U256, uint};
use plimsoll_core::rates::{aave_v3, morpho};
use plimsoll_core::units::{Amount, Ray, Wad};
use plimsoll_localchain::abi::{IAavePool, IAdaptiveCurve, IMorpho, IToken};
use plimsoll_localchain::{Asset, ReserveSettings};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

const RAY: U256 = uint!(1_000_000_000_000_000_000_000_000_000_U256);
const WAD: U256 = uint!(1_000_000_000_000_000_000_U256);

/// The contract's rounding: half up.
fn ray_mul(a: U256, b: U256) -> U256 {
    (a * b + RAY / U256::from(2)) / RAY
}

/// The curve of core for the settings this deployment has.
fn curve(asset: Asset) -> aave_v3::KinkedCurve {
    let settings = ReserveSettings::of(asset);
    let ray = |bps: u32| Ray(U256::from(bps) * RAY / U256::from(10_000));
    aave_v3::KinkedCurve {
        base: Ray(U256::ZERO),
        slope1: ray(settings.slope1),
        slope2: ray(settings.slope2),
        optimal: ray(settings.optimal),
    }
}

/// A reserve with a loan of `percent` of what is supplied.
async fn lent(desk: &Desk, percent: u64) {
    desk.aave_supply(desk.account(1), Asset::Usdc, units(1_000_000, Asset::Usdc)).await;
    desk.aave_supply(desk.account(2), Asset::Weth, units(1_000, Asset::Weth)).await;
    desk.aave_borrow(desk.account(2), Asset::Usdc, units(10_000 * percent, Asset::Usdc)).await;
}

#[tokio::test]
async fn aaves_rates_equal_core_on_both_sides_of_the_kink() {
    let Some(desk) = Desk::open(12).await else { return };
    rates_equal_core(&desk, aave_v3::Line::V3_0).await;
}

#[tokio::test]
async fn v3_2s_rates_equal_core_on_both_sides_of_the_kink() {
    let Some((desk, _)) = Desk::open_v3_2(12).await else { return };
    rates_equal_core(&desk, aave_v3::Line::V3_2).await;
}

async fn rates_equal_core(desk: &Desk, line: aave_v3::Line) {
    for percent in [35, 90, 97] {
        let snapshot = desk.chain.snapshot().await.unwrap();
        lent(desk, percent).await;
        let debt = units(10_000 * percent, Asset::Usdc);
        let balances = aave_v3::Balances {
            available: Amount(units(1_000_000, Asset::Usdc) - debt),
            debt: Amount(debt),
            unbacked: Amount::ZERO,
        };
        let factor = plimsoll_core::units::Bps(ReserveSettings::of(Asset::Usdc).reserve_factor);
        let rates = line.rates(&curve(Asset::Usdc), balances, factor).unwrap();
        let found = desk.aave_reserve(Asset::Usdc).await;
        assert_eq!(U256::from(found.currentVariableBorrowRate), rates.borrow.0, "{percent} %");
        assert_eq!(U256::from(found.currentLiquidityRate), rates.supply.0, "{percent} %");
        desk.chain.revert(snapshot).await.unwrap();
    }
}

/// Raw tokens sent to the aToken by nobody's deposit, and an act after it that sets the rates anew.
async fn rates_after_a_gift(desk: &Desk) -> (Amount, Amount) {
    lent(desk, 80).await;
    let reserve = desk.deployed.aave.reserves[&Asset::Usdc];
    let mint = IToken::mintCall { to: reserve.a_token, amount: units(500_000, Asset::Usdc) };
    desk.does(desk.account(3), reserve.token, &mint).await;
    desk.aave_supply(desk.account(3), Asset::Usdc, units(1, Asset::Usdc)).await;
    let cash = desk.balance(reserve.a_token, Asset::Usdc).await;
    let debt = IToken::totalSupplyCall {};
    let debt = desk.chain.call(reserve.variable_debt_token, &debt).await.unwrap();
    (Amount(cash), Amount(debt))
}

#[tokio::test]
async fn a_gift_of_tokens_moves_the_rates_of_v3_0_and_not_those_of_v3_2() {
    let factor = plimsoll_core::units::Bps(ReserveSettings::of(Asset::Usdc).reserve_factor);
    let rates = |line: aave_v3::Line, available: Amount, debt: Amount| {
        let balances = aave_v3::Balances { available, debt, unbacked: Amount::ZERO };
        line.rates(&curve(Asset::Usdc), balances, factor).unwrap()
    };
    let Some(desk) = Desk::open(12).await else { return };
    let (cash, debt) = rates_after_a_gift(&desk).await;
    let found = desk.aave_reserve(Asset::Usdc).await;
    let old = rates(aave_v3::Line::V3_0, cash, debt);
    assert_eq!(U256::from(found.currentLiquidityRate), old.supply.0);

    let Some((desk, _)) = Desk::open_v3_2(12).await else { return };
    let (cash, debt) = rates_after_a_gift(&desk).await;
    let asset = desk.token(Asset::Usdc);
    let call = IAavePool::getVirtualUnderlyingBalanceCall { asset };
    let kept = desk.chain.call(desk.deployed.aave.pool, &call).await.unwrap();
    assert_eq!(U256::from(kept) + units(500_000, Asset::Usdc), cash.0, "the gift is not counted");
    let found = desk.aave_reserve(Asset::Usdc).await;
    let new = rates(aave_v3::Line::V3_2, Amount(U256::from(kept)), debt);
    assert_eq!(U256::from(found.currentVariableBorrowRate), new.borrow.0);
    assert_eq!(U256::from(found.currentLiquidityRate), new.supply.0);
    assert!(new.supply > old.supply, "the gift diluted the older pool alone");
}

#[tokio::test]
async fn aaves_indices_grow_as_core_says_over_any_time() {
    let Some(desk) = Desk::open(HOUR).await else { return };
    indices_grow_as_core_says(&desk).await;
}

#[tokio::test]
async fn v3_2s_indices_grow_as_core_says_over_any_time() {
    let Some((desk, _)) = Desk::open_v3_2(HOUR).await else { return };
    indices_grow_as_core_says(&desk).await;
}

async fn indices_grow_as_core_says(desk: &Desk) {
    lent(desk, 93).await;
    for seconds in [1, 12, 3_600, 86_401, 30 * 86_400] {
        // An interaction settles the indices; then time passes, and the contract looks ahead.
        desk.aave_supply(desk.account(3), Asset::Usdc, U256::from(1_000_000)).await;
        let settled = desk.aave_reserve(Asset::Usdc).await;
        let head = desk.chain.head().await.unwrap();
        assert_eq!(u64::try_from(settled.lastUpdateTimestamp).unwrap(), head.time);
        desk.chain.mine_at(head.time + seconds).await.unwrap();
        let (asset, pool) = (desk.token(Asset::Usdc), desk.deployed.aave.pool);
        let income = IAavePool::getReserveNormalizedIncomeCall { asset };
        let debt = IAavePool::getReserveNormalizedVariableDebtCall { asset };
        let supply_rate = Ray(U256::from(settled.currentLiquidityRate));
        let linear = aave_v3::linear_interest(supply_rate, seconds).unwrap();
        assert_eq!(
            desk.chain.call(pool, &income).await.unwrap(),
            ray_mul(linear.0, U256::from(settled.liquidityIndex)),
            "supply index after {seconds} s"
        );
        let borrow_rate = Ray(U256::from(settled.currentVariableBorrowRate));
        let compounded = aave_v3::compounded_interest_v3_0(borrow_rate, seconds).unwrap();
        assert_eq!(
            desk.chain.call(pool, &debt).await.unwrap(),
            ray_mul(compounded.0, U256::from(settled.variableBorrowIndex)),
            "borrow index after {seconds} s"
        );
    }
    let (account, reserve) = (desk.account(1), desk.deployed.aave.reserves[&Asset::Usdc]);
    let call = IToken::balanceOfCall { account };
    let worth = desk.chain.call(reserve.a_token, &call).await.unwrap();
    assert!(worth > units(1_000_000, Asset::Usdc), "the supplier earned nothing");
}

alloy::sol! {
    interface IRateStrategyV2 {
        struct Params {
            uint256 unbacked;
            uint256 liquidityAdded;
            uint256 liquidityTaken;
            uint256 totalDebt;
            uint256 reserveFactor;
            address reserve;
            bool usingVirtualBalance;
            uint256 virtualUnderlyingBalance;
        }
        function calculateInterestRates(Params params) external view returns (uint256 supply, uint256 borrow);
    }
}

#[tokio::test]
async fn the_rate_contract_of_v3_2_equals_core_in_any_state() {
    let Some((desk, _)) = Desk::open_v3_2(12).await else { return };
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    for number in 0..64 {
        let asset = Asset::ALL[number % Asset::ALL.len()];
        let state = (0u128..1 << 100, 0u128..1 << 100, 0u128..1 << 80, 0u32..=10_000);
        let (available, debt, unbacked, factor) = state.new_tree(&mut runner).unwrap().current();
        // Often all is lent, or nothing.
        let [available, debt] = match number % 8 {
            0 => [0, debt],
            1 => [available, 0],
            _ => [available, debt],
        };
        let [available, debt, unbacked] = [available, debt, unbacked].map(U256::from);
        let params = IRateStrategyV2::Params {
            unbacked,
            liquidityAdded: U256::ZERO,
            liquidityTaken: U256::ZERO,
            totalDebt: debt,
            reserveFactor: U256::from(factor),
            reserve: desk.token(asset),
            usingVirtualBalance: true,
            virtualUnderlyingBalance: available,
        };
        let strategy = desk.deployed.aave.reserves[&asset].rate_strategy;
        let call = IRateStrategyV2::calculateInterestRatesCall { params };
        let found = desk.chain.call(strategy, &call).await.unwrap();
        let [available, debt, unbacked] = [available, debt, unbacked].map(Amount);
        let balances = aave_v3::Balances { available, debt, unbacked };
        let factor = plimsoll_core::units::Bps(factor);
        let rates = aave_v3::Line::V3_2.rates(&curve(asset), balances, factor).unwrap();
        assert_eq!((found.supply, found.borrow), (rates.supply.0, rates.borrow.0), "{balances:?}");
    }
}

#[tokio::test]
async fn morphos_interest_over_a_year_of_odd_steps_equals_core() {
    let Some(desk) = Desk::open(12).await else { return };
    desk.morpho_supply(desk.account(1), units(1_000_000, Asset::Usdc)).await;
    let loan = units(950_000, Asset::Usdc);
    desk.morpho_borrow(desk.account(2), units(1_000, Asset::Weth), loan).await;
    let (blue, model) = (desk.deployed.morpho.blue, desk.deployed.morpho.rate_model);
    let id = desk.deployed.morpho.markets[0].id;
    let accrue = IMorpho::accrueInterestCall { params: desk.morpho() };
    for seconds in [1, 12, 3_599, 86_400, 7 * 86_400, 45 * 86_400, 200 * 86_400] {
        let before = desk.morpho_totals().await;
        let at_target = IAdaptiveCurve::rateAtTargetCall { id };
        let start = desk.chain.call(model, &at_target).await.unwrap().into_raw();
        let time = desk.chain.head().await.unwrap().time.max(last_update(&before)) + seconds;
        let call = plimsoll_localchain::Call::new(desk.account(3), blue, &accrue);
        desk.chain.send(&call).await.unwrap();
        desk.chain.mine_at(time).await.unwrap();
        let (supplied, borrowed) = (before.totalSupplyAssets, before.totalBorrowAssets);
        let utilization =
            morpho::utilization(Amount(U256::from(borrowed)), Amount(U256::from(supplied)));
        let elapsed = time - last_update(&before);
        let curve = morpho::AdaptiveCurve { rate_at_target: Wad(start) };
        let (rate, end) = curve.borrow_rate(utilization.unwrap(), elapsed).unwrap();
        let found = desk.chain.call(model, &at_target).await.unwrap().into_raw();
        assert_eq!(found, end.0, "rate at target after {elapsed} s");
        let after = desk.morpho_totals().await;
        let interest = U256::from(borrowed) * compounded(rate.0, elapsed) / WAD;
        assert_eq!(U256::from(after.totalBorrowAssets - borrowed), interest, "{elapsed} s");
        assert_eq!(U256::from(after.totalSupplyAssets - supplied), interest, "{elapsed} s");
    }
}

fn last_update(totals: &IMorpho::MarketTotals) -> u64 {
    totals.lastUpdate.try_into().unwrap()
}

/// `MathLib.wTaylorCompounded`.
fn compounded(rate: U256, seconds: u64) -> U256 {
    let first = rate * U256::from(seconds);
    let second = first * first / (U256::from(2) * WAD);
    first + second + second * first / (U256::from(3) * WAD)
}

/// Any state of a market that has been touched: rate at target, supply, part borrowed, seconds.
fn any_state() -> impl Strategy<Value = (u64, u128, u64, u64)> {
    let rate = prop_oneof![Just(0u64), 31_709_791u64..=63_419_583_967];
    (rate, 1u128..1 << 100, 0u64..=u64::MAX, 0u64..20 * 365 * 86_400)
}

#[tokio::test]
async fn the_reimplemented_curve_equals_core_in_any_state() {
    let Some(desk) = Desk::open(12).await else { return };
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let time = desk.chain.head().await.unwrap().time;
    let (model, params) = (desk.deployed.morpho.rate_model, desk.morpho());
    let id = desk.deployed.morpho.markets[0].id;
    // `rateAtTarget[id]`: the mapping is the contract's first storage slot.
    let slot = alloy::primitives::keccak256([id.0, [0; 32]].concat());
    for _ in 0..64 {
        let (start, supplied, part, elapsed) = any_state().new_tree(&mut runner).unwrap().current();
        let elapsed = elapsed.min(time);
        let borrowed = U256::from(supplied) * U256::from(part) / U256::from(u64::MAX);
        let totals = IMorpho::MarketTotals {
            totalSupplyAssets: supplied,
            totalSupplyShares: 0,
            totalBorrowAssets: borrowed.to(),
            totalBorrowShares: 0,
            lastUpdate: u128::from(time - elapsed),
            fee: 0,
        };
        desk.chain.set_storage(model, slot.into(), U256::from(start)).await.unwrap();
        let call = IAdaptiveCurve::borrowRateViewCall { params: params.clone(), totals };
        let found = desk.chain.call(model, &call).await.unwrap();
        let utilization = morpho::utilization(Amount(borrowed), Amount(U256::from(supplied)));
        let curve = morpho::AdaptiveCurve { rate_at_target: Wad(U256::from(start)) };
        let (expected, _) = curve.borrow_rate(utilization.unwrap(), elapsed).unwrap();
        assert_eq!(found, expected.0, "{start} {supplied} {borrowed} {elapsed}");
    }
}
