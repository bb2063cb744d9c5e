//! Brings the people to the chain: funded, approved, supplied and borrowed up to the start.

use super::market::{Book, Borrower, Market, person, raw};
use super::venue::{Act, spender, transaction};
use crate::abi::{IToken, IVault};
use crate::{Asset, Call, Deployment, LocalChain, LocalChainError};
use alloy::primitives::{Address, U256, uint};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const SUPPLIERS: usize = 3;
const BORROWERS: usize = 6;
/// How far up to the highest LTV borrowers open their loans.
const BOLDNESS: std::ops::Range<f64> = 0.80..0.99;
/// More of a token than anybody will need, in whole units.
const PLENTY: f64 = 1e9;
/// A million ether, in wei.
const ETHER: U256 = uint!(1_000_000_000_000_000_000_000_000_U256);
/// What the vault's depositor brings, in whole USDC.
const VAULT_DEPOSIT: f64 = 1e6;

/// Invents the people of a market.
pub(super) fn book(market: Market, rng: &mut ChaCha8Rng) -> Book {
    let named = |role: &str, number: usize| person(&format!("{market} {role} {number}"));
    let borrowers = (0..BORROWERS)
        .map(|number| Borrower {
            address: named("borrower", number),
            boldness: rng.random_range(BOLDNESS),
        })
        .collect();
    Book {
        market,
        suppliers: (0..SUPPLIERS).map(|number| named("supplier", number)).collect(),
        borrowers,
        base: (market.first_supply(), market.first_debt()),
        reference: (0.0, 0.0),
        mood: (0.0, 0.0),
        run: None,
    }
}

/// Gives everybody what they need and opens their positions, in a few blocks.
pub(super) async fn settle(
    chain: &LocalChain,
    deployment: &Deployment,
    books: &[Book],
    liquidator: Address,
) -> Result<(), LocalChainError> {
    let mut calls = Vec::new();
    for book in books {
        let market = book.market;
        let to = spender(deployment, market);
        for account in &book.suppliers {
            fund(chain, deployment, &mut calls, (*account, market.loan(), to)).await?;
        }
        for borrower in &book.borrowers {
            let who = borrower.address;
            fund(chain, deployment, &mut calls, (who, market.loan(), to)).await?;
            fund(chain, deployment, &mut calls, (who, market.collateral(), to)).await?;
        }
        fund(chain, deployment, &mut calls, (liquidator, market.loan(), to)).await?;
    }
    let depositor = person("vault depositor");
    fund(chain, deployment, &mut calls, (depositor, Asset::Usdc, deployment.vault)).await?;
    for book in books {
        open(deployment, book, &mut calls)?;
    }
    let assets = raw("vault deposit", VAULT_DEPOSIT, Asset::Usdc.decimals())?;
    let deposit = IVault::depositCall { assets, receiver: depositor };
    calls.push(Call::new(depositor, deployment.vault, &deposit));
    for call in &mut calls {
        // Well above what the dearest of these uses, so that a hundred fit into a block.
        call.gas = 600_000;
    }
    chain.execute(&calls).await.map(|_| ())
}

/// Ether for gas, tokens, and the approval of whoever moves them.
async fn fund(
    chain: &LocalChain,
    deployment: &Deployment,
    calls: &mut Vec<Call>,
    (who, asset, spender): (Address, Asset, Address),
) -> Result<(), LocalChainError> {
    chain.set_balance(who, ETHER).await?;
    let token = deployment.token(asset)?.token;
    let amount = raw("funds", PLENTY, asset.decimals())?;
    calls.push(Call::new(deployment.admin, token, &IToken::mintCall { to: who, amount }));
    let approval = IToken::approveCall { spender, amount: U256::MAX };
    calls.push(Call::new(who, token, &approval));
    Ok(())
}

/// The positions of a market at the start: everybody's equal share.
fn open(
    deployment: &Deployment,
    book: &Book,
    calls: &mut Vec<Call>,
) -> Result<(), LocalChainError> {
    let (loan, collateral) = (book.market.loan(), book.market.collateral());
    let share = |whole: f64, people: usize| {
        whole / f64::from(u32::try_from(people).unwrap_or(u32::MAX).max(1))
    };
    let each = share(book.market.first_supply(), book.suppliers.len());
    let supplied = raw("supply", each, loan.decimals())?;
    for account in &book.suppliers {
        calls.push(transaction(deployment, book.market, *account, Act::Supply(supplied))?);
    }
    let debt = share(book.market.first_debt(), book.borrowers.len());
    let debt_usd = debt * f64::from(loan.first_price_usd());
    for borrower in &book.borrowers {
        let who = borrower.address;
        let pledge_usd = debt_usd / (borrower.boldness * highest_ltv(book.market));
        let pledge = pledge_usd / f64::from(collateral.first_price_usd());
        let pledged = raw("collateral", pledge, collateral.decimals())?;
        calls.push(transaction(deployment, book.market, who, Act::Pledge(pledged))?);
        let borrowed = raw("debt", debt, loan.decimals())?;
        calls.push(transaction(deployment, book.market, who, Act::Borrow(borrowed))?);
    }
    Ok(())
}

/// The highest LTV at which a loan may be opened.
pub(super) fn highest_ltv(market: Market) -> f64 {
    match market {
        Market::Aave(_) => {
            f64::from(crate::ReserveSettings::of(market.collateral()).max_ltv) / 10_000.0
        }
        // One may open right up to the liquidation LTV of 86 %; nobody does.
        Market::Morpho(_) => 0.84,
    }
}
