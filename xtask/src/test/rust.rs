//! The stages that cargo runs.

use std::process::Command;

use anyhow::{Result, bail};

use crate::count::Counts;
use crate::{child, kafka, repo};

/// The faces of the edge crate, which exist on wasm only.
const FACES: [&str; 3] = ["js", "js,inspect", "abi"];

pub fn fmt() -> Result<Counts> {
    let mut cargo = repo::cargo();
    cargo.args(["fmt", "--all", "--check"]);
    child::run(&mut cargo)?;
    Ok(Counts::default())
}

pub fn clippy() -> Result<Counts> {
    let mut host = repo::cargo();
    host.args(["clippy", "--quiet", "--all-targets"]);
    lint(host)?;
    for face in FACES {
        let mut wasm = repo::cargo();
        wasm.args(["clippy", "--quiet", "--package", "tiltwise-edge"]);
        wasm.args(["--target", "wasm32-unknown-unknown", "--features", face]);
        lint(wasm)?;
    }
    Ok(Counts::default())
}

pub fn test() -> Result<Counts> {
    let mut cargo = repo::cargo();
    cargo.args(["test", "--no-fail-fast", "--features", "tiltwise-edge/abi"]);
    count(&mut cargo)
}

/// Lints too: what is behind the feature is seen by no other stage. One after another, since each test has a broker.
pub fn test_with_kafka() -> Result<Counts> {
    let mut host = repo::cargo();
    host.args([
        "clippy",
        "--quiet",
        "--package",
        "tiltwise-collector",
        "--all-targets",
        "--features",
        "kafka-tls,parquet",
    ]);
    lint(host)?;
    let mut cargo = kafka::tests()?;
    cargo.args(["--no-fail-fast", "--lib", "--", "--test-threads", "1"]);
    count(&mut cargo)
}

pub fn test_across_crates() -> Result<Counts> {
    let mut cargo = repo::cargo();
    cargo.args(["test", "--no-fail-fast", "--package", "tiltwise-tests"]);
    count(&mut cargo)
}

/// Licences, bans and sources need the lock file alone. Advisories need a database from the network: where that cannot be
/// reached, they are a skip and not a failure, since nothing is missing on this machine.
pub fn deny() -> Result<Counts> {
    child::run(repo::cargo().args(["deny", "--all-features", "check", "bans", "licenses", "sources"]))?;
    if let Err(error) = child::run(repo::cargo().args(["deny", "fetch", "db"])) {
        println!("advisories skipped: {error:#}");
        return Ok(Counts {
            skipped: 1,
            ..Counts::default()
        });
    }
    child::run(repo::cargo().args(["deny", "--all-features", "check", "advisories"]))?;
    Ok(Counts::default())
}

fn lint(mut cargo: Command) -> Result<()> {
    if repo::is_ci() {
        cargo.args(["--", "--deny", "warnings"]);
    }
    child::run(&mut cargo)
}

/// Runs a test program and adds up the summaries that it prints.
///
/// One that fails with no failed test in its summaries has not compiled, or has crashed on its way.
pub fn count(command: &mut Command) -> Result<Counts> {
    let mut counts = Counts::default();
    let status = child::lines(command, |line| counts.read_line(line))?;
    if !status.success() && counts.failed == 0 {
        if counts.passed == 0 {
            bail!("no test ran, and the program ended with {status}");
        }
        counts.failed = 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_test_program_that_crashes_is_a_failure_even_if_its_summaries_are_good() {
        let crash = "echo 'test result: ok. 4 passed; 0 failed; 0 ignored'; exit 101";
        assert_eq!(
            count(&mut shell(crash)).unwrap(),
            Counts {
                passed: 4,
                failed: 1,
                skipped: 0
            }
        );
        assert!(count(&mut shell("exit 101")).is_err());
    }

    #[test]
    fn a_failed_test_is_counted_once() {
        let failure = "echo 'test result: FAILED. 4 passed; 2 failed; 0 ignored'; exit 101";
        assert_eq!(count(&mut shell(failure)).unwrap().failed, 2);
    }
}
