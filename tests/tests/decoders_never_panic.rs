//! Every decoder reads bytes that a stranger wrote.
//!
//! Property: any bytes are a message or an error, never a panic, and what decodes encodes to something that decodes to the
//! same. Plain random bytes hardly ever pass the first tag, so most inputs are golden messages with a few bytes changed,
//! cut or doubled.

use proptest::prelude::*;
use tiltwise_core::event::{Event, EventBatch, Exposure, LogRecord, LoggedEvent};
use tiltwise_core::revision::Revision;
use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};
use tiltwise_core::sticky::Memory;
use tiltwise_tests::unhex;

fn read_with_every_decoder(bytes: &[u8]) {
    let _ =
        EventBatch::decode(bytes).map(|batch| batch.events.iter().map(|e| Event::decode(e).is_ok()).count());
    let _ = Event::decode(bytes);
    let _ = LoggedEvent::decode(bytes);
    let _ = Memory::decode(bytes);
    let _ = Revision::decode(bytes);
    let _ = SealedSnapshot::decode(bytes);
    if let Ok(exposure) = Exposure::decode(bytes) {
        assert_eq!(Exposure::decode(&exposure.encode()), Ok(exposure));
    }
    if let Ok(record) = LogRecord::decode(bytes) {
        assert_eq!(LogRecord::decode(&record.encode()), Ok(record));
    }
    if let Ok(content) = SnapshotContent::decode(bytes) {
        assert!(SnapshotContent::decode(&content.encode()).is_ok());
    }
}

/// Golden snapshots and exposures, and a batch and a log record that hold the latter.
fn seeds() -> Vec<Vec<u8>> {
    let file: serde_json::Value = serde_json::from_str(include_str!("../golden/decisions.json")).unwrap();
    let mut seeds: Vec<Vec<u8>> = file["snapshots"]
        .as_object()
        .unwrap()
        .values()
        .map(|s| unhex(s.as_str().unwrap()))
        .collect();
    let exposures: Vec<Vec<u8>> = file["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["expect"]["exposure"].as_str())
        .map(unhex)
        .collect();
    let exposure = Exposure::decode(&exposures[0]).unwrap();
    let event = Event {
        made_ms: 5,
        body: tiltwise_core::event::Body::Exposure(exposure.clone()),
        id: "",
        visitor: None,
        account: "",
    }
    .encode();
    seeds.push(
        EventBatch {
            events: vec![&event],
            session: &[1; 16],
            ..EventBatch::default()
        }
        .encode(),
    );
    let logged = LoggedEvent {
        id: [1; 16],
        unit: tiltwise_core::id::Pseudonym([2; 16]),
        received_ms: 9,
        at_ms: 8,
        tier: tiltwise_core::id::Tier::Server,
        quarantine: tiltwise_core::event::Quarantine::None,
        fact: tiltwise_core::event::Fact::Exposure(exposure),
    };
    seeds.push(
        LogRecord {
            clock_ms: 10,
            events: vec![logged],
        }
        .encode(),
    );
    seeds.extend(exposures.into_iter().take(8));
    seeds.push(event);
    seeds
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_damaged_message_is_an_error_or_another_message(
        seed in prop::sample::select(seeds()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut bytes = seed;
        for (at, byte, kind) in edits {
            if bytes.is_empty() { break; }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ => { let tail = bytes[at..].to_vec(); bytes.extend(tail); }
            }
        }
        read_with_every_decoder(&bytes);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_with_every_decoder(&bytes);
    }
}

#[test]
fn a_newer_wire_version_says_which_part_to_upgrade() {
    let mut bytes = EventBatch::default().encode();
    bytes[6] = 2;
    assert_eq!(
        EventBatch::decode(&bytes).unwrap_err().to_string(),
        "wire version 2 is newer than 1: upgrade this part first"
    );
}
