//! Installs what a package's lock file names, once.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{child, repo, stamp, tools};

/// Makes `node_modules` of this package, a folder relative to the root, what its lock file says. Returns its path.
pub fn install(package: &str) -> Result<PathBuf> {
    tools::need(&[&tools::NODE, &tools::NPM])?;
    let modules = repo::root().join(package).join("node_modules");
    let mark = modules.join(".installed");
    let digest = stamp::of(&[format!("{package}/package-lock.json")])?;
    if !stamp::holds(&mark, &digest) {
        // `ci` takes the lock file at its word and fails where package.json disagrees with it.
        let mut npm = npm(package);
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        child::run(&mut npm)?;
        fs::write(&mark, digest).with_context(|| format!("writing {}", mark.display()))?;
    }
    Ok(modules)
}

/// `npm` in this package.
pub fn npm(package: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(repo::root().join(package));
    npm
}
