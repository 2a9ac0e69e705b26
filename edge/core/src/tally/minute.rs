//! What is said of a minute, with the names that people know.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::{EVERYBODY, Named, Row, Tally, Verdicts};
use crate::acc::Accumulators;
use crate::fit::Source;
use crate::id::RevisionId;
use crate::infer::evaluate::{Allocation, allocation};
use crate::join::Verdict;
use crate::revision::{Metric, Revision};

/// The visitors of a group that no name is known for.
const OTHERS: &str = "all others";

/// A minute of one revision.
#[derive(Clone, Debug)]
pub struct Minute {
    /// All that was ever shown, up to the end of the minute: what the next minute is judged with.
    pub shown: Accumulators,
    /// Whether units were shown arms as often as promised, up to the end of the minute.
    pub allocation: Allocation,
    /// By arm: everybody, then kinds of visitors by group.
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub arm: u32,
    /// What the visitors are told apart by, and what these are; nothing: everybody.
    pub kind: Option<(String, String)>,
    pub counts: Counts,
    pub units: i64,
    /// One a metric, in the metric's own units; for a kind of visitors the optimised one alone.
    pub rewards: Vec<i64>,
}

/// What became of events, in the words of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub taken: u64,
    /// Received too late, or too far behind the clock.
    pub late: u64,
    pub duplicate: u64,
    /// Of an unknown revision, contradicting itself or its revision, stamped ahead, or one of a flood.
    pub rejected: u64,
    /// Covered by an erasure.
    pub erased: u64,
}

impl From<&Verdicts> for Counts {
    fn from(verdicts: &Verdicts) -> Self {
        let mut counts = Self::default();
        for (count, verdict) in verdicts.iter().zip(Verdict::ALL) {
            let place = match verdict {
                Verdict::Folded => &mut counts.taken,
                Verdict::Superseded => &mut counts.duplicate,
                Verdict::Late | Verdict::Stale => &mut counts.late,
                Verdict::Erased => &mut counts.erased,
                Verdict::Ahead | Verdict::UnknownRevision | Verdict::Malformed | Verdict::Flooded => {
                    &mut counts.rejected
                }
            };
            *place += count;
        }
        counts
    }
}

/// Reads a tally as what it says of its revision; `before` is what had been shown up to its minute.
pub fn minute(
    id: RevisionId,
    revision: &Revision,
    named: &Named,
    tally: &Tally,
    before: Option<Accumulators>,
) -> Minute {
    let mut shown = before.unwrap_or_else(|| Accumulators::new(id, revision));
    if let Some(sums) = &tally.shown {
        shown.merge(sums);
    }
    shown.roll_up(0);
    let source = Source {
        revision,
        sums: &shown,
    };
    let allocation = allocation(revision, &[source], 0);
    Minute {
        allocation,
        lines: (0..)
            .zip(&revision.variants)
            .flat_map(|(arm, _)| lines(revision, named, tally, arm))
            .collect(),
        shown,
    }
}

fn lines(revision: &Revision, named: &Named, tally: &Tally, arm: u32) -> Vec<Line> {
    let all = tally.row(arm, EVERYBODY);
    let rewards = (0..).zip(&revision.metrics);
    let mut lines = Vec::from([Line {
        rewards: rewards
            .map(|(at, metric)| own_units(metric, tally.reward(arm, at)))
            .collect(),
        ..line(revision, arm, None, &all)
    }]);
    let mut others: BTreeMap<usize, Row> = BTreeMap::new();
    for (&slot, &(group, kind)) in &named.places {
        let row = tally.row(arm, slot);
        if row.is_zero() {
            continue;
        }
        others.entry(group).or_insert(all).take_away(&row);
        lines.extend(name(named, group, Some(kind)).map(|name| line(revision, arm, Some(name), &row)));
    }
    let rest = others.into_iter().filter(|(_, row)| !row.is_zero());
    lines.extend(rest.filter_map(|(group, row)| {
        name(named, group, None).map(|name| line(revision, arm, Some(name), &row))
    }));
    lines
}

fn line(revision: &Revision, arm: u32, kind: Option<(String, String)>, row: &Row) -> Line {
    Line {
        arm,
        kind,
        counts: Counts::from(&row.exposures),
        units: row.units,
        rewards: Vec::from([own_units(revision.metric(), row.reward_micros)]),
    }
}

/// The group's name, and that of the kind or of all others.
fn name(named: &Named, group: usize, kind: Option<usize>) -> Option<(String, String)> {
    let group = named.groups.get(group)?;
    let label = match kind {
        Some(kind) => group.kinds.get(kind)?.0.clone(),
        None => OTHERS.to_owned(),
    };
    Some((group.name.clone(), label))
}

/// Conversions of a metric that counts, and of one that has a value its micro-units of money: rewards are parts of the cap.
fn own_units(metric: &Metric, reward_micros: i64) -> i64 {
    match metric.cap_micros {
        0 => reward_micros / 1_000_000,
        cap => (i128::from(reward_micros) * i128::from(cap) / 1_000_000) as i64,
    }
}
