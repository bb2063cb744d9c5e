//! `plimsoll allocate` and `plimsoll rebalance`: where the money should be, against where it is.

use crate::cli::{AllocateOptions, QuestionOptions, RebalanceOptions};
use crate::config::Config;
use crate::exit::Kind;
use crate::observatory::{self, Observatory, Wanted};
use crate::{advice, output, wiring};
use anyhow::Context;
use plimsoll_allocate::{Advice, AllocatorSettings, Question, RunScenario, advise};
use plimsoll_backtests::replay::DECIMALS;
use plimsoll_core::approve::{Enforcement, Policy};
use plimsoll_core::{
    Amount, Bps, ChainId, CostModel, MarketId, Portfolio, Position, Ray, RiskPreference, Shares,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What is asked: how much of what, and where it is.
pub(crate) struct Asked {
    /// The asset's symbol or unit.
    pub(crate) asset: String,
    /// Everything together, whole units.
    pub(crate) amount: f64,
    /// The name of the risk line.
    pub(crate) line: String,
    /// Days over which a move has to pay.
    pub(crate) horizon_days: f64,
    /// Whether what a move costs in gas is known.
    pub(crate) is_gas_known: bool,
}

/// Advises on new money.
pub(crate) fn allocate(options: &AllocateOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let config = crate::config::load(config)?;
    let idle = Amount::from_f64_floor(options.amount, DECIMALS).context(Kind::Usage)?;
    let portfolio = Portfolio::of_idle(idle, DECIMALS);
    let (asked, sight, advice) = answer(&options.asset, portfolio, &options.question, &config)?;
    // As it was asked, not as it comes back from whole tokens.
    let asked = Asked { amount: options.amount, ..asked };
    let document = advice::Document::new(&asked, &sight, &advice);
    if options.question.json {
        output::document(&document)
    } else {
        output::say(&advice::text(&asked, &sight, &advice));
        Ok(())
    }
}

/// Says whether to move what is held.
pub(crate) fn rebalance(options: &RebalanceOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let config = crate::config::load(config)?;
    let holding = holding(&options.position)?;
    let (asked, sight, advice) =
        answer(&holding.asset, holding.portfolio()?, &options.question, &config)?;
    let document = advice::Rebalance::new(&asked, &sight, &advice);
    if options.question.json {
        output::document(&document)
    } else {
        output::say(&document.text(&asked, &sight, &advice));
        Ok(())
    }
}

/// Looks and advises.
fn answer(
    asset: &str,
    portfolio: Portfolio,
    options: &QuestionOptions,
    config: &Config,
) -> anyhow::Result<(Asked, Observatory, Advice)> {
    let held: Vec<MarketId> = portfolio.positions.keys().cloned().collect();
    let chain = match &options.chain {
        Some(name) => wiring::chains(std::slice::from_ref(name))?.first().copied(),
        None => held.first().map(MarketId::chain),
    };
    let mut chains = held.iter().map(MarketId::chain);
    if let Some(other) = chains.find(|other| Some(*other) != chain) {
        return Err(anyhow::anyhow!(
            "positions on {} and {other}: there is no bridge in the model; ask for each chain alone",
            chain.unwrap_or(ChainId::UNKNOWN)
        ))
        .context(Kind::Usage);
    }
    let horizon = options.horizon_days;
    let wanted = Wanted { asset, chain, held: &held, horizon_days: horizon };
    let mut sight = observatory::look(&options.source, &wanted, config)?;
    for market in &held {
        check_is_known(market, asset, &sight)?;
    }
    let preference = options.risk.map_or(config.risk, RiskPreference::of_line);
    let enforcement = if options.strict { Enforcement::Strict } else { Enforcement::Measurable };
    let own_issuer = sight.own_issuer.clone();
    let policy = Policy { own_issuer, ..Policy::new(preference, enforcement) };
    let gas = options.gas_usd.or(sight.gas);
    if gas.is_none() {
        sight.labels.push(
            "gas is unknown to this source and none is charged, so every move costs more than shown; \
             --gas-usd N sets it"
                .to_owned(),
        );
    }
    let amount = portfolio.nav().total.to_f64(DECIMALS);
    let leaving_first = config.run.leaving_first.0;
    let advice = advise(&Question {
        view: sight.frame.view(sight.clock),
        scores: &sight.scores,
        portfolio: &portfolio,
        policy: &policy,
        run: RunScenario { leaving_first },
        costs: CostModel {
            turnover: Bps(options.cost_bps.unwrap_or(config.backtest.cost_bps.0)),
            gas_per_action: gas.and_then(|gas| Amount::from_f64_floor(gas, DECIMALS)),
            is_first_entry: portfolio.positions.is_empty(),
        },
        settings: AllocatorSettings {
            horizon_days: horizon,
            // The person who asks says within how many days a move has to pay, whatever it leaves.
            stay_days: horizon,
            ..AllocatorSettings::default()
        },
        takes_advertised: sight.takes_advertised,
    });
    let line = options.risk.map_or_else(|| "configured".to_owned(), |line| line.to_string());
    let asked = Asked {
        asset: asset.to_owned(),
        amount,
        line,
        horizon_days: horizon,
        is_gas_known: gas.is_some(),
    };
    Ok((asked, sight, advice))
}

/// Refuses a held market of which nothing is known: its money would be taken for idle.
fn check_is_known(market: &MarketId, asset: &str, sight: &Observatory) -> anyhow::Result<()> {
    let (kind, why) = match sight.unread.get(market) {
        Some(reason) => (Kind::Data, reason.clone()),
        None if !sight.names.contains_key(market) => {
            let known: Vec<&str> = sight.names.keys().map(MarketId::as_str).collect();
            let known = known.join(", ");
            (Kind::Usage, format!("the source has no such market of {asset}; it has {known}"))
        }
        None if sight.frame.view(sight.clock).quote(market).is_none() => {
            let why = "none of its readings passed the data-quality gate; the first of a market never does";
            (Kind::Data, why.to_owned())
        }
        None => return Ok(()),
    };
    Err(anyhow::anyhow!("position {market}: {why}")).context(kind)
}

/// A file of what is held.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holding {
    /// The asset's symbol or unit.
    asset: String,
    /// Idle money, whole units as a decimal.
    #[serde(default)]
    idle: Decimal,
    /// What is in each market, whole units.
    #[serde(default)]
    positions: BTreeMap<MarketId, Decimal>,
}

