//! `GET /v1/postback`: an outcome as an address, for ad networks that can do no more than call one.
//!
//! `?key=…&visitor=…&event=purchase&value=49.9&currency=EUR&id=A-1001`; `account` may stand for or beside `visitor`. The
//! `id` is needed: networks call again when in doubt.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tiltwise_core::event::{Body, Event, EventBatch, Outcome};

use super::{Inside, Shared, answer, events};
use crate::{admit::json::read_visitor, http::refusal::Refusal};

#[derive(Deserialize)]
pub(super) struct Postback {
    key: Option<String>,
    #[serde(default)]
    visitor: String,
    #[serde(default)]
    account: String,
    event: String,
    #[serde(default)]
    value: f64,
    #[serde(default)]
    currency: String,
    id: String,
}

pub(super) async fn get(
    State(inside): State<Shared>,
    query: Result<Query<Postback>, QueryRejection>,
) -> Response {
    match take(&inside, query).await {
        Ok(judged) => answer::of(answer::Form::Json, &judged, HeaderMap::new()),
        Err(refusal) => inside.refused(refusal).into_response(),
    }
}

async fn take(
    inside: &Inside,
    query: Result<Query<Postback>, QueryRejection>,
) -> Result<answer::Judged, Refusal> {
    let _turnstile = inside
        .in_flight
        .try_acquire()
        .map_err(|_| Refusal::TooManyBatches)?;
    let Query(postback) = query.map_err(|error| Refusal::Query(error.body_text()))?;
    let tier = inside.tier_of(&postback.key.ok_or(Refusal::KeyNeeded)?)?;
    let visitor = match postback.visitor.as_str() {
        "" => None,
        text => Some(read_visitor(text).ok_or_else(|| {
            Refusal::Query("visitor is 36 hexadecimal digits, or base64 of 18 bytes".to_owned())
        })?),
    };
    let outcome = Outcome {
        name: &postback.event,
        value: postback.value,
        currency: &postback.currency,
        id: &postback.id,
    };
    let body = Body::Outcome(outcome);
    let event = Event {
        made_ms: 0,
        body,
        id: "",
        visitor,
        account: &postback.account,
    }
    .encode();
    let batch = EventBatch {
        events: vec![&event],
        ..EventBatch::default()
    };
    events::commit(inside, &batch, tier, false, |_| None).await
}
