//! The JSON of a batch, for senders that have no use for a binary one: the messages of the wire with names in lowerCamelCase.
//!
//! JSON ends here: every event is turned into the bytes that a binary sender would have written, and goes the same way
//! from there. Numbers of 64 bits may be strings; bytes are hexadecimal digits or base64.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use tiltwise_core::{
    event::{Body, Event, EventBatch, Exposure, MAX_BATCH_EVENTS, Outcome},
    id::{RevisionId, UnitKind, VISITOR_BYTES, Visitor},
    wire::{WIRE_VERSION, WireError},
};

use super::Reject;

/// A batch that was read from JSON.
#[derive(Debug)]
pub struct JsonBatch {
    head: Head,
    /// In order: the encoded event, or why it cannot be one.
    events: Vec<Result<Vec<u8>, String>>,
}

/// Why a body is no batch at all.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("the body is no JSON batch: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("the batch has {0} events; at most 500 go at once")]
    TooMany(usize),
    #[error(transparent)]
    Wire(#[from] WireError),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Head {
    // Both are known by the door; a sender that encodes the whole message may write them.
    magic: Option<u32>,
    wire: Option<u32>,
    #[serde(deserialize_with = "session")]
    session: Vec<u8>,
    sequence: u32,
    #[serde(deserialize_with = "u64_or_text")]
    sent_ms: u64,
    #[serde(deserialize_with = "visitor")]
    visitor: Option<Visitor>,
    account: String,
    dropped: u32,
    events: Vec<Value>,
    unpersonalized: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct JsonEvent {
    #[serde(deserialize_with = "u64_or_text")]
    made_ms: u64,
    exposure: Option<JsonExposure>,
    outcome: Option<JsonOutcome>,
    id: String,
    #[serde(deserialize_with = "visitor")]
    visitor: Option<Visitor>,
    account: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct JsonExposure {
    #[serde(deserialize_with = "u64_or_text")]
    revision: u64,
    #[serde(deserialize_with = "u64_or_text")]
    model: u64,
    #[serde(deserialize_with = "u64_or_text")]
    episode: u64,
    arm: u32,
    draw: u32,
    slots: Vec<u32>,
    values_q10: Vec<i32>,
    propensities_q30: Vec<u32>,
    predictions_micros: Vec<u32>,
    variances_micros: Vec<u32>,
    flags: u32,
    unit_kind: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct JsonOutcome {
    name: String,
    value: f64,
    currency: String,
    id: String,
}

impl JsonBatch {
    pub fn read(body: &[u8]) -> Result<Self, JsonError> {
        let mut head: Head = serde_json::from_slice(body)?;
        if head.events.len() > MAX_BATCH_EVENTS {
            return Err(JsonError::TooMany(head.events.len()));
        }
        if let Some(found) = head.wire.filter(|wire| *wire > WIRE_VERSION) {
            return Err(WireError::Newer { found }.into());
        }
        let events = std::mem::take(&mut head.events).into_iter().map(encode).collect();
        Ok(Self { head, events })
    }

    /// The batch as a binary sender would have sent it. An event that could not be read is empty there.
    pub fn as_batch(&self) -> EventBatch<'_> {
        EventBatch {
            session: &self.head.session,
            sequence: self.head.sequence,
            sent_ms: self.head.sent_ms,
            visitor: self.head.visitor,
            account: &self.head.account,
            dropped: self.head.dropped,
            events: self
                .events
                .iter()
                .map(|event| event.as_deref().unwrap_or_default())
                .collect(),
            unpersonalized: self.head.unpersonalized,
        }
    }

    /// Why an event could not be read.
    pub fn unreadable(&self, index: usize) -> Option<Reject> {
        self.events
            .get(index)?
            .as_ref()
            .err()
            .cloned()
            .map(Reject::Unreadable)
    }
}

fn encode(value: Value) -> Result<Vec<u8>, String> {
    let event: JsonEvent = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let body = match (&event.exposure, &event.outcome) {
        (Some(exposure), None) => Body::Exposure(exposure.to_core()?),
        (None, Some(outcome)) => Body::Outcome(Outcome {
            name: &outcome.name,
            value: outcome.value,
            currency: &outcome.currency,
            id: &outcome.id,
        }),
        _ => return Err("an event has either an exposure or an outcome".to_owned()),
    };
    let (id, account) = (&event.id, &event.account);
    Ok(Event {
        made_ms: event.made_ms,
        body,
        id,
        visitor: event.visitor,
        account,
    }
    .encode())
}

impl JsonExposure {
    fn to_core(&self) -> Result<Exposure, String> {
        let unit_kind = match self.unit_kind {
            0 => UnitKind::Visitor,
            1 => UnitKind::Account,
            _ => return Err("unitKind is 0 (visitor) or 1 (account)".to_owned()),
        };
        Ok(Exposure {
            revision: RevisionId(self.revision),
            model: self.model,
            episode: self.episode,
            arm: self.arm,
            draw: self.draw,
            slots: self.slots.clone(),
            values_q10: self.values_q10.clone(),
            propensities_q30: self.propensities_q30.clone(),
            predictions_micros: self.predictions_micros.clone(),
            variances_micros: self.variances_micros.clone(),
            flags: self.flags,
            unit_kind,
        })
    }
}

/// A visitor id as it is written in JSON and in addresses: 36 hexadecimal digits, or base64.
pub fn read_visitor(text: &str) -> Option<Visitor> {
    read_bytes::<VISITOR_BYTES>(text).map(Visitor)
}

fn read_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let base64 = |alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok();
    let bytes = if text.len() == 2 * N {
        hex::decode(text).ok()
    } else {
        None
    };
    bytes
        .or_else(|| base64(&STANDARD))
        .or_else(|| base64(&URL_SAFE))?
        .try_into()
        .ok()
}

fn visitor<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Visitor>, D::Error> {
    let text = String::deserialize(source)?;
    if text.is_empty() {
        return Ok(None);
    }
    // The text itself is not repeated: answers end up in logs.
    read_visitor(&text)
        .map(Some)
        .ok_or_else(|| de::Error::custom("a visitor is 36 hexadecimal digits, or base64 of 18 bytes"))
}

fn session<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(source)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = read_bytes::<16>(&text).map(Vec::from);
    bytes.ok_or_else(|| de::Error::custom("a session is 32 hexadecimal digits, or base64 of 16 bytes"))
}

