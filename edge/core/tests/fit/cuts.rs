//! Numbers are cut once, and nothing is lost by it.

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::event::{Exposure, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::features::encode;
use tiltwise_core::fit::history::{History, Part, Reach};
use tiltwise_core::fit::{Source, cuts, fit, fit_from};
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::join::{Fold, Params};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{Attribute, AttributeKind, PolicyKind, Revision};

use crate::world::{self, START_MS, WINDOW_MS};

const UNCUT: RevisionId = RevisionId(1);
const CUT: RevisionId = RevisionId(2);

fn definition() -> Revision {
    let mut revision = world::revision(PolicyKind::Contextual, 2);
    revision.attributes.push(Attribute {
        name: "cart".into(),
        kind: AttributeKind::Number,
        hidden: false,
    });
    revision.half_life_ms = 0;
    revision
}

fn context(visitor: u64) -> Context {
    let mut context = Context::new();
    let device = if visitor.is_multiple_of(3) {
        "phone"
    } else {
        "desk"
    };
    context.set("device", ContextValue::Text(device.into()));
    if !visitor.is_multiple_of(10) {
        let cart = (visitor * 7_919 % 500) as f64 / 10.0 - 5.0;
        context.set("cart", ContextValue::Number(cart));
    }
    context
}

/// A fold of so many visitors who were encoded by this revision, all of whose windows have passed.
fn folded(id: RevisionId, revision: &Revision, visitors: u64) -> Fold {
    let mut fold = Fold::new(Params::default());
    fold.add_revision(id, revision.clone());
    for visitor in 0..visitors {
        let features = encode(&revision.attributes, &context(visitor));
        let arm = (visitor % 2) as u32;
        let exposure = Exposure {
            revision: id,
            model: 1,
            episode: 0,
            arm,
            draw: 0,
            slots: features.slots,
            values_q10: features.values_q10,
            propensities_q30: vec![ONE_Q30 / 2; 2],
            predictions_micros: Vec::new(),
            variances_micros: Vec::new(),
            flags: 0,
            unit_kind: UnitKind::Visitor,
        };
        let event = |last, fact| LoggedEvent {
            id: [last; 16],
            unit: Pseudonym(u128::from(visitor).to_le_bytes()),
            received_ms: START_MS + visitor,
            at_ms: START_MS + visitor,
            tier: Tier::Page,
            quarantine: Quarantine::None,
            fact,
        };
        let mut events = vec![event(0, Fact::Exposure(exposure))];
        if (visitor * 7_919 % 500 > 300) == (arm == 1) {
            events.push(event(1, Fact::Outcome(LoggedOutcome::new("signup", 0.0, ""))));
        }
        fold.apply(LogRecord {
            clock_ms: START_MS + visitor,
            events,
        });
    }
    for step in 0..12 {
        let clock_ms = START_MS + visitors + step * WINDOW_MS;
        fold.apply(LogRecord {
            clock_ms,
            events: Vec::new(),
        });
    }
    fold.roll_up();
    fold
}

fn sources(fold: &Fold) -> Vec<Source<'_>> {
    let source = |(id, sums)| {
        Some(Source {
            revision: fold.revisions().get(id)?,
            sums,
        })
    };
    fold.sums().iter().filter_map(source).collect()
}

#[test]
fn cuts_are_chosen_after_two_hundred_exposures_and_only_once() {
    let early = folded(UNCUT, &definition(), 199);
    assert_eq!(cuts::choose(&definition(), &sources(&early)), None);
    let enough = folded(UNCUT, &definition(), 200);
    let cut = cuts::choose(&definition(), &sources(&enough)).unwrap();
    let AttributeKind::Bins { cuts } = &cut.attributes[1].kind else {
        panic!("{cut:?}");
    };
    assert_eq!(cuts.len(), 15);
    // Even from -5 to 45: the middle is at 20.
    assert!((cuts[7] - 20.0).abs() < 5.0, "{cuts:?}");
    cut.check().unwrap();
    assert_eq!(cuts::choose(&cut, &sources(&enough)), None);
}

#[test]
fn what_was_counted_before_the_cuts_teaches_as_if_it_had_been_counted_by_them() {
    // Nothing smaller shows it: every number, its pair with another attribute and its reward must land in the right range.
    let before = folded(UNCUT, &definition(), 600);
    let cut = cuts::choose(&definition(), &sources(&before)).unwrap();
    let after = folded(CUT, &cut, 600);
    let clock_ms = before.clock().ms();
    let learned = fit(&cut, |_| true, &sources(&before), clock_ms);
    assert!(learned.slots.len() > 15);
    assert_eq!(learned, fit(&cut, |_| true, &sources(&after), clock_ms));
}

#[test]
fn a_history_that_was_imported_before_the_cuts_teaches_as_if_it_had_been_imported_after_them() {
    let before = folded(UNCUT, &definition(), 600);
    let cut = cuts::choose(&definition(), &sources(&before)).unwrap();
    let after = folded(CUT, &cut, 600);
    let running = folded(CUT, &cut, 240);
    let clock_ms = before.clock().ms();
    let with = |revision: &Revision, past: &Fold, id: RevisionId| {
        let sums = past.sums()[&id].clone();
        let history = History {
            revision,
            parts: &[Part { weight: 1.0, sums }],
            reach: Reach::Arms,
            worth: 300.0,
            as_of_ms: clock_ms,
        };
        fit_from(&cut, |_| true, &sources(&running), &[history], clock_ms)
    };
    let learned = with(&definition(), &before, UNCUT);
    assert_eq!(learned, with(&cut, &after, CUT));
    assert_ne!(learned, fit(&cut, |_| true, &sources(&running), clock_ms));
}

#[test]
fn before_the_cuts_a_narrow_range_predicts_as_its_provisional_range_does() {
    let fold = folded(UNCUT, &definition(), 90);
    let model = fit(&definition(), |_| true, &sources(&fold), fold.clock().ms());
    let prediction = |cart: f64| {
        let mut context = Context::new();
        context.set("cart", ContextValue::Number(cart));
        let experiment = world::World::new(definition()).experiment;
        let experiment = tiltwise_core::snapshot::Experiment {
            model: model.clone(),
            ..experiment
        };
        tiltwise_core::decide::prepare(&experiment, &context, true)
            .distribution
            .predictions_micros
    };
    // Of the fifth visitor and of the first.
    let (low, high) = (prediction(4.5), prediction(36.9));
    assert!(low[0] > high[0] + 150_000, "{low:?} {high:?}");
    assert!(low[1] + 150_000 < high[1], "{low:?} {high:?}");
}
