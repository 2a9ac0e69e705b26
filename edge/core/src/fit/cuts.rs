//! The ranges of a number: chosen once, from the first that were seen.
//!
//! An attribute that is declared as a number without cuts starts with a slot for each of many narrow ranges
//! ([`fine_slot`](crate::features::fine_slot)), whose sums are at once a histogram. After [`ENOUGH`] exposures [`choose`]
//! reads quantiles from it and gives a revision with those cuts. Cuts lie between narrow ranges, so the sums from before are
//! sums of the new ranges too: nothing that was learned is lost, and which exposures came first does not matter.
//!
//! Until then a fit works with [`provisional`] cuts, and [`spread`] gives each narrow range the weights of its own.

use alloc::{collections::BTreeMap, vec::Vec};

use super::Source;
use super::weigh::{SQUARE_ONE, Weighed};
use crate::features::{bin_slot, fine_range};
use crate::model::{MAX_MODEL_SLOTS, Model};
use crate::revision::{Attribute, AttributeKind, Revision};

/// Cuts are chosen after so many exposures. A narrow range that nobody was in has no weights, so waiting costs: with a fit
/// after every row, image segments earn .78 with 500, .86 with 200 and .88 with 100. But soon is early: rodents, whose first
/// rows are of one season, earn .72 with 100 and .80 with 200.
pub const ENOUGH: i64 = 200;
/// And after so many numbers of the attribute, where it is often absent.
const ENOUGH_NUMBERS: i64 = 100;
/// Ranges of a number. Eight that know nothing of each other earned most where they were alone; with neighbours held
/// together (see [`ridge`](super::ridge)), sixteen earn 1.6 points more.
pub const RANGES: usize = 16;

/// The revision with cuts for its numbers, where it is time for one of them at least.
pub fn choose(revision: &Revision, sources: &[Source<'_>]) -> Option<Revision> {
    let counts = Histograms::of(revision, sources.iter());
    (counts.exposures >= ENOUGH)
        .then(|| cut(revision, &counts, ENOUGH_NUMBERS))
        .flatten()
}

/// The same at any time, for a fit.
pub(super) fn provisional<'a>(
    revision: &Revision,
    sources: impl Iterator<Item = &'a Source<'a>>,
) -> Option<Revision> {
    if !revision
        .attributes
        .iter()
        .any(|a| a.kind == AttributeKind::Number)
    {
        return None;
    }
    cut(revision, &Histograms::of(revision, sources), 1)
}

fn cut(revision: &Revision, counts: &Histograms, enough: i64) -> Option<Revision> {
    let mut chosen = None;
    for (place, attribute) in revision.attributes.iter().enumerate() {
        let Some(histogram) = counts.by_attribute.get(&place) else {
            continue;
        };
        if attribute.kind != AttributeKind::Number || histogram.values().sum::<i64>() < enough {
            continue;
        }
        let into = chosen.get_or_insert_with(|| revision.clone());
        if let Some(attribute) = into.attributes.get_mut(place) {
            attribute.kind = AttributeKind::Bins {
                cuts: quantiles(histogram),
            };
        }
    }
    chosen
}

/// Exposures, and by attribute how many had a number in which narrow range.
struct Histograms {
    exposures: i64,
    by_attribute: BTreeMap<usize, BTreeMap<u32, i64>>,
}

impl Histograms {
    /// From what is not forgotten, of the same encoder before its numbers were cut.
    fn of<'a>(revision: &Revision, sources: impl Iterator<Item = &'a Source<'a>>) -> Self {
        let mut counts = Self {
            exposures: 0,
            by_attribute: BTreeMap::new(),
        };
        for source in sources.filter(|source| are_later(&source.revision.attributes, &revision.attributes)) {
            for (_, arms) in source.sums.learning.buckets() {
                for sums in arms {
                    counts.exposures += sums.n;
                    sums.for_each_square(|slot, square| {
                        if let Some((place, _)) = fine_range(slot) {
                            let histogram = counts.by_attribute.entry(place).or_default();
                            *histogram.entry(slot).or_default() += square / SQUARE_ONE as i64;
                        }
                    });
                }
            }
        }
        counts
    }
}

/// The inner quantiles of a histogram of which every count is replaced by its root, each once. A cut at the least range would
/// leave an empty one below it.
///
/// By the root, so that what is rare at first has ranges of its own too: it may be what comes later.
fn quantiles(histogram: &BTreeMap<u32, i64>) -> Vec<f64> {
    // In parts of 2^10: counts are integers, and so is where a quantile falls.
    let weight = |&count: &i64| libm::sqrt(count.max(0) as f64 * 1_048_576.0) as i64;
    let whole: i64 = histogram.values().map(weight).sum();
    let first = histogram.keys().next().copied();
    let mut cuts: Vec<u32> = Vec::new();
    let mut below = 0;
    let mut next = 1;
    for (&slot, count) in histogram {
        below += weight(count);
        while next < RANGES as i64 && next * whole < below * RANGES as i64 {
            if Some(slot) != first && cuts.last() != Some(&slot) {
                cuts.push(slot);
            }
            next += 1;
        }
    }
    cuts.into_iter()
        .filter_map(|slot| fine_range(slot).map(|(_, least)| least))
        .collect()
}

/// Whether the second encoder is the first, but for numbers that have been cut.
pub(super) fn are_later(before: &[Attribute], after: &[Attribute]) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|(before, after)| {
            let was_cut = before.kind == AttributeKind::Number
                && matches!(after.kind, AttributeKind::Bins { .. })
                && (&before.name, before.hidden) == (&after.name, after.hidden);
            before == after || was_cut
        })
}

/// The slot of the range that a narrow one is part of; every other slot is its own.
pub(super) fn coarse(attributes: &[Attribute], slot: u32) -> u32 {
    let Some((place, least)) = fine_range(slot) else {
        return slot;
    };
    match attributes.get(place) {
        Some(Attribute {
            name,
            kind: AttributeKind::Bins { cuts },
            ..
        }) => bin_slot(name, cuts.iter().filter(|&&cut| least >= cut).count() as u32),
        _ => slot,
    }
}

/// A model over ranges as one over the narrow ranges that were seen, those first that most were in.
pub(super) fn spread(model: &Model, weighed: &Weighed<'_>, attributes: &[Attribute]) -> Model {
    let mut seen: BTreeMap<u32, f64> = BTreeMap::new();
    for cell in weighed.cells() {
        cell.sums.for_each_square(|slot, square| {
            *seen.entry(slot).or_default() += square as f64 * cell.kept;
        });
    }
    let mut places: Vec<(u32, usize, f64)> = seen
        .into_iter()
        .filter_map(|(slot, n)| {
            let at = model.slots.binary_search(&coarse(attributes, slot)).ok()?;
            Some((slot, at, if slot == 0 { f64::INFINITY } else { n }))
        })
        .collect();
    places.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    places.truncate(MAX_MODEL_SLOTS);
    places.sort_by_key(|&(slot, ..)| slot);
    let rows = |weights: &[f32]| -> Vec<f32> {
        weights
            .chunks(model.slots.len().max(1))
            .flat_map(|row| places.iter().filter_map(|&(_, at, _)| row.get(at).copied()))
            .collect()
    };
    Model {
        slots: places.iter().map(|&(slot, ..)| slot).collect(),
        theta: rows(&model.theta),
        precision: rows(&model.precision),
        ..model.clone()
    }
}
