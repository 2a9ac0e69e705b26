//! What a unit contributes is a pure function of the set of its events.
//!
//! Every property compares the canonical bytes of whole accumulators: a comparison of totals would miss a contribution that
//! is taken from one bucket and given to another, which is how joins go wrong.

use proptest::prelude::*;

use crate::plain;
use crate::river::{BASE_MS, end, events, fold, jitters, records, sums_at, tell};
use tiltwise_core::event::{Fact, LoggedEvent};
use tiltwise_core::join::{Fold, shard_of};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Nothing smaller would do: the reference has no state that could be trimmed too early or kept too long.
    #[test]
    fn any_order_gives_what_the_set_of_events_says(events in events(), jitter in jitters(), end in end()) {
        let mut fold = fold();
        for record in records(&events, &jitter) {
            fold.apply(record);
        }
        prop_assert_eq!(sums_at(&mut fold, end), plain::sums_at(&events, end));
    }

    #[test]
    fn partitions_that_are_merged_give_what_one_gives(
        events in events(), jitter in jitters(), other in jitters(), end in end(), power in 0..4u32,
    ) {
        let mut whole = fold();
        for record in records(&events, &jitter) {
            whole.apply(record);
        }
        let partitions = 1usize << power;
        let mut merged = fold();
        for partition in 0..partitions {
            let mine: Vec<LoggedEvent> =
                events.iter().filter(|e| shard_of(&e.unit) % partitions == partition).cloned().collect();
            let mut part = fold();
            for record in records(&mine, &other) {
                part.apply(record);
            }
            // Each at its own clock when they are merged: rolling up commutes with merging.
            merged.merge_sums(&part);
        }
        prop_assert_eq!(sums_at(&mut merged, end), sums_at(&mut whole, end));
    }

    #[test]
    fn when_state_is_trimmed_rolled_up_and_restored_makes_no_difference(
        events in events(), jitter in jitters(), end in end(), acts in prop::collection::vec((0..4u8, 0..160usize), 0..12),
    ) {
        let records = records(&events, &jitter);
        let mut lazy = fold();
        let mut busy = fold();
        for (i, record) in records.into_iter().enumerate() {
            lazy.apply(record.clone());
            busy.apply(record);
            for (act, _) in acts.iter().filter(|(_, at)| *at == i) {
                match act {
                    0 => busy.trim(),
                    1 => busy.roll_up(),
                    _ => busy = Fold::decode(&busy.encode()).expect("what was written can be read"),
                }
            }
        }
        prop_assert_eq!(sums_at(&mut busy, end), sums_at(&mut lazy, end));
        prop_assert_eq!(busy.encode(), lazy.encode(), "the state too");
    }

    #[test]
    fn erasing_a_unit_equals_never_having_seen_it(
        events in events(), jitter in jitters(), unit in 0..5u8, stamp in 0..100_000u64, end in end(),
    ) {
        let is_covered = |e: &LoggedEvent| e.unit.0 == [unit; 16] && e.received_ms <= BASE_MS + stamp;
        let without: Vec<LoggedEvent> = events.iter().filter(|e| !is_covered(e)).cloned().collect();
        let mut with = events;
        let Some(mut erasure) = with.first().cloned() else { return Ok(()) };
        erasure.unit.0 = [unit; 16];
        erasure.received_ms = BASE_MS + stamp;
        erasure.at_ms = erasure.received_ms;
        erasure.fact = Fact::Erasure;
        with.push(erasure);

        let mut erased = fold();
        for record in records(&with, &jitter) {
            erased.apply(record);
        }
        let mut never = fold();
        for record in records(&without, &jitter) {
            never.apply(record);
        }
        prop_assert_eq!(sums_at(&mut erased, end), sums_at(&mut never, end));
    }

    /// Who keeps each unit by itself looks at it once more, then: nothing may be left that only a second look would find.
    #[test]
    fn when_a_unit_rests_it_has_nothing_left_to_forget(events in events(), jitter in jitters()) {
        let mut fold = fold();
        for record in records(&events, &jitter) {
            fold.apply(record);
        }
        for (_, unit) in fold.shards().flat_map(tiltwise_core::join::Shard::units) {
            let mut rested = unit.clone();
            if let Some(ms) = unit.rests_after_ms(fold.params(), fold.revisions()) {
                rested.trim(fold.params(), fold.revisions(), ms + 1);
            }
            prop_assert_eq!(rested.rests_after_ms(fold.params(), fold.revisions()), None);
            let mut later = rested.clone();
            later.trim(fold.params(), fold.revisions(), BASE_MS + 1_000_000_000);
            prop_assert_eq!(later, rested);
        }
    }

    #[test]
    fn a_unit_that_is_over_leaves_nothing_but_its_contribution(events in events(), jitter in jitters()) {
        let mut fold = fold();
        for record in records(&events, &jitter) {
            fold.apply(record);
        }
        tell(&mut fold, BASE_MS + 400_000);
        fold.trim();
        for (_, unit) in fold.shards().flat_map(tiltwise_core::join::Shard::units) {
            prop_assert!(unit.outcomes.is_empty());
            prop_assert_eq!(unit.erased_through_ms, None);
            prop_assert!(unit.episodes.iter().all(|e| e.candidates.len() <= 1));
        }
    }
}
