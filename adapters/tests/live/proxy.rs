//! A node that passes on what another says, remembers what was asked, and may lie.

use alloy::providers::Provider;
use axum::Json;
use plimsoll_localchain::LocalChain;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

pub(crate) struct Proxy {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    served: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Proxy {
    pub(crate) async fn before(chain: &LocalChain, lie: fn(&str, Value) -> Value) -> Proxy {
        Proxy::serve(chain, lie, u64::MAX).await
    }

    /// A node that refuses events of more than `blocks` blocks.
    pub(crate) async fn narrow(chain: &LocalChain, blocks: u64) -> Proxy {
        Proxy::serve(chain, |_, answer| answer, blocks).await
    }

    async fn serve(chain: &LocalChain, lie: fn(&str, Value) -> Value, blocks: u64) -> Proxy {
        let chain = chain.provider().clone();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let answer = move |Json(asked): Json<Value>| {
            let (chain, noted) = (chain.clone(), Arc::clone(&noted));
            async move {
                let method = asked["method"].as_str().unwrap().to_owned();
                let params = asked["params"].clone();
                noted.lock().unwrap().push((method.clone(), params.clone()));
                if method == "eth_getLogs" && span(&params) > blocks {
                    let message = "query exceeds the maximum block range";
                    return Json(json!({
                        "jsonrpc": "2.0", "id": asked["id"],
                        "error": { "code": -32000, "message": message },
                    }));
                }
                let truth = chain.raw_request::<Value, Value>(method.clone().into(), params).await;
                Json(match truth {
                    Ok(truth) => json!({
                        "jsonrpc": "2.0", "id": asked["id"], "result": lie(&method, truth),
                    }),
                    Err(error) => json!({
                        "jsonrpc": "2.0", "id": asked["id"],
                        "error": { "code": -32000, "message": error.to_string() },
                    }),
                })
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().route("/", axum::routing::post(answer));
        let served = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Proxy { url, seen, served }
    }

    pub(crate) fn seen(&self) -> Vec<(String, Value)> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

/// How many blocks a question for events spans.
fn span(params: &Value) -> u64 {
    let number = |name: &str| -> u64 {
        let text = params[0][name].as_str().unwrap_or_default();
        u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
    };
    number("toBlock") - number("fromBlock") + 1
}
