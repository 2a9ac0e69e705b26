//! The core's reader and writer against prost, an independent implementation of the same proto file.
//!
//! Property: whatever prost writes, the core reads to the same message and writes to the same bytes. A slip in a tag, a
//! zigzag, a packed list or an omitted default shows here and nowhere smaller: the core would agree with itself.

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use tiltwise_core::event::{Event, EventBatch, Exposure, LogRecord};
use tiltwise_core::revision::Revision;
use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};
use tiltwise_tests::{proto, unhex};

fn exposures() -> impl Strategy<Value = proto::Exposure> {
    let arms = vec((any::<u32>(), 0..=1_000_000u32, 0..=1_000_000u32), 1..=64);
    let slots = proptest::collection::btree_map(1..=65_535u32, -8192..=8192i32, 0..=128);
    (
        any::<(u64, u64, u64, prop::sample::Index, bool, bool)>(),
        arms,
        slots,
        0..1u32 << 30,
        0..=3u32,
        0..=1u32,
    )
        .prop_map(
            |(
                (revision, model, episode, arm, with_predictions, with_values),
                arms,
                slots,
                draw,
                flags,
                kind,
            )| {
                proto::Exposure {
                    revision,
                    model,
                    episode,
                    arm: arm.index(arms.len()) as u32,
                    draw,
                    slots: slots.keys().copied().collect(),
                    values_q10: if with_values {
                        slots.values().copied().collect()
                    } else {
                        Vec::new()
                    },
                    propensities_q30: arms.iter().map(|a| a.0).collect(),
                    predictions_micros: if with_predictions {
                        arms.iter().map(|a| a.1).collect()
                    } else {
                        Vec::new()
                    },
                    variances_micros: if with_predictions {
                        arms.iter().map(|a| a.2).collect()
                    } else {
                        Vec::new()
                    },
                    flags,
                    unit_kind: kind,
                }
            },
        )
}

fn outcomes() -> impl Strategy<Value = proto::Outcome> {
    (".{1,20}", 0.0..1e9f64, "[A-Z]{3}|", ".{0,40}").prop_map(|(mut name, value, currency, mut id)| {
        name.truncate(name.floor_char_boundary(64));
        id.truncate(id.floor_char_boundary(128));
        proto::Outcome {
            name,
            value,
            currency,
            id,
        }
    })
}

fn logged() -> impl Strategy<Value = proto::LoggedEvent> {
    use proto::logged_event::Body;
    let outcome = ("[a-z]{1,64}", 0..=1_000_000_000_000_000i64, "[A-Z]{3}|").prop_map(
        |(name, value_micros, currency)| proto::LoggedOutcome {
            name,
            value_micros,
            currency,
        },
    );
    let body = prop_oneof![
        exposures().prop_map(Body::Exposure),
        outcome.prop_map(Body::Outcome),
        Just(Body::Erasure(proto::Erasure { reason: 0 })),
    ];
    (any::<([u8; 16], [u8; 16], u64, u64)>(), 0..=2u32, 0..=2u32, body).prop_map(
        |((id, unit, received_ms, at_ms), tier, quarantine, body)| proto::LoggedEvent {
            id: id.to_vec(),
            unit: unit.to_vec(),
            received_ms,
            at_ms,
            tier,
            quarantine,
            body: Some(body),
        },
    )
}

