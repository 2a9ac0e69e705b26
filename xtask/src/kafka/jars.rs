//! The broker's jars, as `xtask/kafka/pom.xml` names them, copied once into the folder of build products.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools::Tool;
use crate::{child, repo, stamp};

pub const JAVA: Tool = Tool {
    program: "java",
    role: "runs the Kafka broker of the tests, and the Flink job's tests",
    install: "apt-get install -y openjdk-17-jdk-headless",
    least: Some(17),
};

pub const MAVEN: Tool = Tool {
    program: "mvn",
    role: "brings the jars of the Kafka broker, and builds the Flink job",
    install: "apt-get install -y maven",
    least: None,
};

const POM: &str = "xtask/kafka/pom.xml";

/// With its version: what Debian's Maven would take by itself is years old.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// Where the jars are once [`fetch`] has been there.
pub fn lib() -> PathBuf {
    repo::target_dir().join("kafka").join("lib")
}

/// Copies the jars, where the pom has changed since it was last done.
pub fn fetch() -> Result<()> {
    fetch_jars(POM, &lib(), "Kafka with Maven (54 MB, once)")
}

/// Copies the jars that a pom names into a folder, where the pom has changed since it was last done.
pub fn fetch_jars(pom: &str, lib: &Path, what: &str) -> Result<()> {
    let digest = stamp::of(&[pom.to_owned()])?;
    let mark = lib.join(".fetched");
    if stamp::holds(&mark, &digest) {
        return Ok(());
    }
    println!("Fetching {what} ...");
    // Jars of another version beside these would be found first or second, by chance.
    if lib.exists() {
        fs::remove_dir_all(lib).with_context(|| format!("removing {}", lib.display()))?;
    }
    let mut maven = Command::new("mvn");
    maven.current_dir(repo::root());
    maven.args([
        "--batch-mode",
        "--quiet",
        "--file",
        pom,
        COPY,
        "-DincludeScope=runtime",
    ]);
    maven.arg(format!("-DoutputDirectory={}", lib.display()));
    child::run(&mut maven)?;
    fs::write(&mark, digest).with_context(|| format!("writing {}", mark.display()))
}

/// A program of Kafka's, to be given its arguments.
pub fn program(options: &[&str], class: &str) -> Command {
    let mut java = Command::new("java");
    java.args(options);
    java.arg("-cp").arg(lib().join("*")).arg(class);
    java
}
