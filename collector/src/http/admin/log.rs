//! `GET /v1/admin/log?from=N`: the log as JSON lines, about 256 kB of records at a time. The header `x-next-offset` says where the
//! next request goes on.

use axum::{
    extract::{Query, State},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::task;

use super::Shared;
use crate::{
    http::refusal::Refusal,
    log::{EventLog, LogError, lines},
};

const CHUNK_BYTES: usize = 256 << 10;

#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default)]
    from: u64,
}

pub(super) async fn get(State(inside): State<Shared>, Query(From { from }): Query<From>) -> Response {
    let log = inside.office.log.clone();
    match task::spawn_blocking(move || read(&*log, from)).await {
        Ok(Ok((text, next))) => {
            let kind = (header::CONTENT_TYPE, "application/x-ndjson".to_owned());
            let next = (HeaderName::from_static("x-next-offset"), next.to_string());
            ([kind, next], text).into_response()
        }
        Ok(Err(error)) => Refusal::Failed(error.to_string()).into_response(),
        Err(_) => Refusal::Failed("the work was interrupted".to_owned()).into_response(),
    }
}

/// The lines from `from` on, or from the oldest record, and the offset after them.
fn read(log: &dyn EventLog, from: u64) -> Result<(String, u64), LogError> {
    let mut next = from.max(log.first());
    let mut text = String::new();
    for record in log.read_from(next, CHUNK_BYTES)? {
        next = record.offset + 1;
        // A record that a newer collector wrote is for a newer collector to show.
        for line in lines(&record).unwrap_or_default() {
            text.extend([&line.to_string(), "\n"]);
        }
    }
    Ok((text, next))
}
