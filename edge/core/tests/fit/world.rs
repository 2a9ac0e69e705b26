//! A world with a known truth: visitors with a device, arms with rates and delays.

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

pub const ID: RevisionId = RevisionId(5);
pub const WINDOW_MS: u64 = 1_800_000;
pub const START_MS: u64 = 1_700_000_000_000;

pub fn revision(kind: PolicyKind, arms: usize) -> Revision {
    let device = |hidden| Attribute {
        name: "device".into(),
        kind: AttributeKind::Categorical,
        hidden,
    };
    let attributes = match kind {
        PolicyKind::Contextual => vec![device(false)],
        PolicyKind::Thompson => {
            vec![
                device(true),
                Attribute {
                    name: "segment".into(),
                    kind: AttributeKind::Segment { of: vec![0] },
                    hidden: false,
                },
            ]
        }
        _ => Vec::new(),
    };
    let even = ONE_Q30 / arms as u32;
    let mut weights_q30 = vec![even; arms];
    weights_q30[0] = ONE_Q30 - even * (arms as u32 - 1);
    let revision = Revision {
        key: "hero".into(),
        salt: [9; 16],
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: share_q30(0.05),
        control: 0,
        variants: (0..arms)
            .map(|i| Variant {
                key: format!("v{i}"),
                value: "1".into(),
            })
            .collect(),
        when: Condition::always(),
        attributes,
        policy: Policy {
            kind,
            min_propensity_q30: if kind == PolicyKind::Fixed {
                0
            } else {
                share_q30(0.01)
            },
            weights_q30: if kind == PolicyKind::Fixed {
                weights_q30
            } else {
                Vec::new()
            },
        },
        metrics: vec![Metric::rate("signup", WINDOW_MS)],
        half_life_ms: 7 * 86_400_000,
        bucket_ms: 3_600_000,
        fine_ms: 60_000,
        horizon_units: 0,
    };
    revision.check().unwrap();
    revision
}

/// What is true: by device and arm the rate, and by arm the mean delay.
pub struct Truth {
    pub rates: Vec<(&'static str, Vec<f64>)>,
    pub delays_ms: Vec<f64>,
}

/// What was kept of an earlier world.
pub struct Past {
    pub revision: Revision,
    pub parts: Vec<Part>,
    pub reach: Reach,
    pub worth: f64,
    pub as_of_ms: u64,
}

pub struct World {
    pub experiment: Experiment,
    pub past: Vec<Past>,
    pub fold: Fold,
    pub now_ms: u64,
    pub shown: usize,
    pub rewarded: usize,
    /// What always showing the best arm would have brought beyond what was shown, in expected rewards.
    pub regret: f64,
    pending: Vec<LoggedEvent>,
    chance: u64,
    visitors: u64,
}

impl World {
    pub fn new(revision: Revision) -> Self {
        let mut fold = Fold::new(Params::default());
        fold.add_revision(ID, revision.clone());
        let experiment = Experiment {
            revision_id: ID,
            revision,
            stopped: Vec::new(),
            phase: Phase::Running,
            model: Model::default(),
        };
        Self {
            experiment,
            past: Vec::new(),
            fold,
            now_ms: START_MS,
            shown: 0,
            rewarded: 0,
            regret: 0.0,
            pending: Vec::new(),
            chance: 1,
            visitors: 0,
        }
    }

    /// Another course of the same events.
    pub fn seeded(mut self, seed: u64) -> Self {
        self.chance = seed;
        self.visitors = seed << 32;
        self
    }

    /// Visitors come one every `every_ms`; the model is fitted after each `refit_every`.
    pub fn run(&mut self, truth: &Truth, visitors: usize, every_ms: u64, refit_every: usize) {
        for i in 0..visitors {
            self.now_ms += every_ms;
            let which = (self.uniform() * truth.rates.len() as f64) as usize;
            let (device, rates) = &truth.rates[which];
            self.visit(device, rates, &truth.delays_ms);
            self.tell();
            if i % refit_every == refit_every - 1 {
                self.refit();
            }
        }
    }

