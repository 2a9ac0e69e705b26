//! One simulated experiment, visitor by visitor, through the core's accumulators, fit and policies.
//!
//! A visitor is a second of the simulated clock and a bucket of its own, so that there is a look at every one. The split is
//! even until [`BURN_IN`] visitors have come, with predictions as soon as the fit has some; then the model is fitted anew in
//! blocks.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::Exposure;
use tiltwise_core::features::Features;
use tiltwise_core::fit::{Source, fit};
use tiltwise_core::id::{RevisionId, UnitKind};
use tiltwise_core::infer::ratio;
use tiltwise_core::infer::totals::{Reading, Totals, least_propensity};
use tiltwise_core::join::reward::Worth;
use tiltwise_core::model::Model;
use tiltwise_core::policy::{Distribution, distribution};
use tiltwise_core::propensity::{ONE_Q30, share_q30};
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};
use tiltwise_core::snapshot::{Experiment, Phase};

use super::methods::{Looking, Tracked};
use super::settings::{Setting, World};
use super::value::Values;

pub const SECOND_MS: u64 = 1_000;
const ID: RevisionId = RevisionId(1);
const BURN_IN: usize = 500;
/// A twentieth of the visitors: 250 of 5,000.
const BLOCKS: usize = 20;
/// Predictions come in smaller steps until then: the trainer fits several times a second.
const STEP: usize = 50;
/// The floor of the adaptive policies.
pub const FLOOR: f64 = 0.1;
/// Windows in visitors: at once, and where outcomes are late.
const AT_ONCE: u64 = 1;
const LATE: u64 = 500;
/// The mean delay, in visitors; of the second arm so many times as long.
const MEAN_DELAY: f64 = 50.0;
const SLOWER: f64 = 3.0;
/// Looks at the sample ratio: each reads every bucket there is.
const RATIO_LOOKS: usize = 4;
/// Contexts, each with its own base rate.
const CONTEXTS: u32 = 4;
/// The lognormal's σ, and the cap over its median.
const SIGMA: f64 = 1.5;
const CAP: f64 = 5.0;

pub fn simulate(setting: &Setting, repetition: u64) -> Vec<Tracked> {
    let mut chance = seeded(setting, repetition);
    let window = if setting.world == World::Delay {
        LATE
    } else {
        AT_ONCE
    };
    let mut world = Simulated::new(setting, vec![Metric::rate("signup", window * SECOND_MS)]);
    let effect = setting.effect
        * if setting.world == World::Revenue {
            mean_value()
        } else {
            1.0
        };
    let is_fixed = setting.policy == PolicyKind::Fixed;
    let floor = least_propensity(world.revision(), 1);
    let mut looking = Looking::new(setting, is_fixed, floor, effect);
    let mut prefix = Prefix::new(world.revision());
    let mut waiting: BTreeMap<(u64, usize), (Exposure, Worth)> = BTreeMap::new();
    let mut shares = Vec::with_capacity(setting.visitors);
    let mut lost = ratio_tracker(setting);
    let mut values = Values::new(setting);
    for visitor in 0..setting.visitors {
        let now_ms = visitor as u64 * SECOND_MS;
        world.refit(visitor, now_ms);
        let exposure = world.decide(&mut chance);
        shares.push(f64::from(exposure.propensities_q30.first().copied().unwrap_or(0)) / f64::from(ONE_Q30));
        if let (World::Lost(one_in), 1) = (setting.world, exposure.arm)
            && chance.random::<f64>() < 1.0 / f64::from(one_in)
        {
            continue;
        }
        let reward = Simulated::reward(setting, visitor, &exposure, &mut chance);
        let nothing = worth(0, None);
        if window == AT_ONCE {
            world
                .sums
                .change(&exposure, now_ms, None, Some(&worth(reward, Some(0))), now_ms);
        } else {
            world.sums.change(&exposure, now_ms, None, Some(&nothing), now_ms);
            let mean = MEAN_DELAY * if exposure.arm == 1 { SLOWER } else { 1.0 };
            let delay = -mean * (1.0 - chance.random::<f64>()).ln();
            if reward > 0 && delay < window as f64 {
                let bin = (delay * 16.0 / window as f64) as u8;
                let arrives_ms = now_ms + (delay * SECOND_MS as f64) as u64;
                waiting.insert((arrives_ms, visitor), (exposure, worth(reward, Some(bin))));
            }
            while let Some(entry) = waiting.first_entry().filter(|entry| entry.key().0 <= now_ms) {
                let ((_, since), (exposure, now)) = entry.remove_entry();
                world.sums.change(
                    &exposure,
                    since as u64 * SECOND_MS,
                    Some(&nothing),
                    Some(&now),
                    now_ms,
                );
            }
        }
        // The bucket whose window has closed by now.
        if let Some(matured) = (visitor + 1).checked_sub(window as usize) {
            prefix.add(&world.sums, matured as u64 * SECOND_MS);
            let share = shares.get(matured).copied().unwrap_or(0.5);
            looking.look(&prefix.totals, share);
        }
        values.look(&world, visitor, now_ms);
        if (visitor + 1).is_multiple_of(setting.visitors / RATIO_LOOKS) {
            lost.look(&world, visitor);
        }
    }
    // Where units are lost, nothing else can be true.
    if let World::Lost(_) = setting.world {
        return vec![lost.tracked];
    }
    let mut tracked = looking.finish(&prefix.totals);
    tracked.push(lost.tracked);
    tracked.extend(values.tracked());
    tracked
}

