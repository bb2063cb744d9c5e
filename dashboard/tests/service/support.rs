//! A running service, and answers held against its own document.

use plimsoll_core::Time;
use plimsoll_dashboard::{
    About, History, Publisher, Secrets, Service, ServiceError, Settings, channel, listen,
};
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long something may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Running {
    pub(crate) publisher: Publisher,
    pub(crate) address: String,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<Result<(), ServiceError>>,
    pub(crate) client: reqwest::Client,
}

pub(crate) fn about() -> About {
    About { version: "1.2.3".to_owned(), started: Time(1_700_000_000_000), secrets: secrets() }
}

pub(crate) const SECRET: &str = "correct horse battery";

pub(crate) fn secrets() -> Secrets {
    let secrets = Secrets::default();
    secrets.register(SECRET.to_owned());
    secrets
}

pub(crate) async fn start(settings: Settings) -> Running {
    let (publisher, service) = channel(settings, about()).unwrap();
    run(publisher, service).await
}

pub(crate) async fn start_with(settings: Settings, history: History) -> Running {
    let (publisher, service) = channel(settings, about()).unwrap();
    run(publisher, service.with_history(history)).await
}

async fn run(publisher: Publisher, service: Service) -> Running {
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    let served = tokio::spawn(service.serve(listener, stop.clone()));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running { publisher, address, stop, served, client }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }
}

impl Running {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        answer(response).await
    }

    /// Asks until the answer is as wanted; fails after a while.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        within(async {
            loop {
                let answer = self.get(path).await;
                if wanted(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }

    /// Asks, and holds the answer against what the document says of `route` and the status.
    pub(crate) async fn checked(&self, route: &str, path: &str) -> (u16, Value) {
        let answer = self.get(path).await;
        let schema = schema(&self.get("/v1/openapi.json").await.json(), route, &answer);
        let body = answer.json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&body)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{path}: {errors:#?} in {body:#}");
        assert!(!validator.is_valid(&json!({"surprise": 1})), "{route}: the schema takes anything");
        (answer.status, body)
    }

    pub(crate) async fn stopped(self) {
        self.stop.cancel();
        within(self.served).await.unwrap().unwrap();
    }
}

pub(crate) async fn answer(response: reqwest::Response) -> Answer {
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    Answer { status: response.status().as_u16(), kind, text: response.text().await.unwrap() }
}

/// The schema of one answer, with everything that it refers to.
fn schema(document: &Value, route: &str, answer: &Answer) -> Value {
    let response = &document["paths"][route]["get"]["responses"][answer.status.to_string()];
    let kind = answer.kind.split(';').next().unwrap();
    let schema = &response["content"][kind]["schema"];
    assert!(schema.is_object(), "{route} does not say what a {} of {kind} is", answer.status);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": document["components"],
    })
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it takes too long")
}
