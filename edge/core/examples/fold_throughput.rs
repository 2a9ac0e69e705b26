//! How many events a second one thread joins and folds, and how long a fit takes.
//!
//! `cargo run --release -p tiltwise-core --example fold_throughput`
//!
//! Records as the log holds them are decoded, joined and folded: three arms, eight one-hot attributes, two metrics, one
//! visitor in five with an outcome. Prints the best of five runs; the machine is never alone.

use std::time::Instant;

use tiltwise_core::event::{Exposure, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::fit::{Source, fit};
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::join::{Fold, Params, Verdict};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};

const ID: RevisionId = RevisionId(1);
const VISITORS: u64 = 200_000;
const BATCH: u64 = 100;

fn main() {
    let records: Vec<Vec<u8>> = (0..VISITORS / BATCH).map(record).collect();
    let events = VISITORS + VISITORS / 5;
    let mut best = f64::INFINITY;
    let mut fold = Fold::new(Params::default());
    for _ in 0..5 {
        fold = Fold::new(Params::default());
        fold.add_revision(ID, revision());
        let began = Instant::now();
        for bytes in &records {
            if let Ok(record) = LogRecord::decode(bytes) {
                fold.apply(record);
            }
        }
        best = best.min(began.elapsed().as_secs_f64());
    }
    assert_eq!(fold.counts().get(&Verdict::Folded), Some(&events));
    println!("decode + join + fold: {:.0} events/s", events as f64 / best);
    let began = Instant::now();
    fold.roll_up();
    println!("roll up: {:?}", began.elapsed());
    let began = Instant::now();
    let state = fold.encode();
    println!(
        "state: {} bytes a visitor, encoded in {:?}",
        state.len() as u64 / VISITORS,
        began.elapsed()
    );
    let definition = revision();
    if let Some(sums) = fold.sums().get(&ID) {
        let began = Instant::now();
        let model = fit(
            &definition,
            |_| true,
            &[Source {
                revision: &definition,
                sums,
            }],
            fold.clock().ms(),
        );
        println!("fit of {} slots: {:?}", model.slots.len(), began.elapsed());
    }
}

fn record(batch: u64) -> Vec<u8> {
    let clock_ms = 1_700_000_000_000 + batch * 50;
    let mut events = Vec::new();
    for visitor in batch * BATCH..(batch + 1) * BATCH {
        events.push(event(visitor, clock_ms, Fact::Exposure(exposure(visitor))));
        if visitor.is_multiple_of(5) {
            events.push(event(
                visitor,
                clock_ms,
                Fact::Outcome(LoggedOutcome::new("signup", 0.0, "")),
            ));
        }
    }
    LogRecord { clock_ms, events }.encode()
}

fn event(visitor: u64, received_ms: u64, fact: Fact) -> LoggedEvent {
    let mut unit = [0; 16];
    unit[..8].copy_from_slice(&visitor.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    let id = [u8::from(matches!(fact, Fact::Outcome(_))); 16];
    LoggedEvent {
        id,
        unit: Pseudonym(unit),
        received_ms,
        at_ms: received_ms,
        tier: Tier::Page,
        quarantine: Quarantine::None,
        fact,
    }
}

fn exposure(visitor: u64) -> Exposure {
    // Eight attributes of ten values each.
    let slots = (0..8u64)
        .map(|i| (1 + i * 100 + (visitor.wrapping_mul(2 * i + 3) >> i) % 10) as u32)
        .collect();
    Exposure {
        revision: ID,
        model: 1,
        episode: 0,
        arm: (visitor % 3) as u32,
        draw: 0,
        slots,
        values_q10: Vec::new(),
        propensities_q30: vec![ONE_Q30 / 4, ONE_Q30 / 4, ONE_Q30 / 2],
        predictions_micros: vec![100_000, 120_000, 140_000],
        variances_micros: vec![90_000; 3],
        flags: 0,
        unit_kind: UnitKind::Visitor,
    }
}

fn revision() -> Revision {
    let attribute = |i| Attribute {
        name: format!("a{i}"),
        kind: AttributeKind::Categorical,
        hidden: false,
    };
    Revision {
        key: "hero".into(),
        salt: [1; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 0,
        variants: (0..3)
            .map(|i| Variant {
                key: format!("v{i}"),
                value: "1".into(),
            })
            .collect(),
        when: Condition::always(),
        attributes: (0..8).map(attribute).collect(),
        policy: Policy {
            kind: PolicyKind::Contextual,
            min_propensity_q30: 1 << 23,
            weights_q30: Vec::new(),
        },
        metrics: vec![Metric::rate("signup", 1_800_000), Metric::rate("cart", 1_800_000)],
        half_life_ms: 7 * 86_400_000,
        bucket_ms: 900_000,
        fine_ms: 60_000,
        horizon_units: 0,
    }
}