pub fn seeded(setting: &Setting, repetition: u64) -> StdRng {
    let mut seed = 0xcbf2_9ce4_8422_2325u64;
    for byte in setting.name.bytes() {
        seed = (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    StdRng::seed_from_u64(seed ^ repetition.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

pub fn worth(reward: u32, bin: Option<u8>) -> Worth {
    Worth {
        rewards_micros: vec![reward],
        delays: bin
            .filter(|_| reward > 0)
            .map(|bin| (bin, reward))
            .into_iter()
            .collect(),
    }
}

/// What each arm is worth to a visitor on average, of what comes within the window.
pub fn worth_of_arms(setting: &Setting, visitor: usize) -> [f64; 2] {
    let base = setting.base * setting.drifted(visitor);
    let value = if setting.world == World::Revenue {
        mean_value()
    } else {
        1.0
    };
    [(base, 1.0), (base + setting.effect, SLOWER)].map(|(rate, slower)| {
        let in_time = match setting.world {
            World::Delay => 1.0 - (-(LATE as f64) / (MEAN_DELAY * slower)).exp(),
            _ => 1.0,
        };
        rate * value * in_time
    })
}

/// What a conversion is worth on average, in caps.
fn mean_value() -> f64 {
    static MEAN: OnceLock<f64> = OnceLock::new();
    *MEAN.get_or_init(|| {
        let mut chance = StdRng::seed_from_u64(1);
        (0..400_000).map(|_| value(&mut chance)).sum::<f64>() / 400_000.0
    })
}

fn value(chance: &mut StdRng) -> f64 {
    // Box and Muller.
    let radius = (-2.0 * (1.0 - chance.random::<f64>()).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * chance.random::<f64>()).cos();
    ((SIGMA * normal).exp() / CAP).min(1.0)
}

/// The experiment and its sums.
pub struct Simulated {
    pub experiment: Experiment,
    pub sums: Accumulators,
    /// Visitors between two fits.
    block: usize,
    /// By context; computed once a model.
    distributions: Vec<Distribution>,
}

impl Simulated {
    pub fn new(setting: &Setting, metrics: Vec<Metric>) -> Self {
        let revision = revision(setting.policy, metrics);
        let sums = Accumulators::new(ID, &revision);
        let mut world = Self {
            experiment: Experiment {
                revision_id: ID,
                revision,
                stopped: Vec::new(),
                phase: Phase::Running,
                model: Model::default(),
            },
            sums,
            block: setting.visitors / BLOCKS,
            distributions: Vec::new(),
        };
        world.redraw();
        world
    }

    pub fn revision(&self) -> &Revision {
        &self.experiment.revision
    }

    pub fn source(&self) -> Source<'_> {
        Source {
            revision: &self.experiment.revision,
            sums: &self.sums,
        }
    }

    pub fn refit(&mut self, visitor: usize, now_ms: u64) {
        let is_even = visitor < BURN_IN || self.experiment.revision.policy.kind == PolicyKind::Fixed;
        let step = if visitor < BURN_IN { STEP } else { self.block };
        if visitor == 0 || !visitor.is_multiple_of(step) {
            return;
        }
        self.sums.roll_up(now_ms);
        let source = Source {
            revision: &self.experiment.revision,
            sums: &self.sums,
        };
        let mut model = fit(&self.experiment.revision, |_| true, &[source], now_ms);
        if is_even {
            // What the fit says of rewards, and nothing of shares.
            for segment in &mut model.segments {
                segment.probabilities_q30.clear();
            }
            model.gamma = 0.0;
        }
        self.experiment.model = model;
        self.redraw();
    }

    fn redraw(&mut self) {
        self.distributions = (0..CONTEXTS)
            .map(|context| distribution(&self.experiment, &features(&self.experiment, context)))
            .collect();
    }

    pub fn decide(&self, chance: &mut StdRng) -> Exposure {
        let context = chance.random_range(0..CONTEXTS);
        let drawn = self
            .distributions
            .get(context as usize)
            .cloned()
            .unwrap_or_default();
        let draw = chance.random_range(0..ONE_Q30);
        let first = drawn.propensities_q30.first().copied().unwrap_or(0);
        Exposure {
            revision: ID,
            model: 1,
            // Not the session's: here it carries the context to the reward.
            episode: context.into(),
            arm: u32::from(draw >= first),
            draw,
            slots: features(&self.experiment, context).slots,
            values_q10: Vec::new(),
            propensities_q30: drawn.propensities_q30,
            predictions_micros: drawn.predictions_micros,
            variances_micros: drawn.variances_micros,
            flags: 0,
            unit_kind: UnitKind::Visitor,
        }
    }

    fn reward(setting: &Setting, visitor: usize, exposure: &Exposure, chance: &mut StdRng) -> u32 {
        let base = setting.base * setting.drifted(visitor);
        // Contexts differ, and on average they do not.
        let tilt = match setting.policy {
            PolicyKind::Contextual => 0.5 + exposure.episode as f64 / f64::from(CONTEXTS - 1),
            _ => 1.0,
        };
        let rate = base * tilt + if exposure.arm == 1 { setting.effect } else { 0.0 };
        if chance.random::<f64>() >= rate {
            return 0;
        }
        match setting.world {
            World::Revenue => (value(chance) * 1e6) as u32,
            _ => 1_000_000,
        }
    }
}

fn features(experiment: &Experiment, context: u32) -> Features {
    Features {
        slots: match experiment.revision.policy.kind {
            PolicyKind::Contextual => vec![context + 1],
            _ => Vec::new(),
        },
        values_q10: Vec::new(),
    }
}

fn revision(policy: PolicyKind, metrics: Vec<Metric>) -> Revision {
    Revision {
        key: "simulated".into(),
        salt: [1; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 0,
        variants: ["calm", "bold"]
            .map(|key| Variant {
                key: key.into(),
                value: "1".into(),
            })
            .into(),
        when: Condition::always(),
        attributes: match policy {
            PolicyKind::Contextual => vec![Attribute {
                name: "context".into(),
                kind: AttributeKind::Categorical,
                hidden: false,
            }],
            _ => Vec::new(),
        },
        policy: match policy {
            PolicyKind::Fixed => Policy {
                kind: policy,
                min_propensity_q30: 0,
                weights_q30: vec![ONE_Q30 / 2; 2],
            },
            _ => Policy {
                kind: policy,
                min_propensity_q30: share_q30(FLOOR),
                weights_q30: Vec::new(),
            },
        },
        metrics,
        half_life_ms: 0,
        bucket_ms: SECOND_MS,
        fine_ms: 5_000,
        horizon_units: 0,
    }
}

/// The matured prefix of buckets, added up as it grows.
pub struct Prefix {
    pub totals: Totals,
    reading: Reading,
}

impl Prefix {
    pub fn new(revision: &Revision) -> Self {
        Self {
            totals: Totals::new(revision),
            reading: Reading::of(revision, revision),
        }
    }

    fn add(&mut self, sums: &Accumulators, start_ms: u64) {
        if let Some(bucket) = sums.inference.bucket(start_ms) {
            self.totals.add(&sums.inference, bucket, 0, &self.reading);
        }
    }
}

/// The sample ratio.
struct Ratio {
    tracked: Tracked,
    of: usize,
}

fn ratio_tracker(setting: &Setting) -> Ratio {
    Ratio {
        tracked: Tracked::new("sample ratio", false, matches!(setting.world, World::Lost(_))),
        of: setting.visitors,
    }
}

impl Ratio {
    fn look(&mut self, world: &Simulated, visitor: usize) {
        if self.tracked.crossed() > 0 {
            return;
        }
        let source = Source {
            revision: world.revision(),
            sums: &world.sums,
        };
        let found = tiltwise_core::infer::evaluate::allocation(world.revision(), &[source], 0);
        if found.log_e >= -ratio::ALPHA.ln() {
            self.tracked.cross_at(visitor, self.of);
        }
    }
}
