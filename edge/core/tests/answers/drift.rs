use tiltwise_core::infer::drift::{Alert, drift, waits_ms};

use crate::world::{DAY_MS, HOUR_MS, MINUTE_MS, Visit, WINDOW_MS, World};

const EVEN: [f64; 2] = [0.5, 0.5];
/// Minutes of the day in which the models are right.
const QUIET: u64 = 20 * 60;
/// Visitors a minute.
const MINUTELY: u64 = 60;

/// A day by two arms of .1 and .2 that models predict exactly; from the twentieth hour on they bring what is given.
fn day(seed: u64, then: [f64; 2]) -> World {
    let mut world = World::new(2, seed);
    for minute in 0..DAY_MS / MINUTE_MS {
        let rates = if minute < QUIET { [0.1, 0.2] } else { then };
        for i in 0..MINUTELY {
            let arm = (i % 2) as usize;
            let reward = f64::from(u8::from(world.uniform() < rates[arm]));
            world.visit(&Visit {
                at_ms: minute * MINUTE_MS + i,
                arm,
                propensities: &EVEN,
                predictions: &[0.1, 0.2],
                reward,
            });
        }
    }
    world
}

fn alerts(world: &World, clock_ms: u64) -> Vec<Alert> {
    drift(&world.revision, &world.sources(), clock_ms, HOUR_MS)
}

#[test]
fn nothing_is_said_of_quiet_days() {
    for seed in 0..4 {
        let found = alerts(&day(seed, [0.1, 0.2]), DAY_MS);
        assert_eq!(found, [], "seed {seed}");
    }
}

#[test]
fn within_an_hour_it_is_said_since_when_and_which_arm_brings_less() {
    for seed in 0..3 {
        let found = alerts(&day(seed, [0.1, 0.08]), DAY_MS);
        let alert = &found[0];
        let changed_ms = QUIET * MINUTE_MS;
        assert!(
            (changed_ms..=changed_ms + HOUR_MS).contains(&alert.seen_ms),
            "seed {seed}: {alert:?}"
        );
        assert!(alert.since_ms.abs_diff(changed_ms) <= 15 * MINUTE_MS, "{alert:?}");
        let part = alert.parts[0];
        assert_eq!((part.arm, part.is_more), (Some(1), false), "{alert:?}");
        assert!(part.predicted.ratio().unwrap() < 0.7, "{alert:?}");
        // It goes on, and is one alert.
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(alert.last_ms > alert.seen_ms);
    }
}

#[test]
fn where_arms_change_places_one_brings_less_and_one_more() {
    let found = alerts(&day(1, [0.2, 0.1]), DAY_MS);
    let parts: Vec<_> = found[0]
        .parts
        .iter()
        .map(|part| (part.arm, part.is_more))
        .collect();
    assert_eq!(parts, [(Some(1), false), (Some(0), true)]);
}

#[test]
fn an_alert_is_a_function_of_the_sums_and_stands_for_a_day() {
    let world = day(3, [0.1, 0.05]);
    let seen_ms = alerts(&world, DAY_MS)[0].seen_ms;
    assert_eq!(alerts(&world, seen_ms - 1), [], "not a moment earlier");
    let alert = &alerts(&world, seen_ms)[0];
    assert_eq!((alert.seen_ms, alert.last_ms), (seen_ms, seen_ms));
    assert!(alert.stands(seen_ms) && !alert.stands(seen_ms + DAY_MS));
}

#[test]
fn little_is_waited_for_beyond_the_window() {
    let world = World::new(2, 1);
    assert_eq!(waits_ms(&world.revision, HOUR_MS), WINDOW_MS + MINUTE_MS);
    assert_eq!(waits_ms(&world.revision, 0), WINDOW_MS);
}

#[test]
fn models_that_cannot_know_much_yet_may_be_wrong_by_more() {
    let rates = |predictions: [f64; 2]| {
        let mut world = World::new(2, 4);
        for minute in 0..60 {
            for i in 0..10 {
                let arm = (i % 2) as usize;
                let reward = f64::from(u8::from(world.uniform() < [0.1, 0.2][arm]));
                world.visit(&Visit {
                    at_ms: minute * MINUTE_MS + i,
                    arm,
                    propensities: &EVEN,
                    predictions: &predictions,
                    reward,
                });
            }
        }
        alerts(&world, DAY_MS).len()
    };
    assert_eq!(
        rates([0.13, 0.26]),
        0,
        "a third too high after ninety conversions is chance"
    );
}
