//! Accepts connections and serves them.
//!
//! HTTP/1.1: whatever ends TLS in front speaks the rest. Headers must arrive within their time, so that a client that
//! sends a byte a minute holds nothing. On shutdown nobody new is let in, and everybody inside may finish.

use std::{convert::Infallible, future::Future, net::IpAddr, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tokio::{net::TcpListener, time};

use super::patience::Patience;

/// How long answers may take after the order to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What answers the requests of a connection.
pub trait Answers:
    Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Answers for S where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Serves until `stop` resolves and what was in flight has been answered. `answers` says what answers a connection from an
/// address.
pub async fn serve<A: Answers>(
    listener: TcpListener,
    answers: impl Fn(IpAddr) -> A,
    header_timeout: Duration,
    stop: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most often: those inside must leave before others can come.
                    tracing::warn!(%error, "a connection could not be accepted");
                    time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Answers are small and awaited: better sent now than filled up.
        let _ = stream.set_nodelay(true);
        let patience = Patience::default();
        let connection = http1::Builder::new()
            .timer(patience.clone())
            .header_read_timeout(header_timeout)
            .serve_connection(TokioIo::new(stream), answers(peer.ip()));
        let watched = connections.watch(connection);
        // A connection that breaks is its client's affair.
        tokio::spawn(patience.drive(watched));
    }
    drop(listener);
    if time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("connections were still open ten seconds after the order to stop; they are cut");
    }
}