fn u64_or_text<'de, D: Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Plain(u64),
        Text(String),
    }
    match Number::deserialize(source) {
        Ok(Number::Plain(number)) => Ok(number),
        Ok(Number::Text(text)) => text
            .parse()
            .map_err(|_| de::Error::custom("expected a whole number")),
        Err(_) => Err(de::Error::custom("expected a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_visitor_is_read_from_digits_and_from_either_base64() {
        let id: [u8; VISITOR_BYTES] = std::array::from_fn(|i| 0xf8 + i as u8 % 7);
        let standard = base64::prelude::BASE64_STANDARD.encode(id);
        let url_safe = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(id);
        for text in [hex::encode(id), standard, url_safe] {
            assert_eq!(read_visitor(&text).map(|visitor| visitor.0), Some(id), "{text}");
        }
        assert!(read_visitor("").is_none() && read_visitor(&"0".repeat(35)).is_none());
    }

    proptest! {
        /// A stranger writes these bytes: whatever they are, the answer is a batch or an error, never a panic. Half of them
        /// start like a batch, because pure noise never gets past the first brace.
        #[test]
        fn any_body_is_a_batch_or_an_error(noise in ".{0,200}", value in "[-0-9eE.\"a-z\\[\\]{}:,]{0,40}") {
            let _ = JsonBatch::read(noise.as_bytes());
            let body = format!(r#"{{"events":[{{"exposure":{{"draw":{value}}}}},{{"outcome":{{"name":"a","value":{value}}}}}]}}"#);
            if let Ok(batch) = JsonBatch::read(body.as_bytes()) {
                prop_assert!(batch.as_batch().events.len() <= MAX_BATCH_EVENTS);
            }
        }
    }
}
