//! Images of digits, by a stream of decisions: what the river's learner earns, and what others' do.

use std::process::Command;

use anyhow::Result;

use crate::bench::learning;
use crate::count::Counts;
use crate::{child, repo};

/// Comes with scikit-learn, which comes with mabwiser: real data, and nothing more to fetch.
const DIGITS: &str = "xtask/python/digits.py";
const SEEDS: [&str; 3] = ["0", "1", "2"];
const BATCH: u64 = 500;
/// How much worse than the best explorer of Vowpal Wabbit, and than LinUCB, no data set may be.
const BEHIND_VOWPAL: f64 = 0.01;
const BEHIND_LINUCB: f64 = 0.015;

pub fn test() -> Result<Counts> {
    let python = match learning::python() {
        Ok(python) => python,
        Err(error) => {
            println!("vowpalwabbit and mabwiser skipped: {error:#}");
            return Ok(Counts {
                skipped: 2,
                ..Counts::default()
            });
        }
    };
    let folder = tempfile::tempdir()?;
    child::run(
        Command::new(python)
            .arg(repo::root().join(DIGITS))
            .arg(folder.path())
            .args(SEEDS),
    )?;
    let files: Vec<_> = SEEDS
        .map(|seed| folder.path().join(format!("digits.{seed}.csv")))
        .into();
    let learning::Means { ours, vowpal, linucb } = learning::means(&files, BATCH)?;
    println!("digits: reward {ours:.4}, Vowpal Wabbit's best {vowpal:.4}, LinUCB {linucb:.4}");
    let mut counts = Counts::default();
    for (name, theirs, allowed) in [
        ("Vowpal Wabbit", vowpal, BEHIND_VOWPAL),
        ("LinUCB", linucb, BEHIND_LINUCB),
    ] {
        if ours >= theirs - allowed {
            counts.passed += 1;
        } else {
            println!("digits: {ours:.4} is more than {allowed} behind {name}'s {theirs:.4}");
            counts.failed += 1;
        }
    }
    Ok(counts)
}
