//! From features and model to a probability for every arm.
//!
//! A policy is one file with one function from (what the model knows, features) to weights; everything that holds for all of
//! them is here: inactive arms are masked *before* the policy and never renormalised after sampling, newcomers keep their
//! guaranteed share, the floor is mixed in, and the result is rounded to the integers that are sampled from.

mod contextual;
mod fixed;
mod table;

use alloc::vec::Vec;

pub(crate) use contextual::PRIOR_PRECISION;

use crate::features::Features;
use crate::model::Segment;
use crate::propensity::{Arms, quantise, quantise_into};
use crate::revision::{MAX_ARMS, PolicyKind};
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

/// Room for a number an arm. Not a list: it would be allocated for every decision.
type Weights = [f64; MAX_ARMS];

static EVEN: Weights = [1.0; MAX_ARMS];

/// The distribution of an experiment's arms for somebody with these features.
pub fn distribution(experiment: &Experiment, features: &Features) -> Distribution {
    let mut all = Distribution::default();
    all.renew(experiment, features);
    all
}

impl Distribution {
    /// That for somebody with these features, in the same memory.
    pub(crate) fn renew(&mut self, experiment: &Experiment, features: &Features) {
        let policy = &experiment.revision.policy;
        let active = experiment.active();
        // What a policy says before masks, floor and rounding: any positive sum. An even split where it says nothing.
        let mut room = EVEN;
        let weights = room.get_mut(..experiment.revision.arms()).unwrap_or_default();
        let predictions = &mut self.predictions_micros;
        predictions.clear();
        let mut floor = policy.min_propensity_q30;
        match policy.kind {
            PolicyKind::Fixed => {
                floor = 0;
                fixed::weigh(experiment, weights, predictions);
            }
            PolicyKind::Contextual => contextual::weigh(experiment, active, features, weights, predictions),
            PolicyKind::Thompson | PolicyKind::BestArm => {
                table::weigh(experiment, features, weights, predictions);
            }
        }
        self.variances_micros.clear();
        if !predictions.is_empty() {
            self.variances_micros
                .extend_from_slice(&experiment.model.variances_micros);
        }
        guarantee(experiment, active, weights);
        quantise_into(&mut self.propensities_q30, weights, active, floor);
    }
}

/// The even split over the active arms: what the comparison group is drawn from.
pub fn even_split(experiment: &Experiment) -> Vec<u32> {
    let weights = EVEN.get(..experiment.revision.arms()).unwrap_or_default();
    quantise(weights, experiment.active(), 0)
}

/// Takes over declared or computed probabilities, one an arm, and the predictions of a row.
#[inline(never)]
fn look_up(
    probabilities_q30: &[u32],
    row: Option<&Segment>,
    weights: &mut [f64],
    predictions: &mut Vec<u32>,
) {
    for (weight, &q30) in weights.iter_mut().zip(probabilities_q30) {
        *weight = f64::from(q30);
    }
    if let Some(row) = row {
        predictions.extend_from_slice(&row.means_micros);
    }
}

/// The share that an arm keeps while too little is known of it: half of an even split.
///
/// A half, so that a newcomer collects evidence within the same time in which an experiment that starts from nothing does
/// (twice as long at most), and the known best still gets most of the traffic.
const GUARANTEED: f64 = 0.5;

fn guarantee(experiment: &Experiment, active: Arms, weights: &mut [f64]) {
    let newcomers = &experiment.model.newcomers;
    let new = active.both(Arms::of(newcomers.len(), |arm| newcomers.get(arm) == Some(&1)));
    let sum = sum_of(weights, active);
    if sum <= 0.0 || new.count() == 0 {
        return;
    }
    let share = GUARANTEED / active.count() as f64;
    let lacks = Arms::of(weights.len(), |arm| {
        new.has(arm) && weights.get(arm).is_some_and(|w| w / sum < share)
    });
    let kept = sum_of(weights, active.without(lacks)) / sum;
    let raised = lacks.count() as f64 * share;
    for (arm, w) in weights.iter_mut().enumerate() {
        *w = if lacks.has(arm) {
            share
        } else if kept > 0.0 {
            *w / sum * (1.0 - raised) / kept
        } else {
            0.0
        };
    }
}

#[inline(never)]
fn sum_of(weights: &[f64], arms: Arms) -> f64 {
    let mut sum = 0.0;
    for (arm, w) in weights.iter().enumerate() {
        if arms.has(arm) {
            sum += w;
        }
    }
    sum
}
