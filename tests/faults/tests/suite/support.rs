//! A node with the proxy before it, and the two ways of asking it.

use alloy::primitives::{Address, U256};
use futures::{SinkExt, StreamExt};
use plimsoll_faults::{Control, FaultProxy};
use plimsoll_localchain::{Artifacts, ChainSettings, LocalChain};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The prepared contracts. Without them the test is skipped, aloud, unless `PLIMSOLL_REQUIRE_CONTRACTS` is 1.
pub(crate) fn artifacts() -> Option<Artifacts> {
    match Artifacts::find() {
        Ok(artifacts) => Some(artifacts),
        Err(missing) => {
            let required = std::env::var("PLIMSOLL_REQUIRE_CONTRACTS").is_ok_and(|set| set == "1");
            assert!(!required, "PLIMSOLL_REQUIRE_CONTRACTS=1, but {missing}");
            println!("skipped: {missing}");
            None
        }
    }
}

/// A bare node behind a proxy.
pub(crate) struct Bench {
    pub(crate) chain: LocalChain,
    pub(crate) proxy: FaultProxy,
    client: reqwest::Client,
}

/// What came back by HTTP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Bench {
    pub(crate) async fn open() -> Option<Bench> {
        Bench::seeded(7).await
    }

    pub(crate) async fn seeded(seed: u64) -> Option<Bench> {
        let chain = LocalChain::start(&artifacts()?, ChainSettings::default()).await.unwrap();
        let proxy = FaultProxy::start(&chain.http_url(), &chain.ws_url(), seed).await.unwrap();
        Some(Bench { chain, proxy, client: reqwest::Client::builder().no_proxy().build().unwrap() })
    }

    pub(crate) fn control(&self) -> &Control {
        self.proxy.control()
    }

    /// Posts these bytes; the error is that no whole answer came.
    pub(crate) async fn post(&self, url: &str, body: &str) -> Result<Got, reqwest::Error> {
        let request = self.client.post(url).header("content-type", "application/json");
        let answer = request.body(body.to_owned()).send().await?;
        let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        Ok(Got { status, content_type, body: answer.text().await? })
    }

    /// Posts by the proxy.
    pub(crate) async fn through(&self, body: &str) -> Result<Got, reqwest::Error> {
        self.post(&self.proxy.http_url(), body).await
    }

    /// Asks by the proxy and returns what was said, result or error.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let said = self.through(&call(1, method, params)).await.unwrap().json();
        said.get("result").or(said.get("error")).unwrap().clone()
    }

    /// Asks the node itself.
    pub(crate) async fn truth(&self, method: &str, params: Value) -> Value {
        let said = self.post(&self.chain.http_url(), &call(1, method, params)).await.unwrap();
        said.json()["result"].clone()
    }

    /// Ether from the first account to `to`, unsigned, by the node itself; its hash.
    pub(crate) async fn pay(&self, to: Address) -> String {
        let hash = self.truth("eth_sendTransaction", json!([self.payment(to)])).await;
        hash.as_str().unwrap().to_owned()
    }

    pub(crate) fn payment(&self, to: Address) -> Value {
        let from = self.chain.accounts()[0];
        json!({ "from": from, "to": to, "value": U256::from(5), "gas": "0x5208" })
    }

    /// Transactions of the first account, those that wait counted.
    pub(crate) async fn sent(&self) -> Value {
        self.truth("eth_getTransactionCount", json!([self.chain.accounts()[0], "pending"])).await
    }

    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(&self.proxy.ws_url()).await
    }
}

/// A JSON-RPC call as text.
pub(crate) fn call(id: u64, method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

/// A client by WebSocket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(url: &str) -> Socket {
        Socket(connect_async(url).await.unwrap().0)
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text.to_owned())).await.unwrap();
    }

    /// The next message; `None` once the connection is of no use any more.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Some(text.to_string()),
            _ => None,
        }
    }

    pub(crate) async fn hear_json(&mut self) -> Value {
        serde_json::from_str(&self.hear().await.unwrap()).unwrap()
    }

    pub(crate) async fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.say(&call(id, method, params)).await;
        self.hear_json().await
    }

    /// Subscribes to heads.
    pub(crate) async fn heads(url: &str) -> Socket {
        let mut socket = Socket::open(url).await;
        let answer = socket.ask(1, "eth_subscribe", json!(["newHeads"])).await;
        assert!(answer["result"].is_string(), "{answer}");
        socket
    }

    /// The number of the next head; `None` once the connection is of no use any more.
    pub(crate) async fn head(&mut self) -> Option<u64> {
        let told: Value = serde_json::from_str(&self.hear().await?).unwrap();
        Some(number(&told["params"]["result"]["number"]))
    }
}

/// A quantity.
pub(crate) fn number(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("no quantity: {value}"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}
