use tiltwise_core::infer::calibration;
use tiltwise_core::infer::predicted::Predicted;

use crate::world::{DAY_MS, HOUR_MS, MINUTE_MS, Visit, WINDOW_MS, World};

const EVEN: [f64; 2] = [0.5, 0.5];

fn visit(at_ms: u64, arm: usize, reward: f64, predictions: &[f64]) -> Visit<'_> {
    Visit {
        at_ms,
        arm,
        propensities: &EVEN,
        predictions,
        reward,
    }
}

/// Two days of which the models predict .1 and .2 alike; on the first they are right, on the second half of it comes.
fn two_days() -> World {
    let mut world = World::new(2, 1);
    for (day, [one_in, other_one_in]) in [(0, [10, 5]), (1, [20, 10])] {
        for i in 0..1_000 {
            let at_ms = day * DAY_MS + i * MINUTE_MS;
            let reward = |every: u64| f64::from(u8::from(i.is_multiple_of(every)));
            world.visit(&visit(at_ms, 0, reward(one_in), &[0.1, 0.2]));
            world.visit(&visit(at_ms, 1, reward(other_one_in), &[0.1, 0.2]));
        }
    }
    world
}

#[test]
fn what_came_over_what_was_predicted_is_told_by_day_and_by_arm() {
    let world = two_days();
    let read = calibration(&world.revision, &world.sources(), 3 * DAY_MS, HOUR_MS);
    let starts: Vec<u64> = read.days.iter().map(|day| day.start_ms).collect();
    assert_eq!(starts, [0, DAY_MS]);
    let is = |predicted: &Predicted, ratio: f64| (predicted.ratio().unwrap() - ratio).abs() < 1e-9;
    assert!(is(&read.days[0].predicted, 1.0) && is(&read.days[1].predicted, 0.5));
    assert!(is(&read.whole(), 0.75) && is(&read.newest_whole(), 0.5));
    assert!(read.arms.iter().all(|arm| is(arm, 0.75)), "{:?}", read.arms);
}

#[test]
fn a_bucket_speaks_when_its_window_and_the_lateness_have_passed() {
    let world = two_days();
    let units = |clock_ms| {
        let read = calibration(&world.revision, &world.sources(), clock_ms, HOUR_MS);
        read.whole().units
    };
    let matures_ms = MINUTE_MS + WINDOW_MS + HOUR_MS;
    assert_eq!((units(matures_ms - 1), units(matures_ms)), (0.0, 2.0));
}

#[test]
fn who_was_not_predicted_or_is_erased_changes_no_ratio() {
    let mut world = two_days();
    let read = |world: &World| calibration(&world.revision, &world.sources(), 3 * DAY_MS, HOUR_MS);
    let before = read(&world);
    world.visit(&visit(5, 0, 0.0, &[]));
    assert_eq!(read(&world), before);
    let predicted = visit(5, 1, 1.0, &[0.1, 0.2]);
    world.visit(&predicted);
    assert_ne!(read(&world), before);
    world.erase(&predicted);
    assert_eq!(read(&world), before);
}

#[test]
fn without_a_prediction_there_is_no_ratio() {
    let mut world = World::new(2, 1);
    world.visit(&visit(0, 0, 1.0, &[]));
    let read = calibration(&world.revision, &world.sources(), DAY_MS, HOUR_MS);
    assert_eq!((read.whole().ratio(), read.days.len()), (None, 0));
}
