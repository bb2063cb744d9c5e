//! What the chain says of every market and loan, read at once.

use super::market::{Book, Market, aave_reserve, morpho_market, whole};
use crate::abi::{IAavePool, IAdaptiveCurve, IMorpho, IToken};
use crate::send::decode;
use crate::{Asset, Deployment, LocalChain, LocalChainError};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use std::collections::BTreeMap;

const SECONDS_PER_YEAR: f64 = 31_536_000.0;

/// A market as it stands at a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarketState {
    /// Whole tokens supplied.
    pub supplied: f64,
    /// Whole tokens borrowed.
    pub borrowed: f64,
    /// Raw units of the loan token that could leave now.
    pub available: U256,
    /// What suppliers are promised now: a simple yearly fraction, net of the protocol's share.
    pub supply_apr: f64,
    /// What borrowers pay now: a simple yearly fraction.
    pub borrow_apr: f64,
}

impl MarketState {
    /// Returns borrowed over supplied; zero where nothing is supplied.
    #[must_use]
    pub fn utilization(&self) -> f64 {
        if self.supplied > 0.0 { self.borrowed / self.supplied } else { 0.0 }
    }
}

/// A loan of one of the driver's borrowers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loan {
    pub(super) borrower: Address,
    pub(super) debt_usd: f64,
    pub(super) collateral_usd: f64,
    /// The LTV at which it may be liquidated.
    pub(super) threshold: f64,
    /// What Morpho needs to name the loan exactly; zero on Aave.
    pub(super) debt_shares: U256,
    pub(super) collateral_raw: U256,
}

impl Loan {
    pub(super) fn ltv(&self) -> f64 {
        if self.collateral_usd > 0.0 { self.debt_usd / self.collateral_usd } else { 0.0 }
    }

    /// The same loan after both prices moved by these factors.
    pub(super) fn repriced(mut self, debt: f64, collateral: f64) -> Loan {
        self.debt_usd *= debt;
        self.collateral_usd *= collateral;
        self
    }
}

/// A market with the holdings of its people.
#[derive(Debug, Clone)]
pub(super) struct Observed {
    pub(super) state: MarketState,
    /// Raw units each supplier could take out if the market let them.
    pub(super) holdings: Vec<(Address, U256)>,
    pub(super) loans: Vec<Loan>,
}

/// Reads every market at the newest block, in one call.
pub(super) async fn observe(
    chain: &LocalChain,
    deployment: &Deployment,
    books: &[Book],
    prices: &BTreeMap<Asset, f64>,
) -> Result<Vec<Observed>, LocalChainError> {
    let mut calls = Vec::new();
    for book in books {
        match book.market {
            Market::Aave(_) => ask_aave(deployment, book, &mut calls)?,
            Market::Morpho(_) => ask_morpho(deployment, book, &mut calls)?,
        }
    }
    let answers = chain.call_many(calls).await?;
    let mut answers = Answers(answers.into_iter());
    let mut observed = Vec::with_capacity(books.len());
    for book in books {
        observed.push(match book.market {
            Market::Aave(_) => read_aave(book, &mut answers)?,
            Market::Morpho(_) => read_morpho(deployment, book, prices, &mut answers)?,
        });
    }
    Ok(observed)
}

/// Answers in the order of their questions.
pub(super) struct Answers(pub(super) std::vec::IntoIter<Bytes>);

impl Answers {
    pub(super) fn next<C: SolCall>(&mut self) -> Result<C::Return, LocalChainError> {
        decode::<C>(&self.0.next().unwrap_or_default())
    }
}

fn ask_aave(
    deployment: &Deployment,
    book: &Book,
    calls: &mut Vec<(Address, Bytes)>,
) -> Result<(), LocalChainError> {
    let reserve = aave_reserve(deployment, book.market.loan())?;
    let mut ask = |to: Address, data: Vec<u8>| calls.push((to, data.into()));
    let pool = deployment.aave.pool;
    ask(pool, IAavePool::getReserveDataCall { asset: reserve.token }.abi_encode());
    ask(reserve.token, IToken::balanceOfCall { account: reserve.a_token }.abi_encode());
    ask(reserve.variable_debt_token, IToken::totalSupplyCall {}.abi_encode());
    for account in &book.suppliers {
        ask(reserve.a_token, IToken::balanceOfCall { account: *account }.abi_encode());
    }
    for borrower in &book.borrowers {
        ask(pool, IAavePool::getUserAccountDataCall { user: borrower.address }.abi_encode());
    }
    Ok(())
}

