//! What is true is found.

use tiltwise_core::fit::{Source, fit};
use tiltwise_core::model::Model;
use tiltwise_core::revision::{PolicyKind, Variant};
use tiltwise_core::snapshot::SnapshotContent;

use crate::world::{ID, Truth, WINDOW_MS, World, revision};

fn shop() -> Truth {
    Truth {
        rates: vec![("phone", vec![0.1, 0.3, 0.15]), ("desk", vec![0.35, 0.1, 0.15])],
        delays_ms: vec![5_000.0; 3],
    }
}

#[test]
fn a_contextual_policy_finds_the_best_arm_of_each_segment_within_its_window() {
    let mut world = World::new(revision(PolicyKind::Contextual, 3));
    world.run(&shop(), 6_000, 100, 250);
    assert!(
        world.now_ms < crate::world::START_MS + WINDOW_MS,
        "no window has closed yet"
    );
    let (phone, desk) = (world.share("phone", 1), world.share("desk", 0));
    assert!(phone > 0.8 && desk > 0.8, "phone {phone}, desk {desk}");
    let mean = world.rewarded as f64 / world.shown as f64;
    // An even split gets .192, always the best .325.
    assert!(mean > 0.26, "{mean}");
    let predicted = world.prediction("phone", 1);
    assert!((predicted - 0.3).abs() < 0.06, "{predicted}");
}

#[test]
fn thompson_finds_the_best_arm_of_each_segment() {
    let mut world = World::new(revision(PolicyKind::Thompson, 3));
    world.run(&shop(), 6_000, 100, 250);
    let (phone, desk) = (world.share("phone", 1), world.share("desk", 0));
    assert!(phone > 0.9 && desk > 0.9, "phone {phone}, desk {desk}");
    let predicted = world.prediction("desk", 0);
    assert!((predicted - 0.35).abs() < 0.06, "{predicted}");
}

#[test]
fn best_arm_keeps_comparing_the_leader_with_the_runner_up() {
    let truth = Truth {
        rates: vec![("any", vec![0.1, 0.2, 0.12])],
        delays_ms: vec![1_000.0; 3],
    };
    let mut world = World::new(revision(PolicyKind::BestArm, 3));
    world.run(&truth, 6_000, 100, 250);
    let leader = world.share("any", 1);
    assert!((0.4..0.7).contains(&leader), "{leader}");
}

#[test]
fn a_fixed_split_learns_predictions_only() {
    let mut world = World::new(revision(PolicyKind::Fixed, 2));
    let truth = Truth {
        rates: vec![("any", vec![0.1, 0.2])],
        delays_ms: vec![1_000.0; 2],
    };
    world.run(&truth, 4_000, 100, 500);
    assert!((world.share("any", 0) - 0.5).abs() < 1e-9);
    assert!((world.prediction("any", 1) - 0.2).abs() < 0.04);
    let variance = world.experiment.model.variances_micros[1];
    assert!((120_000..200_000).contains(&variance), "{variance}");
}

#[test]
fn slow_rewards_do_not_make_an_arm_look_bad() {
    // Equal rates; the mean delays are one minute and ten, the window is thirty.
    let truth = Truth {
        rates: vec![("any", vec![0.2, 0.2])],
        delays_ms: vec![60_000.0, 600_000.0],
    };
    let mut world = World::new(revision(PolicyKind::Fixed, 2));
    world.run(&truth, 30_000, 100, 30_000);
    let (fast, slow) = (world.prediction("any", 0), world.prediction("any", 1));
    // Two exposures of three are younger than the window. Counted as failures they would make the slow arm .15.
    assert!(
        (fast - 0.2).abs() < 0.02 && (slow - 0.2).abs() < 0.03,
        "fast {fast}, slow {slow}"
    );
}

#[test]
fn until_every_arm_has_been_seen_the_split_stays_even() {
    let mut world = World::new(revision(PolicyKind::Contextual, 3));
    world.run(&shop(), 3, 100, 3);
    assert_eq!(world.experiment.model, Model::default());
    let mut world = World::new(revision(PolicyKind::Thompson, 3));
    world.run(&shop(), 100, 100, 50);
    assert_eq!(world.experiment.model, Model::default());
}

#[test]
fn an_arm_that_is_added_is_a_newcomer_and_does_not_stop_the_others() {
    let mut world = World::new(revision(PolicyKind::Contextual, 3));
    world.run(&shop(), 6_000, 100, 250);
    let old = &world.experiment.revision;
    let mut edited = old.clone();
    edited.variants.push(Variant {
        key: "new".into(),
        value: "1".into(),
    });
    let sums = &world.fold.sums()[&ID];
    let model = fit(
        &edited,
        |_| true,
        &[Source { revision: old, sums }],
        world.fold.clock().ms(),
    );
    assert_eq!(model.newcomers, [0, 0, 0, 1]);
    assert_eq!(model.theta.len(), 4 * model.slots.len());
}

#[test]
fn a_stopped_arm_is_shown_to_nobody_and_comes_back_with_what_was_learned_of_it() {
    for kind in [PolicyKind::Contextual, PolicyKind::Thompson] {
        let mut world = World::new(revision(kind, 3));
        world.run(&shop(), 6_000, 100, 250);
        let before = world.prediction("phone", 1);
        world.experiment.stopped = vec![false, true, false];
        // With the model that still knows it, and with those that were fitted since.
        for _ in 0..4 {
            assert!(world.share("phone", 1) <= 0.0, "{kind:?}");
            let others = world.share("phone", 0) + world.share("phone", 2);
            assert!((others - 1.0).abs() < 1e-8, "{kind:?}: {others}");
            world.run(&shop(), 500, 100, 250);
        }
        // Of what is left the phones' best is the third.
        assert!(world.share("phone", 2) > 0.5, "{kind:?}");

        world.experiment.stopped = Vec::new();
        world.refit();
        let after = world.prediction("phone", 1);
        assert!((after - before).abs() < 0.03, "{kind:?}: {before}, {after}");
        assert!(world.share("phone", 1) > 0.8, "{kind:?}");
    }
}

#[test]
fn the_same_sums_give_the_same_model_however_they_came_about() {
    for kind in [
        PolicyKind::Contextual,
        PolicyKind::Thompson,
        PolicyKind::BestArm,
        PolicyKind::Fixed,
    ] {
        let mut world = World::new(revision(kind, 3));
        world.run(&shop(), 3_000, 100, 500);
        world.refit();
        let restored = tiltwise_core::join::Fold::decode(&world.fold.encode()).unwrap();
        let again = world.fitted(&restored.sums()[&ID]);
        assert_eq!(again, world.experiment.model, "{kind:?}");
        // And the edge can read it.
        let content = SnapshotContent {
            experiments: vec![world.experiment.clone()],
            gpc_limits: false,
        };
        assert_eq!(SnapshotContent::decode(&content.encode()).unwrap(), content);
    }
}
