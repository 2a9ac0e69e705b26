//! The snapshots that the golden rows are decided with.

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::features::encode;
use tiltwise_core::id::{RevisionId, UnitKind};
use tiltwise_core::model::{Model, Segment};
use tiltwise_core::propensity::{ONE_Q30, share_q30};
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Operator, Policy, PolicyKind, Revision, Sticky, Value,
    Variant,
};
use tiltwise_core::snapshot::{Experiment, Phase, SnapshotContent};

pub fn all() -> Vec<(&'static str, SnapshotContent)> {
    vec![
        ("shop", shop()),
        ("burn-in", burn_in()),
        ("actions", actions()),
        ("many-arms", many_arms()),
    ]
}

/// Four experiments with fitted models.
fn shop() -> SnapshotContent {
    SnapshotContent {
        experiments: vec![hero(), badge(), checkout(), plan()],
        gpc_limits: true,
    }
}

/// The same, before anything is known.
fn burn_in() -> SnapshotContent {
    let mut content = shop();
    content
        .experiments
        .iter_mut()
        .for_each(|e| e.model = Model::default());
    content
}

/// The same under actions: a stopped arm, a newcomer, a pause and a winner.
fn actions() -> SnapshotContent {
    let mut content = shop();
    content.experiments[0].stopped = vec![false, true, false];
    content.experiments[1].model.newcomers = vec![0, 0, 1];
    content.experiments[2].phase = Phase::Paused;
    content.experiments[3].phase = Phase::Decided { winner: 1 };
    content
}

fn revision(key: &str, variants: &[&str], policy: Policy, attributes: Vec<Attribute>) -> Revision {
    Revision {
        key: key.into(),
        salt: *b"0123456789abcdef",
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: share_q30(0.05),
        control: 0,
        variants: variants
            .iter()
            .map(|v| Variant {
                key: (*v).into(),
                value: format!("\"{v}\""),
            })
            .collect(),
        when: Condition::always(),
        attributes,
        policy,
        metrics: vec![Metric::rate("signup", 1_800_000)],
        half_life_ms: 604_800_000,
        bucket_ms: 900_000,
        fine_ms: 60_000,
        horizon_units: 0,
    }
}

fn experiment(id: u64, revision: Revision, model: Model) -> Experiment {
    Experiment {
        revision_id: RevisionId(id),
        revision,
        stopped: Vec::new(),
        phase: Phase::Running,
        model,
    }
}

fn policy(kind: PolicyKind, floor: f64) -> Policy {
    Policy {
        kind,
        min_propensity_q30: share_q30(floor),
        weights_q30: Vec::new(),
    }
}

fn attribute(name: &str, kind: AttributeKind) -> Attribute {
    Attribute {
        name: name.into(),
        kind,
        hidden: false,
    }
}

fn text(name: &str, value: &str) -> Context {
    let mut context = Context::new();
    context.set(name, ContextValue::Text(value.into()));
    context
}

/// Contextual: a categorical, a binned, a linear and a crossed attribute, and a targeting condition.
fn hero() -> Experiment {
    let attributes = vec![
        attribute("device", AttributeKind::Categorical),
        attribute("country", AttributeKind::Categorical),
        attribute(
            "cart_value",
            AttributeKind::Bins {
                cuts: vec![10.0, 50.0, 200.0],
            },
        ),
        attribute(
            "visits",
            AttributeKind::Linear {
                center: 3.0,
                scale: 4.0,
            },
        ),
        attribute("device×country", AttributeKind::Cross { of: vec![0, 1] }),
    ];
    let known: Vec<u32> = [
        text("device", "phone"),
        text("device", "desktop"),
        text("country", "DE"),
        text("country", "US"),
    ]
    .iter()
    .flat_map(|context| encode(&attributes, context).slots)
    .collect();
    let mut slots: Vec<u32> = known.into_iter().chain([0]).collect();
    slots.sort_unstable();
    slots.dedup();
    let arms = 3;
    let weight = |i: usize| ((i * 37 % 23) as f32 - 11.0) / 64.0;
    let theta = (0..arms * slots.len()).map(weight).collect();
    let precision = (0..arms * slots.len())
        .map(|i| 1.0 + (i * 53 % 911) as f32)
        .collect();
    let mut revision = revision(
        "hero",
        &["calm", "bold", "social"],
        policy(PolicyKind::Contextual, 0.01),
        attributes,
    );
    revision.when = Condition::All(vec![
        Condition::Any(vec![
            compare(
                "country",
                Operator::In,
                vec![Value::Text("US".into()), Value::Text("DE".into())],
            ),
            compare("country", Operator::Exists, vec![Value::Truth(false)]),
        ]),
        Condition::None(vec![compare("bot", Operator::Eq, vec![Value::Truth(true)])]),
    ]);
    let model = Model {
        slots,
        theta,
        precision,
        gamma: 900.0,
        alpha: 0.3,
        variances_micros: vec![90_000, 110_000, 70_000],
        ..Model::default()
    };
    experiment(0x1111_2222_3333_4444, revision, model)
}

