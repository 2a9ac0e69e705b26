//! A day of a shop whose visitors change their minds at a known moment, or do not.
//!
//! Eighteen kinds of visitors (device and country), three variants, of which one is the best on one device and another on two; traffic
//! swings with the day. Rewards come within a window of two minutes. The model is fitted once a minute, as the trainer fits,
//! so that the first hours are a learner's that knows nothing yet.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tiltwise_core::acc::Accumulators;
use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::{Prepared, prepare};
use tiltwise_core::event::{Exposure, FLAG_COMPARISON};
use tiltwise_core::fit::{Source, fit};
use tiltwise_core::id::{RevisionId, UnitKind};
use tiltwise_core::infer::{Alert, drift};
use tiltwise_core::join::reward::{Worth, steps_within};
use tiltwise_core::model::Model;
use tiltwise_core::propensity::{ONE_Q30, share_q30};
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};
use tiltwise_core::snapshot::{Experiment, Phase};

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// Midnight of a day, so that eras of the detector begin somewhere within.
const START_MS: u64 = 19_676 * DAY_MS;
/// Short beside an hour: an alert can come when the window has closed.
const WINDOW_MS: u64 = 2 * MINUTE_MS;
const LATENESS_MS: u64 = MINUTE_MS;
const MEAN_DELAY_MS: f64 = 20_000.0;
/// Traffic goes between one and four times its least within a day.
const SWING: f64 = 0.6;
const ID: RevisionId = RevisionId(1);
const ARMS: usize = 3;
const DEVICES: [&str; 3] = ["phone", "desk", "tablet"];
const COUNTRIES: [&str; 6] = ["AT", "CH", "DE", "FR", "IT", "PL"];
/// By device and arm.
const RATES: [[f64; ARMS]; 3] = [[0.10, 0.15, 0.07], [0.16, 0.12, 0.10], [0.08, 0.14, 0.10]];
/// By country.
const FACTORS: [f64; 6] = [0.8, 1.1, 1.0, 1.2, 0.9, 1.0];

/// How the truth changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Nothing,
    /// Nothing for good: rates go a tenth up and down with the time of day, which no model here can know.
    Swings,
    /// On every device the best and the worst variant change places.
    Swap,
    /// Everybody does it half as often.
    Halves,
    /// And half as often again.
    Rises,
    /// One variant does not work any more: a quarter of its rewards are left.
    Breaks,
}

impl Change {
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Swings,
        Self::Swap,
        Self::Halves,
        Self::Rises,
        Self::Breaks,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing changes",
            Self::Swings => "rates swing by 10 % with the day",
            Self::Swap => "best and worst change places",
            Self::Halves => "all rates halve",
            Self::Rises => "all rates rise by half",
            Self::Breaks => "one variant breaks",
        }
    }

    pub fn is_quiet(self) -> bool {
        matches!(self, Self::Nothing | Self::Swings)
    }
}

/// One simulated day.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub policy: PolicyKind,
    pub change: Change,
    /// Visitors an hour, on average over the day.
    pub hourly: f64,
}

/// What the detector made of it: when it changed, and all alerts.
pub struct Seen {
    pub changed_ms: u64,
    pub alerts: Vec<Alert>,
}

pub fn simulate(setting: &Setting, seed: u64) -> Seen {
    let mut chance = StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1f7);
    // Between eight in the morning and an hour before the end, by day as by night.
    let changed_ms = START_MS + 8 * HOUR_MS + (chance.random::<f64>() * (15 * HOUR_MS) as f64) as u64;
    let phase = chance.random::<f64>();
    let mut world = World::new(setting.policy);
    for minute in 0..DAY_MS / MINUTE_MS {
        let from_ms = START_MS + minute * MINUTE_MS;
        world.refit(from_ms);
        let of_the_day = swing(from_ms, phase);
        let expected = setting.hourly / 60.0 * (1.0 + SWING * of_the_day);
        let visitors = expected as u64 + u64::from(chance.random::<f64>() < expected.fract());
        for visitor in 0..visitors {
            let at_ms = from_ms + visitor * MINUTE_MS / visitors;
            let change = if at_ms >= changed_ms {
                setting.change
            } else {
                Change::Nothing
            };
            let factor = match setting.change {
                Change::Swings => 1.0 + 0.1 * of_the_day,
                _ => 1.0,
            };
            world.visit(at_ms, change, factor, &mut chance);
        }
    }
    let clock_ms = START_MS + DAY_MS;
    world.receive(clock_ms);
    Seen {
        changed_ms,
        alerts: drift(
            &world.experiment.revision,
            &[world.source()],
            clock_ms,
            LATENESS_MS,
        ),
    }
}

/// Between −1 and 1, once around a day.
fn swing(at_ms: u64, phase: f64) -> f64 {
    (std::f64::consts::TAU * (phase + (at_ms % DAY_MS) as f64 / DAY_MS as f64)).sin()
}

fn rate(device: usize, country: usize, arm: usize, change: Change) -> f64 {
    let mut rates = RATES[device];
    match change {
        Change::Swap => {
            let by_rate = |a: &usize, b: &usize| RATES[device][*a].total_cmp(&RATES[device][*b]);
            let (worst, best) = ((0..ARMS).min_by(by_rate), (0..ARMS).max_by(by_rate));
            rates.swap(worst.unwrap_or(0), best.unwrap_or(0));
        }
        Change::Halves => rates = rates.map(|rate| rate * 0.5),
        Change::Rises => rates = rates.map(|rate| rate * 1.5),
        Change::Breaks => rates[1] *= 0.25,
        Change::Nothing | Change::Swings => {}
    }
    rates[arm] * FACTORS[country]
}

