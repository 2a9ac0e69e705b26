//! Other people's learners on the same streams: Vowpal Wabbit's explorers and mabwiser's LinUCB, from PyPI.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::Encoding;
use crate::{child, python, repo};

const REQUIREMENTS: &str = "xtask/python/learners.txt";
const PROGRAM: &str = "xtask/python/learners.py";

/// What one learner made of one file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Other {
    pub file: String,
    /// "vw squarecb", "linucb".
    pub learner: String,
    pub events: usize,
    pub mean_reward: f64,
    /// Deciding and learning; not reading and encoding.
    pub cpu_seconds: f64,
}

impl Other {
    /// The explorers of Vowpal Wabbit are told together: the best of them is the one to compare with.
    pub fn is_vowpal(&self) -> bool {
        self.learner.starts_with("vw ")
    }
}

/// The Python in whose environment they are installed. Asks the package registry the first time.
pub fn python() -> Result<PathBuf> {
    Ok(python::with(REQUIREMENTS)?.join("python"))
}

pub fn score(files: &[PathBuf], batch: u64, encoding: Encoding) -> Result<Vec<Other>> {
    let mut program = Command::new(python()?);
    program.arg(repo::root().join(PROGRAM));
    program.args(["--batch", &batch.to_string(), "--numeric", encoding.name()]);
    program.args(files);
    // One thread, as ours: mathematics libraries take every processor otherwise.
    for threads in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
        program.env(threads, "1");
    }
    let said = child::output(&mut program)?;
    said.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("{PROGRAM} said {line:?}")))
        .collect()
}
