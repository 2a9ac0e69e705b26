//! The deployment files, each by the schema or the linter of its kind. Nothing is deployed: no container engine runs here.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::count::Counts;
use crate::tools::Tool;
use crate::{child, python, repo};

pub const SYSTEMD: Tool = Tool {
    program: "systemd-analyze",
    role: "checks the systemd unit",
    install: "apt-get install -y systemd",
    least: None,
};

const REQUIREMENTS: &str = "xtask/deploy/requirements.txt";
/// Where the unit expects the collector, which is not installed here.
const PROGRAM: &str = "/usr/local/bin/tiltwise";

pub fn check() -> Result<Counts> {
    let bin = python::with(REQUIREMENTS)?;
    let by = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(bin.join(program));
        command.current_dir(repo::root()).args(arguments);
        child::run(&mut command)
    };
    by("hadolint", &["deploy/Dockerfile"])?;
    by(
        "check-jsonschema",
        &["--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"],
    )?;
    by("kubernetes-validate", &["--strict", "deploy/statefulset.yaml"])?;
    let unit = fs::read_to_string(repo::root().join("deploy/tiltwise.service")).context("the unit")?;
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("tiltwise.service");
    fs::write(&copy, unit.replace(PROGRAM, "/bin/true"))?;
    child::run(Command::new(SYSTEMD.program).arg("verify").arg(&copy))?;
    Ok(Counts {
        passed: 4,
        ..Counts::default()
    })
}
