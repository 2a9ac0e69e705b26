//! What becomes of input that is wrong: it is refused by name, or it counts for what it is, and nothing panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::{decide, prepare};
use tiltwise_core::event::{Body, Event, Fact, LogRecord, LoggedEvent, LoggedOutcome, Outcome, Quarantine};
use tiltwise_core::fit::{Source, fit};
use tiltwise_core::hash::Unit;
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind, Visitor};
use tiltwise_core::infer::{Results, Verdict, evaluate};
use tiltwise_core::join::{Fold, Params};
use tiltwise_core::model::{MAX_MODEL_SLOTS, Model};
use tiltwise_core::propensity::{ONE_Q30, share_q30};
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, Policy, PolicyKind, Revision, Sticky, Variant,
};
use tiltwise_core::snapshot::{Experiment, Phase};

const ID: RevisionId = RevisionId(1);
const START_MS: u64 = 1_700_000_000_000;
const WINDOW_MS: u64 = 60_000;

fn revision(metric: Metric) -> Revision {
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
                name: "page".into(),
                kind: AttributeKind::Categorical,
                hidden: false,
            },
            Attribute {
                name: "cart".into(),
                kind: AttributeKind::Bins { cuts: vec![10.0] },
                hidden: false,
            },
        ],
        policy: Policy {
            kind: PolicyKind::Contextual,
            min_propensity_q30: share_q30(0.1),
            weights_q30: Vec::new(),
        },
        metrics: vec![metric],
        half_life_ms: 0,
        bucket_ms: 60_000,
        fine_ms: 1_000,
        horizon_units: 0,
    }
}

fn revenue() -> Metric {
    Metric {
        cap_micros: 100_000_000,
        currency: "EUR".into(),
        ..Metric::rate("purchase", WINDOW_MS)
    }
}

/// A site with its newest model.
struct Site {
    experiment: Experiment,
    fold: Fold,
    visitors: u64,
}

impl Site {
    fn new(metric: Metric) -> Self {
        let revision = revision(metric);
        revision.check().unwrap();
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
            visitors: 0,
        }
    }

    /// A visitor of this context comes, and then what `acts` names by arm happens, each from a sender of that tier.
    fn visit(&mut self, context: &Context, acts: impl Fn(u32) -> Vec<(LoggedOutcome, Tier)>) {
        self.visitors += 1;
        let now_ms = START_MS + self.visitors * 100;
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.visitors.to_be_bytes());
        let visitor = Visitor::mint(now_ms, random);
        let prepared = prepare(&self.experiment, context, true);
        let exposure = decide(&self.experiment, &prepared, 1, Unit::Visitor(&visitor), 0).unwrap();
        let arm = exposure.arm;
        let event = |id, tier, fact| LoggedEvent {
            id: [id; 16],
            unit: Pseudonym(random),
            received_ms: now_ms,
            at_ms: now_ms,
            tier,
            quarantine: Quarantine::None,
            fact,
        };
        let mut events = vec![event(0, Tier::Page, Fact::Exposure(exposure))];
        for (i, (outcome, tier)) in acts(arm).into_iter().enumerate() {
            events.push(event(i as u8 + 1, tier, Fact::Outcome(outcome)));
        }
        self.fold.apply(LogRecord {
            clock_ms: now_ms,
            events,
        });
    }

    fn refit(&mut self) {
        self.fold.roll_up();
        let revision = &self.experiment.revision;
        let sums = self.fold.sums().get(&ID).unwrap();
        self.experiment.model = fit(
            revision,
            |_| true,
            &[Source { revision, sums }],
            self.fold.clock().ms(),
        );
    }

    /// What the sums say once every window has closed.
    fn results(&self) -> Results {
        let revision = &self.experiment.revision;
        let sums = self.fold.sums().get(&ID).unwrap();
        evaluate(
            revision,
            &[Source { revision, sums }],
            START_MS + 86_400_000,
            0,
            0.05,
        )
    }
}

fn purchase(value: f64, currency: &str) -> (LoggedOutcome, Tier) {
    (LoggedOutcome::new("purchase", value, currency), Tier::Page)
}

#[test]
fn a_value_that_is_no_number_negative_or_beyond_all_measure_is_refused_by_name() {
    for value in [f64::NAN, -0.01, f64::INFINITY, f64::NEG_INFINITY, 1e10] {
        let event = Event {
            made_ms: 0,
            body: Body::Outcome(Outcome {
                name: "purchase",
                value,
                currency: "EUR",
                id: "",
            }),
            id: "",
            visitor: None,
            account: "",
        };
        let said = Event::decode(&event.encode()).unwrap_err().to_string();
        assert!(said.contains("outcome value (0 to 1e9)"), "{value}: {said}");
    }
}

