//! The node behind the proxy.

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

/// The node, asked over HTTP.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    client: reqwest::Client,
    url: String,
}

/// What the node, or the proxy, answers to one HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// The node did not answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node behind the proxy does not answer")]
pub(super) struct Gone;

/// The result of a method, or the error that the node gave, as it gave it.
pub(super) type Outcome = Result<Value, Value>;

impl Upstream {
    pub(super) fn new(url: &str) -> Result<Upstream, reqwest::Error> {
        // Addresses of tests are loopback ones: a proxy of the environment has no business here.
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Upstream { client, url: url.to_owned() })
    }

    /// Sends these bytes and returns those that come back.
    pub(super) async fn forward(&self, body: Bytes) -> Result<Answer, Gone> {
        let sent = self.client.post(&self.url).header(CONTENT_TYPE, "application/json").body(body);
        let answer = sent.send().await.map_err(|_| Gone)?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content_type = kind.unwrap_or("application/json").to_owned();
        let body = answer.bytes().await.map_err(|_| Gone)?;
        Ok(Answer { status, content_type, body })
    }

    /// Asks `method`.
    pub(super) async fn ask(&self, method: &str, params: &Value) -> Result<Outcome, Gone> {
        let asked = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.forward(asked.to_string().into()).await?;
        let mut answer: Value = serde_json::from_slice(&answer.body).map_err(|_| Gone)?;
        match answer.get_mut("error") {
            Some(error) => Ok(Err(error.take())),
            None => Ok(Ok(answer.get_mut("result").map(Value::take).unwrap_or_default())),
        }
    }

    /// The result of `method`; nothing where the node refuses it.
    pub(super) async fn result(&self, method: &str, params: Value) -> Result<Value, Gone> {
        Ok(self.ask(method, &params).await?.unwrap_or_default())
    }

    /// The height of the chain.
    pub(super) async fn height(&self) -> Result<u64, Gone> {
        number(&self.result("eth_blockNumber", json!([])).await?).ok_or(Gone)
    }
}

/// A quantity as nodes write it.
pub(super) fn number(value: &Value) -> Option<u64> {
    let text = value.as_str()?.strip_prefix("0x")?;
    u64::from_str_radix(text, 16).ok()
}

/// A quantity as nodes write it.
pub(super) fn quantity(number: u64) -> Value {
    Value::String(format!("{number:#x}"))
}
