//! "Nothing has changed": a digest of inputs, kept beside what was made from them.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use crate::repo;

/// A digest of the paths and contents of these files, relative to the root.
///
/// It only decides whether to build again, so a hash that a new compiler may change is good enough.
pub fn of(files: &[String]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for path in files {
        path.hash(&mut hasher);
        let bytes = fs::read(repo::root().join(path)).with_context(|| format!("reading {path}"))?;
        bytes.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// True where `path` holds this digest.
pub fn holds(path: &Path, digest: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|held| held == digest)
}
