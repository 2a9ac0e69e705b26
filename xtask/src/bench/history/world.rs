//! A small shop with a known truth, decided, joined, folded and fitted by the core.

use tiltwise_core::acc::Accumulators;
use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::{decide, prepare};
use tiltwise_core::event::{Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::fit::history::{History, Part, Reach};
use tiltwise_core::fit::{Source, fit_from};
use tiltwise_core::hash::{Unit, split_mix};
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind, Visitor};
use tiltwise_core::join::{Fold, Params};
use tiltwise_core::model::Model;
use tiltwise_core::propensity::{ONE_Q30, share_q30};
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};
use tiltwise_core::snapshot::{Experiment, Phase};

use super::Kind;

/// Where the blocks of visitors end by which regret is told.
pub(super) const BLOCKS: [usize; 3] = [2_000, 4_000, 8_000];
/// How many visitors history has, in the week before.
const PAST_VISITORS: u64 = 5_000;
const REFIT_EVERY: usize = 50;

const ID: RevisionId = RevisionId(1);
const WINDOW_MS: u64 = 1_800_000;
const START_MS: u64 = 1_700_000_000_000;
const WEEK_MS: u64 = 7 * 86_400_000;
/// Visitors come every two seconds and convert after a minute on average.
const EVERY_MS: u64 = 2_000;
const DELAY_MS: f64 = 60_000.0;

const DEVICES: [&str; 2] = ["phone", "desk"];
const ARMS: usize = 3;
/// By device and arm: what is true today.
const RATES: [[f64; ARMS]; 2] = [[0.10, 0.16, 0.07], [0.16, 0.10, 0.12]];

/// History, as an import keeps it.
#[derive(Debug)]
pub(super) struct Past {
    revision: Revision,
    parts: Vec<Part>,
    reach: Reach,
    pub worth: f64,
}

impl Past {
    pub(super) fn of(policy: PolicyKind, kind: Kind, seed: u64) -> Self {
        let mut chance = Chance(seed ^ 0x5eed);
        let mut revision = revision(policy);
        revision.policy.kind = PolicyKind::Fixed;
        revision.policy.weights_q30 = match kind {
            Kind::OneVariant => vec![ONE_Q30, 0, 0],
            _ => vec![ONE_Q30 - 2 * (ONE_Q30 / 3), ONE_Q30 / 3, ONE_Q30 / 3],
        };
        let mut world = World::of(revision.clone(), seed ^ 0x9a57);
        let every_ms = WEEK_MS / PAST_VISITORS;
        world.now_ms = START_MS - WEEK_MS - 2 * WINDOW_MS;
        for _ in 0..PAST_VISITORS {
            world.now_ms += every_ms;
            let device = (chance.uniform() * DEVICES.len() as f64) as usize % DEVICES.len();
            world.visit(device, &past_rates(kind, device));
            world.tell();
        }
        while world.fold.clock().ms() < START_MS {
            world.now_ms = START_MS;
            world.tell();
        }
        world.fold.roll_up();
        let parts = world.fold.sums().get(&ID).map(|sums| Part {
            weight: 1.0,
            sums: sums.clone(),
        });
        Self {
            revision,
            parts: parts.into_iter().collect(),
            reach: if kind == Kind::OneVariant {
                Reach::Pooled
            } else {
                Reach::Arms
            },
            worth: 0.0,
        }
    }
}

fn past_rates(kind: Kind, device: usize) -> [f64; ARMS] {
    let today = RATES[device];
    let mean = today.iter().sum::<f64>() / ARMS as f64;
    match kind {
        Kind::Faded => today.map(|rate| f64::midpoint(rate, mean)),
        Kind::Flat => [mean; ARMS],
        Kind::Misleading => {
            let place = |wanted: f64| {
                today
                    .iter()
                    .position(|&rate| rate.total_cmp(&wanted).is_eq())
                    .unwrap_or(0)
            };
            let best = place(today.iter().copied().fold(0.0, f64::max));
            let worst = place(today.iter().copied().fold(1.0, f64::min));
            let mut swapped = today;
            swapped.swap(best, worst);
            swapped
        }
        _ => today,
    }
}

pub(super) struct World {
    experiment: Experiment,
    fold: Fold,
    now_ms: u64,
    pending: Vec<LoggedEvent>,
    chance: Chance,
    visitors: u64,
    regret: f64,
}

impl World {
    pub(super) fn new(policy: PolicyKind, seed: u64) -> Self {
        Self::of(revision(policy), seed)
    }

