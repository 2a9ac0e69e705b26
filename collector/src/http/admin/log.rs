//! `GET /v1/admin/log?from=N`: the log as JSON lines, about 256 kB of records at a time. The header `x-next-offset` says where the
//! next request goes on, `x-end-offset` where the log ends. Where it has partitions, the header `x-partitions` says how many, `&partition=P` reads one of
//! them, and each line names it.

use std::{
    thread,
    time::{Duration, Instant},
};

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

/// How long a record that has to come from a broker first is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

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
        Ok(Ok(Page { text, next, end })) => {
            let kind = (header::CONTENT_TYPE, "application/x-ndjson".to_owned());
            let next = (HeaderName::from_static("x-next-offset"), next.to_string());
            let partitions = (HeaderName::from_static("x-partitions"), partitions.to_string());
            let end = (HeaderName::from_static("x-end-offset"), end.to_string());
            ([kind, next, end, partitions], text).into_response()
        }
        Ok(Err(error)) => Refusal::Failed(error.to_string()).into_response(),
        Err(_) => Refusal::Failed("the work was interrupted".to_owned()).into_response(),
    }
}

struct Page {
    text: String,
    next: u64,
    end: u64,
}

/// The lines from `from` on, or from the oldest record.
fn read(log: &dyn Source, from: u64, partition: Option<usize>) -> Result<Page, LogError> {
    let mut next = from.max(log.first());
    let mut text = String::new();
    let end = *log.end().borrow();
    let began = Instant::now();
    let mut records = log.read_from(next, CHUNK_BYTES)?;
    while records.is_empty() && next < end && began.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(2));
        records = log.read_from(next, CHUNK_BYTES)?;
    }
    for record in records {
        next = record.offset + 1;
        // A record that a newer collector wrote is for a newer collector to show.
        for mut line in lines(&record).unwrap_or_default() {
            if let (Some(partition), Some(line)) = (partition, line.as_object_mut()) {
                line.insert("partition".to_owned(), partition.into());
            }
            text.extend([&line.to_string(), "\n"]);
        }
    }
    Ok(Page { text, next, end })
}
