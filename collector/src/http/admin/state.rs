//! What the dashboard shows, as one JSON: once, or every second.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    extract::State,
    http::HeaderName,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream::unfold;
use serde_json::{Map, Value, json};
use tokio::{task, time};

use super::{Office, Shared};

const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn now(State(inside): State<Shared>) -> Response {
    Json(take(inside).await).into_response()
}

/// Server-sent events named `state`, the first at once.
pub(super) async fn stream(State(inside): State<Shared>) -> Response {
    let ticks = time::interval(EVERY);
    let stopping = inside.office.stopping.clone();
    let states = unfold(
        (inside, ticks, stopping),
        |(inside, mut ticks, mut stopping)| async {
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => return None,
                _ = ticks.tick() => {}
            }
            let state = take(inside.clone()).await.to_string();
            Some((
                Ok::<_, Infallible>(Event::default().event("state").data(state)),
                (inside, ticks, stopping),
            ))
        },
    );
    let mut response = Sse::new(states).keep_alive(KeepAlive::default()).into_response();
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        axum::http::HeaderValue::from_static("no"),
    );
    response
}

async fn take(inside: Shared) -> Value {
    task::spawn_blocking(move || of(&inside.office))
        .await
        .unwrap_or_default()
}

fn of(office: &Office) -> Value {
    let newest = office.hub.newest();
    let model = newest.map(|newest| {
        let envelope = &newest.envelope;
        json!({
            "version": envelope.version.to_string(),
            "publishedMs": envelope.published_ms,
            "foldedThroughMs": envelope.folded_through_ms,
            "hash": hex::encode(envelope.hash),
        })
    });
    json!({
        "now": office.log.clock().now_ms(),
        "site": office.site,
        "model": model,
        "health": health(office),
        "company": office.desk.company(),
        "experiments": office.desk.experiments(),
    })
}

fn health(office: &Office) -> Value {
    let metrics = &office.metrics;
    let mut messages = office.desk.warnings();
    messages.extend(office.log.ready().err().map(|error| error.to_string()));
    let ahead_ms = office.log.clock().ahead_ms();
    if ahead_ms > 60_000 {
        messages.push(format!(
            "The machine's clock was set back; the log's clock stands still for another {} seconds.",
            ahead_ms / 1_000
        ));
    }
    let rejected: Map<String, Value> = metrics
        .rejects()
        .into_iter()
        .map(|(reason, n)| (reason.into(), n.into()))
        .collect();
    json!({
        "status": if messages.is_empty() { "ok" } else { "degraded" },
        "messages": messages,
        "eventsPerSecond": metrics.accepted_rate.per_second(),
        "acceptedTotal": metrics.accepted.get(),
        "duplicateTotal": metrics.duplicate.get(),
        "rejected": rejected,
        "lagMs": metrics.lag_ms.get(),
        "commitMs": metrics.commit_seconds.recent.quantiles(),
        "eventToSnapshotMs": metrics.event_to_snapshot_seconds.recent.quantiles(),
        "fitMs": metrics.fit_seconds.recent.last().unwrap_or(0.0),
        "streamClients": metrics.stream_clients.get(),
        "logBytes": office.log.bytes_here(),
    })
}
