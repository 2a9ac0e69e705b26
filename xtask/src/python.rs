//! Programs from PyPI, pinned, each set in a folder of its own among the build products.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{child, repo, stamp};

/// Installs what a file of requirements names, where that has changed. Returns the folder of its programs.
pub fn with(requirements: &str) -> Result<PathBuf> {
    let name = requirements.replace('/', "-");
    let folder = std::path::absolute(repo::target_dir().join("python").join(name))?;
    let (mark, digest) = (folder.join(".installed"), stamp::of(&[requirements.to_owned()])?);
    let bin = folder.join("bin");
    if stamp::holds(&mark, &digest) {
        return Ok(bin);
    }
    let mut venv = Command::new("python3");
    child::run(venv.args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(bin.join("python"));
    pip.current_dir(repo::root());
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        requirements,
    ]);
    child::run(&mut pip)?;
    fs::write(&mark, digest).with_context(|| format!("writing {}", mark.display()))?;
    Ok(bin)
}
