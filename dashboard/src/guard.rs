//! What holds for every request: host, no body, a time limit, headers, a count.

use crate::problem::Problem;
use crate::routes::App;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// What every answer carries: it is not kept, not framed, not guessed at, and loads nothing.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Lets a request through, or says why not.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let mut response = match refusal(&app, &request) {
        Some(problem) => problem.into_response(),
        None => {
            let limit = app.settings.request_limit();
            match tokio::time::timeout(limit, next.run(request)).await {
                Ok(response) => response,
                Err(_) => Problem::too_slow(app.settings.request_seconds).into_response(),
            }
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    app.shared.metrics.request(&route, response.status().as_u16());
    response
}

fn refusal(app: &App, request: &Request) -> Option<Problem> {
    if !app.hosts.allow(host(request)) {
        return Some(Problem::wrong_host());
    }
    has_body(request.headers()).then(Problem::has_body)
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

/// The name that is asked for, without its port.
fn host(request: &Request) -> &str {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let host = authority.or(named).unwrap_or_default();
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// The names under which the service is asked.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    names: Vec<String>,
    loopback: bool,
    any: bool,
}

impl Hosts {
    /// Returns the names of a service that listens at `address`, besides `names`.
    pub(crate) fn of(address: IpAddr, names: &[String]) -> Hosts {
        let loopback = address.is_loopback();
        Hosts { names: names.to_vec(), loopback, any: !loopback && names.is_empty() }
    }

    fn allow(&self, host: &str) -> bool {
        let is_loopback = || {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        self.any
            || self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
            || (self.loopback && is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn on_loopback_a_foreign_name_is_refused_so_that_no_web_page_reads_it() {
        let hosts = Hosts::of(Ipv4Addr::LOCALHOST.into(), &["vault.internal".to_owned()]);
        for name in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "Vault.Internal"] {
            assert!(hosts.allow(name), "{name}");
        }
        for name in ["", "attacker.example", "10.0.0.1", "localhost.attacker.example"] {
            assert!(!hosts.allow(name), "{name}");
        }
    }

    #[test]
    fn elsewhere_any_name_will_do_unless_some_are_given() {
        let address = IpAddr::from([10, 0, 0, 1]);
        assert!(Hosts::of(address, &[]).allow("anything"));
        let named = Hosts::of(address, &["plimsoll.example".to_owned()]);
        assert!(named.allow("plimsoll.example") && !named.allow("anything"));
    }
}
