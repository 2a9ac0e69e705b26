//! Repeats a decision that somebody claims to have made.
//!
//! Admit is the only gate: what a stranger's page says of its own propensities would otherwise move the model. [`claim`]
//! checks what needs only the definition and the raw unit (the draw is a keyed hash, and the draw picks the arm);
//! [`repeats`] re-executes the policy with the model that the exposure names.

use core::fmt;

use crate::decide::{Chance, pick};
use crate::event::Exposure;
use crate::features::Features;
use crate::hash::Unit;
use crate::policy::{Distribution, even_split};
use crate::propensity::ONE_Q30;
use crate::revision::PolicyKind;
use crate::snapshot::Experiment;

/// Why a claimed exposure cannot be one. Each is a reason in a verdict and a label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// Another number of arms than the revision has.
    Arms,
    /// The exposure is under another kind of unit than the experiment randomises.
    UnitKind,
    /// A propensity that is neither 0 nor at least the floor.
    Floor,
    /// Propensities that do not sum to 2^30.
    Sum,
    /// The draw is not the unit's.
    Draw,
    /// The draw does not pick the arm.
    Arm,
    /// The unit is out of traffic.
    Traffic,
    /// The unit is on the other side of the comparison group.
    Comparison,
}

impl ClaimError {
    /// A short name for verdicts and metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Arms => "arms",
            Self::UnitKind => "unit-kind",
            Self::Floor => "floor",
            Self::Sum => "sum",
            Self::Draw => "draw",
            Self::Arm => "arm",
            Self::Traffic => "traffic",
            Self::Comparison => "comparison",
        }
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arms => "the exposure has another number of arms than the revision it names",
            Self::UnitKind => "the exposure is under another kind of unit than the experiment randomises",
            Self::Floor => "a propensity is neither 0 nor at least the experiment's floor",
            Self::Sum => "the propensities do not sum to 2^30",
            Self::Draw => "the draw is not the one of this unit, experiment and episode",
            Self::Arm => "the draw does not pick the arm that was shown",
            Self::Traffic => "the unit is out of the experiment's traffic",
            Self::Comparison => "the unit's place in the comparison group is another",
        })
    }
}

impl core::error::Error for ClaimError {}

/// Checks what a definition and the raw unit decide. `experiment` may carry any model: it is not looked at, and neither
/// are its stopped arms.
pub fn claim(experiment: &Experiment, unit: Unit<'_>, exposure: &Exposure) -> Result<(), ClaimError> {
    let revision = &experiment.revision;
    if exposure.propensities_q30.len() != revision.arms() {
        return Err(ClaimError::Arms);
    }
    if unit.kind() != revision.unit || exposure.unit_kind != revision.unit {
        return Err(ClaimError::UnitKind);
    }
    if exposure
        .propensities_q30
        .iter()
        .map(|&p| u64::from(p))
        .sum::<u64>()
        != u64::from(ONE_Q30)
    {
        return Err(ClaimError::Sum);
    }
    if exposure.is_override() {
        return Ok(());
    }
    let floor = if revision.policy.kind == PolicyKind::Fixed {
        1
    } else {
        revision.policy.min_propensity_q30.max(1)
    };
    if exposure.propensities_q30.iter().any(|&p| p != 0 && p < floor) {
        return Err(ClaimError::Floor);
    }
    let chance = Chance::of(experiment, unit, exposure.episode);
    if chance.draw != exposure.draw {
        return Err(ClaimError::Draw);
    }
    if pick(&exposure.propensities_q30, chance.order, chance.draw) != Some(exposure.arm) {
        return Err(ClaimError::Arm);
    }
    if !chance.in_traffic {
        return Err(ClaimError::Traffic);
    }
    if chance.in_comparison != exposure.in_comparison_group() {
        return Err(ClaimError::Comparison);
    }
    Ok(())
}

/// Whether the named model, which `experiment` carries, gives exactly this distribution for these slots.
pub fn repeats(experiment: &Experiment, exposure: &Exposure) -> bool {
    Again::default().repeats(experiment, exposure)
}

/// Memory for repeating one decision after another.
#[derive(Clone, Debug, Default)]
pub struct Again {
    features: Features,
    distribution: Distribution,
}

impl Again {
    /// The same as [`repeats`] on its own.
    pub fn repeats(&mut self, experiment: &Experiment, exposure: &Exposure) -> bool {
        if exposure.is_override() {
            return true;
        }
        let (features, again) = (&mut self.features, &mut self.distribution);
        features.slots.clone_from(&exposure.slots);
        features.values_q10.clone_from(&exposure.values_q10);
        again.renew(experiment, features);
        let propensities = if exposure.in_comparison_group() {
            even_split(experiment)
        } else {
            core::mem::take(&mut again.propensities_q30)
        };
        let is_same = same(&propensities, &exposure.propensities_q30)
            && same(&again.predictions_micros, &exposure.predictions_micros)
            && same(&again.variances_micros, &exposure.variances_micros);
        again.propensities_q30 = propensities;
        is_same
    }
}

/// Number by number. They are few and were written just now, one by one: a wider load would have to wait for those stores,
/// which took a sixth of the time that a collector spends on an exposure.
fn same(these: &[u32], those: &[u32]) -> bool {
    these.len() == those.len() && these.iter().zip(those).all(|(this, that)| this == that)
}
