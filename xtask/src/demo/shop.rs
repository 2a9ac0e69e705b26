//! The shop's server: files, where the collector is, and purchases that it reports itself.
//!
//! What any shop would have; it knows the collector as a back end does, by a server key.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::edge::door::Door;
use crate::site::PublicKey;

/// An order is a few short fields.
const MAX_ORDER_BYTES: usize = 4_096;

type Answer = Response<Full<Bytes>>;

/// What the server serves and whom it tells.
#[derive(Debug)]
pub struct Shop {
    /// The built pages.
    pages: PathBuf,
    /// What `/config.js` says.
    config: String,
    collector: Door,
    server_key: String,
    reported: AtomicU64,
}

impl Shop {
    pub fn new(
        pages: PathBuf,
        collector: SocketAddr,
        public_keys: &[PublicKey],
        server_key: String,
    ) -> Arc<Self> {
        let keys: Vec<&str> = public_keys.iter().map(|key| key.base64.as_str()).collect();
        let config = json!({ "url": format!("http://{collector}"), "publicKeys": keys });
        Arc::new(Self {
            pages,
            config: format!("window.__TILTWISE__ = {config};\n"),
            collector: Door::new(collector),
            server_key,
            reported: AtomicU64::new(0),
        })
    }

    /// Purchases that the collector has accepted.
    pub fn reported(&self) -> u64 {
        self.reported.load(Ordering::Relaxed)
    }

    /// Answers for as long as it is polled.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> Result<()> {
        loop {
            let (stream, _) = listener.accept().await.context("the shop's listener")?;
            let shop = Arc::clone(&self);
            let service = service_fn(move |request| {
                let shop = Arc::clone(&shop);
                async move { Ok::<_, Infallible>(shop.answer(request).await) }
            });
            // A browser that goes away in the middle of an answer is no failure of the shop.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/config.js") => typed(Bytes::from(self.config.clone()), "text/javascript"),
            (&Method::GET | &Method::HEAD, path) => self.file(path),
            (&Method::POST, "/checkout") => match self.check_out(request.into_body()).await {
                Ok(thanks) => thanks,
                Err(error) => said(StatusCode::BAD_GATEWAY, format!("{error:#}")),
            },
            _ => said(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET, and POST /checkout".to_owned(),
            ),
        }
    }

    fn file(&self, path: &str) -> Answer {
        let relative = Path::new(match path.trim_start_matches('/') {
            "" => "index.html",
            path => path,
        });
        // Nothing outside the folder, whatever the path says.
        let is_plain = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        match std::fs::read(self.pages.join(relative)) {
            Ok(bytes) if is_plain => typed(bytes.into(), content_type(relative)),
            _ => said(StatusCode::NOT_FOUND, "nothing is here".to_owned()),
        }
    }

    /// Takes an order, reports the purchase where the visitor may be counted, and sends the browser on.
    async fn check_out(&self, body: Incoming) -> Result<Answer> {
        let form = Limited::new(body, MAX_ORDER_BYTES)
            .collect()
            .await
            .map_err(|_| anyhow::anyhow!("no order"))?;
        let order: Order =
            serde_urlencoded::from_bytes(&form.to_bytes()).context("an order that cannot be read")?;
        if !order.visitor.is_empty() {
            let outcome = json!({
                "name": "purchase", "value": order.value, "currency": order.currency, "id": order.number,
            });
            let batch =
                json!({ "events": [{ "id": order.number, "visitor": order.visitor, "outcome": outcome }] });
            let reply = self
                .collector
                .post_json("/v1/e", &self.server_key, &batch)
                .await?;
            let said = String::from_utf8_lossy(&reply.body).into_owned();
            ensure!(
                reply.status.is_success(),
                "the collector answered {}: {said}",
                reply.status
            );
            let verdicts: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
            let accepted = verdicts.get("accepted").and_then(serde_json::Value::as_u64);
            self.reported.fetch_add(accepted.unwrap_or(0), Ordering::Relaxed);
        }
        let place = format!(
            "/thanks.html?{}",
            serde_urlencoded::to_string([("order", &order.number)])?
        );
        let mut response = said(StatusCode::SEE_OTHER, String::new());
        response
            .headers_mut()
            .insert(LOCATION, HeaderValue::try_from(place)?);
        Ok(response)
    }
}

#[derive(serde::Deserialize)]
struct Order {
    #[serde(rename = "order")]
    number: String,
    value: f64,
    currency: String,
    #[serde(default)]
    visitor: String,
}

fn typed(bytes: Bytes, kind: &'static str) -> Answer {
    let mut response = Response::new(Full::new(bytes));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn said(status: StatusCode, what: String) -> Answer {
    let mut response = typed(Bytes::from(what), "text/plain; charset=utf-8");
    *response.status_mut() = status;
    response
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
