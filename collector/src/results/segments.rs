//! Who is shown what, by kind of visitor: read from the learning sums, which count every exposure at each of its slots.
//!
//! Which kinds can be named says the core ([`tiltwise_core::segments`]); all others are one row. What is counted is what the
//! model still learns from, the comparison group included: shares are those of the newest buckets, rates those of buckets whose
//! window has closed. They are not corrected for the tilt.

use tiltwise_core::revision::Revision;
use tiltwise_core::segments::{Group, by_slot, groups};

use super::view::Segment;
use super::words::Measure;
use super::{Subject, places};

/// Rows of one group at most; the smallest go to the others.
const MAX_ROWS: usize = 12;
/// One in the sums of squares of slots, and in those of rewards.
const ONE_Q20: i64 = 1 << 20;
const ONE_Q10: i64 = 1 << 10;

/// What there is to show.
#[derive(Debug, Default)]
pub(super) struct Segments {
    pub segments: Vec<Segment>,
    /// Attributes of which no value could be named.
    pub unnamed: Vec<String>,
}

/// `from_ms` is where the newest buckets begin.
pub(super) fn segments(subject: &Subject<'_>, measure: Measure<'_>, from_ms: u64) -> Segments {
    let today = &subject.experiment.revision;
    let groups = groups(today, subject.values);
    let mut all = Segments::default();
    for (group, tally) in groups.iter().zip(count(subject, &groups, from_ms)) {
        let rows = tally.rows();
        if rows.is_empty() {
            all.unnamed
                .extend((tally.everybody.n() > 0).then(|| group.name.clone()));
        }
        let of = |(label, row): (String, Row)| row.segment(&group.name, label, today, measure);
        all.segments.extend(rows.into_iter().map(of));
    }
    all
}

/// The sums of one arm.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: i64,
    newest_n: i64,
    closed_n: i64,
    closed_micros: i64,
}

/// One entry an arm.
#[derive(Clone, Debug)]
struct Row(Vec<Sums>);

/// What was counted of one group.
struct Tally {
    kinds: Vec<(String, Row)>,
    everybody: Row,
}

/// All groups in one pass over the sums, since there may be many.
fn count(subject: &Subject<'_>, groups: &[Group], from_ms: u64) -> Vec<Tally> {
    let today = &subject.experiment.revision;
    let empty = || Row(vec![Sums::default(); today.arms()]);
    let tally = |group: &Group| Tally {
        kinds: group
            .kinds
            .iter()
            .map(|(label, _)| (label.clone(), empty()))
            .collect(),
        everybody: empty(),
    };
    let mut tallies: Vec<Tally> = groups.iter().map(tally).collect();
    for (revision, sums) in subject.sums {
        // As what the model learns from: one encoder, one reward.
        let has = |group: &Group| {
            group
                .attributes
                .iter()
                .all(|one| revision.attributes.contains(one))
        };
        let here: Vec<usize> = (0..groups.len()).filter(|&at| has(&groups[at])).collect();
        if here.is_empty() || revision.metric() != today.metric() || revision.unit != today.unit {
            continue;
        }
        let rows = by_slot(groups, &here);
        let places = places(revision, today);
        for ((start_ms, width_ms), arms) in sums.learning.buckets() {
            let end_ms = start_ms.saturating_add(width_ms);
            let is_newest = end_ms > from_ms;
            let is_closed = end_ms.saturating_add(today.metric().window_ms) <= subject.clock_ms;
            for (arm, place) in arms.iter().zip(&places) {
                let Some(place) = *place else { continue };
                let mut add = |slot: u32, change: &dyn Fn(&mut Sums)| {
                    // The bias is active in all.
                    if slot == 0 {
                        for &group in &here {
                            change(&mut tallies[group].everybody.0[place]);
                        }
                    } else if let Some(&(group, kind)) = rows.get(&slot) {
                        change(&mut tallies[group].kinds[kind].1.0[place]);
                    }
                };
                arm.for_each_square(|slot, square| {
                    let n = square / ONE_Q20;
                    add(slot, &|sums| {
                        sums.n += n;
                        sums.newest_n += if is_newest { n } else { 0 };
                        sums.closed_n += if is_closed { n } else { 0 };
                    });
                });
                if is_closed {
                    arm.for_each_b(|slot, micros| {
                        add(slot, &|sums| sums.closed_micros += micros / ONE_Q10);
                    });
                }
            }
        }
    }
    tallies
}

impl Tally {
    /// What is named and was met, the largest first, and all others.
    fn rows(&self) -> Vec<(String, Row)> {
        let mut rows = self.kinds.clone();
        rows.retain(|(_, row)| row.n() > 0);
        rows.sort_by_key(|(_, row)| -row.n());
        rows.truncate(MAX_ROWS);
        let others = rows
            .iter()
            .fold(self.everybody.clone(), |all, (_, row)| all.without(row));
        if others.n() > 0 && !rows.is_empty() {
            rows.push(("all others".to_owned(), others));
        }
        rows
    }
}

impl Row {
    fn n(&self) -> i64 {
        self.0.iter().map(|sums| sums.n).sum()
    }

    fn without(mut self, other: &Self) -> Self {
        for (sums, other) in self.0.iter_mut().zip(&other.0) {
            sums.n -= other.n;
            sums.newest_n -= other.newest_n;
            sums.closed_n -= other.closed_n;
            sums.closed_micros -= other.closed_micros;
        }
        self
    }

    fn segment(&self, group: &str, label: String, revision: &Revision, measure: Measure<'_>) -> Segment {
        let newest: i64 = self.0.iter().map(|sums| sums.newest_n).sum();
        let arms = || {
            revision
                .variants
                .iter()
                .map(|variant| variant.key.clone())
                .zip(&self.0)
        };
        let share = |sums: &Sums| sums.newest_n as f64 / newest as f64;
        let rate = |sums: &Sums| sums.closed_micros as f64 / 1e6 / sums.closed_n as f64 * measure.scale();
        Segment {
            attribute: group.to_owned(),
            label,
            units: self.n() as u64,
            shares: arms()
                .filter(|_| newest > 0)
                .map(|(key, sums)| (key, share(sums)))
                .collect(),
            rates: arms()
                .filter(|(_, sums)| sums.closed_n > 0)
                .map(|(key, sums)| (key, rate(sums)))
                .collect(),
        }
    }
}
