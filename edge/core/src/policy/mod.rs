//! From features and model to a probability for every arm.
//!
//! A policy is one file with one function from (what the model knows, features) to weights; everything that holds for all of
//! them is here: inactive arms are masked *before* the policy and never renormalised after sampling, newcomers keep their
//! guaranteed share, the floor is mixed in, and the result is rounded to the integers that are sampled from.

mod contextual;
mod fixed;
mod table;

use alloc::{vec, vec::Vec};

pub(crate) use contextual::PRIOR_PRECISION;

use crate::features::Features;
use crate::propensity::quantise;
use crate::revision::PolicyKind;
use crate::snapshot::Experiment;

/// What is logged of a decision besides the arm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// One an arm; the sum is 2^30, or 0 where no arm is active.
    pub propensities_q30: Vec<u32>,
    /// One an arm, or none: the defaults.
    pub predictions_micros: Vec<u32>,
    pub variances_micros: Vec<u32>,
}

/// What a policy says before masks, floor and rounding.
struct Weights {
    /// Any positive sum. Empty: nothing is known, an even split.
    weights: Vec<f64>,
    predictions_micros: Vec<u32>,
}

/// The distribution of an experiment's arms for somebody with these features.
pub fn distribution(experiment: &Experiment, features: &Features) -> Distribution {
    let policy = &experiment.revision.policy;
    let known = match policy.kind {
        PolicyKind::Fixed => fixed::weights(experiment),
        PolicyKind::Contextual => contextual::weights(experiment, features),
        PolicyKind::Thompson | PolicyKind::BestArm => table::weights(experiment, features),
    };
    let floor = if policy.kind == PolicyKind::Fixed {
        0
    } else {
        policy.min_propensity_q30
    };
    let weights = guarantee(experiment, known.weights);
    let propensities_q30 = quantise(&weights, |arm| experiment.is_active(arm), floor);
    let variances_micros = if known.predictions_micros.is_empty() {
        Vec::new()
    } else {
        experiment.model.variances_micros.clone()
    };
    Distribution {
        propensities_q30,
        predictions_micros: known.predictions_micros,
        variances_micros,
    }
}

/// The even split over the active arms: what the comparison group is drawn from.
pub fn even_split(experiment: &Experiment) -> Vec<u32> {
    quantise(
        &vec![1.0; experiment.revision.arms()],
        |arm| experiment.is_active(arm),
        0,
    )
}

/// The share that an arm keeps while too little is known of it: half of an even split.
///
/// A half, so that a newcomer collects evidence within the same time in which an experiment that starts from nothing does
/// (twice as long at most), and the known best still gets most of the traffic.
const GUARANTEED: f64 = 0.5;

fn guarantee(experiment: &Experiment, mut weights: Vec<f64>) -> Vec<f64> {
    let arms = experiment.revision.arms();
    let is_new = |arm: usize| experiment.model.newcomers.get(arm).copied().unwrap_or(0) == 1;
    if weights.is_empty() {
        return vec![1.0; arms];
    }
    let active = (0..arms).filter(|&arm| experiment.is_active(arm)).count();
    let share = GUARANTEED / active.max(1) as f64;
    let sum: f64 = sum_where(&weights, |arm| experiment.is_active(arm));
    if sum <= 0.0 || !(0..arms).any(|arm| is_new(arm) && experiment.is_active(arm)) {
        return weights;
    }
    let lacks = |arm: usize, w: f64| is_new(arm) && experiment.is_active(arm) && w / sum < share;
    let kept = sum_where(&weights, |arm| {
        experiment.is_active(arm) && !lacks(arm, weights.get(arm).copied().unwrap_or(0.0))
    }) / sum;
    let raised = weights
        .iter()
        .enumerate()
        .filter(|&(arm, &w)| lacks(arm, w))
        .count() as f64
        * share;
    for (arm, w) in weights.iter_mut().enumerate() {
        *w = if lacks(arm, *w) {
            share
        } else if kept > 0.0 {
            *w / sum * (1.0 - raised) / kept
        } else {
            0.0
        };
    }
    weights
}

fn sum_where(weights: &[f64], take: impl Fn(usize) -> bool) -> f64 {
    weights
        .iter()
        .enumerate()
        .filter(|&(arm, _)| take(arm))
        .map(|(_, w)| w)
        .sum()
}