    fn of(revision: Revision, seed: u64) -> Self {
        let mut fold = Fold::new(Params::default());
        fold.add_revision(ID, revision.clone());
        Self {
            experiment: Experiment {
                revision_id: ID,
                revision,
                stopped: Vec::new(),
                phase: Phase::Running,
                model: Model::default(),
            },
            fold,
            now_ms: START_MS,
            pending: Vec::new(),
            chance: Chance(seed.wrapping_mul(0x9e37_79b9)),
            visitors: seed << 32,
            regret: 0.0,
        }
    }

    /// The regret of each block of visitors.
    pub(super) fn run(mut self, past: Option<&Past>) -> [f64; BLOCKS.len()] {
        let mut regrets = [0.0; BLOCKS.len()];
        self.refit(past);
        for i in 0..BLOCKS[BLOCKS.len() - 1] {
            self.now_ms += EVERY_MS;
            let device = (self.chance.uniform() * DEVICES.len() as f64) as usize % DEVICES.len();
            self.visit(device, &RATES[device]);
            self.tell();
            if i % REFIT_EVERY == REFIT_EVERY - 1 {
                self.refit(past);
            }
            if let Some(block) = BLOCKS.iter().position(|&end| i + 1 == end) {
                regrets[block] = std::mem::take(&mut self.regret);
            }
        }
        regrets
    }

    fn refit(&mut self, past: Option<&Past>) {
        self.fold.roll_up();
        let revision = &self.experiment.revision;
        let none = Accumulators::new(ID, revision);
        let source = Source {
            revision,
            sums: self.fold.sums().get(&ID).unwrap_or(&none),
        };
        let history: Vec<History<'_>> = past
            .iter()
            .map(|past| History {
                revision: &past.revision,
                parts: &past.parts,
                reach: past.reach,
                worth: past.worth,
                as_of_ms: START_MS,
            })
            .collect();
        self.experiment.model = fit_from(revision, |_| true, &[source], &history, self.now_ms);
    }

    fn visit(&mut self, device: usize, rates: &[f64; ARMS]) {
        self.visitors += 1;
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.visitors.to_le_bytes());
        let visitor = Visitor::mint(self.now_ms, random);
        let mut context = Context::new();
        context.set("device", ContextValue::Text(DEVICES[device].into()));
        let prepared = prepare(&self.experiment, &context, true);
        let Ok(exposure) = decide(&self.experiment, &prepared, 1, Unit::Visitor(&visitor), 0) else {
            return;
        };
        let rate = rates[exposure.arm as usize % ARMS];
        self.regret += rates.iter().copied().fold(0.0, f64::max) - rate;
        let event = |id, at_ms, fact| LoggedEvent {
            id,
            unit: Pseudonym(random),
            received_ms: at_ms,
            at_ms,
            tier: Tier::Page,
            quarantine: Quarantine::None,
            fact,
        };
        self.pending
            .push(event(random, self.now_ms, Fact::Exposure(exposure)));
        if self.chance.uniform() < rate {
            let at_ms = self.now_ms + (-DELAY_MS * (1.0 - self.chance.uniform()).ln()) as u64;
            self.pending.push(event(
                [7; 16],
                at_ms,
                Fact::Outcome(LoggedOutcome::new("signup", 0.0, "")),
            ));
        }
    }

    /// Everything that has happened by now is received.
    fn tell(&mut self) {
        let now_ms = self.now_ms;
        let (events, later) = self
            .pending
            .drain(..)
            .partition(|event| event.received_ms <= now_ms);
        self.pending = later;
        self.fold.apply(LogRecord {
            clock_ms: now_ms,
            events,
        });
    }
}

fn revision(kind: PolicyKind) -> Revision {
    let device = |hidden| Attribute {
        name: "device".into(),
        kind: AttributeKind::Categorical,
        hidden,
    };
    let attributes = if kind == PolicyKind::Contextual {
        vec![device(false)]
    } else {
        let segment = Attribute {
            name: "segments".into(),
            kind: AttributeKind::Segment { of: vec![0] },
            hidden: false,
        };
        vec![device(true), segment]
    };
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
            min_propensity_q30: share_q30(if kind == PolicyKind::Contextual {
                0.01
            } else {
                0.05
            }),
            weights_q30: Vec::new(),
        },
        metrics: vec![Metric::rate("signup", WINDOW_MS)],
        half_life_ms: WEEK_MS,
        bucket_ms: 3_600_000,
        fine_ms: 60_000,
        horizon_units: 0,
    }
}

/// Numbers that follow from a seed.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        (split_mix(&mut self.0) >> 11) as f64 / (1u64 << 53) as f64
    }
}
