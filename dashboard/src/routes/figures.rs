//! What is owned, and where it could be.

use super::App;
use crate::problem::Problem;
use crate::view::{MarketView, MarketsView, PositionsView, ScoresView, VaultView};
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use std::sync::Arc;

/// Returns what was published, or that it was not.
fn shown<T: Serialize + Clone>(view: Option<Arc<T>>, what: &str) -> Result<Json<T>, Problem> {
    view.map(|view| Json(Arc::unwrap_or_clone(view))).ok_or_else(|| Problem::not_known_yet(what))
}

/// Shows the vault: net asset value, share price, what the chain's bounds leave, the owner's limits.
#[utoipa::path(
    get, path = "/v1/vault", tag = "figures",
    responses(
        (status = 200, description = "The vault", body = VaultView),
        (status = 503, description = "Not known yet", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn vault(State(app): State<App>) -> Result<Json<VaultView>, Problem> {
    shown(app.shared.vault(), "the vault was")
}

/// Shows what the vault holds in each market.
#[utoipa::path(
    get, path = "/v1/positions", tag = "figures",
    responses(
        (status = 200, description = "Every position", body = PositionsView),
        (status = 503, description = "Not known yet", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn positions(State(app): State<App>) -> Result<Json<PositionsView>, Problem> {
    shown(app.shared.positions(), "the positions were")
}

/// Shows every market with its four rates.
#[utoipa::path(
    get, path = "/v1/markets", tag = "figures",
    responses(
        (status = 200, description = "Every market", body = MarketsView),
        (status = 503, description = "Not known yet", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn markets(State(app): State<App>) -> Result<Json<MarketsView>, Problem> {
    shown(app.shared.markets(), "the markets were")
}

/// Shows one market.
#[utoipa::path(
    get, path = "/v1/markets/{market}", tag = "figures",
    params(("market" = String, Path, description = "Its id, `protocol:chainId:address[:detail]`")),
    responses(
        (status = 200, description = "The market", body = MarketView),
        (status = 404, description = "There is no such market", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Not known yet", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn market(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<MarketView>, Problem> {
    let Json(view) = shown(app.shared.markets(), "the markets were")?;
    let found = view.markets.into_iter().find(|market| market.market.eq_ignore_ascii_case(&id));
    found.map(Json).ok_or_else(|| Problem::not_found("no such market; /v1/markets lists them"))
}

/// Shows every market against the owner's line.
#[utoipa::path(
    get, path = "/v1/scores", tag = "figures",
    responses(
        (status = 200, description = "The newest scores", body = ScoresView),
        (status = 503, description = "Not known yet", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn scores(State(app): State<App>) -> Result<Json<ScoresView>, Problem> {
    shown(app.shared.scores(), "the scores were")
}
