use tiltwise_core::infer::value::{Estimate, Value, value};

use crate::world::{DAY_MS, HOUR_MS, MINUTE_MS, Visit, World};

const RATES: [f64; 2] = [0.2, 0.4];
const ALPHA: f64 = 0.05;

fn read(world: &World, shares: &[f64]) -> Option<Value> {
    value(
        &world.revision,
        &world.sources(),
        2 * DAY_MS,
        HOUR_MS,
        shares,
        ALPHA,
    )
}

/// When, which arm, by which propensities and predictions, and what it brought.
type Seen = (u64, usize, [f64; 2], [f64; 2], f64);

/// What was decided of so many visitors: the propensities swing between .2 and .8, the predictions are a little off.
fn visits(world: &mut World, visitors: u64) -> Vec<Seen> {
    let mut visits = Vec::new();
    for i in 0..visitors {
        let p = 0.5 + 0.3 * (i as f64 / 100.0).sin();
        let p = (p * 1024.0).round() / 1024.0;
        let arm = usize::from(world.uniform() >= p);
        let reward = f64::from(u8::from(world.uniform() < RATES[arm]));
        visits.push((i * MINUTE_MS / 4, arm, [p, 1.0 - p], [0.25, 0.375], reward));
    }
    for (at_ms, arm, propensities, predictions, reward) in &visits {
        world.visit(&Visit {
            at_ms: *at_ms,
            arm: *arm,
            propensities,
            predictions,
            reward: *reward,
        });
    }
    visits
}

fn is(estimate: Estimate, expected: f64) {
    let off = (estimate.interval.estimate - expected).abs();
    assert!(off < 2e-6, "{estimate:?} is not {expected}");
}

#[test]
fn the_estimates_are_those_of_the_definitions_unit_by_unit() {
    let mut world = World::new(2, 3);
    let visits = visits(&mut world, 2_000);
    let n = visits.len() as f64;
    let (mut ips, mut weights, mut robust, mut mixed, mut mixed_weights) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mix = [0.25, 0.75];
    for (_, arm, p, m, y) in &visits {
        let w = if *arm == 1 { 1.0 / p[1] } else { 0.0 };
        ips += w * y;
        weights += w;
        robust += m[1] + w * (y - m[1]);
        mixed += mix[*arm] / p[*arm] * y;
        mixed_weights += mix[*arm] / p[*arm];
    }
    let second = read(&world, &[0.0, 1.0]).unwrap();
    assert!((second.units - n).abs() < 1e-9 && second.left_out.abs() < 1e-9);
    is(second.ips, ips / n);
    is(second.snips, ips / weights);
    is(second.doubly_robust.unwrap(), robust / n);
    let even = read(&world, &mix).unwrap();
    is(even.ips, mixed / n);
    is(even.snips, mixed / mixed_weights);
    assert_eq!(even.doubly_robust, None, "its variance is in no sum");
}

#[test]
fn predictions_sharpen_the_doubly_robust_and_intervals_hold_what_is_true() {
    for seed in 0..20 {
        let mut world = World::new(2, seed);
        visits(&mut world, 2_000);
        let second = read(&world, &[0.0, 1.0]).unwrap();
        let robust = second.doubly_robust.unwrap();
        for (name, estimate) in [("ips", second.ips), ("snips", second.snips), ("robust", robust)] {
            assert!(estimate.is_asymptotic, "{name}");
            let interval = estimate.interval;
            assert!(
                (interval.low..=interval.high).contains(&RATES[1]),
                "seed {seed}: {name} {interval:?}"
            );
        }
        let width = |estimate: Estimate| estimate.interval.high - estimate.interval.low;
        assert!(width(robust) < width(second.ips), "seed {seed}");
    }
}

#[test]
fn before_there_is_enough_nothing_is_approximated() {
    let mut world = World::new(2, 5);
    visits(&mut world, 100);
    let second = read(&world, &[0.0, 1.0]).unwrap();
    for estimate in [second.ips, second.snips, second.doubly_robust.unwrap()] {
        assert!(!estimate.is_asymptotic);
        let interval = estimate.interval;
        assert!(
            interval.low <= RATES[1] && RATES[1] <= interval.high && interval.low < interval.high,
            "{interval:?}"
        );
    }
}

#[test]
fn visitors_for_whom_an_asked_variant_was_impossible_are_left_out_and_counted() {
    let mut world = World::new(2, 6);
    visits(&mut world, 600);
    let before = read(&world, &[0.0, 1.0]).unwrap();
    let stopped = Visit {
        at_ms: DAY_MS,
        arm: 0,
        propensities: &[1.0, 0.0],
        predictions: &[0.25, 0.375],
        reward: 1.0,
    };
    world.visit(&stopped);
    let after = read(&world, &[0.0, 1.0]).unwrap();
    assert_eq!(
        after,
        Value {
            left_out: 1.0,
            ..before
        }
    );
    let other = read(&world, &[1.0, 0.0]).unwrap();
    assert!(other.left_out.abs() < 1e-9, "the other one was possible");
    world.erase(&stopped);
    assert_eq!(read(&world, &[0.0, 1.0]), Some(before));
}

#[test]
fn what_is_no_policy_and_what_nobody_saw_has_no_value() {
    let mut world = World::new(2, 7);
    assert_eq!(read(&world, &[0.0, 1.0]), None);
    visits(&mut world, 10);
    for shares in [&[0.5, 0.4][..], &[1.5, -0.5], &[1.0], &[f64::NAN, 1.0]] {
        assert_eq!(read(&world, shares), None, "{shares:?}");
    }
}
