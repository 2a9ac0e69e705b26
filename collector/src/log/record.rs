//! How a record is put together from pieces, so that the committer never parses what admit has encoded.
//!
//! Encoded messages can be joined by concatenation: a head (wire version and clock) and any number of encoded events are
//! an encoded [`LogRecord`].

use tiltwise_core::{
    event::{LogRecord, LoggedEvent},
    wire::Writer,
};

/// The field of `LogRecord` that holds its events.
const EVENTS: u32 = 3;

/// What an event has in the log beside what its sender wrote: id, pseudonym, stamps and tags.
const STAMPS: usize = 64;

/// Writes events as elements of a record that has no head yet.
#[derive(Debug, Default)]
pub struct EventsWriter {
    events: Writer,
}

impl EventsWriter {
    /// With room for these events of a sender.
    pub fn for_events(encoded: &[&[u8]]) -> Self {
        let bytes = encoded.iter().map(|event| event.len() + STAMPS).sum();
        Self {
            events: Writer::with_capacity(bytes),
        }
    }

    pub fn push(&mut self, event: &LoggedEvent) {
        self.events.message(EVENTS, |w| event.write(w));
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// What was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.events).into_bytes()
    }
}

/// Events as elements of a record that has no head yet.
pub fn encode_events<'a>(events: impl IntoIterator<Item = &'a LoggedEvent>) -> Vec<u8> {
    let mut writer = EventsWriter::default();
    for event in events {
        writer.push(event);
    }
    writer.take()
}

/// The head of a record; by itself it is a clock record.
pub(super) fn head(clock_ms: u64) -> Vec<u8> {
    LogRecord {
        clock_ms,
        events: Vec::new(),
    }
    .encode()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiltwise_core::{
        event::{Fact, Quarantine},
        id::{Pseudonym, Tier},
    };

    #[test]
    fn a_head_and_events_are_the_record_that_would_have_been_encoded_whole() {
        let event = |unit| LoggedEvent {
            id: [1; 16],
            unit: Pseudonym([unit; 16]),
            received_ms: 5,
            at_ms: 4,
            tier: Tier::Server,
            quarantine: Quarantine::None,
            fact: Fact::Erasure,
        };
        let events = vec![event(1), event(2)];
        let mut joined = head(7);
        joined.extend(encode_events(&events));
        assert_eq!(joined, LogRecord { clock_ms: 7, events }.encode());
    }
}
