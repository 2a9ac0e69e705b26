//! Kinds of visitors that can be named: a slot is a hash, and no list of values is kept anywhere.
//!
//! A kind has a name by the ranges of a number, by yes and no, by what `when` compares with, and by the values that the
//! experiment file lists for people. A number as a number, and a pair of attributes in a contextual policy, have none.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::{format, vec, vec::Vec};

use crate::context::{Context, ContextValue};
use crate::features::encode;
use crate::revision::{Attribute, AttributeKind, Condition, PolicyKind, Revision, Value};

/// Combinations of the parts of a segment that are looked for.
const MAX_COMBINATIONS: usize = 4_096;

/// The values that people listed, by attribute.
pub type Listed = BTreeMap<String, Vec<String>>;

/// Kinds of visitors of which everybody is one.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    /// What the sums of a revision must have been encoded by to be counted.
    pub attributes: Vec<Attribute>,
    /// What they are called, with their slots.
    pub kinds: Vec<(String, u32)>,
}

/// The groups of a revision's visitors.
///
/// Made where it is called: what encodes a page's context is compiled with the callers that it has, and the page's module must
/// not be larger for this one, which it never calls.
#[inline]
pub fn groups(revision: &Revision, values: &Listed) -> Vec<Group> {
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

/// The group and the kind that each slot is of, among the groups at these places. Two that share a slot cannot be told apart:
/// they belong to the others.
pub fn by_slot(groups: &[Group], here: &[usize]) -> BTreeMap<u32, (usize, usize)> {
    let mut rows = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for &at in here {
        let kinds = groups.get(at).map_or(&[][..], |group| &group.kinds);
        for (kind, &(_, slot)) in kinds.iter().enumerate() {
            if rows.insert(slot, (at, kind)).is_some() {
                shared.insert(slot);
            }
        }
    }
    rows.retain(|slot, _| !shared.contains(slot));
    rows
}

/// A value that an attribute may have, by the name it is shown by; `None`: nothing is known.
type Kind = (String, Option<ContextValue>);

// Apart, as the next one, since the JVM compiles no large function.
#[inline(never)]
fn kinds(attribute: &Attribute, when: &Condition, values: &Listed) -> Vec<Kind> {
    let mut kinds = match &attribute.kind {
        AttributeKind::Bins { cuts } => ranges(cuts),
        _ => listed(&attribute.name, when, values),
    };
    kinds.push(("not known".to_owned(), None));
    kinds
}

fn listed(name: &str, when: &Condition, values: &Listed) -> Vec<Kind> {
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
#[inline(never)]
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
#[inline]
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
