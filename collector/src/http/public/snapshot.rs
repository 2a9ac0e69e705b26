//! `GET /v1/snapshot`: the newest, signed. `GET /v1/snapshots/{hash}`: content by its hash, which never changes.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::Shared;
use crate::http::refusal::Refusal;

/// How long a cache may answer for the collector: below a person's patience, above the bursts of a busy page.
const NEWEST: &str = "public, max-age=2";

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

pub(super) async fn newest(State(inside): State<Shared>, headers: HeaderMap) -> Response {
    let Some(newest) = inside.doors.hub.newest() else {
        return Refusal::NoSnapshot.into_response();
    };
    let tag = format!("\"{:x}\"", newest.envelope.version);
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| {
            tags.split(',')
                .map(str::trim)
                .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
        });
    let about = [(header::ETAG, tag), (header::CACHE_CONTROL, NEWEST.to_owned())];
    if is_known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, newest.sealed.clone()).into_response()
}

pub(super) async fn by_hash(State(inside): State<Shared>, Path(hash): Path<String>) -> Response {
    let mut bytes = [0; 32];
    let is_hash = hex::decode_to_slice(&hash, &mut bytes).is_ok();
    let find = || inside.doors.hub.content_by_hash(&bytes).filter(|_| is_hash);
    let mut content = find();
    // What a page has heard of from another collector was published there a moment ago.
    if content.is_none() && is_hash {
        content = match inside.catch_up().await {
            Ok(true) => find(),
            Ok(false) => None,
            Err(refusal) => return refusal.into_response(),
        };
    }
    match content {
        Some(content) => (
            [
                (header::CACHE_CONTROL, IMMUTABLE),
                (header::ETAG, &format!("\"{hash}\"")),
            ],
            content,
        )
            .into_response(),
        None => Refusal::NotHeld.into_response(),
    }
}
