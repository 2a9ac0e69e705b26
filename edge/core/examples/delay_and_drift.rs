//! What late rewards and a changed truth do to the learner, simulated.
//!
//! `cargo run --release -p tiltwise-core --example delay_and_drift`
//!
//! 1. Two arms with equal rates of .10 and mean delays of 1 and 20 minutes: what each is believed to earn, over time.
//! 2. A fast arm of .10 and a slow one of .15: the share of traffic of the better one, over time.
//! 3. The best of two arms changes: how long until 80 % of the traffic has moved, by half-life.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a simulation, with a world that is made for tests"
)]

#[path = "../tests/fit/world.rs"]
mod world;

use tiltwise_core::revision::{PolicyKind, Revision};
use world::{Truth, World, revision};

const MINUTE_MS: u64 = 60_000;
const RUNS: u64 = 10;
/// Ten visitors a second.
const EVERY_MS: u64 = 100;
const A_MINUTE: usize = (MINUTE_MS / EVERY_MS) as usize;
const LOOKS: [usize; 6] = [2, 5, 10, 20, 40, 80];

fn main() {
    equal_arms();
    better_but_slow();
    change_of_the_best();
}

fn definition(kind: PolicyKind) -> Revision {
    let mut definition = revision(kind, 2);
    definition.metrics[0].window_ms = 120 * MINUTE_MS;
    definition
}

fn equal_arms() {
    println!("equal rates of .10, mean delays of 1 and 20 minutes, window 2 h, fixed split; {RUNS} runs");
    println!("minutes   fast  (sd)     slow  (sd)");
    let truth = Truth {
        rates: vec![("any", vec![0.1; 2])],
        delays_ms: vec![60_000.0, 1_200_000.0],
    };
    let mut read = vec![[Vec::new(), Vec::new()]; LOOKS.len()];
    for seed in 1..=RUNS {
        let mut world = World::new(definition(PolicyKind::Fixed)).seeded(seed);
        each_look(&mut world, &truth, |look, world| {
            // Before its burn-in a model predicts nothing.
            if world.experiment.model.segments.is_empty() {
                return;
            }
            for (arm, values) in read[look].iter_mut().enumerate() {
                values.push(world.prediction("any", arm));
            }
        });
    }
    for (minutes, [fast, slow]) in LOOKS.iter().zip(&read) {
        let ((f, fs), (s, ss)) = (mean_and_deviation(fast), mean_and_deviation(slow));
        if fast.len() == RUNS as usize {
            println!("{minutes:7}  {f:.3} ({fs:.3})   {s:.3} ({ss:.3})");
        }
    }
}

fn better_but_slow() {
    println!(
        "\na fast arm of .10 (1 minute) and a slow one of .15 (20 minutes): share of the better; {RUNS} runs"
    );
    println!("minutes   contextual  thompson");
    let truth = Truth {
        rates: vec![("any", vec![0.1, 0.15])],
        delays_ms: vec![60_000.0, 1_200_000.0],
    };
    let mut shares = vec![[0.0; 2]; LOOKS.len()];
    for (which, kind) in [PolicyKind::Contextual, PolicyKind::Thompson]
        .into_iter()
        .enumerate()
    {
        for seed in 1..=RUNS {
            let mut world = World::new(definition(kind)).seeded(seed);
            each_look(&mut world, &truth, |look, world| {
                shares[look][which] += world.share("any", 1) / RUNS as f64;
            });
        }
    }
    for (minutes, [contextual, thompson]) in LOOKS.iter().zip(&shares) {
        println!("{minutes:7}   {contextual:10.2}  {thompson:8.2}");
    }
}

fn each_look(world: &mut World, truth: &Truth, mut look: impl FnMut(usize, &World)) {
    let mut minute = 0;
    for (place, &until) in LOOKS.iter().enumerate() {
        while minute < until {
            world.run(truth, A_MINUTE, EVERY_MS, A_MINUTE);
            minute += 1;
        }
        look(place, world);
    }
}

fn change_of_the_best() {
    println!("\nrates .10 and .20 change places; 1,000 visitors an hour, a fit every 6 minutes");
    println!("half-life   policy      hours until 80 % have moved");
    let hour = 60 * MINUTE_MS;
    for (name, half_life_ms) in [("1 h", hour), ("1 d", 24 * hour), ("7 d", 7 * 24 * hour)] {
        for kind in [PolicyKind::Contextual, PolicyKind::Thompson] {
            let runs = 3;
            let hours: Vec<f64> = (1..=runs)
                .map(|seed| moved_after(kind, half_life_ms, seed))
                .collect();
            let (mean, deviation) = mean_and_deviation(&hours);
            println!("{name:9}   {kind:10?}  {mean:.1} (sd {deviation:.1})");
        }
    }
}

/// Hours after the change. Before it two half-lives have passed.
fn moved_after(kind: PolicyKind, half_life_ms: u64, seed: u64) -> f64 {
    const VISIT_MS: u64 = 3_600;
    const A_FIT: usize = 100;
    let truth = |rates: [f64; 2]| Truth {
        rates: vec![("any", rates.into())],
        delays_ms: vec![60_000.0; 2],
    };
    let mut definition = revision(kind, 2);
    definition.half_life_ms = half_life_ms;
    let mut world = World::new(definition).seeded(seed);
    let visitors = (2 * half_life_ms / VISIT_MS) as usize;
    world.run(&truth([0.1, 0.2]), visitors, VISIT_MS, A_FIT);
    let changed_ms = world.now_ms;
    let most_ms = 10 * half_life_ms;
    while world.share("any", 0) < 0.8 && world.now_ms < changed_ms + most_ms {
        world.run(&truth([0.2, 0.1]), A_FIT, VISIT_MS, A_FIT);
    }
    (world.now_ms - changed_ms) as f64 / (60 * MINUTE_MS) as f64
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}
