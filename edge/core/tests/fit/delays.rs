//! Late rewards: an arm is not worse for being slow.

use tiltwise_core::revision::{PolicyKind, Revision};

use crate::world::{Truth, World, revision};

const MINUTE_MS: u64 = 60_000;
const RUNS: u64 = 4;

fn definition(kind: PolicyKind) -> Revision {
    let mut definition = revision(kind, 2);
    definition.metrics[0].window_ms = 120 * MINUTE_MS;
    definition
}

#[test]
fn a_slow_arm_that_is_better_wins_within_minutes_and_keeps_winning() {
    let truth = Truth {
        rates: vec![("any", vec![0.1, 0.2])],
        delays_ms: vec![60_000.0, 600_000.0],
    };
    for kind in [PolicyKind::Contextual, PolicyKind::Thompson] {
        let mut world = World::new(definition(kind));
        // Ten visitors a second; the mean delay of the better arm is ten minutes.
        world.run(&truth, 9_000, 100, 300);
        let early = world.share("any", 1);
        world.run(&truth, 27_000, 100, 600);
        let late = world.share("any", 1);
        assert!(
            early > 0.5 && late > 0.9,
            "{kind:?}: {early} after 15 minutes, {late} after an hour"
        );
    }
}

#[test]
fn equal_arms_that_differ_only_in_delay_read_equal_within_noise() {
    let truth = Truth {
        rates: vec![("any", vec![0.1, 0.1])],
        delays_ms: vec![60_000.0, 1_200_000.0],
    };
    let (mut fast, mut slow) = (0.0, 0.0);
    for seed in 1..=RUNS {
        let mut world = World::new(definition(PolicyKind::Fixed)).seeded(seed);
        world.run(&truth, 18_000, 100, 18_000);
        fast += world.prediction("any", 0) / RUNS as f64;
        slow += world.prediction("any", 1) / RUNS as f64;
    }
    // Half an hour in; counted as failures the young exposures would make the slow arm .046.
    assert!(
        (fast - 0.1).abs() < 0.01 && (slow - 0.1).abs() < 0.025,
        "{fast} {slow}"
    );
}
