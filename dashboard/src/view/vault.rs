//! The vault: what it owns, what a share is worth, what its on-chain bounds leave.

use super::decimal::Decimal;
use super::figure::{Aging, Figure, Forget};
use plimsoll_core::{Limit, RiskPreference};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetView {
    /// Its symbol; it may change, the address does not.
    pub symbol: String,
    /// Its contract.
    pub address: String,
    /// Its decimals.
    pub decimals: u8,
}

/// The owner's risk line: the limits that bind the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineView {
    /// The named point it was set from; null where the owner turned the dial or edited limits.
    #[schema(required = true)]
    pub name: Option<String>,
    /// The limits by their names in the settings: fractions, and a count for `wrap_depth`.
    pub limits: BTreeMap<String, f64>,
}

impl LineView {
    /// Returns the limits of `preference`, which was set by `name`.
    #[must_use]
    pub fn of(name: Option<&str>, preference: &RiskPreference) -> LineView {
        let value = |limit| match limit {
            Limit::Cvar95_30d => preference.cvar95_30d.value(),
            Limit::Es999_1y => preference.es999_1y.value(),
            Limit::WorstProtocolLoss => preference.worst_protocol_loss.value(),
            Limit::PerProtocol => preference.per_protocol.value(),
            Limit::PerIssuer => preference.per_issuer.value(),
            Limit::PerChain => preference.per_chain.value(),
            Limit::ForeignExposure => preference.foreign_exposure.value(),
            Limit::WrapDepth => f64::from(preference.wrap_depth),
            Limit::Exit24hRun => preference.exit_24h_run.value(),
        };
        LineView {
            name: name.map(str::to_owned),
            limits: Limit::ALL.map(|limit| (limit.key().to_owned(), value(limit))).into(),
        }
    }
}

/// The vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultView {
    /// The chain that it is on.
    pub chain_id: u64,
    /// Its contract.
    pub address: String,
    /// Its name.
    pub name: String,
    /// The asset in which everything is measured.
    pub asset: AssetView,
    /// The decimals of its shares.
    pub share_decimals: u8,
    /// The owner's limits.
    pub line: LineView,
    /// What one share pays on leaving, asset per share.
    pub share_price: Figure<Decimal>,
    /// What leaving is priced by: without gains that are not unlocked yet, without what is marked down.
    pub nav_low: Figure<Decimal>,
    /// What entering is priced by: with losses that have not faded yet.
    pub nav_high: Figure<Decimal>,
    /// Idle money and what each market reports.
    pub nav_gross: Figure<Decimal>,
    /// The part that is in no market.
    pub idle: Figure<Decimal>,
    /// Shares that exist.
    pub supply: Figure<Decimal>,
    /// What waits in the redeem queue, at the price of leaving.
    pub queued: Figure<Decimal>,
    /// What plans may still lose today before the chain refuses them.
    pub loss_room_day: Figure<Decimal>,
    /// What plans may still lose in the running 30 days.
    pub loss_room_month: Figure<Decimal>,
    /// What may still enter markets today.
    pub entry_room: Figure<Decimal>,
    /// Whether every market can be read and none is marked down; entering is closed while not.
    pub is_sound: Figure<bool>,
    /// Whether the guardian has closed entering.
    pub is_paused: Figure<bool>,
    /// The operator's ether, which pays the gas; not a part of the vault. In wei.
    pub operator_wei: Figure<Decimal>,
}

impl Aging for VaultView {
    fn figures(&mut self) -> Vec<&mut dyn Forget> {
        vec![
            &mut self.share_price,
            &mut self.nav_low,
            &mut self.nav_high,
            &mut self.nav_gross,
            &mut self.idle,
            &mut self.supply,
            &mut self.queued,
            &mut self.loss_room_day,
            &mut self.loss_room_month,
            &mut self.entry_room,
            &mut self.is_sound,
            &mut self.is_paused,
            &mut self.operator_wei,
        ]
    }
}
