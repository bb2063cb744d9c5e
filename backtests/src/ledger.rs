//! The ledger: an executor that keeps books instead of calling a chain.
//!
//! It holds shares, as a vault does, so a position earns the growth of its index, and the rewards that its
//! source counts beside it: sold as they accrue for what they are counted at, into idle money. All amounts are integers and every rounding is against us.

use async_trait::async_trait;
use plimsoll_core::journal::Executed;
use plimsoll_core::{
    Action, ActionKind, Amount, Approved, MarketId, Plan, Portfolio, Position, Ray, Shares,
};
use plimsoll_execute::{ExecuteError, Executor};
use plimsoll_frame::{Column, View};
use std::collections::BTreeMap;

/// Books of one vault.
#[derive(Debug, Clone)]
pub struct Ledger {
    portfolio: Portfolio,
    prices: BTreeMap<MarketId, Ray>,
    /// Up to which reward index each held market has paid, USD a share.
    rewarded: BTreeMap<MarketId, f64>,
}

impl Ledger {
    /// Returns a ledger of nothing but idle money.
    #[must_use]
    pub fn new(capital: Amount, decimals: u8) -> Ledger {
        let portfolio = Portfolio::of_idle(capital, decimals);
        Ledger { portfolio, prices: BTreeMap::new(), rewarded: BTreeMap::new() }
    }

    /// What is held.
    #[must_use]
    pub fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Values what is held at the newest index that `view` knows, and returns the held markets whose
    /// newest row is stale.
    pub fn mark(&mut self, view: &View<'_>) -> Vec<MarketId> {
        let mut stale = Vec::new();
        for (market, position) in &mut self.portfolio.positions {
            if view.quote(market).is_none_or(|quote| !quote.is_fresh) {
                stale.push(market.clone());
            }
            if let Some(price) = share_price(view, market) {
                position.share_price = price;
            }
        }
        self.earn_rewards(view);
        stale
    }

    /// Sells what rewards have accrued since the last mark. Where the price of the asset is not known they
    /// wait until it is.
    fn earn_rewards(&mut self, view: &View<'_>) {
        let Portfolio { decimals, idle, positions, .. } = &mut self.portfolio;
        self.rewarded.retain(|market, _| positions.contains_key(market));
        for (market, position) in positions {
            let Some(now) = view.last_known(market, Column::RewardIndex) else { continue };
            let before = self.rewarded.entry(market.clone()).or_insert(now);
            let Some(price) = view.last_known(market, Column::PriceUsd) else { continue };
            let shares = Amount(position.shares.0).to_f64(*decimals);
            let earned =
                Amount::from_f64_floor((shares * (now - *before) / price).max(0.0), *decimals);
            *idle = earned.and_then(|earned| idle.checked_add(earned)).unwrap_or(*idle);
            *before = now;
        }
    }

    /// Learns the newest index of the markets that `plan` enters, at which it will be carried out, and
    /// from which reward index on they pay us.
    pub fn learn_prices(&mut self, view: &View<'_>, plan: &Plan) {
        self.prices = plan
            .entries
            .iter()
            .filter_map(|entry| Some((entry.market.clone(), share_price(view, &entry.market)?)))
            .collect();
        for entry in &plan.entries {
            if let Some(now) = view.last_known(&entry.market, Column::RewardIndex) {
                self.rewarded.entry(entry.market.clone()).or_insert(now);
            }
        }
    }
}

fn share_price(view: &View<'_>, market: &MarketId) -> Option<Ray> {
    view.last_known(market, Column::SharePrice).and_then(Ray::from_f64_floor)
}

#[async_trait]
impl Executor for Ledger {
    async fn holdings(&self) -> Result<Portfolio, ExecuteError> {
        Ok(self.portfolio.clone())
    }