    /// The share of an arm for a device, by the present model.
    pub fn share(&self, device: &str, arm: usize) -> f64 {
        let prepared = prepare(&self.experiment, &context(device), true);
        f64::from(prepared.distribution.propensities_q30[arm]) / f64::from(ONE_Q30)
    }

    pub fn prediction(&self, device: &str, arm: usize) -> f64 {
        let prepared = prepare(&self.experiment, &context(device), true);
        f64::from(prepared.distribution.predictions_micros[arm]) / 1e6
    }

    pub fn refit(&mut self) {
        self.fold.roll_up();
        let none = Accumulators::new(ID, &self.experiment.revision);
        self.experiment.model = self.fitted(self.fold.sums().get(&ID).unwrap_or(&none));
    }

    pub fn fitted(&self, sums: &Accumulators) -> Model {
        let revision = &self.experiment.revision;
        let histories: Vec<History<'_>> = self
            .past
            .iter()
            .map(|past| History {
                revision: &past.revision,
                parts: &past.parts,
                reach: past.reach,
                worth: past.worth,
                as_of_ms: past.as_of_ms,
            })
            .collect();
        let source = Source { revision, sums };
        let is_active = |arm| self.experiment.is_active(arm);
        fit_from(revision, is_active, &[source], &histories, self.now_ms)
    }

    /// What this world has seen, as history for another: counts for at most so many visitors.
    pub fn into_past(mut self, reach: Reach, worth: f64) -> Past {
        self.now_ms += WINDOW_MS + 60_000;
        self.tell();
        while self.fold.clock().ms() < self.now_ms {
            self.tell();
        }
        self.fold.roll_up();
        let sums = self.fold.sums()[&ID].clone();
        Past {
            revision: self.experiment.revision,
            parts: vec![Part { weight: 1.0, sums }],
            reach,
            worth,
            as_of_ms: self.now_ms,
        }
    }

    fn visit(&mut self, device: &str, rates: &[f64], delays_ms: &[f64]) {
        self.visitors += 1;
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.visitors.to_le_bytes());
        let visitor = Visitor::mint(self.now_ms, random);
        let prepared = prepare(&self.experiment, &context(device), true);
        let exposure = decide(&self.experiment, &prepared, 1, Unit::Visitor(&visitor), 0).unwrap();
        let arm = exposure.arm as usize;
        self.shown += 1;
        self.regret += rates.iter().fold(0.0f64, |most, &r| most.max(r)) - rates[arm];
        let (unit, id) = (Pseudonym(random), random);
        let event = |id, received_ms, at_ms, fact| LoggedEvent {
            id,
            unit,
            received_ms,
            at_ms,
            tier: Tier::Page,
            quarantine: Quarantine::None,
            fact,
        };
        let now = self.now_ms;
        self.pending.push(event(id, now, now, Fact::Exposure(exposure)));
        if self.uniform() < rates[arm] {
            self.rewarded += 1;
            let at = now + (-delays_ms[arm] * (1.0 - self.uniform()).ln()) as u64;
            self.pending.push(event(
                [7; 16],
                at,
                at,
                Fact::Outcome(LoggedOutcome::new("signup", 0.0, "")),
            ));
        }
    }

    /// Everything that has happened by now is received.
    pub fn tell(&mut self) {
        let now_ms = self.now_ms;
        let mut due = Vec::new();
        let mut at = 0;
        while let Some(event) = self.pending.get(at) {
            if event.received_ms <= now_ms {
                due.push(self.pending.swap_remove(at));
            } else {
                at += 1;
            }
        }
        self.fold.apply(LogRecord {
            clock_ms: now_ms,
            events: due,
        });
    }

    /// In [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (split_mix(&mut self.chance) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn context(device: &str) -> Context {
    let mut context = Context::new();
    context.set("device", ContextValue::Text(device.into()));
    context
}
