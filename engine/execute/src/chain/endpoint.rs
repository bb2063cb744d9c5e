//! One node, asked over HTTP. Every question has a time limit, and no answer is believed to be well formed.

use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RpcError as Failure, RpcRecv};
use alloy::transports::TransportErrorKind;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// One node.
#[derive(Clone)]
pub struct Endpoint {
    /// Host and port: the rest of an address may hold a key.
    name: String,
    client: RpcClient,
    timeout: Duration,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a node gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// An address that is none.
    #[error(
        "the address of a node is not usable: {detail}; give one such as http://127.0.0.1:8545"
    )]
    BadAddress {
        /// What is wrong with it; the address itself may hold a key.
        detail: String,
    },
    /// No answer in time.
    #[error("{node}: no answer to {method} within {} ms", .within.as_millis())]
    Timeout {
        /// The node.
        node: String,
        /// What was asked.
        method: &'static str,
        /// The limit.
        within: Duration,
    },
    /// The node says no.
    #[error("{node}: {method} was refused: {code} {message}")]
    Refused {
        /// The node.
        node: String,
        /// What was asked.
        method: &'static str,
        /// Its code.
        code: i64,
        /// Its words.
        message: String,
    },
    /// The line broke, or the answer is none.
    #[error("{node}: {method}: {detail}")]
    Broken {
        /// The node.
        node: String,
        /// What was asked.
        method: &'static str,
        /// What happened.
        detail: String,
    },
}

impl Endpoint {
    /// Returns a node that is asked at `url`, with `timeout` for every question.
    ///
    /// # Errors
    /// [`RpcError::BadAddress`].
    pub fn new(url: &str, timeout: Duration) -> Result<Endpoint, RpcError> {
        let bad = |detail: &str| RpcError::BadAddress { detail: detail.to_owned() };
        let url: reqwest::Url = url.parse().map_err(|_| bad("it is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("it is neither http nor https"));
        }
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?.to_owned();
        let name = url.port().map_or(host.clone(), |port| format!("{host}:{port}"));
        Ok(Endpoint { name, client: RpcClient::new_http(url), timeout })
    }

    /// Host and port.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks `method` with `params` and reads the answer.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn ask<R: RpcRecv>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<R, RpcError> {
        let asked = self.client.request::<Value, R>(method, params);
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(answer) => answer.map_err(|failure| self.error(method, &failure)),
            Err(_) => {
                let within = self.timeout;
                Err(RpcError::Timeout { node: self.name.clone(), method, within })
            }
        }
    }

    fn error(&self, method: &'static str, failure: &Failure<TransportErrorKind>) -> RpcError {
        let node = self.name.clone();
        if let Failure::ErrorResp(payload) = failure {
            let message = one_line(&payload.message);
            return RpcError::Refused { node, method, code: payload.code, message };
        }
        let detail = match failure {
            // Errors of the transport repeat the address, which may hold a key.
            Failure::Transport(_) => "the connection failed".to_owned(),
            Failure::DeserError { err, .. } => one_line(&format!("not the answer expected: {err}")),
            other => one_line(&other.to_string()),
        };
        RpcError::Broken { node, method, detail }
    }
}

/// At most two hundred characters of a text from elsewhere, without control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}
