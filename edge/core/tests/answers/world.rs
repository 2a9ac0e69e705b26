//! Sums of visitors who are shown arms by given propensities and bring given rewards.

use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::Exposure;
use tiltwise_core::fit::Source;
use tiltwise_core::hash::split_mix;
use tiltwise_core::id::{RevisionId, UnitKind};
use tiltwise_core::join::reward::Worth;
use tiltwise_core::propensity::{ONE_Q30, share_q30};
use tiltwise_core::revision::{Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant};

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;
pub const WINDOW_MS: u64 = 2 * MINUTE_MS;

pub struct World {
    pub revision: Revision,
    pub sums: Accumulators,
    chance: u64,
}

/// One visitor.
pub struct Visit<'a> {
    pub at_ms: u64,
    pub arm: usize,
    pub propensities: &'a [f64],
    /// One an arm, or none.
    pub predictions: &'a [f64],
    pub reward: f64,
}

impl World {
    pub fn new(arms: usize, seed: u64) -> Self {
        let revision = revision(arms);
        Self {
            sums: Accumulators::new(RevisionId(1), &revision),
            revision,
            chance: seed,
        }
    }

    pub fn visit(&mut self, visit: &Visit<'_>) {
        let (exposure, worth) = (exposure(visit), worth(visit));
        self.sums
            .change(&exposure, visit.at_ms, None, Some(&worth), visit.at_ms);
    }

    /// As if the visitor had never come.
    pub fn erase(&mut self, visit: &Visit<'_>) {
        let (exposure, worth) = (exposure(visit), worth(visit));
        self.sums
            .change(&exposure, visit.at_ms, Some(&worth), None, visit.at_ms);
    }

    pub fn sources(&self) -> [Source<'_>; 1] {
        [Source {
            revision: &self.revision,
            sums: &self.sums,
        }]
    }

    /// In [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (split_mix(&mut self.chance) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn exposure(visit: &Visit<'_>) -> Exposure {
    let micros = |x: &f64| (x * 1e6) as u32;
    Exposure {
        revision: RevisionId(1),
        model: 1,
        episode: 0,
        arm: visit.arm as u32,
        draw: 0,
        slots: Vec::new(),
        values_q10: Vec::new(),
        propensities_q30: visit.propensities.iter().map(|&p| share_q30(p)).collect(),
        predictions_micros: visit.predictions.iter().map(micros).collect(),
        variances_micros: Vec::new(),
        flags: 0,
        unit_kind: UnitKind::Visitor,
    }
}

fn worth(visit: &Visit<'_>) -> Worth {
    Worth {
        rewards_micros: vec![(visit.reward * 1e6) as u32],
        delays: Vec::new(),
    }
}

fn revision(arms: usize) -> Revision {
    Revision {
        key: "hero".into(),
        salt: [1; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 0,
        variants: (0..arms)
            .map(|i| Variant {
                key: format!("v{i}"),
                value: "1".into(),
            })
            .collect(),
        when: Condition::always(),
        attributes: Vec::new(),
        policy: Policy {
            kind: PolicyKind::Thompson,
            min_propensity_q30: share_q30(0.05),
            weights_q30: Vec::new(),
        },
        metrics: vec![Metric::rate("signup", WINDOW_MS)],
        half_life_ms: 0,
        bucket_ms: MINUTE_MS,
        fine_ms: 5_000,
        horizon_units: 0,
    }
}