/// A number of whole units: a TOML number, or a text.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(try_from = "Written")]
struct Decimal(f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Float(f64),
    Whole(i64),
}

impl TryFrom<Written> for Decimal {
    type Error = String;

    fn try_from(written: Written) -> Result<Decimal, String> {
        let (value, text) = match written {
            Written::Text(text) => (text.trim().parse().unwrap_or(f64::NAN), text),
            Written::Float(value) => (value, value.to_string()),
            Written::Whole(value) => (value as f64, value.to_string()),
        };
        let is_amount = value.is_finite() && value >= 0.0;
        is_amount.then_some(Decimal(value)).ok_or_else(|| {
            format!("{text:?} is no amount: a number of whole units from 0, such as \"2500.50\"")
        })
    }
}

fn holding(file: &Path) -> anyhow::Result<Holding> {
    let form = "expected asset = \"USDC\", idle = \"100\" and a table [positions] with lines such as \
                \"aave-v3:1:0x...\" = \"2500\"";
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{}: cannot be read; {form}", file.display()))
        .context(Kind::Usage)?;
    toml::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}: {error}{form}", file.display()))
        .context(Kind::Usage)
}

impl Holding {
    fn portfolio(&self) -> anyhow::Result<Portfolio> {
        let amount = |value: Decimal| {
            Amount::from_f64_floor(value.0, DECIMALS)
                .context("an amount is too large")
                .context(Kind::Usage)
        };
        let mut portfolio = Portfolio::of_idle(amount(self.idle)?, DECIMALS);
        for (market, held) in &self.positions {
            let shares = Shares(amount(*held)?.0);
            if shares != Shares::ZERO {
                // Worth what the file says: one share is one unit.
                let position = Position { shares, share_price: Ray::ONE };
                portfolio.positions.insert(market.clone(), position);
            }
        }
        if portfolio.nav().total.is_zero() {
            return Err(anyhow::anyhow!("nothing is held: give idle money or a position above 0"))
                .context(Kind::Usage);
        }
        Ok(portfolio)
    }
}
