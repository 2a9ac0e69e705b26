//! `GET /v1/admin/log?from=N`: the log as JSON lines, about 256 kB of records at a time. The header `x-next-offset` says where the
//! next request goes on. Where the log has partitions, the header `x-partitions` says how many, `&partition=P` reads one of
//! them, and each line names it.

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
    log::{LogError, Source, lines},
};

const CHUNK_BYTES: usize = 256 << 10;

#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default)]
    from: u64,
    #[serde(default)]
    partition: usize,
}

pub(super) async fn get(
    State(inside): State<Shared>,
    Query(From { from, partition }): Query<From>,
) -> Response {
    let sources = inside.office.log.sources().partitions;
    let partitions = sources.len();
    let Some(source) = sources.into_iter().nth(partition) else {
        return Refusal::Query(format!("the log has {partitions} partitions, counted from 0"))
            .into_response();
    };
    let named = (partitions > 1).then_some(partition);
    match task::spawn_blocking(move || read(&*source, from, named)).await {
        Ok(Ok((text, next))) => {
            let kind = (header::CONTENT_TYPE, "application/x-ndjson".to_owned());
            let next = (HeaderName::from_static("x-next-offset"), next.to_string());
            let partitions = (HeaderName::from_static("x-partitions"), partitions.to_string());
            ([kind, next, partitions], text).into_response()
        }
        Ok(Err(error)) => Refusal::Failed(error.to_string()).into_response(),
        Err(_) => Refusal::Failed("the work was interrupted".to_owned()).into_response(),
    }
}

/// The lines from `from` on, or from the oldest record, and the offset after them.
fn read(log: &dyn Source, from: u64, partition: Option<usize>) -> Result<(String, u64), LogError> {
    let mut next = from.max(log.first());
    let mut text = String::new();
    for record in log.read_from(next, CHUNK_BYTES)? {
        next = record.offset + 1;
        // A record that a newer collector wrote is for a newer collector to show.
        for mut line in lines(&record).unwrap_or_default() {
            if let (Some(partition), Some(line)) = (partition, line.as_object_mut()) {
                line.insert("partition".to_owned(), partition.into());
            }
            text.extend([&line.to_string(), "\n"]);
        }
    }
    Ok((text, next))
}
