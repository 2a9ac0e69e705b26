//! The Flink job: built around the module that `cargo xtask wasm` makes, and tested against what the native core counts of one
//! recorded log.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::rust::count;
use crate::count::Counts;
use crate::kafka::Cluster;
use crate::{child, repo, wasm};

const POM: &str = "flink/pom.xml";

/// Where Maven leaves the jar, `tiltwise-flink-0.1.0.jar`.
fn products() -> PathBuf {
    repo::target_dir().join("flink")
}

/// The operators' tests, the job in a cluster of its own, then on a real broker, and the jar.
pub fn test() -> Result<Counts> {
    wasm::make(false)?;
    let river = products().join("river");
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
    let broker = Cluster::start(1, None, false, &[])?;
    let mut maven = Command::new("mvn");
    maven.current_dir(repo::root());
    maven.args(["--batch-mode", "--no-transfer-progress", "--file", POM, "package"]);
    maven.arg(format!("-Dproducts={}", products().display()));
    maven.arg(format!("-Driver={}", river.display()));
    maven.arg(format!("-Dkafka={}", broker.address()));
    let counts = count(&mut maven);
    broker.end()?;
    counts
}
