//! Settings of the service.

use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How the service listens, and what it keeps. The table `[service]` of the engine's settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where it listens. Elsewhere than on loopback everyone who gets there can read everything.
    pub listen: SocketAddr,
    /// Names under which it may be asked for besides those of loopback, without port. Where it listens on
    /// loopback no other is answered, so that no web page reads it through a name of its own. Elsewhere an
    /// empty list lets every name through.
    pub hosts: Vec<String>,
    /// How many decisions and fates are kept for streams that come back.
    pub events_kept: usize,
    /// How many clients may read the stream at once.
    pub streams: usize,
    /// How many connections may be open at once.
    pub connections: usize,
    /// After how many seconds a request without an answer is given up.
    pub request_seconds: u64,
    /// After how many silent seconds a stream sends a sign of life.
    pub keep_alive_seconds: u64,
    /// How many seconds open requests have to finish when the service stops.
    pub drain_seconds: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464),
            hosts: Vec::new(),
            events_kept: 2_048,
            streams: 64,
            connections: 256,
            request_seconds: 10,
            keep_alive_seconds: 15,
            drain_seconds: 10,
        }
    }
}

impl Settings {
    pub(crate) fn request_limit(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    pub(crate) fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds)
    }

    pub(crate) fn drain_limit(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
