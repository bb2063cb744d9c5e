//! The paths, and the OpenAPI document that is generated from them.

mod decisions;
mod figures;
mod state;
mod stream;

use crate::guard::{Hosts, guard};
use crate::problem::Problem;
use crate::publisher::Shared;
use crate::service::History;
use crate::settings::Settings;
use crate::view::{DecisionView, FateView};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::{Json, Router, middleware};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use stream::GapView;

/// What the handlers know.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) settings: Arc<Settings>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) history: Option<History>,
    pub(crate) hosts: Hosts,
    pub(crate) version: Arc<str>,
    /// Places for clients of the stream.
    pub(crate) streams: Arc<Semaphore>,
    /// Called off when the service stops.
    pub(crate) stop: CancellationToken,
}

/// What of the document the handlers do not say.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Plimsoll",
        description = "What the engine sees, owns, decides and does. Read only. Every figure carries the \
                       block and time that it is of, its source and its method; a figure that is unknown or \
                       too old is null and says why. Money and shares are decimal strings in whole units; \
                       rates and shares of a whole are fractions; market ids are \
                       `protocol:chainId:address[:detail]`.",
    ),
    components(schemas(DecisionView, FateView, GapView)),
    tags(
        (name = "health", description = "Whether the process lives and the engine is ready."),
        (name = "figures", description = "What is owned, and where it could be."),
        (name = "decisions", description = "What was decided, why, and what became of it."),
    ),
)]
struct Document;

/// Returns the routes and their document.
fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(state::livez))
        .routes(routes!(state::readyz))
        .routes(routes!(state::metrics))
        .routes(routes!(state::status))
        .routes(routes!(figures::vault))
        .routes(routes!(figures::positions))
        .routes(routes!(figures::markets))
        .routes(routes!(figures::market))
        .routes(routes!(figures::scores))
        .routes(routes!(decisions::decisions))
        .routes(routes!(decisions::decision))
        .routes(routes!(stream::events))
        .split_for_parts()
}

/// Returns the OpenAPI document of the service.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().1
}

/// Returns everything that is answered.
pub(crate) fn router(app: App) -> Router {
    let (routes, document) = described();
    let document = Arc::new(document);
    routes
        .route(
            "/v1/openapi.json",
            axum::routing::get(async move || Json(document.as_ref().clone())),
        )
        .fallback(async || Problem::no_such_path())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// A query, or the problem with it.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked<T>, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Asked(asked)),
            Err(rejection) => Err(Problem::bad_query(rejection.body_text())),
        }
    }
}
