//! Gauges of the vault, its positions and its markets, folded from what is published.

use super::series::Series;
use crate::view::{Decimal, Figure, MarketsView, PositionView, PositionsView, VaultView};
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
    brought: Series,
    brought_since: Series,
    bent: Series,
    due: Series,
    queue: Series,
    discount: Series,
    range_offset: Series,
    range_half_width: Series,
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
            brought: new(
                "position_brought_assets",
                "What a position brought since the books began, by cause; below zero for a loss.",
                &["market", "cause"],
            )?,
            brought_since: new(
                "position_brought_since_block_number",
                "The block from which on it is known what a position brought.",
                &["market"],
            )?,
            bent: new(
                "position_curve_loss_assets",
                "What a pool's curve cost a position since the books began, by what it is measured against.",
                &["market", "measure"],
            )?,
            due: new(
                "position_due_assets",
                "What could be collected now, fees or rewards.",
                &["market", "what"],
            )?,
            queue: new(
                "position_queue_assets",
                "What of a position is in the protocol's queue: all of it, and the part that can be claimed.",
                &["market", "part"],
            )?,
            discount: new(
                "position_discount_ratio",
                "How much less than what it is redeemed for a staked token is sold for.",
                &["market"],
            )?,
            range_offset: new(
                "position_range_offset_ratio",
                "How far the price is from the middle of the range, in its logarithm.",
                &["market"],
            )?,
            range_half_width: new(
                "position_range_half_width_ratio",
                "Half of the width of the range, in the logarithm of the price.",
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
        self.weight
            .replace(positions.clone().map(|it| (vec![it.market.clone()], number(&it.weight))));
        self.positions(positions);
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

    /// What positions brought, and what waits in them.
    fn positions<'a>(&self, positions: impl Iterator<Item = &'a PositionView> + Clone) {
        let each = |pick: fn(&PositionView) -> Option<f64>| {
            positions.clone().map(move |it| (vec![it.market.clone()], pick(it)))
        };
        self.brought_since.replace(each(|it| {
            it.profit.value()?;
            it.since_block.map(super::as_float)
        }));
        self.discount.replace(each(|it| number(&it.discount)));
        self.range_offset.replace(each(|it| number(&it.range.as_ref()?.offset)));
        self.range_half_width.replace(each(|it| number(&it.range.as_ref()?.half_width)));
        let split = |series: &Series, parts: Parts| {
            series.replace(positions.clone().flat_map(|it| {
                parts.iter().map(|(part, pick)| {
                    (vec![it.market.clone(), (*part).to_owned()], money(pick(it)))
                })
            }));
        };
        split(
            &self.brought,
            &[
                ("income", |it| &it.income),
                ("rewards", |it| &it.rewards),
                ("fees", |it| &it.fees),
                ("price", |it| &it.price),
                ("cost", |it| &it.cost),
                ("impairment", |it| &it.impairment),
            ],
        );
        split(
            &self.bent,
            &[("impermanent_loss", |it| &it.impermanent_loss), ("lvr", |it| &it.lvr)],
        );
        split(&self.due, &[("fees", |it| &it.fees_due), ("rewards", |it| &it.rewards_due)]);
        split(&self.queue, &[("queued", |it| &it.queued), ("claimable", |it| &it.claimable)]);
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

/// Figures of a position that are series of one gauge, by their label.
type Parts = &'static [(&'static str, fn(&PositionView) -> &Figure<Decimal>)];

fn money(figure: &Figure<Decimal>) -> Option<f64> {
    figure.value().map(Decimal::to_f64)
}

fn number(figure: &Figure<f64>) -> Option<f64> {
    figure.value().copied()
}
