//! A small world with every kind of trouble in it: copies, late and early events, forced choices, erasures.
//!
//! Times are scaled down (a window of four seconds, a disorder of six), so that a hundred seconds of clock hold open, closed,
//! rolled-up and dropped episodes at once.

use proptest::prelude::*;
use tiltwise_core::event::{
    Exposure, FLAG_COMPARISON, FLAG_OVERRIDE, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine,
};
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::join::{Fold, MAX_STEP_MS, Params};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};

pub const PARAMS: Params = Params {
    lateness_ms: 2_000,
    disorder_ms: 6_000,
    dedupe_ms: 15_000,
    mark_ms: 30_000,
};
pub const BASE_MS: u64 = 1_000_000;
const SPAN_MS: u64 = 100_000;

/// Two experiments: a rate with a value beside it, and a value of three arms that forgets quickly.
pub fn revisions() -> [(RevisionId, Revision); 2] {
    let rate = Metric::rate("signup", 4_000);
    let mut value = Metric::rate("purchase", 9_000);
    value.cap_micros = 3_000_000;
    value.currency = "EUR".into();
    let mut trusted = value.clone();
    trusted.window_ms = 1_000;
    trusted.min_tier = Tier::Server;
    [
        (RevisionId(7), revision(2, vec![rate, value], 0)),
        (RevisionId(3), revision(3, vec![trusted], 4_000)),
    ]
}

fn revision(arms: usize, metrics: Vec<Metric>, half_life_ms: u64) -> Revision {
    let revision = Revision {
        key: "hero".into(),
        salt: [1; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 0,
        variants: (0..arms)
            .map(|i| Variant {
                key: format!("v{i}"),
                value: "1".into(),
            })
            .collect(),
        when: Condition::always(),
        attributes: (0..3).map(|i| attribute(&format!("a{i}"))).collect(),
        policy: Policy {
            kind: PolicyKind::Contextual,
            min_propensity_q30: 0,
            weights_q30: Vec::new(),
        },
        metrics,
        half_life_ms,
        bucket_ms: 10_000,
        fine_ms: 250,
        horizon_units: 0,
    };
    revision.check().expect("a revision that can be used");
    revision
}

fn attribute(name: &str) -> Attribute {
    Attribute {
        name: name.into(),
        kind: AttributeKind::Categorical,
        hidden: false,
    }
}

/// A fold of the world's revisions.
pub fn fold() -> Fold {
    let mut fold = Fold::new(PARAMS);
    for (id, revision) in revisions() {
        fold.add_revision(id, revision);
    }
    fold
}

/// The canonical bytes of all sums at this clock.
pub fn sums_at(fold: &mut Fold, clock_ms: u64) -> Vec<Vec<u8>> {
    tell(fold, clock_ms);
    revisions().iter().map(|(id, _)| fold.sums_bytes(*id)).collect()
}

/// Moves the clock by clock records.
pub fn tell(fold: &mut Fold, clock_ms: u64) {
    while fold.clock().ms() < clock_ms {
        let step = if fold.clock().is_set() {
            (fold.clock().ms() + MAX_STEP_MS).min(clock_ms)
        } else {
            clock_ms
        };
        fold.apply(LogRecord {
            clock_ms: step,
            events: Vec::new(),
        });
    }
}

/// Puts events in an order that `disorder` allows: each is delayed by its jitter, and stamped into a record of its own.
pub fn records(events: &[LoggedEvent], jitter: &[u16]) -> Vec<LogRecord> {
    let mut order: Vec<(u64, usize)> = events
        .iter()
        .enumerate()
        .map(|(i, event)| {
            (
                event.received_ms + u64::from(jitter[i % jitter.len()]) % PARAMS.disorder_ms,
                i,
            )
        })
        .collect();
    order.sort_unstable();
    let mut clock_ms = BASE_MS;
    order
        .into_iter()
        .map(|(_, i)| {
            clock_ms = clock_ms.max(events[i].received_ms);
            LogRecord {
                clock_ms,
                events: vec![events[i].clone()],
            }
        })
        .collect()
}

pub fn jitters() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 1..97)
}

/// Some clock after the last event: windows open, closed, rolled up, dropped.
pub fn end() -> impl Strategy<Value = u64> {
    (0..80_000u64).prop_map(|more| BASE_MS + SPAN_MS + more)
}

pub fn events() -> impl Strategy<Value = Vec<LoggedEvent>> {
    prop::collection::vec(event(), 1..160)
}

fn event() -> impl Strategy<Value = LoggedEvent> {
    let stamps = (0..SPAN_MS, prop_oneof![4 => 0..2_000u64, 1 => 0..12_000u64]);
    let tier = prop_oneof![Just(Tier::Page), Just(Tier::Server)];
    let quarantine = prop_oneof![20 => Just(Quarantine::None), 1 => Just(Quarantine::Disagrees)];
    (0..5u8, stamps, tier, quarantine, fact()).prop_map(
        |(unit, (received, delay), tier, quarantine, (id, fact))| {
            let received_ms = BASE_MS + received;
            LoggedEvent {
                id: [id; 16],
                unit: Pseudonym([unit; 16]),
                received_ms,
                at_ms: received_ms - delay.min(received),
                tier,
                quarantine,
                fact,
            }
        },
    )
}

fn fact() -> impl Strategy<Value = (u8, Fact)> {
    prop_oneof![
        40 => (any::<u8>(), exposure()).prop_map(|(id, x)| (id, Fact::Exposure(x))),
        // Few ids: most outcomes have copies.
        60 => (0..12u8, outcome()).prop_map(|(id, outcome)| (id, Fact::Outcome(outcome))),
        3 => any::<u8>().prop_map(|id| (id, Fact::Erasure)),
    ]
}

fn outcome() -> impl Strategy<Value = LoggedOutcome> {
    let name = prop_oneof![Just("signup"), Just("purchase"), Just("refund")];
    let currency = prop_oneof![9 => Just("EUR"), 1 => Just("USD")];
    (name, 0..2_500_000i64, currency).prop_map(|(name, value_micros, currency)| LoggedOutcome {
        name: name.into(),
        value_micros,
        currency: currency.into(),
    })
}

fn exposure() -> impl Strategy<Value = Exposure> {
    let flags = prop_oneof![20 => Just(0), 5 => Just(FLAG_COMPARISON), 1 => Just(FLAG_OVERRIDE)];
    let slots = prop::collection::btree_map(1..9u32, prop_oneof![3 => Just(1024), 1 => -900..900i32], 0..4);
    (
        0..2usize,
        0..4u64,
        0..3u32,
        1..ONE_Q30 / 2,
        slots,
        flags,
        any::<bool>(),
    )
        .prop_map(|(which, episode, arm, p, slots, flags, predicts)| {
            let (revision, definition) = &revisions()[which];
            let arms = definition.arms();
            let mut propensities_q30 = vec![p; arms - 1];
            propensities_q30.push(ONE_Q30 - p * (arms as u32 - 1));
            let all_one = slots.values().all(|&v| v == 1024);
            Exposure {
                revision: *revision,
                model: 1,
                episode,
                arm: arm % arms as u32,
                draw: 0,
                slots: slots.keys().copied().collect(),
                values_q10: if all_one {
                    Vec::new()
                } else {
                    slots.values().copied().collect()
                },
                propensities_q30,
                predictions_micros: if predicts { vec![123_456; arms] } else { Vec::new() },
                variances_micros: if predicts { vec![98_765; arms] } else { Vec::new() },
                flags,
                unit_kind: UnitKind::Visitor,
            }
        })
}
