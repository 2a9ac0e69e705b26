//! How many events a second of processor time one thread joins and folds, and how long a fit takes.
//!
//! `cargo run --release -p tiltwise-core --example fold_throughput [ARMS ATTRIBUTES]`
//!
//! Records as the log holds them are decoded, joined and folded: three arms, eight one-hot attributes of ten values, two
//! metrics, one visitor in five with an outcome. Joined and folded only, the decoding is left out; and once
//! more without the sums for inference. Prints the best of five runs; the machine is never alone.

use std::time::Instant;

use tiltwise_core::acc::Accumulators;
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

/// How many arms and attributes there are.
#[derive(Clone, Copy)]
struct Shape {
    arms: u32,
    attributes: u64,
}

fn main() {
    let given: Vec<u32> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let shape = match given.as_slice() {
        [arms, attributes] => Shape {
            arms: *arms,
            attributes: u64::from(*attributes),
        },
        _ => Shape {
            arms: 3,
            attributes: 8,
        },
    };
    let revision = || revision(shape);
    let records: Vec<Vec<u8>> = (0..VISITORS / BATCH).map(|batch| record(shape, batch)).collect();
    let events = VISITORS + VISITORS / 5;
    let mut best = f64::INFINITY;
    let mut fold = Fold::new(Params::default());
    for _ in 0..5 {
        fold = Fold::new(Params::default());
        fold.add_revision(ID, revision());
        let began = cpu_seconds();
        for bytes in &records {
            if let Ok(record) = LogRecord::decode(bytes) {
                fold.apply(record);
            }
        }
        best = best.min(cpu_seconds() - began);
    }
    assert_eq!(fold.counts().get(&Verdict::Folded), Some(&events));
    println!(
        "decode + join + fold: {:.0} events per CPU-second",
        events as f64 / best
    );
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let decoded: Vec<LogRecord> = records
            .iter()
            .filter_map(|bytes| LogRecord::decode(bytes).ok())
            .collect();
        let mut fold = Fold::new(Params::default());
        fold.add_revision(ID, revision());
        let began = cpu_seconds();
        for record in decoded {
            fold.apply(record);
        }
        best = best.min(cpu_seconds() - began);
    }
    println!("join + fold: {:.0} events per CPU-second", events as f64 / best);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let decoded: Vec<LogRecord> = records
            .iter()
            .filter_map(|bytes| LogRecord::decode(bytes).ok())
            .collect();
        let mut fold = Fold::new(Params::default());
        fold.add_revision(ID, revision());
        fold.begin_with(Accumulators::for_learning_only(ID, &revision()));
        let began = cpu_seconds();
        for record in decoded {
            fold.apply(record);
        }
        best = best.min(cpu_seconds() - began);
    }
    println!(
        "join + fold, without the sums for inference: {:.0} events per CPU-second",
        events as f64 / best
    );
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

fn record(shape: Shape, batch: u64) -> Vec<u8> {
    let clock_ms = 1_700_000_000_000 + batch * 50;
    let mut events = Vec::new();
    for visitor in batch * BATCH..(batch + 1) * BATCH {
        events.push(event(visitor, clock_ms, Fact::Exposure(exposure(shape, visitor))));
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

fn exposure(shape: Shape, visitor: u64) -> Exposure {
    let arms = shape.arms as usize;
    let slots = (0..shape.attributes)
        .map(|i| (1 + i * 100 + (visitor.wrapping_mul(2 * i + 3) >> i) % 10) as u32)
        .collect();
    Exposure {
        revision: ID,
        model: 1,
        episode: 0,
        arm: (visitor % u64::from(shape.arms)) as u32,
        draw: 0,
        slots,
        values_q10: Vec::new(),
        propensities_q30: propensities(shape.arms),
        predictions_micros: vec![120_000; arms],
        variances_micros: vec![90_000; arms],
        flags: 0,
        unit_kind: UnitKind::Visitor,
    }
}

/// Of this thread, as Linux counts it, so that what else the machine does is left out.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|text| text.parse::<f64>().ok());
    nanoseconds.unwrap_or(f64::NAN) / 1e9
}

/// The last arm takes what rounding leaves.
fn propensities(arms: u32) -> Vec<u32> {
    let even = ONE_Q30 / arms;
    (1..=arms)
        .map(|arm| {
            if arm == arms {
                ONE_Q30 - even * (arms - 1)
            } else {
                even
            }
        })
        .collect()
}

fn revision(shape: Shape) -> Revision {
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
        variants: (0..shape.arms)
            .map(|i| Variant {
                key: format!("v{i}"),
                value: "1".into(),
            })
            .collect(),
        when: Condition::always(),
        attributes: (0..shape.attributes).map(attribute).collect(),
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
