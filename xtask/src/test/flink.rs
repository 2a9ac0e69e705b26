//! The Flink job, tested against what the native core counts of one recorded log.

use anyhow::Result;

use super::rust::count;
use crate::count::Counts;
use crate::flink::jar;
use crate::kafka::Cluster;
use crate::{child, repo};

/// The operators' tests, the job in a cluster of its own, then on a real broker, and the jar.
pub fn test() -> Result<Counts> {
    let river = jar::products().join("river");
    let mut cargo = repo::cargo();
    cargo.args([
        "run",
        "--quiet",
        "--package",
        "tiltwise-tests",
        "--bin",
        "tiltwise-river",
        "--",
    ]);
    child::run(cargo.arg(&river))?;
    let mut maven = jar::maven()?;
    maven.arg(format!("-Driver={}", river.display()));
    let broker = Cluster::start(1, None, false, &[])?;
    maven.arg(format!("-Dkafka={}", broker.address()));
    let counts = count(&mut maven);
    broker.end()?;
    counts
}
