//! `cargo xtask tidy`: what no compiler checks and ARCHITECTURE.md promises.
//!
//! A rule is a file here with one pure function from what is in the repository to findings, and tests that show what it
//! finds and what it lets pass. A new invariant is one more file and one more line in [`RULES`].

mod code;
mod core;
mod lines;
mod links;
mod manifests;
mod modules;
mod products;
mod snapshot;
mod typescript;
mod versions;
mod words;

use std::fmt;
use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::count::Counts;
pub use snapshot::Snapshot;

/// Check the invariants of ARCHITECTURE.md.
///
/// Who imports whom, how long a file may be, which words mean that something is unfinished, what must not be committed,
/// what the core must not use. Each finding names the file, the line and the remedy.
#[derive(clap::Args)]
pub struct Args {}

/// Something that must not be so.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    /// Counted from 1; none where the whole file is meant.
    pub line: Option<usize>,
    pub what: String,
}

/// A rule: its name, and what it finds.
type Rule = (&'static str, fn(&Snapshot) -> Vec<Finding>);

const RULES: [Rule; 9] = [
    ("manifests", manifests::check),
    ("modules", modules::check),
    ("core", core::check),
    ("typescript", typescript::check),
    ("lines", lines::check),
    ("words", words::check),
    ("products", products::check),
    ("versions", versions::check),
    ("links", links::check),
];

pub fn run(_: &Args) -> Result<ExitCode> {
    stage()?;
    Ok(ExitCode::SUCCESS)
}

/// Applies every rule; fails when any has a finding.
pub fn stage() -> Result<Counts> {
    let snapshot = Snapshot::take()?;
    let mut found = 0;
    for (name, check) in RULES {
        for finding in check(&snapshot) {
            found += 1;
            println!("{finding} [{name}]");
        }
    }
    ensure!(found == 0, "{found} findings");
    println!(
        "{} rules, {} files: nothing to tidy",
        RULES.len(),
        snapshot.files.len()
    );
    Ok(Counts::default())
}

impl Finding {
    pub fn of_file(path: &str, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            what: what.into(),
        }
    }

    pub fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: Some(line),
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}
