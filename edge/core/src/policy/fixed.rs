//! Declared weights. The model only predicts.

use alloc::vec::Vec;

use super::look_up;
use crate::snapshot::Experiment;

pub(super) fn weigh(experiment: &Experiment, weights: &mut [f64], predictions: &mut Vec<u32>) {
    let row = experiment.model.segment(0);
    look_up(&experiment.revision.policy.weights_q30, row, weights, predictions);
}
