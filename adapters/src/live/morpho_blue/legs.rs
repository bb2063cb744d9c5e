//! Who borrows in a market of Morpho, and against what: found by events, read in pages at one block.

use super::read::{AskedMarket, IMorpho, IOracle, IToken, MarketParams, ask_market, decode_market};
use super::{MorphoBlue, MorphoMarket, NAME};
use crate::live::chainlink::IFeed;
use crate::live::multicall::{Batch, Slot};
use crate::live::{node, not_covered};
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolEvent;
use plimsoll_core::units::{Amount, Wad};
use plimsoll_core::{Denomination, MarketId};
use plimsoll_execute::chain::{LogFilter, Nodes};
use plimsoll_execute::{AdapterError, At};
use plimsoll_frame::{Leg, LegFrame, Side};
use std::collections::BTreeSet;

/// Borrowers of a page.
const PAGE: usize = 500;

/// The questions about a market that its legs need.
struct Asked {
    market: AskedMarket,
    price: Slot<IOracle::priceCall>,
    symbol: Slot<IToken::symbolCall>,
    decimals: (Slot<IToken::decimalsCall>, Slot<IToken::decimalsCall>),
    feed: Option<(Slot<IFeed::latestRoundDataCall>, Slot<IFeed::decimalsCall>)>,
}

/// Reads every account that borrowed or pledged since block `from`.
pub(super) async fn read(
    adapter: &MorphoBlue,
    nodes: &Nodes,
    at: &At,
    from: u64,
) -> Result<LegFrame, AdapterError> {
    if let Some((_, error)) = adapter.learn(nodes, at).await?.into_iter().next() {
        return Err(error);
    }
    let mut legs = Vec::new();
    for (market, wanted) in &adapter.markets {
        let Some(params) = adapter.params.get(&wanted.id) else { continue };
        legs.extend(of_market(adapter, (nodes, at, from), (market, wanted), &params).await?);
    }
    LegFrame::from_legs(legs).map_err(|error| AdapterError::NotCovered {
        about: NAME.to_owned(),
        block: at.block.number,
        detail: error.to_string(),
    })
}

async fn of_market(
    adapter: &MorphoBlue,
    (nodes, at, from): (&Nodes, &At, u64),
    (market, wanted): (&MarketId, &MorphoMarket),
    params: &MarketParams,
) -> Result<Vec<Leg>, AdapterError> {
    let (morpho, about, id) = (adapter.settings.morpho, market.as_str(), wanted.id);
    let (borrow, pledge) =
        (IMorpho::Borrow::SIGNATURE_HASH, IMorpho::SupplyCollateral::SIGNATURE_HASH);
    let filter = LogFilter { contract: morpho, events: vec![borrow, pledge], first: vec![id] };
    let logs = nodes.logs(&filter, from, at.block).await.map_err(node(about, at))?;
    let accounts: BTreeSet<Address> = logs
        .iter()
        .filter_map(|log| {
            // The account is the second indexed argument of one event and the third of the other.
            let place = if log.topics.first() == Some(&borrow) { 2 } else { 3 };
            log.topics.get(place).map(|topic| Address::from_word(*topic))
        })
        .collect();
    let accounts: Vec<Address> = accounts.into_iter().collect();
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let mut batch = Batch::default();
    let (loan, collateral) = (params.loanToken, params.collateralToken);
    let asked = Asked {
        market: ask_market(&mut batch, morpho, id, params),
        price: batch.ask(params.oracle, &IOracle::priceCall {}),
        symbol: batch.ask(loan, &IToken::symbolCall {}),
        decimals: (
            batch.ask(loan, &IToken::decimalsCall {}),
            batch.ask(collateral, &IToken::decimalsCall {}),
        ),
        feed: wanted.loan_feed.map(|feed| {
            let round = batch.ask(feed, &IFeed::latestRoundDataCall {});
            (round, batch.ask(feed, &IFeed::decimalsCall {}))
        }),
    };
    let answers = batch.send(nodes, at, adapter.place()).await?;
    let totals = decode_market(&answers, &asked.market, at, market)?;
    let failed =
        |error: plimsoll_core::rates::RateError| not_covered(market, at, &error.to_string());
    let totals = totals.accrued(at.timestamp).map_err(failed)?;
    let decimals = (answers.get(asked.decimals.0, about)?, answers.get(asked.decimals.1, about)?);
    let loan_usd = match asked.feed {
        Some((round, places)) => {
            let answer = U256::try_from(answers.get(round, about)?.answer).unwrap_or_default();
            Amount(answer).to_f64(answers.get(places, about)?)
        }
        None if Denomination::of_symbol(&answers.text(asked.symbol, about)?)
            == Denomination::Usd =>
        {
            1.0
        }
        None => {
            let detail = "its loan token is no dollar; name a `loan_feed` for it".to_owned();
            return Err(AdapterError::Settings { about: about.to_owned(), detail });
        }
    };
    // The oracle's price is of raw units in raw units, with 36 decimals.
    let whole = Amount(answers.get(asked.price, about)?).to_f64(36);
    let scale = 10f64.powi(i32::from(decimals.1) - i32::from(decimals.0));
    let collateral_usd = whole * scale * loan_usd;
    let threshold = Wad(params.lltv).to_f64();
    let mut legs = Vec::new();
    for page in accounts.chunks(PAGE) {
        let mut batch = Batch::default();
        let slots: Vec<Slot<IMorpho::positionCall>> = page
            .iter()
            .map(|user| batch.ask(morpho, &IMorpho::positionCall { id, user: *user }))
            .collect();
        let answers = batch.send(nodes, at, adapter.place()).await?;
        for (account, slot) in page.iter().zip(slots) {
            let position = answers.get(slot, about)?;
            let owed = totals.owed_up(U256::from(position.borrowShares)).map_err(failed)?;
            let leg = |side, asset: Address, amount: f64, price_usd, liquidation_threshold| Leg {
                market: market.clone(),
                borrower: account.to_string().to_lowercase(),
                asset: asset.to_string().to_lowercase(),
                side,
                block: Some(at.block.number),
                amount,
                price_usd,
                liquidation_threshold,
                emode: None,
            };
            if position.collateral > 0 {
                let amount = Amount(U256::from(position.collateral)).to_f64(decimals.1);
                legs.push(leg(
                    Side::Collateral,
                    collateral,
                    amount,
                    collateral_usd,
                    Some(threshold),
                ));
            }
            if !owed.is_zero() {
                legs.push(leg(Side::Debt, loan, owed.to_f64(decimals.0), loan_usd, None));
            }
        }
    }
    Ok(legs)
}
