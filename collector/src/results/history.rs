//! How the traffic was shared, over time: read from the inference buckets, which count every exposure where it happened.

use std::collections::BTreeMap;

use tiltwise_core::revision::Revision;

use super::view::ShareHistory;
use super::{Subject, places};
use tiltwise_core::infer::totals::POLICY;

/// A chart is about so many pixels wide; more points are merged.
const MAX_POINTS: usize = 240;
/// The present is so many of the newest buckets.
const NEWEST: usize = 3;

/// Units by bucket start and arm.
#[derive(Debug)]
pub(super) struct Shares {
    buckets: Vec<(u64, Vec<f64>)>,
}

pub(super) fn shares(subject: &Subject<'_>) -> Shares {
    let today = &subject.experiment.revision;
    let mut buckets: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (revision, accumulators) in subject.sums {
        let places = places(revision, today);
        for (start_ms, bucket) in accumulators.inference.buckets() {
            let counts = buckets.entry(start_ms).or_insert_with(|| vec![0.0; today.arms()]);
            for (arm, place) in places.iter().enumerate() {
                let from = accumulators.inference.place(0, POLICY, arm);
                if let (Some(place), Some(sums)) = (*place, bucket.arms.get(from)) {
                    counts[place] += sums.n as f64;
                }
            }
        }
    }
    Shares {
        buckets: buckets
            .into_iter()
            .filter(|(_, counts)| counts.iter().sum::<f64>() > 0.0)
            .collect(),
    }
}

impl Shares {
    /// The share of each arm in the newest buckets; empty before the first unit.
    pub(super) fn newest(&self) -> Vec<f64> {
        let from = self.buckets.len().saturating_sub(NEWEST);
        normalised(&add(self.buckets.iter().skip(from).map(|(_, counts)| counts)))
    }

    /// When the newest buckets begin.
    pub(super) fn newest_from_ms(&self) -> u64 {
        let from = self.buckets.len().saturating_sub(NEWEST);
        self.buckets.get(from).map_or(0, |(start, _)| *start)
    }

    pub(super) fn into_view(self, revision: &Revision) -> ShareHistory {
        let group = self.buckets.len().div_ceil(MAX_POINTS).max(1);
        let mut view = ShareHistory::default();
        for chunk in self.buckets.chunks(group) {
            view.t.push(chunk.first().map_or(0, |(start, _)| *start));
            let shares = normalised(&add(chunk.iter().map(|(_, counts)| counts)));
            for (variant, share) in revision.variants.iter().zip(shares) {
                view.shares.entry(variant.key.clone()).or_default().push(share);
            }
        }
        view
    }
}

fn add<'a>(rows: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    rows.fold(Vec::new(), |mut sum, row| {
        sum.resize(row.len(), 0.0);
        sum.iter_mut().zip(row).for_each(|(a, b)| *a += b);
        sum
    })
}

fn normalised(counts: &[f64]) -> Vec<f64> {
    let total: f64 = counts.iter().sum();
    counts
        .iter()
        .map(|n| if total > 0.0 { n / total } else { 0.0 })
        .collect()
}
