//! The snapshot that decisions are measured with: three arms, eight attributes, a contextual model that has learned.

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::features::encode;
use tiltwise_core::id::{RevisionId, UnitKind};
use tiltwise_core::model::Model;
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};
use tiltwise_core::snapshot::{Experiment, Phase, SnapshotContent};

const ATTRIBUTES: usize = 8;
const ARMS: usize = 3;

/// The values that the page gives its attributes; the same stand in `xtask/npm/bench.mjs`.
const VALUES: [&str; 4] = ["red", "green", "blue", "white"];

/// The encoded content. Who signed it is for the module's host to check, and is not measured here.
pub(super) fn content() -> Vec<u8> {
    let attributes = (0..ATTRIBUTES).map(attribute).collect::<Vec<_>>();
    let model = model(&attributes);
    let experiment = Experiment {
        revision_id: RevisionId(1),
        revision: revision(attributes),
        stopped: Vec::new(),
        phase: Phase::Running,
        model,
    };
    let content = SnapshotContent {
        experiments: vec![experiment],
        gpc_limits: true,
    };
    content.encode()
}

fn attribute(index: usize) -> Attribute {
    Attribute {
        name: format!("attribute-{index}"),
        kind: AttributeKind::Categorical,
        hidden: false,
    }
}

fn revision(attributes: Vec<Attribute>) -> Revision {
    let variant = |arm| Variant {
        key: format!("arm-{arm}"),
        value: "null".into(),
    };
    Revision {
        key: "bench".into(),
        salt: [7; 16],
        unit: UnitKind::Visitor,
        // An episode a millisecond, so that each call draws.
        sticky: Sticky::None,
        traffic_q30: ONE_Q30,
        comparison_q30: ONE_Q30 / 20,
        control: 0,
        variants: (0..ARMS).map(variant).collect(),
        when: Condition::always(),
        attributes,
        policy: Policy {
            kind: PolicyKind::Contextual,
            min_propensity_q30: ONE_Q30 / 100,
            weights_q30: Vec::new(),
        },
        metrics: vec![Metric::rate("signup", 1)],
        half_life_ms: 0,
        bucket_ms: 60_000,
        fine_ms: 1_000,
        horizon_units: 0,
    }
}

/// Weights for every slot that the values have; what they are does not matter to the time.
fn model(attributes: &[Attribute]) -> Model {
    let mut slots = vec![0];
    for value in VALUES {
        let mut context = Context::new();
        for attribute in attributes {
            context.set(&attribute.name, ContextValue::Text(value.into()));
        }
        slots.extend(encode(attributes, &context).slots);
    }
    slots.sort_unstable();
    slots.dedup();
    let weights = slots.len() * ARMS;
    Model {
        theta: (0..weights).map(|i| 0.01 * (i % 7) as f32).collect(),
        precision: vec![100.0; weights],
        slots,
        gamma: 100.0,
        alpha: 0.3,
        variances_micros: vec![90_000; ARMS],
        ..Model::default()
    }
}
