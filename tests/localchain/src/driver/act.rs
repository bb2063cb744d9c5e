//! What people do in a block: liquidate, supply or withdraw, borrow or repay, or run.
//!
//! Suppliers and borrowers have an amount they want, which answers to the rate with an elasticity
//! and drifts with their mood; each block closes a part of the gap, in one act a side at most.

use super::MarketSettings;
use super::market::{Book, Market, raw, whole};
use super::observe::{Loan, Observed};
use super::people::highest_ltv;
use super::venue::{Act, liquidation, transaction};
use crate::{Asset, Call, Deployment, LocalChainError};
use alloy::primitives::{Address, U256};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::collections::BTreeMap;

const SECONDS_PER_DAY: f64 = 86_400.0;
/// How long it takes to close most of a gap.
const PATIENCE_DAYS: f64 = 1.5;
/// How long a mood lasts.
const MOOD_DAYS: f64 = 15.0;
/// How much moods stray, per square root of a day.
const MOOD_VOLATILITY: f64 = 0.05;
/// Random trade of a side, per square root of a day and relative to its base.
const NOISE: f64 = 0.02;
/// The most of a gap that is closed at once: where a block stands for days, people who closed all of
/// it would answer to each other in ever larger swings.
const MOST_AT_ONCE: f64 = 0.2;
/// Collateral beyond what is needed, as a part of it, from which a borrower takes it back.
const SURPLUS: f64 = 0.1;
/// Acts smaller than this part of the base are not worth their gas.
const SMALLEST: f64 = 1e-6;
/// The least loan worth taking over, in USD.
const SMALLEST_LOAN_USD: f64 = 10.0;
/// How far above its threshold a loan must be, since interest and rounding move it a little.
const SURELY: f64 = 1.0005;

/// What the planner looks at: the rules, the prices that the feeds will say in this block relative
/// to those at the last, and how long a block stands for.
pub(super) struct Moment<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) settings: &'a MarketSettings,
    pub(super) prices: &'a BTreeMap<Asset, f64>,
    pub(super) before: &'a BTreeMap<Asset, f64>,
    pub(super) seconds: f64,
    pub(super) liquidator: Address,
    /// The most raw collateral that one borrower on Aave may take back without being in the way of
    /// others in this block, where it is an asset that is lent on.
    pub(super) spare: BTreeMap<Asset, U256>,
}

impl Moment<'_> {
    fn price(&self, asset: Asset) -> f64 {
        self.prices.get(&asset).copied().unwrap_or(f64::NAN)
    }

    /// How the price of an asset moved with this block's posts.
    fn moved(&self, asset: Asset) -> f64 {
        self.price(asset) / self.before.get(&asset).copied().unwrap_or(f64::NAN)
    }

    /// The most collateral of a market that may be taken back.
    fn releasable(&self, market: Market) -> U256 {
        match market {
            Market::Aave(_) => self.spare.get(&market.collateral()).copied().unwrap_or(U256::MAX),
            Market::Morpho(_) => U256::MAX,
        }
    }

    fn days(&self) -> f64 {
        self.seconds / SECONDS_PER_DAY
    }
}

/// Returns the liquidations that this block's prices allow in a market.
pub(super) fn liquidations(
    moment: &Moment<'_>,
    book: &Book,
    observed: &Observed,
) -> Result<Vec<Call>, LocalChainError> {
    let factors = (moment.moved(book.market.loan()), moment.moved(book.market.collateral()));
    let mut calls = Vec::new();
    for loan in &observed.loans {
        let loan = loan.repriced(factors.0, factors.1);
        let worth_it = loan.debt_usd > SMALLEST_LOAN_USD && loan.collateral_usd > SMALLEST_LOAN_USD;
        if worth_it && loan.ltv() > loan.threshold * SURELY {
            calls.push(liquidation(moment.deployment, book.market, moment.liquidator, &loan)?);
        }
    }
    Ok(calls)
}