    async fn execute(&mut self, approved: &Approved) -> Result<Executed, ExecuteError> {
        let plan = approved.plan();
        // Everything is done on a copy, so that a plan that fails half way has done nothing.
        let mut books = self.portfolio.clone();
        let nav_before = books.nav().total;
        let mut out = BTreeMap::new();
        for exit in &plan.exits {
            out.insert(exit.market.clone(), leave(&mut books, exit)?);
        }
        let cost = plan.cost();
        let bought = Plan::sum(&plan.entries);
        if !bought.is_zero() {
            let spends = Amount(bought.0.saturating_add(cost.known().0));
            if spends > books.idle {
                let (spends, gives) = (spends.0.to_string(), books.idle.0.to_string());
                return Err(ExecuteError::Unfunded { spends, gives });
            }
        }
        let paid = pay(&mut books, cost.known(), &mut out)?;
        let gas = cost.gas.map(|gas| gas.min(paid));
        let proportional = paid.saturating_sub(gas.unwrap_or_default());
        let left =
            out.keys().filter(|market| !books.positions.contains_key(*market)).cloned().collect();
        books.idle = books.idle.saturating_sub(bought);
        let mut into = BTreeMap::new();
        for entry in &plan.entries {
            let price = self.prices.get(&entry.market).copied();
            let price =
                price.ok_or_else(|| ExecuteError::NoPrice { market: entry.market.clone() })?;
            enter(&mut books, entry, price)?;
            into.insert(entry.market.clone(), entry.amount);
        }
        self.portfolio = books;
        Ok(Executed {
            time: plan.as_of,
            out,
            left,
            into,
            turnover: plan.turnover(),
            cost: proportional,
            gas,
            nav_before,
        })
    }
}

/// Takes money out of a market; all of it where the exit asks for its whole worth.
fn leave(books: &mut Portfolio, exit: &Action) -> Result<Amount, ExecuteError> {
    let overflow = || ExecuteError::Overflow { market: exit.market.clone() };
    let Some(position) = books.positions.get_mut(&exit.market) else { return Ok(Amount::ZERO) };
    let worth = position.worth();
    let paid = exit.amount.min(worth);
    let shares = if paid == worth {
        position.shares
    } else {
        Shares::redeemed_up(paid, position.share_price).ok_or_else(overflow)?
    };
    position.shares = position.shares.saturating_sub(shares);
    if position.shares == Shares::ZERO {
        books.positions.remove(&exit.market);
    }
    books.idle = books.idle.checked_add(paid).ok_or_else(overflow)?;
    Ok(paid)
}

/// Pays a cost from idle money and, where that is too little, from the largest positions: a plan of
/// exits is never refused because its costs are more than it frees.
///
/// Adds what had to be sold to `out` and returns what was paid: all of the cost, or all there was.
fn pay(
    books: &mut Portfolio,
    cost: Amount,
    out: &mut BTreeMap<MarketId, Amount>,
) -> Result<Amount, ExecuteError> {
    while books.idle < cost {
        let worths = books.positions.iter().map(|(market, position)| (position.worth(), market));
        let Some((worth, market)) = worths.max() else { break };
        let amount = cost.saturating_sub(books.idle).min(worth);
        let exit = Action { kind: ActionKind::Exit, market: market.clone(), amount };
        let sold = leave(books, &exit)?;
        if sold.is_zero() {
            break;
        }
        let known = out.entry(exit.market).or_default();
        *known = Amount(known.0.saturating_add(sold.0));
    }
    let paid = cost.min(books.idle);
    books.idle = books.idle.saturating_sub(paid);
    Ok(paid)
}

/// Brings money into a market; the money has left idle already.
fn enter(books: &mut Portfolio, entry: &Action, share_price: Ray) -> Result<(), ExecuteError> {
    let overflow = || ExecuteError::Overflow { market: entry.market.clone() };
    let bought = Shares::bought_down(entry.amount, share_price).ok_or_else(overflow)?;
    let position = books
        .positions
        .entry(entry.market.clone())
        .or_insert(Position { shares: Shares::ZERO, share_price });
    position.shares = position.shares.checked_add(bought).ok_or_else(overflow)?;
    position.share_price = share_price;
    Ok(())
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
