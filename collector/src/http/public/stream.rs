//! `GET /v1/stream`: tells an edge of every newer snapshot as a server-sent event.
//!
//! Latest wins: a slow reader is told of the newest when it is ready, and never of what it missed. The first event comes at
//! once, so that reconnecting is catching up.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    extract::{Extension, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream::unfold;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{
    Inside, Shared,
    client::{Peer, Place},
};
use crate::{http::refusal::Refusal, hub::Published};

/// Under the idle time-outs of common proxies, the shortest of which is 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a browser waits before it connects again.
const RECONNECT: Duration = Duration::from_secs(2);

pub(super) async fn get(
    State(inside): State<Shared>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    let places = match places(&inside, peer, &headers) {
        Ok(places) => places,
        Err(refusal) => return inside.refused(refusal).into_response(),
    };
    let doors = &inside.doors;
    let mut newest = doors.hub.watch();
    newest.mark_changed();
    let listener = Listener {
        newest,
        stopping: doors.stopping.clone(),
        _counted: Counted::new(doors.metrics.stream_clients.clone()),
        _places: places,
    };
    let events = unfold(listener, |mut listener| async {
        let published = listener.next().await?;
        let event = Event::default()
            .event("snapshot")
            .id(published.envelope.version.to_string())
            .retry(RECONNECT)
            .data(&published.announcement);
        Some((Ok::<_, Infallible>(event), listener))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

/// A place among the client's and one among all.
fn places(
    inside: &Inside,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<(Place, OwnedSemaphorePermit), Refusal> {
    if inside.proxies.miss(peer, headers) && !inside.told_of_proxy.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "a proxy near by asks for others, and http.trusted_proxies does not name it: all behind it count as one client \
             (limits.streams_per_address)"
        );
    }
    let client = inside.proxies.client(peer, headers);
    let most = inside.doors.limits.streams_per_address;
    let own = inside
        .places
        .take(client, most)
        .ok_or(Refusal::TooManyStreamsOfOne)?;
    let all = inside.streams.clone().try_acquire_owned();
    Ok((own, all.map_err(|_| Refusal::TooManyStreams)?))
}

/// One open stream; it is counted, and has its places, until it is dropped.
struct Listener {
    newest: watch::Receiver<Option<Arc<Published>>>,
    stopping: watch::Receiver<bool>,
    _counted: Counted,
    _places: (Place, OwnedSemaphorePermit),
}

impl Listener {
    /// The newest snapshot, once there is a newer one; nothing when the collector stops.
    async fn next(&mut self) -> Option<Arc<Published>> {
        loop {
            tokio::select! {
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                changed = self.newest.changed() => changed.ok()?,
            }
            if let Some(published) = self.newest.borrow_and_update().clone() {
                return Some(published);
            }
        }
    }
}

struct Counted(Gauge);

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
