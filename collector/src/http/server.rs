//! Accepts connections and serves them.
//!
//! HTTP/1.1: whatever ends TLS in front speaks the rest. Headers must arrive within their time, so that a client that
//! sends a byte a minute holds nothing. On shutdown nobody new is let in, and everybody inside may finish.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::IpAddr,
    pin::pin,
    task::Waker,
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time,
};

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
    // Every connection listens to it until it has ended.
    let stopping = watch::Sender::new(());
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
        tokio::spawn(patience.drive(until_stopped(connection, stopping.subscribe())));
    }
    drop(listener);
    stopping.send_replace(());
    if time::timeout(GRACE, stopping.closed()).await.is_err() {
        tracing::warn!("connections were still open ten seconds after the order to stop; they are cut");
    }
}

/// Serves a connection, and after the order to stop only what it has begun to ask.
async fn until_stopped<S: Answers>(
    connection: http1::Connection<TokioIo<TcpStream>, S>,
    stopping: watch::Receiver<()>,
) {
    let mut connection = pin!(connection);
    let mut listener = stopping.clone();
    let mut order = pin!(listener.changed());
    let mut listening: Option<Waker> = None;
    let mut has_stopped = false;
    // A connection that breaks is its client's affair.
    let _ = poll_fn(|context| {
        if !has_stopped {
            // Who has been told whom to wake need not be told again with every request: that takes a lock, one for all.
            has_stopped = match &listening {
                Some(waker) if waker.will_wake(context.waker()) => stopping.has_changed().unwrap_or(true),
                _ => {
                    listening = Some(context.waker().clone());
                    order.as_mut().poll(context).is_ready()
                }
            };
            if has_stopped {
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(context)
    })
    .await;
}
