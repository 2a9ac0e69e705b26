//! Bytes that somebody broke: a decoder finds an error or another valid value, and never panics.

use proptest::prelude::*;

use crate::river::{events, fold, jitters, records, revisions};
use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::{LogRecord, LoggedEvent};
use tiltwise_core::join::Fold;

fn broken(bytes: &[u8], at: usize, bits: u8, cut: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    let at = at % bytes.len();
    bytes[at] ^= bits;
    if cut {
        bytes.truncate(at);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn state_and_sums_survive_a_round_trip(events in events(), jitter in jitters()) {
        let mut fold = fold();
        for record in records(&events, &jitter) {
            fold.apply(record);
        }
        let bytes = fold.encode();
        prop_assert_eq!(&Fold::decode(&bytes).unwrap().encode(), &bytes);
        for (id, revision) in revisions() {
            let sums = fold.sums_bytes(id);
            if !sums.is_empty() {
                prop_assert_eq!(&Accumulators::decode(&sums, &revision).unwrap().encode(), &sums);
            }
        }
    }

    #[test]
    fn a_broken_byte_never_panics(
        events in events(), jitter in jitters(), breaks in prop::collection::vec((any::<usize>(), 1..=255u8, any::<bool>()), 32),
    ) {
        let mut fold = fold();
        let records = records(&events, &jitter);
        for record in &records {
            fold.apply(record.clone());
        }
        let state = fold.encode();
        let (id, revision) = &revisions()[0];
        let sums = fold.sums_bytes(*id);
        for (at, bits, cut) in breaks {
            // What a broken state means is another matter; folding into it must not panic either.
            if let Ok(mut fold) = Fold::decode(&broken(&state, at, bits, cut)) {
                for record in &records {
                    fold.apply(record.clone());
                }
                fold.encode();
            }
            if let Ok(mut sums) = Accumulators::decode(&broken(&sums, at, bits, cut), revision) {
                sums.roll_up(u64::MAX);
                sums.encode();
            }
            if let Some(record) = records.get(at % records.len()) {
                let _ = LogRecord::decode(&broken(&record.encode(), at, bits, cut));
                if let Some(event) = record.events.first() {
                    let _ = LoggedEvent::decode(&broken(&event.encode(), at, bits, cut));
                }
            }
        }
    }
}
