//! What a declared end is worth: a group-sequential test looks at twentieths of the horizon, and keeps to what it has said.

use tiltwise_core::fit::Source;
use tiltwise_core::infer::evaluate::{Results, evaluate};
use tiltwise_core::infer::rule::{Answer, Method, Verdict};
use tiltwise_core::revision::{PolicyKind, Revision};

use crate::world::{Truth, WINDOW_MS, World, revision};

const HORIZON: u64 = 4_000;
const LATENESS_MS: u64 = 3_600_000;
const ALPHA: f64 = 0.05;

/// An even split of everybody: without a comparison group, which would be a second one.
fn split(horizon_units: u64) -> Revision {
    Revision {
        comparison_q30: 0,
        horizon_units,
        ..revision(PolicyKind::Fixed, 2)
    }
}

fn truth(rates: [f64; 2]) -> Truth {
    Truth {
        rates: vec![("phone", rates.to_vec())],
        delays_ms: vec![5_000.0; 2],
    }
}

/// Everything is matured by now.
fn read(world: &World, today: &Revision) -> Results {
    let sources: Vec<Source<'_>> = world
        .fold
        .sums()
        .values()
        .map(|sums| Source {
            revision: &world.experiment.revision,
            sums,
        })
        .collect();
    let clock_ms = world.now_ms + 2 * (WINDOW_MS + LATENESS_MS + world.experiment.revision.bucket_ms);
    evaluate(today, &sources, clock_ms, LATENESS_MS, ALPHA)
}

fn answer(world: &World, today: &Revision) -> Answer {
    read(world, today).metrics[0].contrasts[1].unwrap()
}

#[test]
fn a_declared_end_finds_more_often_what_an_open_end_does_not_know_yet() {
    let mut found = (0, 0);
    for seed in 1..=12 {
        let mut world = World::new(split(HORIZON)).seeded(seed);
        // A visitor every ten seconds: the horizon takes eleven buckets of an hour.
        world.run(&truth([0.1, 0.13]), HORIZON as usize, 10_000, 1_000);
        let declared = answer(&world, &world.experiment.revision);
        let open = answer(&world, &split(0));
        assert_eq!(
            (declared.method, open.method),
            (Method::Sequential, Method::Split)
        );
        found.0 += u32::from(declared.verdict == Verdict::More);
        found.1 += u32::from(open.verdict == Verdict::More);
    }
    // By simulation, and of five thousand visitors instead of four: .89 and .72.
    assert!(found.0 >= 8 && found.0 > found.1, "{found:?} of 12");
}

#[test]
fn what_has_crossed_its_bound_stays_said_whatever_comes_later() {
    let mut world = World::new(split(HORIZON));
    world.run(&truth([0.1, 0.3]), HORIZON as usize / 2, 10_000, 1_000);
    let first = answer(&world, &world.experiment.revision);
    assert_eq!((first.method, first.verdict), (Method::Sequential, Verdict::More));
    world.run(&truth([0.3, 0.1]), HORIZON as usize, 10_000, 1_000);
    assert_eq!(answer(&world, &world.experiment.revision), first);
}

#[test]
fn arms_that_are_equal_stay_open_to_the_end_where_they_are_told_most_sharply() {
    let mut world = World::new(split(HORIZON));
    world.run(&truth([0.1, 0.1]), HORIZON as usize, 10_000, 1_000);
    let answer = answer(&world, &world.experiment.revision);
    assert_eq!(
        (answer.method, answer.verdict),
        (Method::Sequential, Verdict::Open)
    );
}
