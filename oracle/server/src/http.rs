//! The routes of a host.
//!
//! | route | who | what |
//! |---|---|---|
//! | `GET /livez`, `GET /readyz` | anyone | the process runs; the model is warm and the ledger open |
//! | `GET /v1/host` | anyone | who serves, what, on which chain |
//! | `POST /v1/sessions` | license holder | sign in: authorise a session key |
//! | `POST /v1/models/{asset}/infer` | session key | ask; the answer comes with its receipt |
//! | `GET /v1/receipts/{id}` | anyone with the id | a receipt with everything that proves it |
//! | `GET /v1/epochs`, `POST /v1/epochs` | anyone; operator | closed epochs; close the open one |
//! | `GET /v1/epochs/{index}/proofs/{account}` | anyone | what a claim needs |
//! | `GET /v1/batches/{hash}` | anyone | a closed epoch's bytes |

mod error;
mod routes;

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

use crate::{host::Host, secret::Secret};

/// What every route can reach.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) host: Arc<Host>,
    pub(crate) admin_token: Option<Secret>,
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
    /// Serving broke off.
    #[error("serving broke off: {0}")]
    Serve(io::Error),
}

/// A host that listens and does not serve yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Takes the port; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::PortTaken(address),
            _ => ServeError::Listen(address, error),
        })?;
        let address = listener.local_addr().map_err(|error| ServeError::Listen(address, error))?;
        Ok(Self { listener, address })
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until `stop` ends, then finishes the requests it has taken.
    pub async fn serve(
        self,
        host: Arc<Host>,
        admin_token: Option<Secret>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        tracing::info!(url = self.url(), "serving");
        let router = routes::router(State { host, admin_token });
        axum::serve(self.listener, router).with_graceful_shutdown(stop).await.map_err(ServeError::Serve)?;
        tracing::info!("stopped");
        Ok(())
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