fn read_aave(book: &Book, answers: &mut Answers) -> Result<Observed, LocalChainError> {
    let decimals = book.market.loan().decimals();
    let data = answers.next::<IAavePool::getReserveDataCall>()?;
    let available = answers.next::<IToken::balanceOfCall>()?;
    let borrowed = whole(answers.next::<IToken::totalSupplyCall>()?, decimals);
    let state = MarketState {
        supplied: borrowed + whole(available, decimals),
        borrowed,
        available,
        supply_apr: whole(U256::from(data.currentLiquidityRate), 27),
        borrow_apr: whole(U256::from(data.currentVariableBorrowRate), 27),
    };
    let mut holdings = Vec::with_capacity(book.suppliers.len());
    for account in &book.suppliers {
        holdings.push((*account, answers.next::<IToken::balanceOfCall>()?));
    }
    let mut loans = Vec::with_capacity(book.borrowers.len());
    for borrower in &book.borrowers {
        let account = answers.next::<IAavePool::getUserAccountDataCall>()?;
        loans.push(Loan {
            borrower: borrower.address,
            debt_usd: whole(account.totalDebtBase, 8),
            collateral_usd: whole(account.totalCollateralBase, 8),
            threshold: whole(account.currentLiquidationThreshold, 4),
            debt_shares: U256::ZERO,
            collateral_raw: U256::ZERO,
        });
    }
    Ok(Observed { state, holdings, loans })
}

fn ask_morpho(
    deployment: &Deployment,
    book: &Book,
    calls: &mut Vec<(Address, Bytes)>,
) -> Result<(), LocalChainError> {
    let id = morpho_market(deployment, book.market.collateral())?.id;
    let (blue, model) = (deployment.morpho.blue, deployment.morpho.rate_model);
    let mut ask = |to: Address, data: Vec<u8>| calls.push((to, data.into()));
    ask(blue, IMorpho::marketCall { id }.abi_encode());
    ask(model, IAdaptiveCurve::rateAtTargetCall { id }.abi_encode());
    let borrowers = book.borrowers.iter().map(|borrower| borrower.address);
    for user in book.suppliers.iter().copied().chain(borrowers) {
        ask(blue, IMorpho::positionCall { id, user }.abi_encode());
    }
    Ok(())
}

fn read_morpho(
    deployment: &Deployment,
    book: &Book,
    prices: &BTreeMap<Asset, f64>,
    answers: &mut Answers,
) -> Result<Observed, LocalChainError> {
    let (loan, collateral) = (book.market.loan(), book.market.collateral());
    let price = |asset: Asset| prices.get(&asset).copied().unwrap_or_default();
    let totals = answers.next::<IMorpho::marketCall>()?;
    let at_target = answers.next::<IAdaptiveCurve::rateAtTargetCall>()?;
    let state = morpho_state(loan, &totals, f64::from(at_target.into_raw()) / 1e18);
    let mut holdings = Vec::with_capacity(book.suppliers.len());
    for account in &book.suppliers {
        let shares = answers.next::<IMorpho::positionCall>()?.supplyShares;
        let (assets, all) = (totals.totalSupplyAssets, totals.totalSupplyShares);
        holdings.push((*account, worth(shares, assets, all)));
    }
    let threshold = whole(morpho_market(deployment, collateral)?.params.lltv, 18);
    let mut loans = Vec::with_capacity(book.borrowers.len());
    for borrower in &book.borrowers {
        let position = answers.next::<IMorpho::positionCall>()?;
        let shares = U256::from(position.borrowShares);
        let debt = worth(shares, totals.totalBorrowAssets, totals.totalBorrowShares);
        let pledged = U256::from(position.collateral);
        loans.push(Loan {
            borrower: borrower.address,
            debt_usd: whole(debt, loan.decimals()) * price(loan),
            collateral_usd: whole(pledged, collateral.decimals()) * price(collateral),
            threshold,
            debt_shares: shares,
            collateral_raw: pledged,
        });
    }
    Ok(Observed { state, holdings, loans })
}

/// The market's state in floating point; exact arithmetic is the contracts' own business.
fn morpho_state(loan: Asset, totals: &IMorpho::MarketTotals, at_target: f64) -> MarketState {
    let (supplied_raw, borrowed_raw) = (totals.totalSupplyAssets, totals.totalBorrowAssets);
    let supplied = whole(U256::from(supplied_raw), loan.decimals());
    let borrowed = whole(U256::from(borrowed_raw), loan.decimals());
    let utilization = if supplied > 0.0 { borrowed / supplied } else { 0.0 };
    let distance = (utilization - 0.9) / if utilization > 0.9 { 0.1 } else { 0.9 };
    let multiple = 1.0 + distance * if distance > 0.0 { 3.0 } else { 0.75 };
    let borrow_apr = at_target * multiple * SECONDS_PER_YEAR;
    let available = U256::from(supplied_raw.saturating_sub(borrowed_raw));
    let supply_apr = borrow_apr * utilization;
    MarketState { supplied, borrowed, available, supply_apr, borrow_apr }
}

/// What shares are worth, rounded down, with Morpho's virtual shares.
fn worth(shares: U256, assets: u128, all: u128) -> U256 {
    let assets = U256::from(assets).saturating_add(U256::from(1));
    let all = U256::from(all).saturating_add(U256::from(1_000_000));
    shares.saturating_mul(assets).checked_div(all).unwrap_or_default()
}
