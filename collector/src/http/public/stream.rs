//! `GET /v1/stream`: tells an edge of every newer snapshot as a server-sent event.
//!
//! Latest wins: a slow reader is told of the newest when it is ready, and never of what it missed. The first event comes at
//! once, so that reconnecting is catching up.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream::unfold;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Shared;
use crate::{http::refusal::Refusal, hub::Published};

/// Under the idle time-outs of common proxies, the shortest of which is 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a browser waits before it connects again.
const RECONNECT: Duration = Duration::from_secs(2);

pub(super) async fn get(State(inside): State<Shared>) -> Response {
    let Ok(place) = inside.streams.clone().try_acquire_owned() else {
        return inside.refused(Refusal::TooManyStreams).into_response();
    };
    let doors = &inside.doors;
    let mut newest = doors.hub.watch();
    newest.mark_changed();
    let listener = Listener {
        newest,
        stopping: doors.stopping.clone(),
        _counted: Counted::new(doors.metrics.stream_clients.clone()),
        _place: place,
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

/// One open stream; it is counted, and has its place, until it is dropped.
struct Listener {
    newest: watch::Receiver<Option<Arc<Published>>>,
    stopping: watch::Receiver<bool>,
    _counted: Counted,
    _place: OwnedSemaphorePermit,
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
