//! A record as lines that people and their tools read: one JSON object an event, or one for the clock.
//!
//! What is shown is what is stored: pseudonyms, not ids, and masked draws.

use serde_json::{Value, json};
use tiltwise_core::{
    event::{Fact, LogRecord, LoggedEvent},
    wire::WireError,
};

use super::Record;

/// The lines of a record.
pub fn lines(record: &Record) -> Result<Vec<Value>, WireError> {
    let decoded = LogRecord::decode(record.bytes())?;
    if decoded.events.is_empty() {
        return Ok(vec![
            json!({ "offset": record.offset, "clockMs": decoded.clock_ms }),
        ]);
    }
    Ok(decoded
        .events
        .iter()
        .map(|event| line(record.offset, event))
        .collect())
}

fn line(offset: u64, event: &LoggedEvent) -> Value {
    let mut line = json!({
        "offset": offset,
        "id": hex::encode(event.id),
        "unit": hex::encode(event.unit.0),
        "receivedMs": event.received_ms,
        "atMs": event.at_ms,
        "tier": event.tier as u32,
        "quarantine": event.quarantine as u32,
    });
    let (kind, fact) = match &event.fact {
        Fact::Exposure(exposure) => (
            "exposure",
            json!({
                "revision": exposure.revision.0.to_string(),
                "model": exposure.model.to_string(),
                "episode": exposure.episode.to_string(),
                "arm": exposure.arm,
                "slots": exposure.slots,
                "valuesQ10": exposure.values_q10,
                "propensitiesQ30": exposure.propensities_q30,
                "flags": exposure.flags,
            }),
        ),
        Fact::Outcome(outcome) => (
            "outcome",
            json!({ "name": outcome.name, "valueMicros": outcome.value_micros, "currency": outcome.currency }),
        ),
        Fact::Erasure => ("erasure", json!({})),
    };
    if let Some(line) = line.as_object_mut() {
        line.insert(kind.to_owned(), fact);
    }
    line
}
