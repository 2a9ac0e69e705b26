//! Rows become sums, through the running experiment's own join and fold.
//!
//! Units come one after another, each with its events in the order of time. Propensities are told apart by class: each
//! class is folded as a revision of its own, so that what comes out are plain integer sums with one weight for all of them.

use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::{Exposure, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::fit::history::Part;
use tiltwise_core::id::{Pseudonym, RevisionId, Tier};
use tiltwise_core::join::{Fold, Params};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{MEMORY_MS, Revision, Sticky};
use tiltwise_core::time::Ladder;

use super::choice::weight_of;
use super::tally::{Reason, Tally};
use super::{Decision, Outcome, Rows, UnitId};

/// Everything has been received: nothing is late, and nothing is out of order.
const PARAMS: Params = Params {
    lateness_ms: 0,
    disorder_ms: 200 * 365 * 86_400_000,
    dedupe_ms: 48 * 3_600_000,
    mark_ms: 0,
};
/// Units that are in memory as events at a time.
const UNITS_AT_ONCE: usize = 4_096;

/// Sorts rows by unit and time, and leaves out the decisions that do not count.
pub fn settle(rows: &mut Rows, tally: &mut Tally, revision: &Revision, now_ms: u64) {
    let complete_ms = if rows.whole_rows { now_ms } else { rows.last_ms };
    let window_ms = revision.metric().window_ms;
    let ladder = Ladder::of(revision);
    rows.outcomes
        .sort_by_key(|(unit, outcome)| (*unit, outcome.at_ms, outcome.id));
    rows.decisions
        .sort_by_key(|decision| (decision.unit, decision.at_ms, decision.line));
    let mut kept: Vec<Decision> = Vec::with_capacity(rows.decisions.len());
    let mut rest = rows.decisions.as_slice();
    while let Some(first) = rest.first() {
        let episode_ms = match (rows.whole_rows, revision.sticky) {
            // Each row is a decision with its own outcome.
            (true, _) => 1,
            (false, Sticky::Visitor) => MEMORY_MS,
            (false, Sticky::Session | Sticky::None) => window_ms,
        };
        let belongs = |other: &&Decision| other.unit == first.unit && other.at_ms - first.at_ms < episode_ms;
        let length = rest.iter().take_while(belongs).count();
        let (episode, after) = rest.split_at(length);
        rest = after;
        let crossed = episode.iter().any(|other| other.arm != first.arm);
        let reason = if crossed {
            Some(Reason::TwoVariants)
        } else if first.at_ms.saturating_add(window_ms) > complete_ms {
            Some(Reason::TooYoung)
        } else if ladder.bucket(first.at_ms, now_ms).is_none() {
            Some(Reason::TooOld)
        } else {
            None
        };
        for (i, decision) in episode.iter().enumerate() {
            match reason {
                Some(reason) => tally.leave_out(reason, decision.line, None),
                None if i > 0 => tally.leave_out(Reason::Repeated, decision.line, None),
                None => kept.push(decision.clone()),
            }
        }
    }
    rows.decisions = kept;
    tally.decisions = rows.decisions.len() as u64;
}

/// Folds settled rows. One part for each class of propensities, by class.
pub fn fold(rows: &Rows, revision: &Revision, now_ms: u64) -> Vec<Part> {
    let empty = empty(rows, revision);
    let mut whole = empty.clone();
    let mut decisions = rows.decisions.as_slice();
    let mut outcomes = rows.outcomes.as_slice();
    while !decisions.is_empty() {
        let mut fold = empty.clone();
        let mut events = Vec::new();
        for _ in 0..UNITS_AT_ONCE {
            let Some(unit) = decisions.first().map(|decision| decision.unit) else {
                break;
            };
            let (own, after) = decisions.split_at(decisions.partition_point(|d| d.unit <= unit));
            decisions = after;
            outcomes = outcomes.split_at(outcomes.partition_point(|(u, _)| *u < unit)).1;
            let (theirs, after) = outcomes.split_at(outcomes.partition_point(|(u, _)| *u <= unit));
            outcomes = after;
            events.extend(
                own.iter()
                    .enumerate()
                    .flat_map(|(i, d)| decided(d, i as u64, rows, revision)),
            );
            events.extend(
                theirs
                    .iter()
                    .map(|(unit, outcome)| happened(*unit, outcome, revision)),
            );
        }
        fold.apply(LogRecord {
            clock_ms: now_ms,
            events,
        });
        whole.merge_sums(&fold);
    }
    whole.roll_up();
    whole
        .sums()
        .iter()
        .map(|(id, sums)| Part {
            weight: weight_of(id.0 as u8),
            sums: for_learning(sums, revision),
        })
        .collect()
}

/// Without what results are read from: history has no say in them.
fn for_learning(sums: &Accumulators, revision: &Revision) -> Accumulators {
    let mut kept = Accumulators::new(sums.revision(), revision);
    kept.learning = sums.learning.clone();
    kept
}

fn empty(rows: &Rows, revision: &Revision) -> Fold {
    let mut fold = Fold::new(PARAMS);
    let mut classes: Vec<u8> = rows.decisions.iter().map(|decision| decision.class).collect();
    classes.sort_unstable();
    classes.dedup();
    for class in classes {
        fold.add_revision(RevisionId(class.into()), revision.clone());
    }
    fold
}

/// A decision, and the outcome that it brings along. Such a row stands by itself: its unit is one of this row alone, so that
/// no other row's outcome counts for it.
fn decided(decision: &Decision, episode: u64, rows: &Rows, revision: &Revision) -> Vec<LoggedEvent> {
    let mut unit = decision.unit;
    if rows.whole_rows {
        for (byte, other) in unit.iter_mut().zip(
            decision
                .at_ms
                .to_le_bytes()
                .iter()
                .chain(&decision.line.to_le_bytes()),
        ) {
            *byte ^= other;
        }
    }
    let features = rows
        .features
        .get(decision.features as usize)
        .cloned()
        .unwrap_or_default();
    let mut propensities_q30 = vec![0; revision.arms()];
    if let Some(p) = propensities_q30.get_mut(decision.arm as usize) {
        // The class has the true one. Nothing that is kept is made of these.
        *p = ONE_Q30;
    }
    let exposure = Exposure {
        revision: RevisionId(decision.class.into()),
        model: 0,
        episode,
        arm: decision.arm.into(),
        draw: 0,
        slots: features.slots,
        values_q10: features.values_q10,
        propensities_q30,
        predictions_micros: Vec::new(),
        variances_micros: Vec::new(),
        flags: 0,
        unit_kind: revision.unit,
    };
    let mut id = [0; 16];
    for (byte, part) in id.iter_mut().zip(episode.to_le_bytes()) {
        *byte = part;
    }
    let mut events = vec![logged(id, unit, decision.at_ms, Fact::Exposure(exposure))];
    events.extend(
        decision
            .outcome
            .iter()
            .map(|outcome| happened(unit, outcome, revision)),
    );
    events
}

fn happened(unit: UnitId, outcome: &Outcome, revision: &Revision) -> LoggedEvent {
    let metric = revision.metric();
    let fact = LoggedOutcome::new(&metric.event, outcome.value, &metric.currency);
    logged(outcome.id, unit, outcome.at_ms, Fact::Outcome(fact))
}

/// As if it had been received when it happened, from whom every metric believes.
fn logged(id: [u8; 16], unit: UnitId, at_ms: u64, fact: Fact) -> LoggedEvent {
    LoggedEvent {
        id,
        unit: Pseudonym(unit),
        received_ms: at_ms,
        at_ms,
        tier: Tier::Server,
        quarantine: Quarantine::None,
        fact,
    }
}
