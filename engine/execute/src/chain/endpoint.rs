//! One node, asked over HTTP. Every question has a time limit, and no answer is believed to be well formed: one
//! that is not JSON, or answers another question, is none.

use crate::pace::retry_after;
use alloy::rpc::json_rpc::{ErrorPayload, Id, Response, ResponsePayload, RpcRecv};
use reqwest::redirect;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One node.
#[derive(Clone)]
pub struct Endpoint {
    /// Host and port: the rest of an address may hold a key.
    name: String,
    url: reqwest::Url,
    client: reqwest::Client,
    timeout: Duration,
    /// How many questions were asked: the number of the next.
    asked: Arc<AtomicU64>,
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
        /// The HTTP status that the answer came with.
        status: u16,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// An HTTP status, and no answer.
    #[error("{node}: {method}: HTTP status {status} instead of an answer")]
    Status {
        /// The node.
        node: String,
        /// What was asked.
        method: &'static str,
        /// The status.
        status: u16,
        /// How long it asks to wait.
        wait: Option<Duration>,
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
        // What a node answers is an answer; where it points to is not configured.
        let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build();
        let client = client.map_err(|_| bad("no client can be made for it"))?;
        Ok(Endpoint { name, url, client, timeout, asked: Arc::default() })
    }

    /// Host and port.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many questions were asked.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
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
        match tokio::time::timeout(self.timeout, self.answer(method, params)).await {
            Ok(answer) => answer,
            Err(_) => {
                let within = self.timeout;
                Err(RpcError::Timeout { node: self.name.clone(), method, within })
            }
        }
    }

    async fn answer<R: RpcRecv>(&self, method: &'static str, params: Value) -> Result<R, RpcError> {
        let node = || self.name.clone();
        let broken =
            |detail: &str| RpcError::Broken { node: node(), method, detail: one_line(detail) };
        let id = self.asked.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        // Errors of the transport repeat the address, which may hold a key.
        let sent = self.client.post(self.url.clone()).json(&body).send().await;
        let answer = sent.map_err(|_| broken("the connection failed"))?;
        let (status, wait) = (answer.status(), retry_after(answer.headers(), None));
        let read = answer.bytes().await;
        let read = read.map_err(|_| broken("the connection broke within the answer"))?;
        // An error of the node may come with any status.
        let response: Response = match serde_json::from_slice(&read) {
            Ok(response) => response,
            Err(_) if !status.is_success() => {
                return Err(RpcError::Status {
                    node: node(),
                    method,
                    status: status.as_u16(),
                    wait,
                });
            }
            Err(error) => return Err(broken(&format!("not the answer expected: {error}"))),
        };
        let is_ours = response.id == Id::Number(id);
        match response.payload {
            ResponsePayload::Success(_) if !is_ours => Err(broken("it answers another question")),
            ResponsePayload::Success(result) => serde_json::from_str(result.get())
                .map_err(|error| broken(&format!("not the answer expected: {error}"))),
            // Gateways refuse without having read whose question it is.
            ResponsePayload::Failure(_) if !is_ours && !response.id.is_none() => {
                Err(broken("it answers another question"))
            }
            ResponsePayload::Failure(error) => {
                let (code, message) = (error.code, words(&error));
                Err(RpcError::Refused {
                    node: node(),
                    method,
                    code,
                    message,
                    status: status.as_u16(),
                    wait,
                })
            }
        }
    }
}

/// What a node says of its refusal: some say it beside the message.
fn words(error: &ErrorPayload) -> String {
    let more = error.data.as_ref().map(|data| data.get()).filter(|data| data.contains(' '));
    one_line(
        &more
            .map_or_else(|| error.message.to_string(), |more| format!("{}: {more}", error.message)),
    )
}

/// At most four hundred characters of a text from elsewhere, without control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}