proptest! {
    #[test]
    fn an_exposure_is_the_same_message_and_the_same_bytes(theirs in exposures()) {
        let bytes = theirs.encode_to_vec();
        let ours = Exposure::decode(&bytes).unwrap();
        prop_assert_eq!(&ours.propensities_q30, &theirs.propensities_q30);
        prop_assert_eq!(&ours.values_q10, &theirs.values_q10);
        prop_assert_eq!((ours.revision.0, ours.model, ours.episode), (theirs.revision, theirs.model, theirs.episode));
        prop_assert_eq!(ours.encode(), bytes);
    }

    #[test]
    fn an_event_of_a_sender_is_the_same_bytes(
        outcome in outcomes(), made_ms: u64, visitor in prop::option::of(any::<[u8; 18]>()), account in "[a-z]{0,20}",
    ) {
        let theirs = proto::Event {
            made_ms,
            id: "e-1".into(),
            visitor: visitor.map(|v| v.to_vec()).unwrap_or_default(),
            account,
            body: Some(proto::event::Body::Outcome(outcome)),
        };
        let bytes = theirs.encode_to_vec();
        let ours = Event::decode(&bytes).unwrap();
        // The core writes fields in ascending order, and so does prost; a oneof stands at its lowest number.
        prop_assert_eq!(proto::Event::decode(&ours.encode()[..]).unwrap(), theirs);
    }

    #[test]
    fn a_record_of_the_log_is_the_same_message_and_the_same_bytes(clock_ms: u64, events in vec(logged(), 0..4)) {
        let theirs = proto::LogRecord { wire: 1, clock_ms, events };
        let bytes = theirs.encode_to_vec();
        let ours = LogRecord::decode(&bytes).unwrap();
        prop_assert_eq!(ours.events.len(), theirs.events.len());
        prop_assert_eq!(ours.encode(), bytes);
    }
}

#[test]
fn a_batch_written_by_the_core_is_read_by_protobuf() {
    let event = proto::Event {
        body: Some(proto::event::Body::Outcome(proto::Outcome {
            name: "signup".into(),
            ..Default::default()
        })),
        ..Default::default()
    }
    .encode_to_vec();
    let batch = EventBatch {
        session: &[7; 16],
        sequence: 3,
        sent_ms: 1_767_571_200_000,
        account: "Zoë",
        dropped: 2,
        events: vec![&event],
        unpersonalized: true,
        ..EventBatch::default()
    };
    let bytes = batch.encode();
    assert!(EventBatch::is_binary(&bytes));
    let theirs = proto::EventBatch::decode(&bytes[..]).unwrap();
    assert_eq!(
        (
            theirs.magic.to_le_bytes(),
            theirs.account.as_str(),
            theirs.dropped
        ),
        (*b"TWB1", "Zoë", 2)
    );
    assert_eq!(theirs.events[0].encode_to_vec(), event);
    let again = theirs.encode_to_vec();
    assert_eq!(EventBatch::decode(&again).unwrap().events, [event]);
}

#[test]
fn every_golden_snapshot_survives_a_round_through_protobuf() {
    let file: serde_json::Value = serde_json::from_str(include_str!("../golden/decisions.json")).unwrap();
    for (name, hex) in file["snapshots"].as_object().unwrap() {
        let bytes = unhex(hex.as_str().unwrap());
        let theirs = proto::SnapshotContent::decode(&bytes[..]).unwrap();
        assert_eq!(theirs.encode_to_vec(), bytes, "{name}");
        for experiment in &theirs.experiments {
            let revision = experiment.revision.as_ref().unwrap().encode_to_vec();
            assert_eq!(Revision::decode(&revision).unwrap().encode(), revision, "{name}");
        }
        assert_eq!(SnapshotContent::decode(&bytes).unwrap().encode(), bytes, "{name}");
    }
}

#[test]
fn a_sealed_snapshot_is_the_same_bytes() {
    let ours = SealedSnapshot {
        site: "shop".into(),
        version: u64::MAX,
        published_ms: 1,
        expires_ms: 2,
        hash: [3; 32],
        key_id: [4; 8],
        signature: vec![5; 64],
        folded_through_ms: 6,
        content: vec![7, 8],
    };
    let theirs = proto::SealedSnapshot::decode(&ours.encode()[..]).unwrap();
    assert_eq!(theirs.encode_to_vec(), ours.encode());
    assert_eq!(SealedSnapshot::decode(&theirs.encode_to_vec()).unwrap(), ours);
}
