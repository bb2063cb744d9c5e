//! The stream of decisions and fates, by server-sent events.

use super::{App, Asked};
use crate::events::{Event, Gap};
use crate::problem::Problem;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::convert::Infallible;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::{IntoParams, ToSchema};

/// How many events are taken at a time.
const BATCH: usize = 64;

/// Where the stream begins.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// After this line of the journal; without it, and without `Last-Event-ID`, from now on.
    after: Option<u64>,
}

/// Events that were missed and are not kept: they are read elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GapView {
    /// The last line of the journal that the client has; zero where its place is not one of this journal.
    pub after: u64,
    /// The last line that is not told.
    pub through: u64,
    /// Where to read the decisions in between.
    pub read: String,
}

impl From<Gap> for GapView {
    fn from(gap: Gap) -> GapView {
        let read = format!("/v1/decisions?after={}", gap.after);
        GapView { after: gap.after, through: gap.through, read }
    }
}

/// Tells every decision (`decision`, a DecisionView) and every step of a plan (`plan`, a FateView) as it is
/// journalled. The id of an event is its line of the journal; with `Last-Event-ID` or `after` those that were
/// missed come first. Where they are no longer kept, a `gap` (a GapView, without an id) says where to read them.
#[utoipa::path(
    get, path = "/v1/events", tag = "decisions",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "The last event that the client has"),
    ),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 400, description = "The place is no line of a journal", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Too many clients read it", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(app): State<App>,
    Asked(query): Asked<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, Problem> {
    let after = place(&headers)?.or(query.after);
    let Ok(permit) = std::sync::Arc::clone(&app.streams).try_acquire_owned() else {
        return Err(Problem::too_many_streams(app.settings.streams));
    };
    let keep_alive = KeepAlive::new().interval(app.settings.keep_alive());
    let reader = Reader::new(app, after, permit);
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(keep_alive))
}

/// The place that the client says it came to.
fn place(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let line = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let what =
        "Last-Event-ID is not a line of the journal; leave it out to begin with the next event";
    line.map(Some).ok_or_else(|| Problem::bad_query(what))
}

/// One client and how far it came. It pulls; nobody waits for it.
struct Reader {
    app: App,
    wakes: watch::Receiver<()>,
    /// The last line that it was told; `None` until the first, for one that came without a place.
    after: Option<u64>,
    ready: VecDeque<sse::Event>,
    _place: Place,
}

impl Reader {
    fn new(app: App, after: Option<u64>, permit: OwnedSemaphorePermit) -> Reader {
        let wakes = app.shared.wakes();
        let after = after.or_else(|| app.shared.events().newest());
        let place = Place::taken(app.clone(), permit);
        Reader { app, wakes, after, ready: VecDeque::new(), _place: place }
    }

    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if self.app.stop.is_cancelled() {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            // Marked as seen before looking: what comes in between wakes up again.
            self.wakes.mark_unchanged();
            if self.look() {
                continue;
            }
            tokio::select! {
                () = self.app.stop.cancelled() => return None,
                changed = self.wakes.changed() => changed.ok()?,
            }
        }
    }

    /// Takes what follows; whether there was anything.
    fn look(&mut self) -> bool {
        let mut found = false;
        let following = self.app.shared.events().following(self.after.unwrap_or_default(), BATCH);
        if let Some(gap) = following.gap.filter(|_| self.after.is_some()) {
            self.app.shared.metrics.gap();
            self.ready.extend(told("gap", None, &GapView::from(gap)));
            self.after = Some(gap.through);
            found = true;
        }
        for event in &following.events {
            let told = match event {
                Event::Decision(it) => told("decision", Some(it.id), it.as_ref()),
                Event::Fate(it) => told("plan", Some(it.id), it.as_ref()),
            };
            self.ready.extend(told);
            self.after = Some(event.id());
            found = true;
        }
        found
    }
}

/// One event; `None` where it cannot be written as JSON, which the log says.
fn told(name: &str, id: Option<u64>, data: &impl Serialize) -> Option<sse::Event> {
    let event = sse::Event::default().event(name);
    let event = id.into_iter().fold(event, |event, id| event.id(id.to_string()));
    event
        .json_data(data)
        .inspect_err(|error| tracing::error!(%error, name, id, "an event cannot be told"))
        .ok()
}

/// A place among the clients, given back when it is dropped.
struct Place {
    app: App,
    permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    fn taken(app: App, permit: OwnedSemaphorePermit) -> Place {
        let place = Place { app, permit: Some(permit) };
        place.count();
        place
    }

    fn count(&self) {
        let free = self.app.streams.available_permits();
        self.app.shared.metrics.streams(self.app.settings.streams.saturating_sub(free));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.count();
    }
}
