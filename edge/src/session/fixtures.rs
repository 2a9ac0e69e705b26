//! A small shop, for the tests of this folder.

use std::string::ToString;
use std::vec::Vec;
use std::{format, vec};

use tiltwise_core::context::ContextValue;
use tiltwise_core::event::{Event, EventBatch, Outcome};
use tiltwise_core::id::{RevisionId, UnitKind};
use tiltwise_core::model::Model;
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};
use tiltwise_core::snapshot::{Experiment, Phase, SnapshotContent};
use tiltwise_core::time::LADDER_MS;

use super::consent::Answer;
use super::{Fresh, Limits, Offer, Session};

pub(super) const NOW: u64 = 1_767_571_200_000;
const DAY: u64 = 86_400_000;
/// Places in the snapshot.
pub(super) const BUTTON: usize = 0;
pub(super) const HERO: usize = 1;
pub(super) const BADGE: usize = 2;
pub(super) const PLAN: usize = 3;

pub(super) fn fresh(n: u8) -> Fresh {
    Fresh([n; Fresh::BYTES])
}

pub(super) fn limits() -> Limits {
    Limits {
        events: 1_000,
        flush_count: 50,
        flush_interval_ms: 200,
    }
}

/// A session with the shop's first snapshot and these answers.
pub(super) fn session(measurement: Answer, personalization: Answer) -> Session {
    let mut session = Session::new(&fresh(1), NOW, limits());
    session.set_consent(measurement, personalization, &fresh(2), NOW);
    session.set_context("device", ContextValue::Text("phone".to_string()));
    session.offer(offer(1, &content()), NOW).unwrap();
    session
}

pub(super) fn granted() -> Session {
    session(Answer::Granted, Answer::Granted)
}

/// The shop's snapshot under this version.
pub(super) fn offer(version: u64, content: &[u8]) -> Offer<'_> {
    Offer {
        site: "shop",
        version,
        expires_ms: NOW + 7 * DAY,
        content,
        bootstrap: false,
    }
}

pub(super) fn content() -> Vec<u8> {
    content_with(|_| ())
}

/// The same; a test changes what it is about.
pub(super) fn content_with(change: impl FnOnce(&mut SnapshotContent)) -> Vec<u8> {
    let mut content = SnapshotContent {
        experiments: vec![
            experiment("button", |_| ()),
            experiment("hero", |r| {
                r.attributes = vec![Attribute {
                    name: "device".to_string(),
                    kind: AttributeKind::Categorical,
                    hidden: false,
                }];
            }),
            experiment("badge", |r| r.sticky = Sticky::Session),
            experiment("plan", |r| r.unit = UnitKind::Account),
        ],
        gpc_limits: true,
    };
    change(&mut content);
    content.encode()
}

fn experiment(key: &str, change: impl FnOnce(&mut Revision)) -> Experiment {
    let variant = |key: &str| Variant {
        key: key.to_string(),
        value: format!("\"{key}\""),
    };
    let mut salt = [0; 16];
    for (to, from) in salt.iter_mut().zip(key.bytes()) {
        *to = from;
    }
    let mut revision = Revision {
        key: key.to_string(),
        salt,
        unit: UnitKind::Visitor,
        sticky: Sticky::Visitor,
        traffic_q30: ONE_Q30,
        comparison_q30: 0,
        control: 0,
        variants: vec![variant("a"), variant("b")],
        when: Condition::always(),
        attributes: Vec::new(),
        policy: Policy {
            kind: PolicyKind::Fixed,
            min_propensity_q30: 0,
            weights_q30: vec![ONE_Q30 / 2; 2],
        },
        metrics: vec![Metric::rate("signup", 1_800_000)],
        half_life_ms: 0,
        bucket_ms: 3_600_000,
        fine_ms: LADDER_MS[0],
        horizon_units: 0,
    };
    change(&mut revision);
    Experiment {
        revision_id: RevisionId(7),
        revision,
        stopped: Vec::new(),
        phase: Phase::Running,
        model: Model::default(),
    }
}

pub(super) fn outcome(name: &str) -> Outcome<'_> {
    Outcome {
        name,
        ..Outcome::default()
    }
}

/// What a test looks at of a batch.
pub(super) struct Seen {
    pub session: Vec<u8>,
    pub sequence: u32,
    pub visitor: Vec<u8>,
    pub account: std::string::String,
    pub dropped: u32,
    pub unpersonalized: bool,
    /// How many of its events are exposures, and how many outcomes.
    pub exposures: usize,
    pub outcomes: usize,
    /// How many of the exposures carry attributes.
    pub attributed: usize,
}

pub(super) fn seen(bytes: &[u8]) -> Seen {
    use tiltwise_core::event::Body;
    let batch = EventBatch::decode(bytes).unwrap();
    let events: Vec<Event<'_>> = batch.events.iter().map(|e| Event::decode(e).unwrap()).collect();
    let count = |f: fn(&Body<'_>) -> bool| events.iter().filter(|e| f(&e.body)).count();
    Seen {
        session: batch.session.to_vec(),
        sequence: batch.sequence,
        visitor: batch.visitor.unwrap().0.to_vec(),
        account: batch.account.to_string(),
        dropped: batch.dropped,
        unpersonalized: batch.unpersonalized,
        exposures: count(|b| matches!(b, Body::Exposure(_))),
        outcomes: count(|b| matches!(b, Body::Outcome(_))),
        attributed: count(|b| matches!(b, Body::Exposure(x) if !x.slots.is_empty())),
    }
}
