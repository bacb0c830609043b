//! The host over HTTP.
//!
//! | file | what it holds |
//! |---|---|
//! | `openapi` | every route, and the OpenAPI document that follows from them (`/openapi.json`, a page at `/docs`) |
//! | `routes` | the typed routes: `/v1/…` |
//! | `inference` | the Open Inference Protocol: `/v2/…` |
//! | `dataset` | the routes of a dataset's host |
//! | `operator` | records out, copies of them; figures for monitoring |
//! | `connections` | taking connections, giving up on slow ones, closing them |
//! | `health` | whether the process lives and serves |
//! | `read`, `timing`, `error` | reading requests; timing headers; every refusal as one shape of JSON |

mod connections;
pub mod dataset;
mod error;
mod health;
mod inference;
mod openapi;
mod operator;
pub(crate) mod read;
mod routes;
mod timing;

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, http::HeaderMap};
use tokio::{net::TcpListener, sync::Semaphore};
use tributary_sdk::api::ErrorBody;

pub use connections::Patience;
pub use openapi::document;

use crate::{
    clerk::Clerk,
    host::{Host, Refusal},
    metrics::Traffic,
    secret::Secret,
};

/// What every route can reach.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) host: Arc<Host>,
    pub(crate) admin_token: Option<Secret>,
    pub(crate) max_body: usize,
    pub(crate) clerk: Option<Arc<Clerk>>,
    pub(crate) traffic: Arc<Traffic>,
    /// For a whole body to come.
    pub(crate) body_within: Duration,
    /// How many read whole batches at one time.
    pub(crate) readings: Arc<Semaphore>,
}

/// Most requests that read whole batches at one time; others wait for their turn.
const READINGS: usize = 4;

impl State {
    /// Whether the request has the operator's token.
    fn check_operator(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match (&self.admin_token, read::bearer(headers)) {
            (Some(token), Some(given)) if token.matches(given) => Ok(()),
            _ => Err(Refusal::NotOperator),
        }
    }

    /// Reads whole batches beside the threads that answer questions, a few at a time: anybody may ask for them.
    async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Host) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let turn = Arc::clone(&self.readings).acquire_owned().await.map_err(|_| Refusal::Lost)?;
        let host = Arc::clone(&self.host);
        let reading = move || {
            let _until_read = turn;
            read(&host)
        };
        tokio::task::spawn_blocking(reading).await.map_err(|_| Refusal::Lost)?
    }
}

/// How requests are taken.
#[derive(Clone, Debug)]
pub struct Access {
    /// The operator's token; without it the operator's routes are closed.
    pub admin_token: Option<Secret>,
    /// Most bytes of a body.
    pub max_body: usize,
    /// Who posts, if the host posts by itself: the page of metrics shows how that goes.
    pub clerk: Option<Arc<Clerk>>,
}

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else has the port.
    #[error("{0} is taken by another program: stop it, or listen elsewhere with --listen")]
    PortTaken(SocketAddr),
    /// The system refused.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
}

/// A host that listens and does not serve yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    pub(crate) patience: Patience,
    authority: Option<String>,
}

impl Listening {
    /// Takes the port; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortTaken(address),
            _ => ServeError::Listen(address, error),
        })?;
        let address = listener.local_addr().map_err(|error| ServeError::Listen(address, error))?;
        Ok(Self { listener, address, patience: Patience::default(), authority: None })
    }

    /// Gives clients so long.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Says under which name clients ask it, where that is not its address: behind a proxy.
    pub fn with_authority(self, authority: Option<String>) -> Self {
        Self { authority, ..self }
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port where clients reach it.
    pub fn authority(&self) -> String {
        self.authority.clone().unwrap_or_else(|| self.address.to_string())
    }

    /// Serves until `stop` ends, then finishes the requests it has taken.
    pub async fn serve(
        self,
        host: Arc<Host>,
        access: Access,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        tracing::info!(url = self.url(), "serving");
        let Access { admin_token, max_body, clerk } = access;
        let (body_within, traffic) = (self.patience.body, Arc::default());
        let readings = Arc::new(Semaphore::new(READINGS));
        let state = State { host: Arc::clone(&host), admin_token, max_body, clerk, traffic, body_within, readings };
        let router = openapi::router(state);
        let stop = async move {
            stop.await;
            host.drain();
        };
        self.run(router, stop).await;
        tracing::info!("stopped");
        Ok(())
    }

    pub(crate) async fn run(self, router: Router, stop: impl Future<Output = ()> + Send + 'static) {
        connections::serve(self.listener, router, self.patience, stop).await;
    }
}

/// Ends when the process is asked to stop: ctrl-c, or SIGTERM.
pub async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
