//! What a sender is told.
//!
//! To a JSON batch:
//! ```json
//! { "accepted": 2, "duplicate": 0, "rejected": [{ "index": 1, "reason": "no-unit", "message": "…" }] }
//! ```
//! To a binary batch the same in a byte an event, in the batch's order: 0 accepted, 1 duplicate, from 2 on the code of the
//! reason ([`Reject::code`](crate::admit::Reject::code)); nothing at all where every event was accepted, so that the
//! common answer costs a page no byte.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::admit::Answer;

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

pub(super) fn of(form: Form, answers: &[Answer]) -> Response {
    let mut response = match form {
        Form::Compact => compact(answers).into_response(),
        Form::Json => Json(verdicts(answers)).into_response(),
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn compact(answers: &[Answer]) -> Vec<u8> {
    if answers.iter().all(|answer| *answer == Answer::Accepted) {
        return Vec::new();
    }
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
