//! Tally: what a minute is said to have brought is what its events brought, by the kinds of visitors that have a name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeMap;

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::event::{Exposure, Fact, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::features::encode;
use tiltwise_core::fit::Source;
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::infer::evaluate::allocation;
use tiltwise_core::join::{Params, Revisions, Shard, Sums, Surroundings, Verdict};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};
use tiltwise_core::segments::Listed;
use tiltwise_core::tally::minute::{Line, minute};
use tiltwise_core::tally::{Kind, Named, Tally};

const ID: RevisionId = RevisionId(9);
const CLOCK_MS: u64 = 6_000_000;

fn revision() -> Revision {
    let mut value = Metric::rate("purchase", 1_800_000);
    value.cap_micros = 200_000_000;
    value.currency = "EUR".into();
    Revision {
        key: "hero".into(),
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
        attributes: vec![
            Attribute {
                name: "device".into(),
                kind: AttributeKind::Categorical,
                hidden: false,
            },
            Attribute {
                name: "cart".into(),
                kind: AttributeKind::Bins {
                    cuts: vec![10.0, 50.0],
                },
                hidden: false,
            },
        ],
        policy: Policy {
            kind: PolicyKind::Contextual,
            ..Policy::default()
        },
        metrics: vec![Metric::rate("signup", 1_800_000), value],
        half_life_ms: 0,
        bucket_ms: 900_000,
        fine_ms: 60_000,
        horizon_units: 0,
    }
}

/// A log of one tick, with the tally that a host makes beside its fold.
struct World {
    revisions: Revisions,
    named: Named,
    shard: Shard,
    sums: Sums,
    tally: Tally,
}

impl World {
    fn new() -> Self {
        let listed = Listed::from([(
            "device".to_owned(),
            vec!["phone".to_owned(), "desktop".to_owned()],
        )]);
        Self {
            named: Named::of(&revision(), &listed),
            revisions: BTreeMap::from([(ID, revision())]),
            shard: Shard::default(),
            sums: Sums::new(),
            tally: Tally::default(),
        }
    }

    fn show(&mut self, unit: u8, arm: u32, device: &str, cart: f64) -> Verdict {
        let mut context = Context::new();
        context.set("device", ContextValue::Text(device.into()));
        context.set("cart", ContextValue::Number(cart));
        self.put(
            unit,
            0,
            Fact::Exposure(Exposure {
                revision: ID,
                model: 1,
                episode: 0,
                arm,
                draw: 0,
                slots: encode(&revision().attributes, &context).slots,
                values_q10: Vec::new(),
                propensities_q30: vec![ONE_Q30 / 2; 2],
                predictions_micros: Vec::new(),
                variances_micros: Vec::new(),
                flags: 0,
                unit_kind: UnitKind::Visitor,
            }),
        )
    }

    fn put(&mut self, unit: u8, id: u8, fact: Fact) -> Verdict {
        let kind = Kind::of(&fact);
        let slots = match &fact {
            Fact::Exposure(exposure) => Some((exposure.arm, self.named.slots_of(exposure))),
            _ => None,
        };
        let event = LoggedEvent {
            id: [id; 16],
            unit: Pseudonym([unit; 16]),
            received_ms: CLOCK_MS,
            at_ms: CLOCK_MS,
            tier: Tier::Page,
            quarantine: Quarantine::None,
            fact,
        };
        let mut world = Surroundings {
            params: &Params::default(),
            revisions: &self.revisions,
            clock_ms: CLOCK_MS,
            sums: &mut self.sums,
        };
        let verdict = self.shard.apply(event, &mut world);
        self.tally.count(kind, verdict);
        if let Some((arm, slots)) = slots {
            self.tally.count_exposure(arm, &slots, verdict);
        }
        verdict
    }

    /// The tally of the tick, written and read as it is between operators.
    fn end(mut self) -> Tally {
        if let Some(sums) = self.sums.get(&ID) {
            self.tally.add_sums(sums, &self.named);
        }
        let bytes = self.tally.encode(100, ID);
        let (minute, id, tally) = Tally::decode(&bytes, &self.revisions).unwrap();
        assert_eq!((minute, id), (100, ID));
        let tally = tally.unwrap();
        assert_eq!(tally.encode(minute, id), bytes, "equal tallies are equal bytes");
        tally
    }
}

