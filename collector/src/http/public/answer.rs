//! What a sender is told.
//!
//! To a JSON batch:
//! ```json
//! { "accepted": 2, "duplicate": 0, "rejected": [{ "index": 1, "reason": "no-unit", "message": "…" }] }
//! ```
//! To a binary batch the same in a byte an event, in the batch's order: 0 accepted, 1 duplicate, from 2 on the code of the
//! reason ([`Reject::code`](crate::admit::Reject::code)); nothing at all where every event was accepted, so that the
//! common answer costs a page no byte.
//!
//! The header `tiltwise-received-ms` says when the batch was received, by the collector's clock: once a snapshot's
//! `foldedThroughMs` has reached it, everything accepted here is in the models.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::admit::Answer;

/// What became of a batch.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) received_ms: u64,
    /// One an event, in the batch's order.
    pub(super) answers: Vec<Answer>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Json,
    Compact,
}

#[derive(Serialize)]
struct Verdicts {
    accepted: usize,
    duplicate: usize,
    rejected: Vec<Rejected>,
}

#[derive(Serialize)]
struct Rejected {
    index: usize,
    reason: &'static str,
    message: String,
}

/// When the batch was received.
const RECEIVED_MS: HeaderName = HeaderName::from_static("tiltwise-received-ms");

/// The answer; its headers take the room of the request's, which nobody needs any more.
pub(super) fn of(form: Form, judged: &Judged, mut room: HeaderMap) -> Response {
    let mut response = match form {
        Form::Compact if judged.answers.iter().all(|answer| *answer == Answer::Accepted) => {
            room.clear();
            let mut response = Response::default();
            *response.headers_mut() = room;
            response
        }
        Form::Compact => compact(&judged.answers).into_response(),
        Form::Json => Json(verdicts(&judged.answers)).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RECEIVED_MS, HeaderValue::from(judged.received_ms));
    response
}

fn compact(answers: &[Answer]) -> Vec<u8> {
    let code = |answer: &Answer| match answer {
        Answer::Accepted => 0,
        Answer::Duplicate => 1,
        Answer::Rejected(reject) => reject.code(),
    };
    answers.iter().map(code).collect()
}

fn verdicts(answers: &[Answer]) -> Verdicts {
    let mut verdicts = Verdicts {
        accepted: 0,
        duplicate: 0,
        rejected: Vec::new(),
    };
    for (index, answer) in answers.iter().enumerate() {
        match answer {
            Answer::Accepted => verdicts.accepted += 1,
            Answer::Duplicate => verdicts.duplicate += 1,
            Answer::Rejected(reject) => {
                let (reason, message) = (reject.label(), reject.to_string());
                verdicts.rejected.push(Rejected {
                    index,
                    reason,
                    message,
                });
            }
        }
    }
    verdicts
}
