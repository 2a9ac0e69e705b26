//! History helps the start, is outweighed where it misleads, and of one arm it says nothing about the others.

use tiltwise_core::acc::Accumulators;
use tiltwise_core::fit::history::{History, Part, Reach};
use tiltwise_core::fit::{Source, fit_from};
use tiltwise_core::model::Model;
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{PolicyKind, Revision, Variant};

use crate::world::{ID, Past, START_MS, Truth, World, revision};

const DAY_MS: u64 = 86_400_000;
/// A tenth of the first 2,000 visitors.
const WORTH: f64 = 200.0;

fn truth(phone: [f64; 2], desk: [f64; 2]) -> Truth {
    Truth {
        rates: vec![("phone", phone.to_vec()), ("desk", desk.to_vec())],
        delays_ms: vec![5_000.0; 2],
    }
}

fn today() -> Truth {
    truth([0.10, 0.20], [0.25, 0.15])
}

/// An even split over a day that ended shortly before the experiment begins.
fn even_past(truth: &Truth, visitors: usize, worth: f64) -> Past {
    let mut definition = revision(PolicyKind::Contextual, 2);
    definition.policy.kind = PolicyKind::Fixed;
    definition.policy.weights_q30 = vec![ONE_Q30 / 2; 2];
    let mut world = World::new(definition);
    world.now_ms = START_MS - DAY_MS;
    world.run(truth, visitors, 60_000, usize::MAX);
    world.into_past(Reach::Arms, worth)
}

/// The history of one arm alone.
fn one_arm_past(kind: PolicyKind, arm: usize, rates: [f64; 2]) -> Past {
    let mut definition = revision(kind, 2);
    definition.policy.kind = PolicyKind::Fixed;
    definition.policy.weights_q30 = vec![0; 2];
    definition.policy.weights_q30[arm] = ONE_Q30;
    let mut world = World::new(definition);
    world.now_ms = START_MS - DAY_MS;
    world.run(&truth([rates[0]; 2], [rates[1]; 2]), 1_000, 60_000, usize::MAX);
    world.into_past(Reach::Pooled, WORTH)
}

/// Regret over the first visitors, added up over a few worlds.
fn regret(kind: PolicyKind, past: impl Fn() -> Option<Past>, visitors: usize) -> f64 {
    (0..4)
        .map(|seed| {
            let mut world = World::new(revision(kind, 2));
            for _ in 0..seed * 1_009 {
                world.uniform();
            }
            world.past.extend(past());
            world.refit();
            world.run(&today(), visitors, 1_000, 50);
            world.regret
        })
        .sum()
}

#[test]
fn a_true_history_saves_regret_and_a_misleading_one_is_outweighed() {
    let none = regret(PolicyKind::Contextual, || None, 2_000);
    let good = regret(
        PolicyKind::Contextual,
        || Some(even_past(&today(), 1_400, WORTH)),
        2_000,
    );
    let misleading = truth([0.20, 0.10], [0.15, 0.25]);
    let bad = regret(
        PolicyKind::Contextual,
        || Some(even_past(&misleading, 1_400, WORTH)),
        2_000,
    );
    println!("none {none:.1}, good {good:.1}, misleading {bad:.1}");
    assert!(good < 0.8 * none, "{good} against {none}");
    let mut world = World::new(revision(PolicyKind::Contextual, 2));
    world.past.push(even_past(&misleading, 1_400, WORTH));
    world.refit();
    assert!(
        world.share("phone", 0) > 0.6,
        "it misleads: {}",
        world.share("phone", 0)
    );
    world.run(&today(), 4_000, 1_000, 50);
    let (phone, desk) = (world.share("phone", 1), world.share("desk", 0));
    assert!(
        phone > 0.8 && desk > 0.8,
        "it recovers: phone {phone}, desk {desk}"
    );
}

#[test]
fn a_history_that_the_experiment_contradicts_is_let_go_of_however_much_it_may_count() {
    let misleading = truth([0.20, 0.10], [0.15, 0.25]);
    let regret = |worth: f64| {
        regret(
            PolicyKind::Contextual,
            || Some(even_past(&misleading, 1_400, worth)),
            2_000,
        )
    };
    // Were it only discounted, seven times the worth would cost several times the regret.
    let (little, much) = (regret(WORTH), regret(7.0 * WORTH));
    println!("misleading: worth 200 {little:.1}, worth 1,400 {much:.1}");
    assert!(much < 1.5 * little, "{much} against {little}");
}

