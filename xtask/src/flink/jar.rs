//! The jar of the job, built around the module that `cargo xtask wasm` makes.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{child, repo, wasm};

/// Where Maven leaves everything.
pub fn products() -> PathBuf {
    repo::target_dir().join("flink")
}

/// Maven, to be told what more it should do than to build the jar. Makes the module first.
pub fn maven() -> Result<Command> {
    wasm::make(false)?;
    let mut maven = Command::new("mvn");
    maven.current_dir(repo::root());
    maven.args([
        "--batch-mode",
        "--no-transfer-progress",
        "--file",
        "flink/pom.xml",
        "package",
    ]);
    maven.arg(format!("-Dproducts={}", products().display()));
    Ok(maven)
}

/// Builds the jar without its tests.
pub fn build() -> Result<PathBuf> {
    child::run(maven()?.args(["--quiet", "-DskipTests"]))?;
    Ok(products().join("tiltwise-flink-0.1.0.jar"))
}
