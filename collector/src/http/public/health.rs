//! `/healthz`: the process answers. `/readyz`: events can be taken and snapshots given, or why not.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::Shared;
use crate::http::refusal::Refusal;

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(inside): State<Shared>) -> Response {
    if let Err(error) = inside.doors.log.ready() {
        return Refusal::Log(error).into_response();
    }
    if inside.doors.hub.newest().is_none() {
        return Refusal::NoSnapshot.into_response();
    }
    (StatusCode::OK, "ready\n").into_response()
}
