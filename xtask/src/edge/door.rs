//! The collector's public listener, seen from outside: requests over connections that are kept open.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A collector that takes longer than this to answer counts as gone; its own limits are 10 s and less.
const PATIENCE: Duration = Duration::from_secs(15);

/// One listener, and the connections to it that nobody uses just now.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    /// How long to stay away, where the answer says so.
    pub retry_after: Option<Duration>,
    /// When a batch was received, by the collector's clock.
    pub received_ms: Option<u64>,
    pub body: Bytes,
}

impl Door {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::default(),
        }
    }

    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.exchange(Request::get(path), Bytes::new()).await
    }

    /// Posts a body as the page does: as plain text, whatever it holds.
    pub async fn post(&self, path: &str, body: Bytes) -> Result<Reply> {
        self.exchange(
            Request::post(path).header(header::CONTENT_TYPE, "text/plain"),
            body,
        )
        .await
    }

    /// Posts JSON with a bearer token: a server key at the public listener, or the admin token at the other.
    pub async fn post_json(&self, path: &str, token: &str, json: &serde_json::Value) -> Result<Reply> {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.exchange(request, Bytes::from(json.to_string())).await
    }

    /// Opens a response whose body does not end, on a connection of its own.
    pub async fn stream(&self, path: &str) -> Result<Incoming> {
        let request = self.complete(
            Request::get(path).header(header::ACCEPT, "text/event-stream"),
            Bytes::new(),
        )?;
        let response = within(PATIENCE, async {
            Ok(self.connect().await?.send_request(request).await?)
        })
        .await
        .with_context(|| self.spelled(&Method::GET, path))?;
        if response.status() != StatusCode::OK {
            bail!(
                "{} answered {}",
                self.spelled(&Method::GET, path),
                response.status()
            );
        }
        Ok(response.into_body())
    }

    async fn exchange(&self, request: hyper::http::request::Builder, body: Bytes) -> Result<Reply> {
        let request = self.complete(request, body)?;
        let spelled = self.spelled(request.method(), request.uri().path());
        within(PATIENCE, async {
            let mut connection = match self.take_idle() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let reply = read(connection.send_request(request).await?).await?;
            // A connection that the other side has closed tells so here, and is not kept.
            if connection.ready().await.is_ok() {
                self.idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(connection);
            }
            Ok(reply)
        })
        .await
        .context(spelled)
    }

    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends when the sender is dropped or the other side closes; a failure reaches whoever waits for an answer.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn complete(&self, request: hyper::http::request::Builder, body: Bytes) -> Result<Request<Full<Bytes>>> {
        Ok(request
            .header(header::HOST, self.address.to_string())
            .body(Full::new(body))?)
    }

    fn spelled(&self, method: &Method, path: &str) -> String {
        format!("{method} http://{}{path}", self.address)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| bail!("no answer within {limit:?}"))
}

async fn read(response: Response<Incoming>) -> Result<Reply> {
    let headers = response.headers();
    let number = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok()?.parse().ok())
    };
    let retry_after = number("retry-after").map(Duration::from_secs);
    let received_ms = number("tiltwise-received-ms");
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Reply {
        status,
        retry_after,
        received_ms,
        body,
    })
}
