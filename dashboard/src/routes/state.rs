//! Whether it lives, whether it is ready, what it measures, how it is.

use super::App;
use crate::problem::Problem;
use crate::view::{BreakerView, Check, HeadView, JournalView, Mode, NodeView, Readiness};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Live {
    /// Always true: a process that is not alive says nothing.
    pub live: bool,
}

/// How the engine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusView {
    /// The program's version.
    pub version: String,
    /// Whether it sends.
    pub mode: Mode,
    /// How much may be sent.
    pub breaker: BreakerView,
    /// Why the breaker tripped; null where it did not.
    #[schema(required = true)]
    pub breaker_reason: Option<String>,
    /// The newest block that enough nodes agree on; null before the first one.
    #[schema(required = true)]
    pub head: Option<HeadView>,
    /// The nodes.
    pub nodes: Vec<NodeView>,
    /// Whether enough nodes agree.
    pub quorum: Check,
    /// The journal.
    pub journal: JournalView,
    /// The checks at start-up.
    pub start_up: Check,
    /// Whether it is ready, now.
    pub readiness: Readiness,
}

/// Says that the process answers.
#[utoipa::path(
    get, path = "/livez", tag = "health",
    responses((status = 200, description = "The process answers", body = Live))
)]
pub(super) async fn livez() -> Json<Live> {
    Json(Live { live: true })
}

/// Says whether the engine is ready: heads arrive, enough nodes agree, the journal can be written, and the checks
/// at start-up have passed.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "It is ready", body = Readiness),
        (status = 503, description = "It is not, and why", body = Readiness),
    )
)]
pub(super) async fn readyz(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness(&app);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Shows every metric, as Prometheus reads it. What is unknown has no series.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, description = "Text format 0.0.4", body = String,
               content_type = "text/plain"))
)]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    match app.shared.metrics.text(readiness(&app).ready, &app.shared.published()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            Problem::internal().into_response()
        }
    }
}

/// Shows how the engine is: mode, breaker, newest block, nodes, journal.
#[utoipa::path(
    get, path = "/v1/status", tag = "health",
    responses(
        (status = 200, description = "How it is", body = StatusView),
        (status = 503, description = "Not known yet", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn status(State(app): State<App>) -> Result<Json<StatusView>, Problem> {
    let (_, health) =
        app.shared.health().ok_or_else(|| Problem::not_known_yet("the engine's health was"))?;
    Ok(Json(StatusView {
        version: app.version.to_string(),
        mode: health.mode,
        breaker: health.breaker,
        breaker_reason: health.breaker_reason.clone(),
        head: health.head.clone(),
        nodes: health.nodes.clone(),
        quorum: health.quorum.clone(),
        journal: health.journal.clone(),
        start_up: health.start_up.clone(),
        readiness: readiness(&app),
    }))
}

fn readiness(app: &App) -> Readiness {
    if app.stop.is_cancelled() {
        return Readiness::no("stopping", "the service stops");
    }
    app.shared.readiness()
}
