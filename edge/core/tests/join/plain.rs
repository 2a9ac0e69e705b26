//! The join once more, as plainly as it can be said: from the whole set of events at once, without state, time or order.

use std::collections::{BTreeMap, BTreeSet};

use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::{Exposure, Fact, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::id::Tier;
use tiltwise_core::join::reward::Worth;
use tiltwise_core::revision::{Metric, Revision};

use crate::river::{PARAMS, revisions};

/// The canonical bytes of all sums at this clock.
pub fn sums_at(events: &[LoggedEvent], clock_ms: u64) -> Vec<Vec<u8>> {
    let units: BTreeSet<_> = events.iter().map(|event| event.unit).collect();
    revisions()
        .iter()
        .map(|(id, revision)| {
            let mut sums = Accumulators::new(*id, revision);
            for unit in &units {
                let all: Vec<&LoggedEvent> = events
                    .iter()
                    .filter(|e| e.unit == *unit && is_not_erased(e, events))
                    .collect();
                for (decided_at_ms, exposure) in counted(&all, id.0, revision) {
                    let worth = worth(&all, decided_at_ms, revision);
                    sums.change(exposure, decided_at_ms, None, Some(&worth), clock_ms);
                }
            }
            sums.roll_up(clock_ms);
            if sums.is_zero() { Vec::new() } else { sums.encode() }
        })
        .collect()
}

fn is_not_erased(event: &LoggedEvent, events: &[LoggedEvent]) -> bool {
    let covers = |e: &LoggedEvent| {
        e.unit == event.unit && e.fact == Fact::Erasure && e.received_ms >= event.received_ms
    };
    !events.iter().any(covers)
}

/// The standing exposure of every episode that counts.
fn counted<'a>(
    events: &[&'a LoggedEvent],
    revision_id: u64,
    revision: &Revision,
) -> Vec<(u64, &'a Exposure)> {
    let mut standing: BTreeMap<u64, &LoggedEvent> = BTreeMap::new();
    let mut forced: Vec<(u64, u64)> = Vec::new();
    for event in events {
        let Fact::Exposure(x) = &event.fact else { continue };
        if x.revision.0 != revision_id || event.received_ms - event.at_ms > PARAMS.lateness_ms {
            continue;
        }
        if x.is_override() {
            forced.push((x.episode, event.at_ms));
            continue;
        }
        let rank =
            |e: &LoggedEvent, x: &Exposure| (e.at_ms, e.received_ms, e.tier, e.id, e.quarantine, x.encode());
        let better = |other: &LoggedEvent| match &other.fact {
            Fact::Exposure(y) => rank(event, x) < rank(other, y),
            _ => true,
        };
        if standing.get(&x.episode).is_none_or(|other| better(other)) {
            standing.insert(x.episode, event);
        }
    }
    standing
        .into_iter()
        .filter(|(episode, event)| {
            let end = event.at_ms + revision.longest_window_ms();
            event.quarantine == Quarantine::None && !forced.iter().any(|(e, at)| e == episode && *at <= end)
        })
        .filter_map(|(_, event)| match &event.fact {
            Fact::Exposure(x) => Some((event.at_ms, x)),
            _ => None,
        })
        .collect()
}

fn worth(events: &[&LoggedEvent], decided_at_ms: u64, revision: &Revision) -> Worth {
    let mut worth = Worth::default();
    for (m, metric) in revision.metrics.iter().enumerate() {
        let mut counted: BTreeMap<[u8; 16], (u64, i64)> = BTreeMap::new();
        for (event, outcome) in standing_outcomes(events, metric.min_tier) {
            if counts(event, outcome, decided_at_ms, metric) {
                counted
                    .entry(event.id)
                    .or_insert((event.received_ms, outcome.value_micros));
            }
        }
        let mut by_receipt: Vec<(u64, [u8; 16], i64)> =
            counted.into_iter().map(|(id, (r, v))| (r, id, v)).collect();
        by_receipt.sort_unstable();
        let (mut total, mut reward, mut delays) = (0i128, 0u32, [0u32; 17]);
        for (received_ms, _, value) in by_receipt {
            total += i128::from(value);
            let now = if metric.cap_micros == 0 {
                1_000_000
            } else {
                let cap = i128::from(metric.cap_micros);
                ((total.min(cap) * 1_000_000 + cap / 2) / cap) as u32
            };
            // Steps begin at cubes of sixteenths of the window.
            let age = (received_ms - decided_at_ms) * 4_096;
            let bin = (1..=16).filter(|j| age >= j * j * j * metric.window_ms).count();
            delays[bin] += now - reward;
            reward = now;
        }
        worth.rewards_micros.push(reward);
        if m == 0 {
            worth.delays = (0..17u8).zip(delays).filter(|(_, micros)| *micros > 0).collect();
        }
    }
    worth
}

fn counts(event: &LoggedEvent, outcome: &LoggedOutcome, decided_at_ms: u64, metric: &Metric) -> bool {
    let end = decided_at_ms + metric.window_ms;
    (decided_at_ms..=end).contains(&event.at_ms)
        && event.received_ms <= end + PARAMS.lateness_ms
        && metric.counts(&outcome.name, &outcome.currency, event.tier)
}

/// Of copies of an id the first stands, and then the first that is received after its horizon. A metric sees only copies
/// of the tier that it asks for.
fn standing_outcomes<'a>(
    events: &[&'a LoggedEvent],
    least: Tier,
) -> Vec<(&'a LoggedEvent, &'a LoggedOutcome)> {
    let mut all: Vec<(&LoggedEvent, &LoggedOutcome)> = events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Outcome(outcome) if event.tier >= least => Some((*event, outcome)),
            _ => None,
        })
        .collect();
    all.sort_by(|(a, x), (b, y)| {
        (a.id, a.received_ms, a.tier, a.at_ms, x).cmp(&(b.id, b.received_ms, b.tier, b.at_ms, y))
    });
    let mut standing: Vec<(&LoggedEvent, &LoggedOutcome)> = Vec::new();
    for (event, outcome) in all {
        let duplicate = standing.last().is_some_and(|(last, _)| {
            last.id == event.id && event.received_ms <= last.received_ms + PARAMS.dedupe_ms
        });
        if !duplicate {
            standing.push((event, outcome));
        }
    }
    standing
}
