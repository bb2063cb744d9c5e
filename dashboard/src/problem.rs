//! Errors as RFC 9457 wants them: `application/problem+json`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request was not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The kind of problem; it does not change between releases.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what to do.
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:plimsoll:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    /// A path that is none.
    pub(crate) fn no_such_path() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no-such-path",
            "There is nothing at this path",
            "/v1/openapi.json lists the paths that there are",
        )
    }

    /// A thing that is not there.
    pub(crate) fn not_found(what: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "It is not there", what)
    }

    /// A method that is not answered.
    pub(crate) fn wrong_method() -> Problem {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
            "This path is only read",
            "use GET or HEAD: nothing can be changed over HTTP",
        )
    }

    /// A query that cannot be understood.
    pub(crate) fn bad_query(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad-query", "The query is not understood", detail)
    }

    /// A request with a body.
    pub(crate) fn has_body() -> Problem {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "has-body",
            "Requests have no body",
            "send the request without a body",
        )
    }

    /// A host name that is not this service's.
    pub(crate) fn wrong_host() -> Problem {
        Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong-host",
            "The service does not go by this name",
            "ask for localhost, or add the name to `hosts` in the table [service] of the settings",
        )
    }

    /// Something that the engine has not published yet.
    pub(crate) fn not_known_yet(what: &str) -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-known-yet",
            "The engine has not said this yet",
            format!("{what} not published since the start; /readyz says what is missing"),
        )
    }

    /// Too many streams.
    pub(crate) fn too_many_streams(most: usize) -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-many-streams",
            "Too many clients read the stream",
            format!("at most {most} may; try again later, or read /v1/decisions?after="),
        )
    }

    /// A request that took too long.
    pub(crate) fn too_slow(seconds: u64) -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-slow",
            "The answer took too long",
            format!("no answer within {seconds} s; try again"),
        )
    }

    /// Something that went wrong here. What it was is in the log, not in the answer.
    pub(crate) fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here",
            "the log of the engine says what",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