#[test]
fn the_history_of_one_arm_moves_predictions_alike_and_no_probability() {
    for kind in [
        PolicyKind::Contextual,
        PolicyKind::Thompson,
        PolicyKind::BestArm,
        PolicyKind::Fixed,
    ] {
        let mut alone = World::new(revision(kind, 2));
        let mut with = World::new(revision(kind, 2));
        // At twice and thrice of today's rates: had it a say, it would have much to say.
        with.past.push(one_arm_past(kind, 0, [0.4, 0.6]));
        let check = |alone: &World, with: &World, seen: usize| {
            for device in ["phone", "desk", "none of both"] {
                let (before, after) = (alone.share(device, 1), with.share(device, 1));
                assert!(
                    (before - after).abs() < 1e-5,
                    "{kind:?} {seen} {device}: {before} {after}"
                );
                let moved = |arm| with.prediction(device, arm) - alone.prediction(device, arm);
                if seen > 0 {
                    assert!((moved(0) - moved(1)).abs() < 1e-5, "{kind:?} {device}");
                }
            }
        };
        alone.refit();
        with.refit();
        check(&alone, &with, 0);
        let (phone, desk) = if matches!(kind, PolicyKind::Contextual | PolicyKind::Thompson) {
            (0.4, 0.6)
        } else {
            (0.5, 0.5)
        };
        for arm in 0..2 {
            assert!(
                (with.prediction("phone", arm) - phone).abs() < 0.05,
                "{kind:?} {arm}"
            );
            assert!(
                (with.prediction("desk", arm) - desk).abs() < 0.05,
                "{kind:?} {arm}"
            );
        }
        // From the same visitors, so that nothing but history differs.
        alone.run(&today(), 3_000, 1_000, 500);
        alone.refit();
        with.now_ms = alone.now_ms;
        with.experiment.model = with.fitted(&alone.fold.sums()[&ID]);
        check(&alone, &with, 3_000);
        assert!(with.prediction("phone", 0) > alone.prediction("phone", 0));
    }
}

#[test]
fn which_arm_it_was_makes_no_difference_to_a_single_byte() {
    for kind in [PolicyKind::Contextual, PolicyKind::Thompson] {
        let fitted = |arm| {
            let mut world = World::new(revision(kind, 2));
            world.past.push(one_arm_past(kind, arm, [0.4, 0.6]));
            world.run(&today(), 500, 1_000, 500);
            world.experiment.model
        };
        assert_eq!(fitted(0), fitted(1), "{kind:?}");
    }
}

#[test]
fn history_counts_for_its_worth_and_no_more_and_is_forgotten_with_time() {
    let past = even_past(&today(), 1_400, 100.0);
    let definition = revision(PolicyKind::Contextual, 2);
    let none = Accumulators::new(ID, &definition);
    let precision = |past: &Past, after_ms: u64| {
        let history = History {
            revision: &past.revision,
            parts: &past.parts,
            reach: past.reach,
            worth: past.worth,
            as_of_ms: past.as_of_ms,
        };
        let source = Source {
            revision: &definition,
            sums: &none,
        };
        let model = fit_from(
            &definition,
            |_| true,
            &[source],
            &[history],
            past.as_of_ms + after_ms,
        );
        [0, model.slots.len()]
            .map(|i| f64::from(model.precision[i]))
            .iter()
            .sum::<f64>()
    };
    // Every bias slot has its ridge besides, which is the same for the same crowd.
    let whole = precision(&past, 0);
    assert!((100.0..101.0).contains(&whole), "{whole}");
    let half = precision(&past, definition.half_life_ms);
    assert!((whole - half - 50.0).abs() < 1e-3, "{whole} {half}");
    let small = precision(&even_past(&today(), 60, 100.0), 0);
    assert!((whole - small - 40.0).abs() < 1.0, "{whole} {small}");
}

#[test]
fn rows_of_small_propensity_count_more_and_all_together_for_fewer() {
    let past = even_past(&today(), 1_400, 1e9);
    let other = even_past(&truth([0.5, 0.5], [0.5, 0.5]), 1_400, 1e9);
    let part = |past: &Past, weight| Part {
        weight,
        sums: past.parts[0].sums.clone(),
    };
    let definition = revision(PolicyKind::Contextual, 2);
    let effective = |parts: &[Part]| -> f64 {
        let history = History {
            revision: &past.revision,
            parts,
            reach: Reach::Arms,
            worth: 1e9,
            as_of_ms: past.as_of_ms,
        };
        history.effective(&definition).iter().sum()
    };
    let even = effective(&[part(&past, 2.0), part(&other, 2.0)]);
    let uneven = effective(&[part(&past, 9.0), part(&other, 1.0)]);
    // (9 + 1)² / (81 + 1) of 2.
    assert!(
        (uneven / even - 100.0 / 82.0 / 2.0).abs() < 1e-3,
        "{uneven} of {even}"
    );
}

#[test]
fn an_arm_that_history_lacks_is_a_newcomer() {
    let mut edited = revision(PolicyKind::Contextual, 2);
    edited.variants.push(Variant {
        key: "new".into(),
        value: "1".into(),
    });
    let mut world = World::new(edited);
    world.past.push(even_past(&today(), 1_400, 400.0));
    world.refit();
    assert_eq!(world.experiment.model.newcomers, [0, 0, 1]);
}

#[test]
fn history_under_another_encoder_or_reward_is_not_used() {
    let change: [fn(&mut Revision); 2] = [
        |revision| revision.attributes[0].name = "browser".into(),
        |revision| revision.metrics[0].event = "purchase".into(),
    ];
    for change in change {
        let mut world = World::new(revision(PolicyKind::Contextual, 2));
        let mut past = even_past(&today(), 500, 400.0);
        change(&mut past.revision);
        world.past.push(past);
        world.refit();
        assert_eq!(world.experiment.model, Model::default());
    }
}
