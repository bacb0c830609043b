//! Connections: taking them, giving up on clients that are too slow, and closing them when the host stops.
//!
//! `axum::serve` waits for ever for a request's head, and for a client that does not read its answer, so that anybody could
//! hold as many connections as the host has, and keep it from stopping.

use std::{future::Future, io, pin::pin, time::Duration};

use axum::{Router, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_io_timeout::TimeoutWriter;
use tower_service::Service;

/// How long clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a request's head, and between two requests of one connection; then the connection is closed.
    pub head: Duration,
    /// For a body; then it is refused.
    pub body: Duration,
    /// For a client that reads nothing of its answer; then the connection is closed.
    pub answer: Duration,
    /// How long a host that was asked to stop still takes connections, and refuses what they ask: whoever sends it
    /// questions has to see that it stops before it is gone.
    pub linger: Duration,
    /// For the requests that were begun, after that; then their connections are closed.
    pub finish: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            linger: Duration::ZERO,
            finish: Duration::from_secs(60),
        }
    }
}

/// How long to wait when the system gives no more connections.
const NO_MORE: Duration = Duration::from_secs(1);

/// Serves every connection until `stop` ends and whoever has to see it could, and then the requests that were begun.
pub(super) async fn serve(listener: TcpListener, router: Router, patience: Patience, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(());
    let mut under_way = JoinSet::new();
    let mut stop = pin!(async {
        stop.await;
        tokio::time::sleep(patience.linger).await;
    });
    loop {
        let stream = tokio::select! {
            taken = listener.accept() => taken,
            Some(_) = under_way.join_next() => continue,
            () = &mut stop => break,
        };
        match stream {
            Ok((stream, _)) => {
                under_way.spawn(connection(stream, router.clone(), patience, stopped.clone()));
            }
            // One that broke off before it was taken says nothing of the others.
            Err(error) if is_of_one(&error) => tracing::debug!(%error, "a connection broke off before it was taken"),
            // Too many open files will be fewer.
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(NO_MORE).await;
            }
        }
    }
    drop(listener);
    drop(stopping);
    let finished = async { while under_way.join_next().await.is_some() {} };
    if tokio::time::timeout(patience.finish, finished).await.is_err() {
        tracing::warn!(connections = under_way.len(), "closing connections whose clients did not come to an end");
        under_way.shutdown().await;
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

async fn connection(stream: TcpStream, router: Router, patience: Patience, mut stopped: watch::Receiver<()>) {
    // An answer is written at once: waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    // A router is always ready.
    let answer = service_fn(|request: Request<Incoming>| router.clone().call(request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience.head);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(patience.answer));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Box::pin(stream)), answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
