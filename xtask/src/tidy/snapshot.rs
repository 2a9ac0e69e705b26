//! What the rules look at: the repository, read once.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{child, repo};

/// A text file of the repository.
pub struct File {
    /// Relative to the root, with forward slashes.
    pub path: String,
    pub text: String,
}

/// One of the workspace's crates, as its manifest declares it.
#[derive(Default)]
pub struct Crate {
    pub name: String,
    pub needs: Vec<Need>,
}

/// A dependency that a manifest declares.
pub struct Need {
    pub name: String,
    pub optional: bool,
    /// Needed by the crate's own tests only.
    pub for_tests: bool,
}

#[derive(Default)]
pub struct Snapshot {
    /// Every text file that is committed or would be.
    pub files: Vec<File>,
    /// Every path that is committed.
    pub tracked: Vec<String>,
    pub crates: Vec<Crate>,
    /// The names of all packages that a run of the demo builds.
    pub demo_tree: Vec<String>,
}

impl Snapshot {
    pub fn take() -> Result<Self> {
        let paths = repo::files()?;
        let mut files = Vec::new();
        for path in &paths {
            let bytes = fs::read(repo::root().join(path)).with_context(|| format!("reading {path}"))?;
            // What is not UTF-8 is no text, and no rule speaks of it.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File {
                    path: path.clone(),
                    text,
                });
            }
        }
        Ok(Self {
            files,
            tracked: repo::tracked().unwrap_or(paths),
            crates: crates()?,
            demo_tree: demo_tree()?,
        })
    }

    /// The Rust files under this path.
    pub fn rust<'a>(&'a self, under: &'a str) -> impl Iterator<Item = &'a File> {
        self.files
            .iter()
            .filter(move |file| file.path.starts_with(under) && file.path.ends_with(".rs"))
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

fn crates() -> Result<Vec<Crate>> {
    let mut cargo = repo::cargo();
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&child::output(&mut cargo)?)?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Ok(packages
        .map(|package| Crate {
            name: text(package, "name"),
            needs: needs(package),
        })
        .collect())
}

fn needs(package: &Value) -> Vec<Need> {
    let declared = package
        .get("dependencies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    declared
        .map(|need| Need {
            name: text(need, "name"),
            optional: need.get("optional").and_then(Value::as_bool).unwrap_or_default(),
            for_tests: text(need, "kind") == "dev",
        })
        .collect()
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn demo_tree() -> Result<Vec<String>> {
    let mut cargo = repo::cargo();
    cargo.args([
        "tree",
        "--quiet",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--format",
        "{p}",
    ]);
    cargo.args([
        "--package",
        "xtask",
        "--package",
        "tiltwise-collector",
        "--package",
        "tiltwise-bindgen",
    ]);
    let listing = child::output(&mut cargo)?;
    Ok(listing
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
impl Snapshot {
    /// A repository of these files.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        });
        Self {
            files: files.collect(),
            ..Self::default()
        }
    }
}
