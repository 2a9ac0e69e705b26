//! `POST /v1/e`: a batch of events, binary or JSON, plain or gzip.
//!
//! 200 says that every accepted event is on disk and that every other one has been judged: nothing of the batch needs to
//! be sent again. Any other status says that nothing was taken.

use axum::{
    BoxError,
    body::{Bytes, HttpBody},
    http::{HeaderMap, HeaderName, Request},
    response::{IntoResponse, Response},
};
use tiltwise_core::event::EventBatch;
use tiltwise_core::id::Tier;

use super::{
    Inside,
    answer::{self, Form, Judged},
};
use crate::{
    admit::{self, Answer, Arrival, Reject, Verdict, json::JsonBatch},
    http::{body, refusal::Refusal},
    log::{self, Receipt},
};

pub(super) const PATH: &str = "/v1/e";

/// What a browser sends for somebody who does not want to be personalized.
const GPC: HeaderName = HeaderName::from_static("sec-gpc");

pub(super) async fn post<B>(inside: &Inside, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = request.into_parts();
    match take(inside, &head.headers, body).await {
        Ok((form, judged)) => answer::of(form, &judged, head.headers),
        Err(refusal) => inside.refused(refusal).into_response(),
    }
}

async fn take<B>(inside: &Inside, headers: &HeaderMap, body: B) -> Result<(Form, Judged), Refusal>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let _turnstile = inside
        .in_flight
        .try_acquire()
        .map_err(|_| Refusal::TooManyBatches)?;
    let tier = inside.tier(headers)?;
    let body = body::read(headers, body, inside.bounds()).await?;
    let gpc = headers.get(GPC).is_some_and(|value| value == "1");
    if EventBatch::is_binary(&body) {
        let batch = EventBatch::decode(&body).map_err(|error| Refusal::Batch(error.to_string()))?;
        Ok((Form::Compact, commit(inside, &batch, tier, gpc, |_| None).await?))
    } else {
        let json = JsonBatch::read(&body).map_err(|error| Refusal::Batch(error.to_string()))?;
        Ok((
            Form::Json,
            commit(inside, &json.as_batch(), tier, gpc, |index| {
                json.unreadable(index)
            })
            .await?,
        ))
    }
}

/// Admits a batch, makes it durable, and counts what became of it. `unreadable` names the events that were no events.
pub(super) async fn commit(
    inside: &Inside,
    batch: &EventBatch<'_>,
    tier: Tier,
    gpc: bool,
    unreadable: impl Fn(usize) -> Option<Reject>,
) -> Result<Judged, Refusal> {
    let doors = &inside.doors;
    let limits = &doors.limits;
    if batch.events.len() > limits.batch_events {
        return Err(Refusal::Batch(format!(
            "a batch has at most {} events",
            limits.batch_events
        )));
    }
    let arrival = Arrival {
        received_ms: doors.log.clock().now_ms(),
        tier,
        gpc: gpc && doors.gpc_limits,
        event_bytes: limits.event_bytes,
    };
    let decide = || {
        admit::decide(batch, arrival, &*doors.hub, &doors.keys.pseudonyms).map_err(|error| {
            tracing::error!(%error, "the keys are out of reach");
            Refusal::Keys
        })
    };
    let mut decision = decide()?;
    // What a page has heard of from another collector was published there a moment ago.
    if decision.names_unknown && inside.catch_up().await? {
        decision = decide()?;
    }
    for (index, verdict) in decision.verdicts.iter_mut().enumerate() {
        if let Some(reject) = unreadable(index) {
            *verdict = Verdict::Rejected(reject);
        }
    }
    // Before the write: a version that an exposure in the log names must never be thinned away.
    for version in &decision.named {
        doors.hub.named(*version);
    }
    let receipt = if decision.parts.is_empty() {
        Receipt {
            fresh: Vec::new(),
            end: 0,
        }
    } else {
        log::append(&*doors.log, std::mem::take(&mut decision.parts))
            .await
            .map_err(Refusal::Log)?
    };
    let answers = decision.answers(&receipt);
    count(inside, batch, arrival, &decision, &answers);
    Ok(Judged {
        received_ms: arrival.received_ms,
        answers,
    })
}

fn count(
    inside: &Inside,
    batch: &EventBatch<'_>,
    arrival: Arrival,
    decision: &admit::Decision,
    answers: &[Answer],
) {
    let metrics = &inside.doors.metrics;
    let (mut accepted, mut duplicate) = (0, 0);
    for answer in answers {
        match answer {
            Answer::Accepted => accepted += 1,
            Answer::Duplicate => duplicate += 1,
            Answer::Rejected(reject) => metrics.reject(reject.label()),
        }
    }
    if duplicate > 0 {
        metrics.duplicate.inc_by(duplicate);
    }
    if accepted > 0 {
        metrics.accepted.inc_by(accepted);
        metrics.accepted_rate.add(accepted);
        inside.doors.hub.received(arrival.received_ms);
        for quarantine in &decision.quarantined {
            metrics.quarantine(*quarantine);
        }
        if batch.dropped > 0 {
            metrics.sender_dropped.inc_by(batch.dropped.into());
        }
    }
}
