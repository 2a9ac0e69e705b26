//! Thompson per segment, and best-arm: probabilities that the fitter computed, looked up.
//!
//! The quadrature is the fitter's (see `fit`), so that an edge does no more than find a row: the segment's own, or the
//! one of everybody.

use alloc::vec::Vec;

use super::look_up;
use crate::features::Features;
use crate::snapshot::Experiment;

pub(super) fn weigh(
    experiment: &Experiment,
    features: &Features,
    weights: &mut [f64],
    predictions: &mut Vec<u32>,
) {
    let slot = features.slots.first().copied().unwrap_or(0);
    let row = experiment.model.segment(slot);
    let probabilities = row.map(|row| &row.probabilities_q30[..]);
    look_up(probabilities.unwrap_or_default(), row, weights, predictions);
}
