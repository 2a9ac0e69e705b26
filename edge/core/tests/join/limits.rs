//! What no person does: a thousand orders, ten thousand values of one attribute, clocks that are wrong.

use tiltwise_core::event::{Exposure, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::join::{Fold, Verdict};
use tiltwise_core::propensity::ONE_Q30;

use crate::river::{BASE_MS, PARAMS, fold, tell};

const REVISION: RevisionId = RevisionId(7);

fn event(unit: u16, id: u16, received_ms: u64, fact: Fact) -> LoggedEvent {
    let wide = |n: u16| {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        bytes
    };
    LoggedEvent {
        id: wide(id),
        unit: Pseudonym(wide(unit)),
        received_ms,
        at_ms: received_ms,
        tier: Tier::Page,
        quarantine: Quarantine::None,
        fact,
    }
}

fn exposure(slots: Vec<u32>) -> Fact {
    Fact::Exposure(Exposure {
        revision: REVISION,
        model: 1,
        episode: 1,
        arm: 1,
        draw: 0,
        slots,
        values_q10: Vec::new(),
        propensities_q30: vec![ONE_Q30 / 2; 2],
        predictions_micros: Vec::new(),
        variances_micros: Vec::new(),
        flags: 0,
        unit_kind: UnitKind::Visitor,
    })
}

fn signup() -> Fact {
    Fact::Outcome(LoggedOutcome::new("signup", 0.0, ""))
}

fn send(fold: &mut Fold, event: LoggedEvent) {
    let clock_ms = event.received_ms;
    fold.apply(LogRecord {
        clock_ms,
        events: vec![event],
    });
}

fn n(fold: &Fold) -> i64 {
    fold.sums().get(&REVISION).map_or(0, |sums| {
        sums.learning
            .buckets()
            .flat_map(|(_, arms)| arms)
            .map(|arm| arm.n)
            .sum()
    })
}

#[test]
fn more_than_a_thousand_outcomes_void_an_episode_for_good() {
    let mut fold = fold();
    send(&mut fold, event(1, 0, BASE_MS, exposure(Vec::new())));
    for id in 1..=1_000 {
        send(&mut fold, event(1, id, BASE_MS + 1, signup()));
    }
    assert_eq!(n(&fold), 1, "a thousand are a thousand");
    for id in 1_001..6_000 {
        send(&mut fold, event(1, id, BASE_MS + 2 + u64::from(id / 4), signup()));
    }
    assert_eq!(n(&fold), 0);
    let unit = fold.shards().flat_map(tiltwise_core::join::Shard::units).next();
    assert!(unit.is_some_and(|(_, unit)| unit.outcomes.len() <= 4_096));
    tell(&mut fold, BASE_MS + 100_000);
    fold.trim();
    assert_eq!(n(&fold), 0);
}

#[test]
fn ten_thousand_values_of_an_attribute_are_counted_and_can_be_taken_away_again() {
    let mut fold = fold();
    for unit in 0..10_000u16 {
        let slots = vec![1 + u32::from(unit) * 3, 40_000 + u32::from(unit % 7)];
        send(&mut fold, event(unit, 0, BASE_MS, exposure(slots)));
    }
    assert_eq!(n(&fold), 10_000);
    assert_eq!(Fold::decode(&fold.encode()).unwrap().encode(), fold.encode());
    for unit in 0..10_000u16 {
        send(&mut fold, event(unit, 1, BASE_MS + 1, Fact::Erasure));
    }
    assert!(fold.sums_bytes(REVISION).is_empty());
}

#[test]
fn an_event_far_behind_the_clock_or_ahead_of_it_is_refused_and_counted() {
    let mut fold = fold();
    tell(&mut fold, BASE_MS);
    tell(&mut fold, BASE_MS + PARAMS.disorder_ms + 1);
    let clock_ms = fold.clock().ms();
    let events = vec![
        event(1, 0, BASE_MS, exposure(Vec::new())),
        event(2, 0, BASE_MS + 1, exposure(Vec::new())),
        event(3, 0, clock_ms + 1, exposure(Vec::new())),
    ];
    fold.apply(LogRecord { clock_ms, events });
    let counts: Vec<(Verdict, u64)> = fold.counts().iter().map(|(&v, &n)| (v, n)).collect();
    assert_eq!(
        counts,
        [(Verdict::Folded, 1), (Verdict::Stale, 1), (Verdict::Ahead, 1)]
    );
}

#[test]
fn an_exposure_of_an_unknown_or_unfitting_revision_is_refused() {
    let mut fold = fold();
    let mut other = exposure(Vec::new());
    if let Fact::Exposure(x) = &mut other {
        x.revision = RevisionId(99);
    }
    send(&mut fold, event(1, 0, BASE_MS, other.clone()));
    if let Fact::Exposure(x) = &mut other {
        x.revision = RevisionId(3);
    }
    send(&mut fold, event(1, 1, BASE_MS, other));
    let more_slots_than_attributes = exposure(vec![1, 2, 3, 4]);
    send(&mut fold, event(1, 2, BASE_MS, more_slots_than_attributes));
    assert_eq!(fold.counts().get(&Verdict::UnknownRevision), Some(&1));
    assert_eq!(fold.counts().get(&Verdict::Malformed), Some(&2));
}
