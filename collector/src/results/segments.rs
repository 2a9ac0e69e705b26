//! Who is shown what, by kind of visitor: read from the learning sums, which count every exposure at each of its slots.
//!
//! A slot is a hash, and no list of values is kept anywhere. So a kind of visitor has a row where it can be named: by the
//! ranges of a number, by yes and no, by what `when` compares with, and by the `values` that the file lists for people. All
//! others are one row. What is counted is what the model still learns from, the comparison group included: shares are those
//! of the newest buckets, rates those of buckets whose window has closed. They are not corrected for the tilt.
//!
//! A number as a number, and a pair of attributes in a contextual policy, have no rows.

use std::collections::{BTreeMap, BTreeSet};

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::features::encode;
use tiltwise_core::revision::{Attribute, AttributeKind, Condition, PolicyKind, Revision, Value};

use super::view::Segment;
use super::words::Measure;
use super::{Subject, places};

/// Rows of one group at most; the smallest go to the others.
const MAX_ROWS: usize = 12;
/// Combinations of the parts of a segment that are looked for.
const MAX_COMBINATIONS: usize = 4_096;
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

/// Kinds of visitors of which everybody is one.
struct Group {
    name: String,
    /// What the sums of a revision must have been encoded by to be counted.
    attributes: Vec<Attribute>,
    /// What they are called, with their slots.
    kinds: Vec<(String, u32)>,
}

fn groups(revision: &Revision, values: &BTreeMap<String, Vec<String>>) -> Vec<Group> {
    let named = |attribute: &Attribute| kinds(attribute, &revision.when, values);
    let visible = revision.attributes.iter().filter(|attribute| !attribute.hidden);
    match revision.policy.kind {
        PolicyKind::Contextual => visible
            .filter(|attribute| {
                matches!(
                    attribute.kind,
                    AttributeKind::Categorical | AttributeKind::Bins { .. }
                )
            })
            .map(|attribute| {
                let attributes = vec![attribute.clone()];
                let of = |(label, value)| Some((label, slot(&attributes, [(&attribute.name, value)])?));
                Group {
                    name: attribute.name.clone(),
                    kinds: named(attribute).into_iter().filter_map(of).collect(),
                    attributes,
                }
            })
            .collect(),
        PolicyKind::Thompson => {
            let parts: Vec<&Attribute> = revision.attributes.iter().filter(|part| part.hidden).collect();
            let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
            let of = |kind: Combination| {
                let values = parts.iter().map(|part| &part.name).zip(kind.values);
                Some((kind.labels.join(", "), slot(&revision.attributes, values)?))
            };
            let group = Group {
                name: names.join(", "),
                attributes: revision.attributes.clone(),
                kinds: combinations(parts.iter().map(|part| named(part)))
                    .into_iter()
                    .filter_map(of)
                    .collect(),
            };
            if parts.is_empty() { Vec::new() } else { vec![group] }
        }
        PolicyKind::Fixed | PolicyKind::BestArm => Vec::new(),
    }
}

/// A value that an attribute may have, by the name it is shown by; `None`: nothing is known.
type Kind = (String, Option<ContextValue>);

fn kinds(attribute: &Attribute, when: &Condition, values: &BTreeMap<String, Vec<String>>) -> Vec<Kind> {
    let mut kinds = match &attribute.kind {
        AttributeKind::Bins { cuts } => ranges(cuts),
        _ => listed(&attribute.name, when, values),
    };
    kinds.push(("not known".to_owned(), None));
    kinds
}

fn listed(name: &str, when: &Condition, values: &BTreeMap<String, Vec<String>>) -> Vec<Kind> {
    let mut kinds = vec![
        ("yes".to_owned(), ContextValue::Truth(true)),
        ("no".to_owned(), ContextValue::Truth(false)),
    ];
    let listed = values.get(name).into_iter().flatten();
    kinds.extend(listed.map(|text| (text.clone(), ContextValue::Text(text.as_str().into()))));
    compared(when, name, &mut kinds);
    let mut seen = BTreeSet::new();
    kinds.retain(|(label, value)| seen.insert((label.clone(), matches!(value, ContextValue::Text(_)))));
    let kinds = kinds.into_iter();
    kinds.map(|(label, value)| (label, Some(value))).collect()
}

/// Each range by its ends, with a number in it.
fn ranges(cuts: &[f64]) -> Vec<Kind> {
    let ends = cuts.iter().zip(cuts.iter().skip(1));
    let below = cuts
        .first()
        .map(|first| (format!("below {first}"), first - first.abs() - 1.0));
    let between = ends.map(|(from, to)| (format!("{from} to {to}"), *from));
    let above = cuts.last().map(|last| (format!("{last} or more"), *last));
    let all = below.into_iter().chain(between).chain(above);
    all.map(|(label, number)| (label, Some(ContextValue::Number(number))))
        .collect()
}

/// The values that a condition compares an attribute with.
fn compared(when: &Condition, name: &str, into: &mut Vec<(String, ContextValue)>) {
    match when {
        Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
            for part in parts {
                compared(part, name, into);
            }
        }
        Condition::Compare {
            attribute, values, ..
        } if attribute == name => {
            into.extend(values.iter().filter_map(|value| match value {
                Value::Text(text) => Some((text.clone(), ContextValue::Text(text.as_str().into()))),
                Value::Number(number) => Some((number.to_string(), ContextValue::Number(*number))),
                Value::Truth(_) => None,
            }));
        }
        Condition::Compare { .. } => {}
    }
}

#[derive(Clone, Default)]
struct Combination {
    labels: Vec<String>,
    values: Vec<Option<ContextValue>>,
}

/// Every way to take one of each.
fn combinations(parts: impl Iterator<Item = Vec<Kind>>) -> Vec<Combination> {
    parts.fold(vec![Combination::default()], |all, kinds| {
        let longer = |begun: &Combination, (label, value): &Kind| {
            let mut longer = begun.clone();
            longer.labels.push(label.clone());
            longer.values.push(value.clone());
            longer
        };
        all.iter()
            .flat_map(|begun| kinds.iter().map(move |kind| longer(begun, kind)))
            .take(MAX_COMBINATIONS)
            .collect()
    })
}

/// The one slot that a context of these values has.
fn slot<'a>(
    attributes: &[Attribute],
    values: impl IntoIterator<Item = (&'a String, Option<ContextValue>)>,
) -> Option<u32> {
    let mut context = Context::new();
    for (name, value) in values {
        if let Some(value) = value {
            context.set(name, value);
        }
    }
    encode(attributes, &context).slots.first().copied()
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
        let rows = rows_by_slot(groups, &here);
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

/// The group and the kind that each slot is of. Two that share a slot cannot be told apart: they belong to the others.
fn rows_by_slot(groups: &[Group], here: &[usize]) -> BTreeMap<u32, (usize, usize)> {
    let mut rows = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for &group in here {
        for (kind, &(_, slot)) in groups[group].kinds.iter().enumerate() {
            if rows.insert(slot, (group, kind)).is_some() {
                shared.insert(slot);
            }
        }
    }
    rows.retain(|slot, _| !shared.contains(slot));
    rows
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
