//! npm packages of the repository: installed as their lock files say, built, packed, and each only when it is due.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{child, repo, stamp, tools, wasm};

/// The npm package `tiltwise`. Those that use it install what [`pack`] makes of it.
pub const CLIENT: &str = "wasm-pkg";

/// What the client's script `pack` makes, without the version in its name, so that a package.json can point to it.
const TARBALL: &str = "wasm-pkg/tiltwise.tgz";

/// Makes `node_modules` of this package, a folder relative to the root, what its lock file says. Returns its path.
pub fn install(package: &str) -> Result<PathBuf> {
    tools::need(&[&tools::NODE, &tools::NPM])?;
    let modules = repo::root().join(package).join("node_modules");
    let mut depends_on = vec![format!("{package}/package-lock.json")];
    depends_on.extend(tarballs(package)?);
    once(&modules.join(".installed"), &depends_on, || {
        // `ci` takes the lock file at its word and fails where package.json disagrees with it.
        let mut npm = npm(package);
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        child::run(&mut npm)
    })?;
    Ok(modules)
}

/// Installs this package and runs its script `build`, if it has one, which writes to its folder `dist`.
pub fn build(package: &str) -> Result<()> {
    let modules = install(package)?;
    if !has_script(package, "build")? {
        return Ok(());
    }
    let mark = modules.join(".built");
    forget_without(&mark, &repo::root().join(package).join("dist"))?;
    let mut depends_on = sources(package)?;
    depends_on.extend(tarballs(package)?);
    once(&mark, &depends_on, || {
        child::run(npm(package).args(["run", "--silent", "build"]))
    })
}

/// Builds the client around the wasm modules and packs it, as the registry would, with its own script `pack`.
pub fn pack() -> Result<()> {
    wasm::make(false)?;
    let modules = install(CLIENT)?;
    let mark = modules.join(".packed");
    forget_without(&mark, &repo::root().join(TARBALL))?;
    let mut depends_on = sources(CLIENT)?;
    depends_on.push(format!("{}/{}", wasm::OUT, wasm::MARK));
    once(&mark, &depends_on, || {
        child::run(npm(CLIENT).args(["run", "--silent", "pack"]))
    })
}

/// Whether package.json of this package has this script.
pub fn has_script(package: &str, script: &str) -> Result<bool> {
    let manifest = json(&format!("{package}/package.json"))?;
    Ok(manifest
        .get("scripts")
        .and_then(|scripts| scripts.get(script))
        .is_some())
}

/// `npm` in this package.
pub fn npm(package: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(repo::root().join(package));
    npm
}

/// Does it when `mark` does not hold the digest of what it depends on, and then marks it as done.
fn once(mark: &Path, depends_on: &[String], make: impl FnOnce() -> Result<()>) -> Result<()> {
    let digest = stamp::of(depends_on)?;
    if !stamp::holds(mark, &digest) {
        make()?;
        fs::write(mark, digest).with_context(|| format!("writing {}", mark.display()))?;
    }
    Ok(())
}

/// What was made and is gone has to be made again, whatever the mark says.
fn forget_without(mark: &Path, made: &Path) -> Result<()> {
    if !made.exists() && mark.exists() {
        fs::remove_file(mark).with_context(|| format!("removing {}", mark.display()))?;
    }
    Ok(())
}

/// The files of this package that belong to the repository.
fn sources(package: &str) -> Result<Vec<String>> {
    let under = format!("{package}/");
    let mut files = repo::files()?;
    files.retain(|path| path.starts_with(&under));
    Ok(files)
}

/// The packed packages of this repository that this one installs. Their names stay while their contents change, so the
/// lock file does not tell.
fn tarballs(package: &str) -> Result<Vec<String>> {
    let manifest = json(&format!("{package}/package.json"))?;
    let needs = manifest.get("dependencies").and_then(Value::as_object);
    let versions = needs
        .into_iter()
        .flat_map(|needs| needs.values())
        .filter_map(Value::as_str);
    let files: Vec<_> = versions
        .filter_map(|version| version.strip_prefix("file:"))
        .collect();
    for file in &files {
        ensure!(
            repo::root().join(package).join(file).is_file(),
            "{package} installs {file}, which has not been packed yet"
        );
    }
    Ok(files.iter().map(|file| format!("{package}/{file}")).collect())
}

fn json(path: &str) -> Result<Value> {
    let text = fs::read_to_string(repo::root().join(path)).with_context(|| format!("reading {path}"))?;
    serde_json::from_str(&text).with_context(|| format!("reading {path}"))
}
