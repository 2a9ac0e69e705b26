//! Accepts connections and serves a router on them.
//!
//! HTTP/1.1: whatever ends TLS in front speaks the rest. Headers must arrive within their time, so that a client that
//! sends a byte a minute holds nothing. On shutdown nobody new is let in, and everybody inside may finish.

use std::{future::Future, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, time};

/// How long answers may take after the order to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stop` resolves and what was in flight has been answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    header_timeout: Duration,
    stop: impl Future<Output = ()>,
) {
    let service = TowerToHyperService::new(router);
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
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
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .serve_connection(TokioIo::new(stream), service.clone());
        let watched = connections.watch(connection);
        // A connection that breaks is its client's affair.
        tokio::spawn(async move { drop(watched.await) });
    }
    drop(listener);
    if time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("connections were still open ten seconds after the order to stop; they are cut");
    }
}
