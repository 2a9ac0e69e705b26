//! Fit: sums become a model.
//!
//! A pure function of (revision, sums, clock), computed in fixed orders with `libm` only: the same sums give the same bytes
//! on every host.
//!
//! * [`delay`] says which share of the rewards of an exposure of some age has come in. By it an exposure counts from its
//!   first second, in the measure in which its reward may be known; once the window has passed it counts in full.
//! * [`weigh`] adds up the buckets by that share and by exponential forgetting.
//! * [`cuts`] chooses the ranges of numbers from the first of them, once, and reads what was counted before by them.
//! * [`contextual`] solves for the weights of slots, held by a [`ridge`]; [`table`] gives each segment a row of probabilities by [`normal`]
//!   integrals. Both start an arm of which nothing is known from what all arms have in common.
//! * [`history`] is a discounted start from what was learned before or elsewhere.
//!
//! What fit does not do: mix in the floor, mask stopped arms, or guarantee shares. The edge does, because what it samples
//! from is what it logs.

mod cholesky;
pub mod contextual;
pub mod cuts;
pub mod delay;
pub mod history;
pub mod normal;
mod ridge;
pub mod table;
mod trust;
pub mod weigh;

use alloc::vec::Vec;

use crate::acc::Accumulators;
use crate::model::{Model, Segment};
use crate::propensity::Arms;
use crate::revision::{PolicyKind, Revision};

use history::History;
use weigh::Weighed;

/// Until each arm has so many effective exposures the split stays even: a start from zero weights never learned arms that
/// it had not tried.
pub const BURN_IN: f64 = 50.0;
/// The same for a contextual policy, whose arms share their start, are held together by the ridge and are tried out of
/// optimism: it needs no more than to have seen each. With a fit after every row, 20 cost 4 points over nine data sets.
pub const BURN_IN_CONTEXTUAL: f64 = 2.0;
/// An arm that was added to a running experiment keeps its guaranteed share for so many effective exposures.
pub const NEWCOMER: f64 = 100.0;
/// Before an arm has so many rewards nothing is known of their delays, and so not what a missing reward means; it keeps its
/// guaranteed share until then, or until half of its exposures (or [`NEWCOMER`]) have seen their whole window.
pub const FEW_REWARDS: f64 = 20.0;
/// The least variance that a model claims, in micro-units: an arm without a single reward is not certain.
const LEAST_VARIANCE_MICROS: f64 = 1_000.0;

/// Sums to learn from, with the revision that they belong to: this experiment's, or those of an earlier revision of it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub revision: &'a Revision,
    pub sums: &'a Accumulators,
}

impl Source<'_> {
    /// Whether its sums mean what the revision's mean: one encoder (numbers may have been cut since), one reward.
    fn is_compatible(&self, revision: &Revision) -> bool {
        cuts::are_later(&self.revision.attributes, &revision.attributes)
            && self.revision.metric() == revision.metric()
            && self.revision.unit == revision.unit
    }

    /// For each of its arms the place of the same variant among the revision's.
    fn arms_in(&self, revision: &Revision) -> Vec<Option<usize>> {
        let place = |key: &str| revision.variants.iter().position(|v| v.key == key);
        self.revision.variants.iter().map(|v| place(&v.key)).collect()
    }
}

/// Fits the model of a revision. `is_active` says which arms may be shown: the others are not waited for, and have no part in
/// tables.
pub fn fit(
    revision: &Revision,
    is_active: impl Fn(usize) -> bool,
    sources: &[Source<'_>],
    clock_ms: u64,
) -> Model {
    fit_from(revision, is_active, sources, &[], clock_ms)
}

/// The same, with a start from history.
pub fn fit_from(
    revision: &Revision,
    is_active: impl Fn(usize) -> bool,
    sources: &[Source<'_>],
    histories: &[History<'_>],
    clock_ms: u64,
) -> Model {
    let sources: Vec<(Source<'_>, Vec<Option<usize>>)> = sources
        .iter()
        .filter(|source| source.is_compatible(revision))
        .map(|source| (*source, source.arms_in(revision)))
        .collect();
    // A number that is not cut yet is learned by provisional cuts.
    let provisional = cuts::provisional(revision, sources.iter().map(|(source, _)| source));
    let working = provisional.as_ref().unwrap_or(revision);
    let mut weighed = Weighed::of(working, &sources, clock_ms);
    let missing = history::add_to(&mut weighed, working, histories, clock_ms);
    // An arm is new where an earlier revision, or history, did without it.
    let was_added =
        |arm: usize| missing.contains(&arm) || sources.iter().any(|(_, arms)| !arms.contains(&Some(arm)));
    let mut model = fitted(working, is_active, &weighed, was_added);
    history::lift(&mut model, &weighed, working, histories, clock_ms);
    if provisional.is_some() && revision.policy.kind == PolicyKind::Contextual {
        model = cuts::spread(&model, &weighed, &working.attributes);
    }
    model
}

/// Fits from weighed sums.
fn fitted(
    revision: &Revision,
    is_active: impl Fn(usize) -> bool,
    weighed: &Weighed<'_>,
    was_added: impl Fn(usize) -> bool,
) -> Model {
    let burn_in = match revision.policy.kind {
        PolicyKind::Contextual => BURN_IN_CONTEXTUAL,
        _ => BURN_IN,
    };
    let active = Arms::of(revision.arms(), &is_active);
    let burning = |arm: usize| is_active(arm) && !was_added(arm) && weighed.arm(arm).seen < burn_in;
    if weighed.arms().is_empty() || (0..revision.arms()).any(burning) {
        return Model::default();
    }
    let mut model = match revision.policy.kind {
        PolicyKind::Fixed => means_only(weighed),
        PolicyKind::Contextual => contextual::model(weighed),
        PolicyKind::Thompson => table::model(weighed, active, |chances| chances),
        PolicyKind::BestArm => table::model(weighed, active, |chances| normal::top_two(&chances)),
    };
    model.newcomers = (0..revision.arms())
        .map(|arm| {
            let sums = weighed.arm(arm);
            let new = was_added(arm) && sums.seen < NEWCOMER;
            let unclear = sums.rewards() < FEW_REWARDS && sums.matured < NEWCOMER.min(sums.seen / 2.0);
            u32::from(new || unclear)
        })
        .collect();
    if model.newcomers.iter().all(|&n| n == 0) || revision.policy.kind == PolicyKind::Fixed {
        model.newcomers.clear();
    }
    model
}

/// For a fixed split: nothing but predictions, which make its estimates sharper.
fn means_only(weighed: &Weighed<'_>) -> Model {
    let row = Segment {
        slot: 0,
        probabilities_q30: Vec::new(),
        means_micros: weighed.arms().iter().map(|arm| mean_micros(arm.mean())).collect(),
    };
    Model {
        segments: alloc::vec![row],
        variances_micros: weighed
            .arms()
            .iter()
            .map(|arm| variance_micros(arm.variance()))
            .collect(),
        ..Model::default()
    }
}

/// A mean in [0, 1] as a model carries it.
fn mean_micros(mean: f64) -> u32 {
    libm::round(mean.clamp(0.0, 1.0) * 1e6) as u32
}

/// A variance as a model carries it: at most that of a fair coin.
fn variance_micros(variance: f64) -> u32 {
    libm::round((variance * 1e6).clamp(LEAST_VARIANCE_MICROS, 250_000.0)) as u32
}