fn kind_of<'a>(lines: &'a [Line], arm: u32, group: &str, kind: &str) -> Option<&'a Line> {
    let wanted = Some((group.to_owned(), kind.to_owned()));
    lines.iter().find(|line| line.arm == arm && line.kind == wanted)
}

#[test]
fn a_minute_is_told_by_variant_and_by_kinds_that_have_a_name() {
    let mut world = World::new();
    world.show(1, 1, "phone", 5.0);
    world.show(2, 1, "phone", 60.0);
    world.show(3, 1, "fridge", 20.0);
    world.show(4, 0, "desktop", 5.0);
    assert_eq!(world.show(4, 0, "desktop", 5.0), Verdict::Superseded);
    world.put(1, 9, Fact::Outcome(LoggedOutcome::new("signup", 0.0, "")));
    world.put(2, 9, Fact::Outcome(LoggedOutcome::new("purchase", 12.5, "EUR")));
    let named = world.named.clone();
    let lines = minute(ID, &revision(), &named, &world.end(), None).lines;

    let bold = lines
        .iter()
        .find(|line| line.arm == 1 && line.kind.is_none())
        .unwrap();
    assert_eq!((bold.counts.taken, bold.units), (3, 3));
    assert_eq!(
        bold.rewards,
        [1, 12_500_000],
        "conversions, and micro-units of money"
    );
    let calm = lines
        .iter()
        .find(|line| line.arm == 0 && line.kind.is_none())
        .unwrap();
    assert_eq!((calm.counts.taken, calm.counts.duplicate, calm.units), (1, 1, 1));

    let phone = kind_of(&lines, 1, "device", "phone").unwrap();
    assert_eq!((phone.counts.taken, phone.units, phone.rewards[0]), (2, 2, 1));
    // A fridge has no name.
    let others = kind_of(&lines, 1, "device", "all others").unwrap();
    assert_eq!((others.counts.taken, others.units, others.rewards[0]), (1, 1, 0));
    assert_eq!(kind_of(&lines, 1, "cart", "10 to 50").unwrap().units, 1);
    assert_eq!(kind_of(&lines, 1, "cart", "below 10").unwrap().rewards, [1]);
    assert!(
        kind_of(&lines, 1, "cart", "all others").is_none(),
        "everybody has a range"
    );
    assert!(kind_of(&lines, 0, "device", "phone").is_none());
}

#[test]
fn the_sample_ratio_is_that_of_all_sums_up_to_the_end_of_the_minute() {
    let (mut first, mut second) = (World::new(), World::new());
    let mut whole = World::new();
    for unit in 0..40 {
        let arm = u32::from(unit % 4 > 0);
        whole.show(unit, arm, "phone", 1.0);
        let half = if unit < 20 { &mut first } else { &mut second };
        half.show(unit, arm, "phone", 1.0);
    }
    let revision = revision();
    let named = first.named.clone();
    let one = minute(ID, &revision, &named, &first.end(), None);
    let two = minute(ID, &revision, &named, &second.end(), Some(one.shown));
    let source = Source {
        revision: &revision,
        sums: &whole.sums[&ID],
    };
    let expected = allocation(&revision, &[source], 0);
    assert_eq!(two.allocation, expected);
    assert!(
        expected.units > 0.0 && expected.log_e.abs() > 0.1,
        "it says something: {expected:?}"
    );
}

#[test]
fn tallies_add_up_in_any_order() {
    let (mut one, mut other) = (World::new(), World::new());
    one.show(1, 0, "phone", 1.0);
    other.show(2, 1, "fridge", 70.0);
    other.put(2, 9, Fact::Outcome(LoggedOutcome::new("purchase", 3.0, "EUR")));
    let (one, other) = (one.end(), other.end());
    let (mut left, mut right) = (one.clone(), other.clone());
    left.merge(&other);
    right.merge(&one);
    assert_eq!(left.encode(1, ID), right.encode(1, ID));
    assert_eq!(left.facts(Kind::Exposure)[0], 2);
}
