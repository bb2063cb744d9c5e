//! Gauges of the vault, its positions and its markets, folded from what is published.

use super::series::Series;
use crate::view::{Decimal, Figure, MarketsView, PositionsView, VaultView};
use prometheus::Registry;
use std::sync::Arc;

/// What was published and is fresh; the rest is `None`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    /// The vault.
    pub(crate) vault: Option<Arc<VaultView>>,
    /// Its positions.
    pub(crate) positions: Option<Arc<PositionsView>>,
    /// The markets.
    pub(crate) markets: Option<Arc<MarketsView>>,
}

/// The gauges.
#[derive(Debug)]
pub(super) struct Figures {
    nav: Series,
    idle: Series,
    queued: Series,
    share_price: Series,
    supply: Series,
    room: Series,
    operator: Series,
    position: Series,
    weight: Series,
    utilization: Series,
    rate: Series,
    exit: Series,
    tvl: Series,
}

impl Figures {
    pub(super) fn new(on: &Registry) -> Result<Figures, prometheus::Error> {
        let new = |name: &str, help: &str, labels: &[&str]| {
            Series::new(on, &format!("plimsoll_{name}"), help, labels)
        };
        Ok(Figures {
            nav: new(
                "vault_nav_assets",
                "What the vault owns, whole units of its asset, by what it is priced for.",
                &["bound"],
            )?,
            idle: new("vault_idle_assets", "The part that is in no market.", &[])?,
            queued: new("vault_queued_assets", "What waits in the redeem queue.", &[])?,
            share_price: new("vault_share_price_assets", "What one share pays on leaving.", &[])?,
            supply: new("vault_supply_shares", "Shares of the vault that exist.", &[])?,
            room: new(
                "vault_room_assets",
                "What the chain's bounds leave to plans, by bound.",
                &["bound"],
            )?,
            operator: new(
                "operator_balance_wei",
                "The operator's ether, which pays the gas.",
                &[],
            )?,
            position: new("position_worth_assets", "Worth of a position.", &["market"])?,
            weight: new(
                "position_weight_ratio",
                "Part of the gross NAV that a position is.",
                &["market"],
            )?,
            utilization: new(
                "market_utilization_ratio",
                "Borrowed of what is supplied.",
                &["market"],
            )?,
            rate: new(
                "market_apr_ratio",
                "Simple yearly rate net of fees, by which of the four it is.",
                &["market", "rate"],
            )?,
            exit: new(
                "market_exit_assets",
                "What anyone could withdraw in this block.",
                &["market"],
            )?,
            tvl: new("market_tvl_usd", "Everything supplied, USD.", &["market"])?,
        })
    }

    /// Shows what is fresh and nothing else.
    pub(super) fn show(&self, published: &Published) {
        self.vault(published.vault.as_deref());
        let positions = published.positions.iter().flat_map(|view| &view.positions);
        self.position
            .replace(positions.clone().map(|it| (vec![it.market.clone()], money(&it.worth))));
        self.weight.replace(positions.map(|it| (vec![it.market.clone()], number(&it.weight))));
        let markets = published.markets.iter().flat_map(|view| &view.markets);
        let of = |market: &str| vec![market.to_owned()];
        self.utilization
            .replace(markets.clone().map(|it| (of(&it.market), number(&it.utilization))));
        self.exit.replace(markets.clone().map(|it| (of(&it.market), money(&it.exit))));
        self.tvl.replace(markets.clone().map(|it| (of(&it.market), number(&it.tvl_usd))));
        self.rate.replace(markets.flat_map(|it| {
            [
                ("advertised", &it.rates.advertised_apr),
                ("after_deposit", &it.rates.after_deposit_apr),
                ("sustainable", &it.rates.sustainable_apr),
                ("realised", &it.rates.realised_apr),
            ]
            .map(|(rate, figure)| (vec![it.market.clone(), rate.to_owned()], number(figure)))
        }));
    }

    fn vault(&self, vault: Option<&VaultView>) {
        let of = |pick: fn(&VaultView) -> &Figure<Decimal>| vault.and_then(|it| money(pick(it)));
        let bound = |name: &str, value| (vec![name.to_owned()], value);
        self.nav.replace([
            bound("low", of(|it| &it.nav_low)),
            bound("high", of(|it| &it.nav_high)),
            bound("gross", of(|it| &it.nav_gross)),
        ]);
        self.idle.set(of(|it| &it.idle));
        self.queued.set(of(|it| &it.queued));
        self.share_price.set(of(|it| &it.share_price));
        self.supply.set(of(|it| &it.supply));
        self.room.replace([
            bound("loss_day", of(|it| &it.loss_room_day)),
            bound("loss_month", of(|it| &it.loss_room_month)),
            bound("entries_day", of(|it| &it.entry_room)),
        ]);
        self.operator.set(of(|it| &it.operator_wei));
    }
}

fn money(figure: &Figure<Decimal>) -> Option<f64> {
    figure.value().map(Decimal::to_f64)
}

fn number(figure: &Figure<f64>) -> Option<f64> {
    figure.value().copied()
}
