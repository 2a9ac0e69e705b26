//! `/healthz` and `/metrics` of the admin listener.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::Shared;

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn metrics(State(inside): State<Shared>) -> Response {
    let office = &inside.office;
    let metrics = &office.metrics;
    metrics.log_bytes.set(office.log.bytes_here() as i64);
    if let Some(newest) = office.hub.newest() {
        let age_ms = office
            .log
            .clock()
            .now_ms()
            .saturating_sub(newest.envelope.published_ms);
        metrics.snapshot_age_seconds.set(age_ms as f64 / 1_000.0);
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.exposition()).into_response()
}