struct World {
    experiment: Experiment,
    sums: Accumulators,
    /// By device and country, for the present model.
    prepared: Vec<Prepared>,
    /// Rewards that are on their way, by the time of receipt.
    coming: BTreeMap<(u64, u64), (Exposure, u64, Worth)>,
    visitors: u64,
}

impl World {
    fn new(policy: PolicyKind) -> Self {
        let revision = revision(policy);
        Self {
            sums: Accumulators::new(ID, &revision),
            experiment: Experiment {
                revision_id: ID,
                revision,
                stopped: Vec::new(),
                phase: Phase::Running,
                model: Model::default(),
            },
            prepared: Vec::new(),
            coming: BTreeMap::new(),
            visitors: 0,
        }
    }

    fn source(&self) -> Source<'_> {
        Source {
            revision: &self.experiment.revision,
            sums: &self.sums,
        }
    }

    fn refit(&mut self, now_ms: u64) {
        self.receive(now_ms);
        self.sums.roll_up(now_ms);
        self.experiment.model = fit(&self.experiment.revision, |_| true, &[self.source()], now_ms);
        let mut prepared = Vec::new();
        for device in DEVICES {
            for country in COUNTRIES {
                let mut context = Context::new();
                context.set("device", ContextValue::Text(device.into()));
                context.set("country", ContextValue::Text(country.into()));
                prepared.push(prepare(&self.experiment, &context, true));
            }
        }
        self.prepared = prepared;
    }

    fn visit(&mut self, at_ms: u64, change: Change, factor: f64, chance: &mut StdRng) {
        self.receive(at_ms);
        let device = chance.random_range(0..DEVICES.len());
        let country = chance.random_range(0..COUNTRIES.len());
        let prepared = &self.prepared[device * COUNTRIES.len() + country];
        let in_comparison = chance.random::<f64>() < 0.05;
        let propensities = if in_comparison {
            &prepared.even_q30
        } else {
            &prepared.distribution.propensities_q30
        };
        let draw = chance.random_range(0..ONE_Q30);
        let mut end = 0;
        let arm = propensities.iter().position(|p| {
            end += p;
            draw < end
        });
        let arm = arm.unwrap_or(0);
        let exposure = Exposure {
            revision: ID,
            model: 1,
            episode: 0,
            arm: arm as u32,
            draw,
            slots: prepared.features.slots.clone(),
            values_q10: prepared.features.values_q10.clone(),
            propensities_q30: propensities.clone(),
            predictions_micros: prepared.distribution.predictions_micros.clone(),
            variances_micros: prepared.distribution.variances_micros.clone(),
            flags: if in_comparison { FLAG_COMPARISON } else { 0 },
            unit_kind: UnitKind::Visitor,
        };
        self.sums
            .change(&exposure, at_ms, None, Some(&worth(None)), at_ms);
        if chance.random::<f64>() < factor * rate(device, country, arm, change) {
            let delay_ms = (-MEAN_DELAY_MS * (1.0 - chance.random::<f64>()).ln()) as u64;
            if delay_ms <= WINDOW_MS {
                let worth = worth(Some(delay_ms));
                self.visitors += 1;
                let key = (at_ms + delay_ms, self.visitors);
                self.coming.insert(key, (exposure, at_ms, worth));
            }
        }
    }

    /// What has happened by now is in the sums.
    fn receive(&mut self, now_ms: u64) {
        while let Some(entry) = self.coming.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let (exposure, decided_ms, now) = entry.remove();
            self.sums
                .change(&exposure, decided_ms, Some(&worth(None)), Some(&now), now_ms);
        }
    }
}

fn worth(delay_ms: Option<u64>) -> Worth {
    Worth {
        rewards_micros: vec![delay_ms.map_or(0, |_| 1_000_000)],
        delays: delay_ms
            .map(|ms| (steps_within(ms, WINDOW_MS) as u8, 1_000_000))
            .into_iter()
            .collect(),
    }
}

fn revision(kind: PolicyKind) -> Revision {
    let attribute = |name: &str, hidden| Attribute {
        name: name.into(),
        kind: AttributeKind::Categorical,
        hidden,
    };
    let attributes = match kind {
        PolicyKind::Contextual => vec![attribute("device", false), attribute("country", false)],
        PolicyKind::Thompson => {
            let segment = Attribute {
                name: "segments".into(),
                kind: AttributeKind::Segment { of: vec![0] },
                hidden: false,
            };
            vec![attribute("device", true), segment]
        }
        _ => Vec::new(),
    };
    let even = ONE_Q30 / ARMS as u32;
    Revision {
        key: "shop".into(),
        salt: [9; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: share_q30(0.05),
        control: 0,
        variants: ["calm", "bold", "loud"]
            .map(|key| Variant {
                key: key.into(),
                value: "1".into(),
            })
            .into(),
        when: Condition::always(),
        attributes,
        policy: Policy {
            kind,
            min_propensity_q30: match kind {
                PolicyKind::Fixed => 0,
                PolicyKind::Contextual => share_q30(0.01),
                _ => share_q30(0.05),
            },
            weights_q30: match kind {
                PolicyKind::Fixed => vec![ONE_Q30 - 2 * even, even, even],
                _ => Vec::new(),
            },
        },
        metrics: vec![Metric::rate("signup", WINDOW_MS)],
        half_life_ms: 7 * DAY_MS,
        bucket_ms: MINUTE_MS,
        fine_ms: 5_000,
        horizon_units: 0,
    }
}
