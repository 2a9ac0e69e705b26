//! A request that is refused whole: status, a word for programs, a sentence for people, and when to come back.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::log::LogError;

#[derive(Debug)]
pub(super) enum Refusal {
    TooManyBatches,
    TooManyStreams,
    TooManyStreamsOfOne,
    BodyTooLarge,
    InflatesTooLarge,
    BodyTooSlow,
    BodyBroken,
    Gzip,
    Batch(String),
    Query(String),
    UnknownKey,
    KeyNeeded,
    TokenNeeded,
    ForeignOrigin,
    NoSnapshot,
    /// Other collectors may have published what is asked for, and that cannot be read now.
    Behind,
    NotHeld,
    Log(LogError),
    Keys,
    Failed(String),
}

impl Refusal {
    pub(super) fn label(&self) -> &'static str {
        self.parts().1
    }

    /// Status, label, sentence, seconds after which another try makes sense.
    fn parts(&self) -> (StatusCode, &'static str, String, Option<u32>) {
        use StatusCode as S;
        let said = |text: &str| text.to_owned();
        match self {
            Self::TooManyBatches => (
                S::SERVICE_UNAVAILABLE,
                "busy",
                said("more batches are in flight than limits.in_flight"),
                Some(1),
            ),
            Self::TooManyStreams => (
                S::SERVICE_UNAVAILABLE,
                "streams",
                said("more streams are open than limits.streams; poll instead"),
                Some(30),
            ),
            Self::TooManyStreamsOfOne => (
                S::TOO_MANY_REQUESTS,
                "streams-of-one-address",
                said(
                    "more streams are open from one address than limits.streams_per_address; a proxy that asks for many \
                     belongs in http.trusted_proxies",
                ),
                Some(30),
            ),
            Self::BodyTooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "body-too-large",
                said("the body is larger than limits.body; send smaller batches"),
                None,
            ),
            Self::InflatesTooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "inflates-too-large",
                said("the body inflates to more than limits.inflated_body; send smaller batches"),
                None,
            ),
            Self::BodyTooSlow => (
                S::REQUEST_TIMEOUT,
                "body-too-slow",
                said("the body did not arrive within limits.body_timeout"),
                None,
            ),
            Self::BodyBroken => (
                S::BAD_REQUEST,
                "body-broken",
                said("the body ended before its announced end"),
                None,
            ),
            Self::Gzip => (
                S::BAD_REQUEST,
                "gzip",
                said("the body is no whole gzip stream"),
                None,
            ),
            Self::Batch(what) => (S::BAD_REQUEST, "batch", what.clone(), None),
            Self::Query(what) => (S::BAD_REQUEST, "query", what.clone(), None),
            Self::UnknownKey => (
                S::UNAUTHORIZED,
                "unknown-key",
                said("this key is not known here, or was revoked: `tiltwise keys server`"),
                None,
            ),
            Self::KeyNeeded => (
                S::UNAUTHORIZED,
                "key-needed",
                said("this door asks for a server key"),
                None,
            ),
            Self::TokenNeeded => (
                S::UNAUTHORIZED,
                "token-needed",
                said(
                    "this door asks for the admin token (Authorization: Bearer), or a session that was opened with it",
                ),
                None,
            ),
            Self::ForeignOrigin => (
                S::FORBIDDEN,
                "foreign-origin",
                said("a session acts only for its own pages"),
                None,
            ),
            Self::NoSnapshot => (
                S::SERVICE_UNAVAILABLE,
                "no-snapshot",
                said("no snapshot was published yet"),
                Some(1),
            ),
            Self::Behind => (
                S::SERVICE_UNAVAILABLE,
                "behind",
                said("what other collectors have published cannot be read at present"),
                Some(1),
            ),
            Self::NotHeld => (
                S::NOT_FOUND,
                "not-held",
                said("nothing with this hash is held"),
                None,
            ),
            Self::Log(error @ LogError::Busy) => (
                S::SERVICE_UNAVAILABLE,
                error.label(),
                error.summary().into(),
                Some(1),
            ),
            Self::Log(error) => (
                S::SERVICE_UNAVAILABLE,
                error.label(),
                error.summary().into(),
                Some(10),
            ),
            Self::Keys => (
                S::SERVICE_UNAVAILABLE,
                "keys",
                said("the collector cannot reach its keys"),
                Some(10),
            ),
            Self::Failed(what) => (S::UNPROCESSABLE_ENTITY, "failed", what.clone(), None),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, label, message, retry_after) = self.parts();
        let mut response = (status, Json(json!({ "error": label, "message": message }))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
