//! Tables: for each segment, and for everybody, a row of probabilities and means.
//!
//! The segments of an arm are shrunk towards its mean over all segments by empirical Bayes (DerSimonian and Laird's moment
//! estimate of how much segments differ), so that a segment with ten visitors is not a world of its own.

use alloc::{collections::BTreeMap, vec::Vec};

use super::normal::{Belief, chances};
use super::weigh::{SlotSums, Weighed};
use super::{mean_micros, variance_micros};
use crate::model::{Model, Segment};
use crate::propensity::{Arms, quantise};

/// Rows at most, by effective count; other segments are served as everybody is.
const MAX_ROWS: usize = 1_024;

/// `split` turns the chances of being best into the probabilities of the policy. They are the chances of being the best of the
/// active arms: one that is stopped and was far ahead would leave the others nothing to be told apart by.
pub(super) fn model(weighed: &Weighed<'_>, active: Arms, split: impl Fn(Vec<f64>) -> Vec<f64>) -> Model {
    let row = |slot: u32, beliefs: &[Belief]| Segment {
        slot,
        probabilities_q30: quantise(&split(chances(beliefs, active)), active, 0),
        means_micros: beliefs.iter().map(|b| mean_micros(b.mean)).collect(),
    };
    let segments = segments(weighed);
    let overall: Vec<Belief> = (0..weighed.arms().len())
        .map(|arm| overall(weighed, arm))
        .collect();
    let mut rows = alloc::vec![row(0, &overall)];
    let by_arm: Vec<Vec<Belief>> = (0..overall.len())
        .map(|arm| {
            let sums: Vec<SlotSums> = segments
                .values()
                .map(|arms| arms.get(arm).copied().unwrap_or_default())
                .collect();
            shrunk(weighed, arm, &sums, overall.get(arm).copied())
        })
        .collect();
    for (i, &slot) in segments.keys().enumerate() {
        let beliefs: Vec<Belief> = by_arm.iter().filter_map(|arm| arm.get(i).copied()).collect();
        rows.push(row(slot, &beliefs));
    }
    Model {
        segments: rows,
        variances_micros: weighed
            .arms()
            .iter()
            .map(|arm| variance_micros(arm.variance()))
            .collect(),
        ..Model::default()
    }
}

/// The segments that have rows, by slot. Without segments, only everybody.
fn segments(weighed: &Weighed<'_>) -> BTreeMap<u32, Vec<SlotSums>> {
    let mut slots = weighed.slots();
    slots.remove(&0);
    let total = |arms: &[SlotSums]| arms.iter().map(|s| s.n).sum::<f64>();
    let mut by_count: Vec<(u32, f64)> = slots.iter().map(|(&slot, arms)| (slot, total(arms))).collect();
    by_count.retain(|&(_, n)| n >= 1.0);
    by_count.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    by_count.truncate(MAX_ROWS - 1);
    let mut kept: Vec<u32> = by_count.into_iter().map(|(slot, _)| slot).collect();
    kept.sort_unstable();
    slots.retain(|slot, _| kept.binary_search(slot).is_ok());
    slots
}

/// What is believed of an arm over everybody.
fn overall(weighed: &Weighed<'_>, arm: usize) -> Belief {
    let sums = weighed.arm(arm);
    if sums.n < 1.0 {
        // Nothing of its own: what all arms have in common, as uncertain as one visitor.
        let (n, r) = weighed
            .arms()
            .iter()
            .fold((0.0, 0.0), |(n, r), a| (n + a.n, r + a.r));
        return Belief {
            mean: (r + 0.5) / (n + 1.0),
            variance: 0.25,
        };
    }
    Belief {
        mean: sums.mean(),
        variance: spread(weighed, arm, sums.n, sums.r) / sums.n,
    }
}

/// The variance of one reward: of a rate that of a coin, otherwise the arm's.
fn spread(weighed: &Weighed<'_>, arm: usize, n: f64, r: f64) -> f64 {
    if weighed.is_rate {
        let mean = ((r + 0.5) / (n + 1.0)).clamp(0.0, 1.0);
        (mean * (1.0 - mean)).max(1e-6)
    } else {
        weighed.arm(arm).variance().max(1e-6)
    }
}

/// One belief a segment.
fn shrunk(weighed: &Weighed<'_>, arm: usize, segments: &[SlotSums], overall: Option<Belief>) -> Vec<Belief> {
    let fallback = overall.unwrap_or(Belief {
        mean: 0.5,
        variance: 0.25,
    });
    let weights: Vec<(f64, f64)> = segments
        .iter()
        .map(|s| {
            if s.n > 0.0 {
                (s.n / spread(weighed, arm, s.n, s.r), s.r / s.n)
            } else {
                (0.0, 0.0)
            }
        })
        .collect();
    let sum: f64 = weights.iter().map(|(w, _)| w).sum();
    if sum <= 0.0 {
        return segments.iter().map(|_| fallback).collect();
    }
    let mean = weights.iter().map(|(w, y)| w * y).sum::<f64>() / sum;
    let squares: f64 = weights.iter().map(|(w, _)| w * w).sum();
    let q: f64 = weights.iter().map(|(w, y)| w * (y - mean) * (y - mean)).sum();
    let seen = weights.iter().filter(|(w, _)| *w > 0.0).count() as f64;
    let scale = sum - squares / sum;
    let tau_2 = if scale > 0.0 {
        ((q - (seen - 1.0)) / scale).max(0.0)
    } else {
        0.0
    };
    weights
        .iter()
        .map(|&(w, y)| {
            // The share of the common mean, whose own error stays with it.
            let common = if w * tau_2 > 0.0 {
                1.0 / (1.0 + w * tau_2)
            } else {
                1.0
            };
            let own = if w > 0.0 {
                (1.0 - common) * (1.0 - common) / w
            } else {
                0.0
            };
            Belief {
                mean: (1.0 - common) * y + common * mean,
                variance: own + common * common * (tau_2 + 1.0 / sum),
            }
        })
        .collect()
}
