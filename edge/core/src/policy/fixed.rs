//! Declared weights. The model only predicts.

use super::Weights;
use crate::snapshot::Experiment;

pub(super) fn weights(experiment: &Experiment) -> Weights {
    let weights = experiment
        .revision
        .policy
        .weights_q30
        .iter()
        .map(|&w| f64::from(w))
        .collect();
    let predictions_micros = experiment
        .model
        .segment(0)
        .map(|row| row.means_micros.clone())
        .unwrap_or_default();
    Weights {
        weights,
        predictions_micros,
    }
}
