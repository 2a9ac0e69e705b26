//! Thompson per segment, and best-arm: probabilities that the fitter computed, looked up.
//!
//! The quadrature is the fitter's (see `fit`), so that an edge does no more than find a row: the segment's own, or the
//! one of everybody.

use alloc::vec::Vec;

use super::Weights;
use crate::features::Features;
use crate::snapshot::Experiment;

pub(super) fn weights(experiment: &Experiment, features: &Features) -> Weights {
    let slot = features.slots.first().copied().unwrap_or(0);
    let row = experiment.model.segment(slot);
    Weights {
        weights: row
            .map(|row| row.probabilities_q30.iter().map(|&p| f64::from(p)).collect())
            .unwrap_or_default(),
        predictions_micros: row.map_or_else(Vec::new, |row| row.means_micros.clone()),
    }
}
