//! A server on loopback that answers as a test tells it to. The tests of the program run it too.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, Uri};
use futures::channel::oneshot;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// How a request is answered.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    ends: Ends,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    Whole,
    /// The connection breaks in the middle of the body.
    Broken,
    /// There never is an answer.
    Never,
}

impl Reply {
    pub(super) fn json(body: impl ToString) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: body.to_string(), ends: Ends::Whole }
    }

    pub(super) fn status(status: u16) -> Reply {
        Reply { status, ..Reply::json("{\"message\":\"no\"}") }
    }

    pub(super) fn never() -> Reply {
        Reply { ends: Ends::Never, ..Reply::json("") }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Reply {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same, with the connection broken after half of the body.
    pub(super) fn broken(self) -> Reply {
        Reply { ends: Ends::Broken, ..self }
    }

    async fn response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        let body = match self.ends {
            Ends::Whole => Body::from(self.body),
            Ends::Broken => {
                let half = Bytes::copy_from_slice(&self.body.as_bytes()[..self.body.len() / 2]);
                let broken = io::Error::new(io::ErrorKind::ConnectionReset, "broken");
                Body::from_stream(futures::stream::iter([Ok(half), Err(broken)]))
            }
            Ends::Never => std::future::pending().await,
        };
        response.body(body).unwrap()
    }
}

#[derive(Default)]
struct Script {
    /// What is left to answer, by path; the last answer is given again and again.
    replies: BTreeMap<String, VecDeque<Reply>>,
    asked: Vec<String>,
}

/// A server that runs until it is stopped, or the test ends.
pub(super) struct Server {
    /// Where it is.
    pub(super) url: String,
    script: Arc<Mutex<Script>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(super) async fn start() -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let app = axum::Router::new().fallback(answer).with_state(script.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(listener, app).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        Server { url, script, stop, task: tokio::spawn(serve.into_future()) }
    }

    /// Answers requests for `path` with `replies` in turn, and from then on with the last of them.
    pub(super) fn answer(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().collect();
        self.script.lock().unwrap().replies.insert(path.to_owned(), replies);
    }

    /// The paths asked for since the last call, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().asked)
    }

    /// Stops it: from then on connections are refused.
    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, uri: Uri) -> Response<Body> {
    let reply = {
        let mut script = script.lock().unwrap();
        script.asked.push(uri.path().to_owned());
        match script.replies.get_mut(uri.path()) {
            Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
            Some(replies) => replies[0].clone(),
            None => Reply::status(404),
        }
    };
    reply.response().await
}
