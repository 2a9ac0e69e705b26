//! What has changed is forgotten.

use tiltwise_core::revision::PolicyKind;

use crate::world::{Truth, World, revision};

#[test]
fn after_a_change_the_new_best_arm_takes_over() {
    let mut definition = revision(PolicyKind::Contextual, 2);
    definition.metrics[0].window_ms = 60_000;
    definition.fine_ms = 1_000;
    definition.half_life_ms = 300_000;
    let mut world = World::new(definition);
    let before = Truth {
        rates: vec![("any", vec![0.1, 0.4])],
        delays_ms: vec![2_000.0; 2],
    };
    let after = Truth {
        rates: vec![("any", vec![0.4, 0.1])],
        delays_ms: vec![2_000.0; 2],
    };
    world.run(&before, 9_000, 100, 100);
    assert!(world.share("any", 1) > 0.9, "{}", world.share("any", 1));
    world.run(&after, 9_000, 100, 100);
    assert!(world.share("any", 0) > 0.8, "{}", world.share("any", 0));
}