#[test]
fn a_value_beyond_the_cap_counts_as_the_cap_and_one_in_another_currency_not_at_all() {
    let mut site = Site::new(revenue());
    for _ in 0..50 {
        site.visit(&Context::new(), |_| {
            vec![
                purchase(1_000_000.0, "EUR"),
                purchase(50.0, "USD"),
                purchase(50.0, ""),
            ]
        });
    }
    let results = site.results();
    let arms = &results.metrics[0].all;
    let (n, sum) = arms
        .iter()
        .fold((0.0, 0.0), |(n, sum), arm| (n + arm.n, sum + arm.sum));
    // Scaled by the cap: each of the fifty brought exactly one.
    assert!((n - 50.0).abs() < 1e-9 && (sum - 50.0).abs() < 1e-9, "{n} {sum}");
}

#[test]
fn an_attribute_of_the_wrong_type_is_as_if_it_were_absent_and_no_number_too() {
    let site = Site::new(revenue());
    let absent = prepare(&site.experiment, &Context::new(), true).features;
    for value in [
        ContextValue::Text("ten".into()),
        ContextValue::Truth(true),
        ContextValue::Number(f64::NAN),
    ] {
        let mut context = Context::new();
        context.set("cart", value);
        assert_eq!(prepare(&site.experiment, &context, true).features, absent);
    }
    for number in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -0.0] {
        let mut context = Context::new();
        context.set("cart", ContextValue::Number(number));
        assert_eq!(prepare(&site.experiment, &context, true).features.slots.len(), 2);
    }
}

#[test]
fn of_ten_thousand_values_the_model_keeps_the_ones_that_count_most_and_goes_on() {
    let mut site = Site::new(Metric::rate("signup", WINDOW_MS));
    let signup = || vec![(LoggedOutcome::new("signup", 0.0, ""), Tier::Page)];
    for visitor in 0..12_000u32 {
        let mut context = Context::new();
        // Every other visitor is on the one page that there really is, where bold is better.
        let page = if visitor % 2 == 0 {
            "home".to_owned()
        } else {
            format!("?session={visitor}")
        };
        context.set("page", ContextValue::Text(page));
        site.visit(&context, |arm| if arm == 1 { signup() } else { Vec::new() });
    }
    site.refit();
    assert_eq!(site.experiment.model.slots.len(), MAX_MODEL_SLOTS);
    let mut home = Context::new();
    home.set("page", ContextValue::Text("home".into()));
    let share = prepare(&site.experiment, &home, true)
        .distribution
        .propensities_q30[1];
    assert!(share > share_q30(0.8), "{share}");
    assert_eq!(
        site.results().metrics[0].contrasts[1].unwrap().verdict,
        Verdict::More
    );
}

#[test]
fn forged_conversions_of_an_arm_count_where_pages_are_believed_and_not_where_servers_are() {
    let forge = |metric: Metric| {
        let mut site = Site::new(metric);
        for visitor in 0..4_000u32 {
            site.visit(&Context::new(), |arm| {
                let outcome = || LoggedOutcome::new("signup", 0.0, "");
                let mut acts = Vec::new();
                if visitor % 10 == 0 {
                    acts.push((outcome(), Tier::Server));
                }
                // A script in the page claims what never happened, for one arm in twenty.
                if arm == 1 && visitor % 20 == 7 {
                    acts.push((outcome(), Tier::Page));
                }
                acts
            });
        }
        site.results()
    };
    let believing = forge(Metric::rate("signup", WINDOW_MS));
    let gain = believing.metrics[0].contrasts[1].unwrap();
    // Three standard errors of 4,000 visitors are .03.
    // Nothing in the sums tells a forged conversion from a true one: the answer is off by what was forged.
    assert!((gain.interval.estimate - 0.05).abs() < 0.03, "{gain:?}");
    let trusted = Metric {
        min_tier: Tier::Server,
        ..Metric::rate("signup", WINDOW_MS)
    };
    let trusting = forge(trusted);
    let gain = trusting.metrics[0].contrasts[1].unwrap();
    assert!(
        gain.interval.estimate.abs() < 0.03 && gain.verdict == Verdict::Open,
        "{gain:?}"
    );
    // Claiming conversions shows no arm more often: the sample ratio has nothing to say here.
    assert!(!believing.allocation.is_breached);
}
