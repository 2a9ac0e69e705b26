//! The public doors.

mod answer;
mod client;
mod cors;
mod events;
mod health;
mod postback;
mod snapshot;
mod stream;

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    routing::{get, post},
};
use futures_util::future::Either;
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tiltwise_core::id::Tier;
use tokio::{
    sync::{Semaphore, watch},
    task,
};

use super::{body::Bounds, refusal::Refusal, server::Answers};
use crate::{
    config::{Origins, Prefix},
    hub::Hub,
    keys::Keys,
    log::EventLog,
    metrics::Metrics,
};
use client::{Peer, Places, Proxies};

/// What the doors work with.
pub struct Doors {
    pub log: Arc<dyn EventLog>,
    pub hub: Arc<Hub>,
    pub keys: Arc<Keys>,
    pub metrics: Arc<Metrics>,
    pub limits: Limits,
    /// Whose word on a client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether `Sec-GPC: 1` denies personalization.
    pub gpc_limits: bool,
    /// Turns true when the collector is to stop; streams end then.
    pub stopping: watch::Receiver<bool>,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub body_bytes: usize,
    pub inflated_bytes: usize,
    pub batch_events: usize,
    pub event_bytes: usize,
    pub body_timeout: Duration,
    pub in_flight: usize,
    pub streams: usize,
    pub streams_per_address: usize,
}

/// The doors with their turnstiles.
struct Inside {
    doors: Doors,
    in_flight: Semaphore,
    streams: Arc<Semaphore>,
    places: Arc<Places>,
    proxies: Proxies,
    /// It was said that a proxy is missing among those that are trusted.
    told_of_proxy: AtomicBool,
}

type Shared = Arc<Inside>;

/// Answers at the doors.
///
/// Nearly every request is a batch of events, and taking one apart for the router, the layers and their boxed futures costs
/// as much as judging it. So batches go straight to their door; the router has it too, for whatever is no plain `POST`.
pub struct Front {
    inside: Shared,
    events: Arc<str>,
    others: TowerToHyperService<Router>,
    origins: Arc<Origins>,
}

impl Front {
    pub fn new(doors: Doors, prefix: &Prefix, origins: Origins) -> Self {
        let inside: Shared = Arc::new(Inside {
            in_flight: Semaphore::new(doors.limits.in_flight),
            streams: Arc::new(Semaphore::new(doors.limits.streams)),
            places: Arc::default(),
            proxies: Proxies(doors.trusted_proxies.clone()),
            told_of_proxy: AtomicBool::new(false),
            doors,
        });
        Self {
            events: format!("{}{}", prefix.as_str(), events::PATH).into(),
            others: TowerToHyperService::new(router(inside.clone(), prefix, origins.clone())),
            origins: Arc::new(origins),
            inside,
        }
    }

    /// What answers a connection from there.
    pub fn answers(&self, peer: IpAddr) -> impl Answers + use<> {
        let Self {
            inside,
            events,
            others,
            origins,
        } = self;
        let (inside, events, others, origins) =
            (inside.clone(), events.clone(), others.clone(), origins.clone());
        service_fn(move |mut request: hyper::Request<Incoming>| {
            if request.method() != Method::POST || request.uri().path() != &*events {
                request.extensions_mut().insert(Peer(peer));
                return Either::Right(others.call(request));
            }
            let (inside, origins) = (inside.clone(), origins.clone());
            Either::Left(async move {
                let origin = request.headers().get(header::ORIGIN).cloned();
                let mut response = events::post(&inside, request).await;
                cors::add(&origins, origin.as_ref(), response.headers_mut());
                Ok(response)
            })
        })
    }
}

fn router(inside: Shared, prefix: &Prefix, origins: Origins) -> Router {
    let doors = Router::new()
        .route(events::PATH, post(events))
        .route("/v1/snapshot", get(snapshot::newest))
        .route("/v1/snapshots/{hash}", get(snapshot::by_hash))
        .route("/v1/stream", get(stream::get))
        .route("/v1/postback", get(postback::get))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .layer(cors::layer(origins))
        .with_state(inside);
    if prefix.as_str().is_empty() {
        doors
    } else {
        Router::new().nest(prefix.as_str(), doors)
    }
}

async fn events(State(inside): State<Shared>, request: Request) -> axum::response::Response {
    events::post(&inside, request).await
}

impl Inside {
    fn bounds(&self) -> Bounds {
        let limits = &self.doors.limits;
        Bounds {
            raw_bytes: limits.body_bytes,
            inflated_bytes: limits.inflated_bytes,
            patience: limits.body_timeout,
        }
    }

    /// What a sender has proved: nothing, or that it holds a key. A key that is wrong is an error, not a lower tier.
    fn tier(&self, headers: &HeaderMap) -> Result<Tier, Refusal> {
        let Some(authorization) = headers.get(header::AUTHORIZATION) else {
            return Ok(Tier::Page);
        };
        let presented = authorization
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "));
        self.tier_of(presented.ok_or(Refusal::UnknownKey)?)
    }

    fn tier_of(&self, key: &str) -> Result<Tier, Refusal> {
        self.doors
            .keys
            .servers
            .check(key)
            .map(|key| key.kind.tier())
            .ok_or(Refusal::UnknownKey)
    }

    /// Where there are other collectors, takes what they have published. False where there are none.
    async fn catch_up(&self) -> Result<bool, Refusal> {
        let Some(feed) = self.doors.hub.feed() else {
            return Ok(false);
        };
        match task::spawn_blocking(move || feed.catch_up()).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(why)) => {
                tracing::warn!(why, "what other collectors have published is out of reach");
                Err(Refusal::Behind)
            }
            Err(_) => Err(Refusal::Behind),
        }
    }

    fn refused(&self, refusal: Refusal) -> Refusal {
        self.doors.metrics.refuse_request(refusal.label());
        refusal
    }
}
