//! The markets in which the vault may hold money.

use super::decimal::Decimal;
use super::figure::{Aging, Figure, Forget};
use super::vault::AssetView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every market.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarketsView {
    /// The markets by id.
    pub markets: Vec<MarketView>,
}

/// The four rates that are always kept apart. Simple yearly fractions, net of protocol fees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatesView {
    /// What it advertises now, rewards included.
    pub advertised_apr: Figure<f64>,
    /// What it would pay after the wanted deposit of ours, while borrowers stay where they are.
    pub after_deposit_apr: Figure<f64>,
    /// What it is expected to pay with it, once borrowers have answered.
    pub sustainable_apr: Figure<f64>,
    /// What its index grew by over the last seven days.
    pub realised_apr: Figure<f64>,
}

/// What the market's own switches, and the vault's, let through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchesView {
    /// The protocol has it switched on.
    pub is_active: Figure<bool>,
    /// The protocol refuses deposits.
    pub is_frozen: Figure<bool>,
    /// The protocol refuses everything.
    pub is_paused: Figure<bool>,
    /// The vault lists it.
    pub is_listed: Figure<bool>,
}

/// What it rests on and how much of the vault it may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsView {
    /// The most that the vault may have in it.
    pub absolute_cap: Figure<Decimal>,
    /// The largest part of the vault that it may be.
    pub relative_cap: Figure<f64>,
    /// The utilization above which nothing is brought in.
    pub target_utilization: Figure<f64>,
    /// The issuer, oracle or curator it rests on; null where the source does not say.
    #[schema(required = true)]
    pub issuer: Option<String>,
    /// How many wrappers lie between the vault and the asset; null where the source does not say.
    #[schema(required = true)]
    pub wrap_depth: Option<u8>,
}

/// One market.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarketView {
    /// Its id, `protocol:chainId:address[:detail]`.
    pub market: String,
    /// The protocol's name.
    pub protocol: String,
    /// The chain that it is on.
    pub chain_id: u64,
    /// The asset that it takes.
    pub asset: AssetView,
    /// Its rates.
    pub rates: RatesView,
    /// Borrowed of what is supplied.
    pub utilization: Figure<f64>,
    /// Everything supplied, USD.
    pub tvl_usd: Figure<f64>,
    /// Everything supplied, in its asset.
    pub supplied: Figure<Decimal>,
    /// Everything borrowed, in its asset.
    pub borrowed: Figure<Decimal>,
    /// What anyone could withdraw in this block.
    pub exit: Figure<Decimal>,
    /// Days that a withdrawal waits before it pays.
    pub exit_delay_days: Figure<f64>,
    /// What anyone could deposit in this block: the room below its cap.
    pub entry: Figure<Decimal>,
    /// USD for a whole unit of its asset.
    pub price_usd: Figure<f64>,
    /// Asset per share: the index.
    pub share_price: Figure<Decimal>,
    /// Its switches.
    pub switches: SwitchesView,
    /// Its terms.
    pub terms: TermsView,
}

impl Aging for MarketsView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        self.markets.iter_mut().flat_map(MarketView::figures).collect()
    }
}

impl Aging for MarketView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        vec![
            &mut self.rates.advertised_apr,
            &mut self.rates.after_deposit_apr,
            &mut self.rates.sustainable_apr,
            &mut self.rates.realised_apr,
            &mut self.utilization,
            &mut self.tvl_usd,
            &mut self.supplied,
            &mut self.borrowed,
            &mut self.exit,
            &mut self.exit_delay_days,
            &mut self.entry,
            &mut self.price_usd,
            &mut self.share_price,
            &mut self.switches.is_active,
            &mut self.switches.is_frozen,
            &mut self.switches.is_paused,
            &mut self.switches.is_listed,
            &mut self.terms.absolute_cap,
            &mut self.terms.relative_cap,
            &mut self.terms.target_utilization,
        ]
    }
}
