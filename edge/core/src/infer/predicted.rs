//! What was predicted of units and what they brought, bucket by bucket: what calibration and drift are read from.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use super::totals::Reading;
use crate::acc::inference::{ArmCell, CELLS};
use crate::fit::Source;
use crate::revision::Revision;

/// Units of which the deciding model had predicted the optimised metric; rewards are scaled, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Predicted {
    pub units: f64,
    /// What they brought, and what that had been predicted to be.
    pub reward: f64,
    pub prediction: f64,
    /// The squares of what all units brought: how large a reward is.
    pub squares: f64,
}

impl From<&ArmCell> for Predicted {
    fn from(cell: &ArmCell) -> Self {
        Self {
            units: cell.predicted as f64,
            reward: cell.sum_predicted_r as f64 / 1e6,
            prediction: cell.sum_prediction_micros as f64 / 1e6,
            squares: cell.sum_rr as f64 / 1e12,
        }
    }
}

impl Predicted {
    /// What came over what was predicted; nothing where nothing was.
    pub fn ratio(&self) -> Option<f64> {
        (self.prediction > 0.0).then(|| self.reward / self.prediction)
    }

    /// How many conversions were predicted; of values, how many of the size that the rewards had.
    pub fn conversions(&self) -> f64 {
        if self.reward > 0.0 && self.squares > 0.0 {
            self.prediction * self.reward / self.squares
        } else {
            self.prediction
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.units += other.units;
        self.reward += other.reward;
        self.prediction += other.prediction;
        self.squares += other.squares;
    }
}

/// One inference bucket, by the arms of today.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub start_ms: u64,
    pub end_ms: u64,
    pub arms: Vec<Predicted>,
}

impl Step {
    pub fn whole(&self) -> Predicted {
        self.arms.iter().fold(Predicted::default(), |mut sum, arm| {
            sum.add(arm);
            sum
        })
    }
}

/// The buckets of all revisions that optimise what today's does, by start. Policy and comparison group were predicted alike.
pub fn steps(today: &Revision, sources: &[Source<'_>]) -> Vec<Step> {
    steps_since(today, sources, 0)
}

/// The same, of buckets that start at this time or later.
pub fn steps_since(today: &Revision, sources: &[Source<'_>], since_ms: u64) -> Vec<Step> {
    let mut by_start: BTreeMap<(u64, u64), Vec<Predicted>> = BTreeMap::new();
    for source in sources {
        let reading = Reading::of(source.revision, today);
        let Some(metric) = reading.metrics.first().copied().flatten() else {
            continue;
        };
        let inference = &source.sums.inference;
        for (start_ms, bucket) in inference.buckets_since(since_ms) {
            let end_ms = start_ms.saturating_add(inference.bucket_ms());
            let arms = by_start
                .entry((start_ms, end_ms))
                .or_insert_with(|| vec![Predicted::default(); today.arms()]);
            for cell in 0..CELLS {
                for (arm, place) in reading.places.iter().enumerate() {
                    let into = place.and_then(|place| arms.get_mut(place));
                    let sums = bucket.arms.get(inference.place(metric, cell, arm));
                    if let (Some(into), Some(sums)) = (into, sums) {
                        into.add(&Predicted::from(sums));
                    }
                }
            }
        }
    }
    let step = |((start_ms, end_ms), arms)| Step {
        start_ms,
        end_ms,
        arms,
    };
    by_start.into_iter().map(step).collect()
}
