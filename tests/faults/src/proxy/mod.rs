//! A JSON-RPC proxy, by HTTP and by WebSocket, that passes everything on as it is until a rule says otherwise.
//!
//! Rules are set while it runs, through [`Control`]. What happens by chance happens by the proxy's seed: the same
//! requests in the same order meet the same faults. It knows Ethereum's methods well enough to be behind, or to
//! lie, without contradicting itself.

mod control;
mod distort;
mod exchange;
mod gate;
mod http;
mod lag;
mod rule;
mod socket;
mod upstream;

pub use control::{Control, Event, RuleId};
pub use gate::Gate;
pub use rule::{
    Fault, Forgery, Garbling, Lie, Limit, Limiting, Made, Place, Refusal, Reply, Rule, Side,
    SocketFault, Wait,
};

use exchange::Exchange;
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use upstream::Upstream;

/// A running proxy. It stops, and closes every connection, when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    http: SocketAddr,
    web_socket: SocketAddr,
    control: Control,
    doors: Vec<JoinHandle<()>>,
}

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// No port on the loopback address.
    #[error("the proxy cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] std::io::Error),
    /// No client for the node.
    #[error("the proxy cannot ask the node: {0}")]
    Client(#[from] reqwest::Error),
}

impl FaultProxy {
    /// Starts one before the node at `http` and `web_socket`.
    ///
    /// # Errors
    /// [`ProxyError`].
    pub async fn start(http: &str, web_socket: &str, seed: u64) -> Result<FaultProxy, ProxyError> {
        let control = Control::new(seed);
        let exchange = Exchange { node: Upstream::new(http)?, control: control.clone() };
        let first = TcpListener::bind("127.0.0.1:0").await?;
        let second = TcpListener::bind("127.0.0.1:0").await?;
        let (http, upstream) = (first.local_addr()?, web_socket.to_owned());
        let web_socket = second.local_addr()?;
        let by_socket = exchange.clone();
        let doors = vec![
            tokio::spawn(door(first, move |connection| http::serve(connection, exchange.clone()))),
            tokio::spawn(door(second, move |connection| {
                socket::serve(connection, by_socket.clone(), upstream.clone())
            })),
        ];
        Ok(FaultProxy { http, web_socket, control, doors })
    }

    /// The address of its HTTP door.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The address of its WebSocket door.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.web_socket)
    }

    /// Sets rules and reads what happened.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        for door in &self.doors {
            door.abort();
        }
    }
}

/// Serves what comes by one door, each connection on a task that ends with the door.
async fn door<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let _ = connection.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        connections.spawn(serve(connection));
    }
}
