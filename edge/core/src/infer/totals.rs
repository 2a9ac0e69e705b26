//! Inference buckets added up, over the revisions of an experiment.

use alloc::{vec, vec::Vec};

use super::split::ArmSums;
use crate::acc::inference::{ArmCell, Bucket, CELLS, ContrastCell, Inference};
use crate::propensity::ONE_Q30;
use crate::revision::{Metric, PolicyKind, Revision};

pub const POLICY: usize = 0;
pub const COMPARISON: usize = 1;

/// How the sums of one revision are read as those of another.
#[derive(Clone, Debug)]
pub struct Reading {
    /// For each of its arms the place of the same variant.
    pub places: Vec<Option<usize>>,
    /// For each metric of the other the place of the same one: equal in what it counts and for how long.
    pub metrics: Vec<Option<usize>>,
    /// A contrast is against the control of its own revision.
    pub same_control: bool,
}

impl Reading {
    pub fn of(from: &Revision, to: &Revision) -> Self {
        let place = |key: &str| to.variants.iter().position(|v| v.key == key);
        let places: Vec<Option<usize>> = from.variants.iter().map(|v| place(&v.key)).collect();
        let same = |a: &Metric, b: &Metric| {
            (
                &a.event,
                a.window_ms,
                a.cap_micros,
                &a.currency,
                a.min_tier,
                a.margin_micros(),
            ) == (
                &b.event,
                b.window_ms,
                b.cap_micros,
                &b.currency,
                b.min_tier,
                b.margin_micros(),
            )
        };
        Self {
            same_control: places.get(from.control as usize) == Some(&Some(to.control as usize)),
            metrics: to
                .metrics
                .iter()
                .map(|m| from.metrics.iter().position(|f| same(f, m)))
                .collect(),
            places,
        }
    }
}

/// The sums of one metric over some buckets, exactly.
#[derive(Clone, Debug)]
pub struct Totals {
    arms: usize,
    control: usize,
    cells: Vec<ArmCell>,
    contrasts: Vec<ContrastCell>,
}

impl Totals {
    pub fn new(revision: &Revision) -> Self {
        let arms = revision.arms();
        Self {
            arms,
            control: revision.control as usize,
            cells: vec![ArmCell::default(); arms * CELLS],
            contrasts: vec![ContrastCell::default(); arms],
        }
    }

    /// Adds one bucket's sums of this metric (the source's place).
    pub fn add(&mut self, inference: &Inference, bucket: &Bucket, metric: usize, reading: &Reading) {
        for cell in [POLICY, COMPARISON] {
            for (arm, place) in reading.places.iter().enumerate() {
                let Some(place) = *place else { continue };
                let from = inference.place(metric, cell, arm);
                if let (Some(sums), Some(into)) = (
                    bucket.arms.get(from),
                    self.cells.get_mut(cell * self.arms + place),
                ) {
                    into.add(sums);
                }
                // The whole split is that of the policy; of two arms both cells know the propensities.
                let counts = reading.same_control && (cell == POLICY || place != self.control);
                if let (true, Some(sums), Some(into)) =
                    (counts, bucket.contrasts.get(from), self.contrasts.get_mut(place))
                {
                    into.add(sums);
                }
            }
        }
    }

    pub fn cell(&self, cell: usize, arm: usize) -> ArmSums {
        self.cells
            .get(cell * self.arms + arm)
            .map(ArmSums::from)
            .unwrap_or_default()
    }

    /// Of one arm, in both cells.
    pub fn arm(&self, arm: usize) -> ArmSums {
        self.cell(POLICY, arm).plus(&self.cell(COMPARISON, arm))
    }

    /// Of all arms, in one cell.
    pub fn whole(&self, cell: usize) -> ArmSums {
        (0..self.arms).fold(ArmSums::default(), |sum, arm| sum.plus(&self.cell(cell, arm)))
    }

    pub fn units(&self) -> f64 {
        self.cells.iter().map(|cell| cell.n as f64).sum()
    }

    /// Arm against control in both cells; at the control's own place the whole split against it.
    pub fn contrast(&self, arm: usize) -> ContrastCell {
        self.contrasts.get(arm).copied().unwrap_or_default()
    }

    /// Whether every unit of the policy's cell was drawn from exactly these weights.
    pub fn is_drawn_from(&self, weights_q30: &[u32]) -> bool {
        let cells = self.cells.get(..self.arms).unwrap_or_default();
        let units: i128 = cells.iter().map(|cell| i128::from(cell.n)).sum();
        cells.len() == weights_q30.len()
            && cells
                .iter()
                .zip(weights_q30)
                .all(|(cell, &w)| i128::from(cell.sum_p_q30) == units * i128::from(w))
    }
}

/// The weights of a fixed split; nothing where it is not fixed.
pub fn fixed_weights(revision: &Revision) -> Option<&[u32]> {
    (revision.policy.kind == PolicyKind::Fixed).then_some(&revision.policy.weights_q30)
}

/// The least propensity that either arm could have had while both were shown.
pub fn least_propensity(revision: &Revision, arm: usize) -> f64 {
    let floor = match fixed_weights(revision) {
        // Stopped arms only raise the others.
        Some(weights) => [arm, revision.control as usize]
            .iter()
            .filter_map(|&i| weights.get(i))
            .copied()
            .min()
            .unwrap_or(0),
        None => revision.policy.min_propensity_q30,
    };
    f64::from(floor.max(1)) / f64::from(ONE_Q30)
}