/// Returns what suppliers and borrowers of a market do in a block without a run.
pub(super) fn trade(
    moment: &Moment<'_>,
    book: &mut Book,
    observed: &Observed,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Call>, LocalChainError> {
    let state = &observed.state;
    drift(&mut book.mood.0, moment.days(), rng);
    drift(&mut book.mood.1, moment.days(), rng);
    let wanted = |base: f64, rate: f64, reference: f64, elasticity: f64, mood: f64| {
        let answer = (rate.max(1e-4) / reference.max(1e-4)).powf(elasticity).clamp(0.3, 3.0);
        base * answer * mood.exp()
    };
    let settings = moment.settings;
    let supply = wanted(
        book.base.0,
        state.supply_apr,
        book.reference.0,
        settings.supply_elasticity,
        book.mood.0,
    );
    let debt = wanted(
        book.base.1,
        state.borrow_apr,
        book.reference.1,
        -settings.demand_elasticity,
        book.mood.1,
    );
    let (mut free, mut calls) = (state.available, Vec::new());
    if let Some(change) = part(moment, rng, supply - state.supplied, book.base.0) {
        supply_side(moment, book, observed, rng, (change, &mut free), &mut calls)?;
    }
    if let Some(change) = part(moment, rng, debt - state.borrowed, book.base.1) {
        borrow_side(moment, book, observed, rng, (change, &mut free), &mut calls)?;
    }
    Ok(calls)
}

/// Returns the withdrawals of a bank run in a block: a part while there is only a warning, then all
/// that the market can pay, and what suppliers do not hold is borrowed away.
pub(super) fn run(
    moment: &Moment<'_>,
    book: &mut Book,
    observed: &Observed,
) -> Result<Vec<Call>, LocalChainError> {
    let Some(phase) = &mut book.run else { return Ok(Vec::new()) };
    let mut left = observed.state.available;
    if phase.warning_blocks > 0 {
        left /= U256::from(phase.warning_blocks).saturating_add(U256::from(1));
        phase.warning_blocks = phase.warning_blocks.saturating_sub(1);
    }
    let mut calls = Vec::new();
    for (account, held) in &observed.holdings {
        let amount = left.min(*held);
        if amount.is_zero() {
            continue;
        }
        left = left.saturating_sub(amount);
        let act = Act::Withdraw(amount);
        calls.push(transaction(moment.deployment, book.market, *account, act)?);
    }
    if !left.is_zero()
        && let (Some(borrower), Some(loan)) = (book.borrowers.first(), observed.loans.first())
    {
        let amount = whole(left, book.market.loan().decimals());
        let who = (borrower.address, borrower.boldness);
        borrow(moment, book.market, who, loan, (amount, left), &mut calls)?;
    }
    Ok(calls)
}

/// A mood strays and fades.
fn drift(mood: &mut f64, days: f64, rng: &mut ChaCha8Rng) {
    let draw: f64 = rng.sample(StandardNormal);
    *mood += MOOD_VOLATILITY * days.sqrt() * draw - *mood * (days / MOOD_DAYS).min(1.0);
}

/// The part of a gap that is closed in this block, if anybody acts in it.
fn part(moment: &Moment<'_>, rng: &mut ChaCha8Rng, gap: f64, base: f64) -> Option<f64> {
    let (acts, draw) = (rng.random::<f64>(), rng.sample::<f64, _>(StandardNormal));
    if acts >= moment.settings.activity {
        return None;
    }
    let closed = 1.0 - (-moment.days() / PATIENCE_DAYS).exp();
    let share = (closed / moment.settings.activity).min(MOST_AT_ONCE);
    let change = gap * share + base * NOISE * moment.days().sqrt() * draw;
    (change.abs() > base * SMALLEST).then_some(change)
}

/// One supplier brings or takes `change` whole tokens.
fn supply_side(
    moment: &Moment<'_>,
    book: &Book,
    observed: &Observed,
    rng: &mut ChaCha8Rng,
    (change, free): (f64, &mut U256),
    calls: &mut Vec<Call>,
) -> Result<(), LocalChainError> {
    let amount = raw("supply change", change.abs(), book.market.loan().decimals())?;
    let (account, act) = if change > 0.0 {
        let number = rng.random_range(0..book.suppliers.len().max(1));
        (book.suppliers.get(number).copied(), Act::Supply(amount))
    } else {
        let largest = observed.holdings.iter().max_by_key(|(_, held)| *held);
        let held = largest.map_or(U256::ZERO, |(_, held)| *held);
        let taken = amount.min(held).min(*free * U256::from(95) / U256::from(100));
        *free = free.saturating_sub(taken);
        (largest.map(|(account, _)| *account), Act::Withdraw(taken))
    };
    let nothing = matches!(act, Act::Supply(U256::ZERO) | Act::Withdraw(U256::ZERO));
    if let (Some(account), false) = (account, nothing) {
        calls.push(transaction(moment.deployment, book.market, account, act)?);
    }
    Ok(())
}

/// One borrower borrows or repays `change` whole tokens.
fn borrow_side(
    moment: &Moment<'_>,
    book: &Book,
    observed: &Observed,
    rng: &mut ChaCha8Rng,
    (change, free): (f64, &mut U256),
    calls: &mut Vec<Call>,
) -> Result<(), LocalChainError> {
    let decimals = book.market.loan().decimals();
    if change > 0.0 {
        let number = rng.random_range(0..book.borrowers.len().max(1));
        let (Some(borrower), Some(loan)) = (book.borrowers.get(number), observed.loans.get(number))
        else {
            return Ok(());
        };
        let most = *free * U256::from(95) / U256::from(100);
        let amount = raw("borrowing", change, decimals)?.min(most);
        *free = free.saturating_sub(amount);
        let who = (borrower.address, borrower.boldness);
        return borrow(moment, book.market, who, loan, (whole(amount, decimals), amount), calls);
    }
    let largest = observed.loans.iter().max_by(|a, b| a.debt_usd.total_cmp(&b.debt_usd));
    let Some(loan) = largest else { return Ok(()) };
    // Never all of it: what is owed grows until the block is made, and Morpho refuses more.
    let owed = loan.debt_usd / moment.price(book.market.loan());
    let amount = raw("repayment", change.abs().min(owed * 0.9), decimals)?;
    if !amount.is_zero() {
        let act = Act::Repay(amount);
        calls.push(transaction(moment.deployment, book.market, loan.borrower, act)?);
    }
    Ok(())
}

/// Borrows, and pledges what the borrower's boldness asks for or takes back what is beyond it.
fn borrow(
    moment: &Moment<'_>,
    market: Market,
    (who, boldness): (Address, f64),
    loan: &Loan,
    (amount, exact): (f64, U256),
    calls: &mut Vec<Call>,
) -> Result<(), LocalChainError> {
    if exact.is_zero() {
        return Ok(());
    }
    let loan = loan.repriced(moment.moved(market.loan()), moment.moved(market.collateral()));
    let debt_usd = loan.debt_usd + amount * moment.price(market.loan());
    let needed_usd = debt_usd / (boldness * highest_ltv(market)) - loan.collateral_usd;
    let collateral = market.collateral();
    let tokens =
        |usd: f64| raw("collateral", usd / moment.price(collateral), collateral.decimals());
    let mut after = None;
    if needed_usd > 0.0 {
        let pledged = tokens(needed_usd)?;
        if !pledged.is_zero() {
            calls.push(transaction(moment.deployment, market, who, Act::Pledge(pledged))?);
        }
    } else if -needed_usd > SURPLUS * loan.collateral_usd {
        let released = tokens(-needed_usd * 0.9)?.min(moment.releasable(market));
        after = (!released.is_zero()).then_some(Act::Release(released));
    }
    calls.push(transaction(moment.deployment, market, who, Act::Borrow(exact))?);
    if let Some(release) = after {
        calls.push(transaction(moment.deployment, market, who, release)?);
    }
    Ok(())
}
