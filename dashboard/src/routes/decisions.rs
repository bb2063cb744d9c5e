//! What was decided, page by page.

use super::{App, Asked};
use crate::events::Span;
use crate::problem::Problem;
use crate::view::DecisionView;
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The most decisions of a page.
const PAGE_MOST: usize = 500;
/// The decisions of a page where none is asked for.
const PAGE: usize = 50;

/// Which decisions.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Those after this line of the journal, the oldest of them first; without it the newest.
    after: Option<u64>,
    /// Those before this line of the journal.
    before: Option<u64>,
    /// At most so many; 50 without it.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Decisions, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionsView {
    /// The decisions.
    pub decisions: Vec<DecisionView>,
    /// Whether the page holds all that was asked for. If not, older decisions are in the journal alone:
    /// `plimsoll journal`.
    pub complete: bool,
}

/// Shows decisions, moves and non-moves alike, with what became of each.
#[utoipa::path(
    get, path = "/v1/decisions", tag = "decisions",
    params(PageQuery),
    responses(
        (status = 200, description = "The decisions, oldest first", body = DecisionsView),
        (status = 400, description = "The query is not understood", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn decisions(
    State(app): State<App>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<DecisionsView>, Problem> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MOST).contains(&limit) {
        return Err(Problem::bad_query(format!(
            "limit is {limit}; it lies within 1 and {PAGE_MOST}"
        )));
    }
    let span = Span { after: query.after, before: query.before, limit };
    page(&app, span).await.map(Json)
}

/// Shows one decision.
#[utoipa::path(
    get, path = "/v1/decisions/{id}", tag = "decisions",
    params(("id" = u64, Path, description = "The line of the journal that holds it")),
    responses(
        (status = 200, description = "The decision", body = DecisionView),
        (status = 404, description = "There is no such decision", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn decision(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<DecisionView>, Problem> {
    let missing =
        || Problem::not_found("no decision is held by that line; /v1/decisions lists them");
    let id: u64 = id.parse().map_err(|_| missing())?;
    let before = id.checked_add(1).ok_or_else(missing)?;
    let span = Span { after: Some(id.saturating_sub(1)), before: Some(before), limit: 1 };
    let found = page(&app, span).await?.decisions.into_iter().find(|decision| decision.id == id);
    found.map(Json).ok_or_else(missing)
}

/// Returns what of `span` is kept, or else what the journal holds.
async fn page(app: &App, span: Span) -> Result<DecisionsView, Problem> {
    let (kept, covers) = {
        let events = app.shared.events();
        (events.decisions(), events.covers(span))
    };
    let history = app.history.clone().filter(|_| !covers);
    let Some(history) = history else {
        let found = span.of(kept, |decision| decision.id);
        let decisions = found.into_iter().map(Arc::unwrap_or_clone).collect();
        return Ok(DecisionsView { decisions, complete: covers });
    };
    // Reading the journal blocks.
    let read = tokio::task::spawn_blocking(move || history(span)).await;
    let failed = |error: String| {
        tracing::error!(error, "the journal cannot be read for /v1/decisions");
        Problem::internal()
    };
    let decisions = read
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    Ok(DecisionsView { decisions, complete: true })
}