fn compare(attribute: &str, operator: Operator, values: Vec<Value>) -> Condition {
    Condition::Compare {
        attribute: attribute.into(),
        operator,
        values,
    }
}

/// Thompson per device.
fn badge() -> Experiment {
    let device = Attribute {
        hidden: true,
        ..attribute("device", AttributeKind::Categorical)
    };
    let attributes = vec![
        device,
        attribute("segment", AttributeKind::Segment { of: vec![0] }),
    ];
    let row = |device: &str, p: [f64; 3]| Segment {
        slot: encode(&attributes, &text("device", device)).slots[0],
        probabilities_q30: p.iter().map(|&p| share_q30(p)).collect(),
        means_micros: vec![100_000, 120_000, 81_234],
    };
    let mut segments = vec![row("phone", [0.02, 0.9, 0.08]), row("desktop", [0.7, 0.2, 0.1])];
    segments.push(Segment {
        slot: 0,
        probabilities_q30: vec![share_q30(0.25), share_q30(0.5), share_q30(0.25)],
        means_micros: vec![100_000; 3],
    });
    segments.sort_by_key(|s| s.slot);
    let mut revision = revision(
        "badge",
        &["none", "percent", "shipping"],
        policy(PolicyKind::Thompson, 0.05),
        attributes,
    );
    revision.sticky = Sticky::Session;
    revision.traffic_q30 = share_q30(0.5);
    experiment(
        7,
        revision,
        Model {
            segments,
            ..Model::default()
        },
    )
}

/// A fixed split, uneven, without stickiness.
fn checkout() -> Experiment {
    let weights_q30 = vec![ONE_Q30 / 4, ONE_Q30 / 4 * 3];
    let mut revision = revision(
        "checkout",
        &["green", "black"],
        Policy {
            kind: PolicyKind::Fixed,
            min_propensity_q30: 0,
            weights_q30,
        },
        Vec::new(),
    );
    revision.sticky = Sticky::None;
    revision.comparison_q30 = 0;
    revision.metrics = vec![Metric {
        cap_micros: 500_000_000,
        currency: "EUR".into(),
        ..Metric::rate("purchase", 604_800_000)
    }];
    experiment(u64::MAX, revision, Model::default())
}

/// Best-arm, by account.
fn plan() -> Experiment {
    let mut revision = revision(
        "plan",
        &["monthly", "yearly", "both", "free"],
        policy(PolicyKind::BestArm, 0.05),
        Vec::new(),
    );
    revision.unit = UnitKind::Account;
    let row = Segment {
        slot: 0,
        probabilities_q30: [0.1, 0.2, 0.3, 0.4].iter().map(|&p| share_q30(p)).collect(),
        means_micros: vec![10_000, 20_000, 30_000, 40_000],
    };
    experiment(
        8,
        revision,
        Model {
            segments: vec![row],
            ..Model::default()
        },
    )
}

/// Sixty-four arms, the most there may be, all alike but one.
fn many_arms() -> SnapshotContent {
    let keys: Vec<String> = (0..64).map(|i| format!("arm-{i}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let revision = revision("many", &keys, policy(PolicyKind::Contextual, 0.01), Vec::new());
    let theta = (0..64).map(|arm| if arm == 41 { 0.5 } else { 0.1 }).collect();
    let model = Model {
        slots: vec![0],
        theta,
        precision: vec![400.0; 64],
        gamma: 5_000.0,
        alpha: 0.3,
        ..Model::default()
    };
    SnapshotContent {
        experiments: vec![experiment(9, revision, model)],
        gpc_limits: false,
    }
}
