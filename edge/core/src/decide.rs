//! A decision: pure, and its exposure is a returned value.
//!
//! [`prepare`] once for a context; then [`draw`] for a unit is a few hashes, and [`decide`] also says so in an exposure.
//! Everything they need is in their arguments.

use crate::context::Context;
use crate::event::{Exposure, FLAG_COMPARISON, FLAG_OVERRIDE};
use crate::features::Features;
use crate::hash::{Purpose, Unit, draw_q30, split_mix, unit_hash};
use crate::policy::{Distribution, even_split};
use crate::propensity::ONE_Q30;
use crate::revision::MAX_ARMS;
use crate::snapshot::{Experiment, Phase};
use crate::targeting;

use alloc::{vec, vec::Vec};

/// What one experiment makes of one context.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepared {
    pub eligible: bool,
    pub features: Features,
    pub distribution: Distribution,
    /// What the comparison group is drawn from.
    pub even_q30: Vec<u32>,
}

/// What was drawn: enough to show an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    pub arm: u32,
    /// Below 2^30.
    pub draw: u32,
    pub in_comparison: bool,
}

/// Why nothing was drawn. No exposure is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The context does not satisfy `when`, the unit is out of traffic, or no arm is active: the caller's fallback.
    Ineligible,
    /// The experiment is paused: everybody gets this arm, the control.
    Paused { arm: u32 },
    /// A winner was declared: everybody gets this arm.
    Decided { arm: u32 },
}

/// Encodes a context for an experiment and computes the probabilities of its arms.
///
/// Without `personalized` no attribute is read: the features are empty, and a condition sees an empty context.
pub fn prepare(experiment: &Experiment, context: &Context, personalized: bool) -> Prepared {
    let mut prepared = Prepared::default();
    prepared.renew(experiment, context, personalized);
    prepared
}

/// Draws an arm for a unit: a few hashes, and no allocation.
pub fn draw(
    experiment: &Experiment,
    prepared: &Prepared,
    unit: Unit<'_>,
    episode: u64,
) -> Result<Drawn, Held> {
    held(experiment)?;
    if !prepared.eligible {
        return Err(Held::Ineligible);
    }
    let chance = Chance::of(experiment, unit, episode);
    if !chance.in_traffic {
        return Err(Held::Ineligible);
    }
    let arm = pick(
        prepared.propensities(chance.in_comparison),
        chance.order,
        chance.draw,
    )
    .ok_or(Held::Ineligible)?;
    Ok(Drawn {
        arm,
        draw: chance.draw,
        in_comparison: chance.in_comparison,
    })
}

/// Draws an arm for a unit and says so in an exposure. `model` is the version of the snapshot that the experiment is in.
pub fn decide(
    experiment: &Experiment,
    prepared: &Prepared,
    model: u64,
    unit: Unit<'_>,
    episode: u64,
) -> Result<Exposure, Held> {
    let drawn = draw(experiment, prepared, unit, episode)?;
    Ok(Exposure {
        revision: experiment.revision_id,
        model,
        episode,
        arm: drawn.arm,
        draw: drawn.draw,
        slots: prepared.features.slots.clone(),
        values_q10: prepared.features.values_q10.clone(),
        propensities_q30: prepared.propensities(drawn.in_comparison).to_vec(),
        predictions_micros: prepared.distribution.predictions_micros.clone(),
        variances_micros: prepared.distribution.variances_micros.clone(),
        flags: if drawn.in_comparison { FLAG_COMPARISON } else { 0 },
        unit_kind: unit.kind(),
    })
}

impl Prepared {
    /// Prepares for another context in the same memory, and for the same experiment if there was one.
    pub fn renew(&mut self, experiment: &Experiment, context: &Context, personalized: bool) {
        let nothing = Context::new();
        let (attributes, context) = if personalized {
            (&experiment.revision.attributes[..], context)
        } else {
            (&[][..], &nothing)
        };
        if self.even_q30.is_empty() {
            self.even_q30 = even_split(experiment);
        }
        self.features.renew(attributes, context);
        self.eligible = targeting::matches(&experiment.revision.when, context);
        self.distribution.renew(experiment, &self.features);
    }

    fn propensities(&self, in_comparison: bool) -> &[u32] {
        if in_comparison {
            &self.even_q30
        } else {
            &self.distribution.propensities_q30
        }
    }
}

/// A forced arm: flagged, so that it voids the unit's open episode instead of being learned from.
pub fn force(
    experiment: &Experiment,
    model: u64,
    unit: Unit<'_>,
    episode: u64,
    arm: u32,
) -> Option<Exposure> {
    let mut propensities_q30 = vec![0; experiment.revision.arms()];
    *propensities_q30.get_mut(arm as usize)? = ONE_Q30;
    Some(Exposure {
        revision: experiment.revision_id,
        model,
        episode,
        arm,
        draw: 0,
        slots: Vec::new(),
        values_q10: Vec::new(),
        propensities_q30,
        predictions_micros: Vec::new(),
        variances_micros: Vec::new(),
        flags: FLAG_OVERRIDE,
        unit_kind: unit.kind(),
    })
}

fn held(experiment: &Experiment) -> Result<(), Held> {
    match experiment.phase {
        Phase::Running => Ok(()),
        Phase::Paused => Err(Held::Paused {
            arm: experiment.revision.control,
        }),
        Phase::Decided { winner } => Err(Held::Decided { arm: winner }),
    }
}

/// All that is random of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance {
    pub in_traffic: bool,
    pub in_comparison: bool,
    /// Below 2^30.
    pub draw: u32,
    /// Seeds the order of arms.
    pub order: u64,
}

impl Chance {
    pub(crate) fn of(experiment: &Experiment, unit: Unit<'_>, episode: u64) -> Self {
        let revision = &experiment.revision;
        // A share of 2^30 takes every draw, a share of 0 none: neither needs its hash.
        let within = |purpose, share: u32| {
            share == ONE_Q30 || (share > 0 && draw_q30(unit_hash(&revision.salt, purpose, unit, 0)) < share)
        };
        Self {
            in_traffic: within(Purpose::Traffic, revision.traffic_q30),
            in_comparison: within(Purpose::Comparison, revision.comparison_q30),
            draw: draw_q30(unit_hash(&revision.salt, Purpose::Arm, unit, episode)),
            order: unit_hash(&revision.salt, Purpose::Order, unit, episode),
        }
    }
}

/// The arm where the draw falls, the arms laid end to end in the unit's own order (so that a small change of weights moves
/// few units, and each pair of neighbours equally often). `None` without an active arm.
pub(crate) fn pick(propensities_q30: &[u32], order: u64, draw: u32) -> Option<u32> {
    let arms = propensities_q30.len().min(MAX_ARMS);
    let mut places = [0u8; MAX_ARMS];
    for (i, place) in places.iter_mut().take(arms).enumerate() {
        *place = i as u8;
    }
    // Fisher and Yates, driven by SplitMix64.
    let mut state = order;
    for i in (1..arms).rev() {
        places.swap(i, (split_mix(&mut state) % (i as u64 + 1)) as usize);
    }
    let mut end = 0u32;
    for &arm in places.iter().take(arms) {
        end = end.saturating_add(propensities_q30.get(arm as usize).copied().unwrap_or(0));
        if draw < end {
            return Some(arm.into());
        }
    }
    None
}
