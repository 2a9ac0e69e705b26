//! Accumulators against prost, an independent implementation of the same proto file.
//!
//! Property: whatever sums the core writes, prost reads and writes to the same bytes, and the core reads again to the same
//! bytes. Their form is packed lists of differences over sorted slots, where a slip would only show as a model gone wrong.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use prost::Message;
use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::{Exposure, FLAG_COMPARISON};
use tiltwise_core::id::{RevisionId, UnitKind};
use tiltwise_core::join::reward::Worth;
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant};
use tiltwise_tests::proto;

fn revision() -> Revision {
    Revision {
        key: "hero".into(),
        salt: [1; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 1,
        variants: (0..3)
            .map(|i| Variant {
                key: format!("v{i}"),
                value: "1".into(),
            })
            .collect(),
        when: Condition::always(),
        attributes: Vec::new(),
        policy: Policy {
            kind: PolicyKind::Contextual,
            ..Policy::default()
        },
        metrics: vec![Metric::rate("signup", 60_000), Metric::rate("cart", 60_000)],
        half_life_ms: 0,
        bucket_ms: 60_000,
        fine_ms: 1_000,
        horizon_units: 0,
    }
}

fn episodes() -> impl Strategy<Value = Vec<(u64, Exposure, Worth)>> {
    let slots = btree_map(1..=65_535u32, -8192..=8192i32, 0..6);
    let episode = (
        0..200_000u64,
        0..3u32,
        1..ONE_Q30 / 3,
        slots,
        any::<bool>(),
        0..=1_000_000u32,
        0..17u8,
    );
    let build = |(at_ms, arm, p, slots, in_comparison, reward, bin): (
        _,
        _,
        _,
        std::collections::BTreeMap<u32, i32>,
        _,
        _,
        _,
    )| {
        let exposure = Exposure {
            revision: RevisionId(9),
            model: 1,
            episode: 1,
            arm,
            draw: 0,
            slots: slots.keys().copied().collect(),
            values_q10: slots.values().copied().collect(),
            propensities_q30: vec![p, ONE_Q30 - 2 * p, p],
            predictions_micros: vec![100_000, 200_000, 300_000],
            variances_micros: vec![90_000; 3],
            flags: if in_comparison { FLAG_COMPARISON } else { 0 },
            unit_kind: UnitKind::Visitor,
        };
        let worth = Worth {
            rewards_micros: vec![reward, 1_000_000 - reward],
            delays: vec![(bin, reward)],
        };
        (at_ms, exposure, worth)
    };
    vec(episode.prop_map(build), 1..40)
}

proptest! {
    #[test]
    fn sums_are_the_same_message_and_the_same_bytes(episodes in episodes(), clock_ms in 0..10_000_000u64) {
        let revision = revision();
        let mut sums = Accumulators::new(RevisionId(9), &revision);
        for (at_ms, exposure, worth) in &episodes {
            sums.change(exposure, *at_ms, None, Some(worth), clock_ms);
        }
        sums.roll_up(clock_ms);
        let bytes = sums.encode();
        let theirs = proto::Accumulators::decode(&bytes[..]).unwrap();
        prop_assert_eq!(theirs.learning.iter().map(|bucket| bucket.n).sum::<i64>(), episodes.len() as i64);
        prop_assert_eq!(theirs.encode_to_vec(), bytes.clone());
        prop_assert_eq!(Accumulators::decode(&bytes, &revision).unwrap().encode(), bytes);
    }
}
