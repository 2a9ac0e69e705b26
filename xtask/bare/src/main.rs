//! The measure for `cargo xtask bench ingest`: hyper, reading each body whole and answering with none.
//!
//! It does with a batch what any HTTP server must, and nothing that makes it a collector: what the collector needs beside
//! it is the price of checking, deduplicating and keeping events.

use std::convert::Infallible;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

fn main() -> Result<()> {
    let address = std::env::args().nth(1).context("usage: tiltwise-bare ADDRESS")?;
    // The same runtime as the collector's: a thread a core.
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind(&address)
                .await
                .with_context(|| format!("listening on {address}"))?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(read)));
            }
        })
}

async fn read(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    // A body that breaks off ends the connection by itself.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Empty::new()))
}
