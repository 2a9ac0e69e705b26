//! The stages that npm runs.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::rust::count;
use crate::count::Counts;
use crate::{child, npm, repo, wasm};

/// The tests of every npm package in the repository whose package.json has a script `test`, after its script `build`.
pub fn test() -> Result<Counts> {
    // The npm package is TypeScript around the modules.
    wasm::make(false)?;
    let mut sum = Counts::default();
    let packages = packages()?;
    ensure!(!packages.is_empty(), "no package.json has a script 'test'");
    for package in packages {
        println!("-- {}", package.folder);
        npm::install(&package.folder)?;
        if package.builds {
            child::run(npm::npm(&package.folder).args(["run", "--silent", "build"]))?;
        }
        sum.add(count(npm::npm(&package.folder).args(["test", "--silent"]))?);
    }
    Ok(sum)
}

struct Package {
    /// Relative to the root.
    folder: String,
    builds: bool,
}

/// In the order of their names, but the npm package first: the others use it.
fn packages() -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for path in repo::files()? {
        let Some(folder) = path.strip_suffix("/package.json") else {
            continue;
        };
        let text = fs::read_to_string(repo::root().join(&path)).with_context(|| format!("reading {path}"))?;
        let manifest: Value = serde_json::from_str(&text).with_context(|| format!("reading {path}"))?;
        let has = |script: &str| {
            manifest
                .get("scripts")
                .and_then(|scripts| scripts.get(script))
                .is_some()
        };
        if has("test") {
            packages.push(Package {
                folder: folder.to_owned(),
                builds: has("build"),
            });
        }
    }
    packages.sort_by_key(|package| (package.folder != "wasm-pkg", package.folder.clone()));
    Ok(packages)
}
