//! The server: it listens, answers, and stops in good order.

use crate::events::Span;
use crate::guard::Hosts;
use crate::publisher::Shared;
use crate::routes::{App, router};
use crate::settings::Settings;
use crate::view::DecisionView;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long is waited after the system could not accept a connection, for instance for want of files.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}; free the port, or set `listen` in [service]")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The listener has no address.
    #[error("the listener does not say where it listens: {0}")]
    Address(io::Error),
    /// Metrics that cannot be registered.
    #[error("a metric cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Reads decisions back from the journal, beyond what is kept. It may block.
///
/// It returns those of the span, oldest first, each with what became of it.
pub type History =
    Arc<dyn Fn(Span) -> Result<Vec<DecisionView>, Box<dyn Error + Send + Sync>> + Send + Sync>;

/// Listens at `address`. Elsewhere than on loopback that is the operator's choice, and a warning is logged: reads
/// are open to everyone who gets there.
///
/// # Errors
/// [`ServiceError::Listen`].
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServiceError> {
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "the service listens beyond loopback: everyone who reaches it can read everything; \
             put a proxy with authentication before it"
        );
    }
    TcpListener::bind(address).await.map_err(|source| ServiceError::Listen { address, source })
}

/// The service's end of the channel.
pub struct Service {
    settings: Settings,
    version: String,
    shared: Arc<Shared>,
    history: Option<History>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Service {
    pub(crate) fn new(settings: Settings, version: String, shared: Arc<Shared>) -> Service {
        Service { settings, version, shared, history: None }
    }

    /// Returns the service with `history` to read older decisions from.
    #[must_use]
    pub fn with_history(self, history: History) -> Service {
        Service { history: Some(history), ..self }
    }

    /// Answers until `stop` is called off. Then nothing new is accepted, streams end, requests that are under way
    /// finish, and what is not done after the drain limit is cut.
    ///
    /// # Errors
    /// [`ServiceError::Address`].
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<(), ServiceError> {
        let address = listener.local_addr().map_err(ServiceError::Address)?;
        tracing::info!(%address, "the service listens");
        let (drain, places) = (self.settings.drain_limit(), self.settings.connections);
        let router = self.router(address, stop.clone());
        let mut open = JoinSet::new();
        let places = Arc::new(Semaphore::new(places.max(1)));
        while let Some((stream, place)) = accepted(&listener, &places, &stop).await {
            let connection = serve_one(stream, router.clone(), stop.clone());
            open.spawn(async move {
                connection.await;
                drop(place);
            });
            while open.try_join_next().is_some() {}
        }
        drop(listener);
        let cut = drained(&mut open, drain).await;
        tracing::info!(cut, "the service has stopped");
        Ok(())
    }

    fn router(self, address: SocketAddr, stop: CancellationToken) -> Router {
        router(App {
            hosts: Hosts::of(address.ip(), &self.settings.hosts),
            streams: Arc::new(Semaphore::new(self.settings.streams)),
            settings: Arc::new(self.settings),
            shared: self.shared,
            history: self.history,
            version: self.version.into(),
            stop,
        })
    }
}

/// Returns the next connection once there is a place for it; `None` when the service stops.
async fn accepted(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = tokio::select! {
        () = stop.cancelled() => return None,
        place = Arc::clone(places).acquire_owned() => place.ok()?,
    };
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => return Some((stream, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one connection. Its headers have to come within the time that hyper gives them, 30 seconds.
async fn serve_one(stream: TcpStream, router: Router, stop: CancellationToken) {
    // A wish: without it answers are slower, not wrong.
    drop(stream.set_nodelay(true));
    let service = TowerToHyperService::new(router);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Waits for what is under way; returns how many connections had to be cut.
async fn drained(open: &mut JoinSet<()>, limit: Duration) -> usize {
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, all).await.is_ok() {
        return 0;
    }
    let cut = open.len();
    open.shutdown().await;
    cut
}
