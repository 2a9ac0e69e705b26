//! A folder with an experiment, in which commands are run.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use tiltwise_collector::history::{Kept, store};

/// Nothing is forgotten, so that files with fixed dates stay of use.
pub const HERO: &str = r#"
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm" }, { key = "bold" }]
policy = { kind = "contextual", attributes = ["device"] }
metric = { event = "signup", window = "30m" }
half_life = "none"
"#;

pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self::with(HERO)
    }

    pub fn with(experiments: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("experiments.toml"), experiments).unwrap();
        Self(folder)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    pub fn run(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tiltwise"))
            .arg("import")
            .args(words)
            .current_dir(&self.0)
            .output()
            .unwrap()
    }

    /// Imports, and gives the answer.
    pub fn import(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--json"]].concat());
        assert!(
            output.status.success(),
            "{words:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Is refused, and says why.
    pub fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        assert!(said.contains("nothing was changed"), "{said}");
        assert_eq!(self.kept().len(), 0);
        said
    }

    /// What is kept on disk.
    pub fn kept(&self) -> Vec<Kept> {
        let folder = self.0.path().join("data/history");
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let read = |path: &Path| store::read(path).unwrap();
        entries.map(|entry| read(&entry.unwrap().path())).collect()
    }

    /// All bytes of what is kept.
    pub fn bytes(&self) -> Vec<u8> {
        let entries = fs::read_dir(self.0.path().join("data/history")).unwrap();
        entries
            .flat_map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect()
    }
}

/// A sample in this repository.
pub fn sample(name: &str) -> String {
    format!("{}/tests/history/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// By variant: how many were shown it, and what that brought.
pub fn shown(kept: &Kept) -> Vec<(i64, i64)> {
    let mut sums = vec![(0, 0); kept.revision.variants.len()];
    for part in &kept.parts {
        assert_eq!(
            part.sums.inference.buckets().count(),
            0,
            "history has no say in results"
        );
        for (_, arms) in part.sums.learning.buckets() {
            for (sum, arm) in sums.iter_mut().zip(arms) {
                sum.0 += arm.n;
                sum.1 += arm.sum_r / 1_000_000;
            }
        }
    }
    sums
}

/// Rows left out, by reason.
pub fn left_out(answer: &Value) -> Vec<(String, u64)> {
    let entries = answer["leftOut"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            (
                entry["reason"].as_str().unwrap().to_owned(),
                entry["rows"].as_u64().unwrap(),
            )
        })
        .collect()
}

/// Every row is in exactly one place.
pub fn all_accounted_for(answer: &Value) {
    let left_out: u64 = left_out(answer).iter().map(|(_, rows)| rows).sum();
    let used = answer["decisions"].as_u64().unwrap() + answer["outcomes"].as_u64().unwrap();
    assert_eq!(answer["rows"].as_u64().unwrap(), used + left_out, "{answer}");
}
