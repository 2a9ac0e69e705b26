//! Imported history on disk: one file an import, whole or absent, named by its content.
//!
//! ```text
//! "TWHI"  format (u32)  about (length u64, JSON)  revision (length u64)  parts: weight (f64), sums (length u64) …
//! SHA-256 of all before
//! ```
//! Numbers are little endian; revision and sums are the core's own canonical bytes. What breaks it: any changed byte, which
//! the checksum finds. The name is the hash of experiment and input, so a file can be there once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use std::{fs, io};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tiltwise_core::acc::Accumulators;
use tiltwise_core::fit::history::{History, Part, Reach};
use tiltwise_core::revision::Revision;

use crate::durable;

const MAGIC: &[u8; 4] = b"TWHI";
const FORMAT: u32 = 1;
const SUM: usize = 32;
pub(super) const EXTENSION: &str = "history";

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{path}: {source}. Imported history cannot be kept; free the disk or mend the folder's rights")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: this history is damaged ({what}) and not used; remove the file and import it again")]
    Damaged { path: PathBuf, what: String },
    #[error(
        "{path}: this history was written by a newer release (format {format}). Upgrade this collector first"
    )]
    Newer { path: PathBuf, format: u32 },
}

/// What people see of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    pub experiment: String,
    /// The file's name, without its folder.
    pub file: String,
    /// SHA-256 of what was read, in hexadecimal.
    pub content: String,
    /// SHA-256 of what was declared of it.
    pub declared: String,
    /// How the variants were chosen, in words.
    pub choice: String,
    /// Whether it may move variants against each other.
    pub moves_variants: bool,
    pub rows: u64,
    pub decisions: u64,
    pub outcomes: u64,
    /// Rows left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    pub first_ms: u64,
    pub last_ms: u64,
    /// When it was imported: its age counts from here.
    pub as_of_ms: u64,
    /// It counts for at most so many visitors.
    pub worth: f64,
}

/// One import.
#[derive(Clone, Debug)]
pub struct Kept {
    pub about: About,
    /// The definition that its rows were encoded by.
    pub revision: Revision,
    pub parts: Vec<Part>,
}

impl Kept {
    pub fn as_history(&self) -> History<'_> {
        History {
            revision: &self.revision,
            parts: &self.parts,
            reach: if self.about.moves_variants {
                Reach::Arms
            } else {
                Reach::Pooled
            },
            worth: self.about.worth,
            as_of_ms: self.about.as_of_ms,
        }
    }

    /// Whether it is history of this experiment at all.
    pub fn is_of(&self, revision: &Revision) -> bool {
        self.revision.key == revision.key && self.revision.salt == revision.salt
    }

    /// How many visitors it counted for when it was imported.
    pub fn counts_as(&self, revision: &Revision) -> f64 {
        let effective: f64 = self.as_history().effective(revision).iter().sum();
        effective.min(self.about.worth)
    }

    /// For people and programs: what it is, and whether the experiment as it is now can use it.
    pub fn view(&self, revision: &Revision) -> serde_json::Value {
        let mut view = serde_json::to_value(&self.about).unwrap_or_default();
        let is_used = self.as_history().fits(revision);
        if let Some(view) = view.as_object_mut() {
            view.insert("used".into(), is_used.into());
            view.insert(
                "countsAs".into(),
                if is_used {
                    self.counts_as(revision).round()
                } else {
                    0.0
                }
                .into(),
            );
            view.insert("sentence".into(), self.sentence(revision).into());
        }
        view
    }

    fn sentence(&self, revision: &Revision) -> String {
        let About {
            file,
            decisions,
            choice,
            ..
        } = &self.about;
        if !self.as_history().fits(revision) {
            return format!(
                "{file} is not used: attributes, metric or unit were changed since it was imported. Forget it and import \
                 it again."
            );
        }
        format!(
            "{decisions} visitors from {file} ({choice}) counted as {} when they were imported; they move {}.",
            self.counts_as(revision).round(),
            if self.about.moves_variants {
                "the variants' start, and no result"
            } else {
                "predictions of all variants alike, and no choice"
            }
        )
    }
}

/// The folder of imports.
#[derive(Clone, Debug)]
pub struct Histories {
    pub(super) folder: PathBuf,
}

impl Histories {
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where an import of this content is, or would be.
    pub fn path(&self, experiment: &str, content: &[u8; 32]) -> PathBuf {
        let name = Sha256::new()
            .chain_update(experiment)
            .chain_update([0])
            .chain_update(content)
            .finalize();
        let half = name.get(..8).map(hex::encode).unwrap_or_default();
        self.folder.join(format!("{half}.{EXTENSION}"))
    }

    /// Keeps an import; when this returns, a crash no longer loses it.
    pub fn keep(&self, path: &Path, kept: &Kept) -> Result<(), HistoryError> {
        let io = |source| HistoryError::Io {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(io)?;
        durable::replace(path, &encode(kept), durable::PRIVATE).map_err(io)
    }

    /// Removes what was imported for an experiment; how many files that were.
    pub fn forget(&self, experiment: &str) -> Result<usize, HistoryError> {
        let mut forgotten = 0;
        for path in self.paths()? {
            // What cannot be read belongs to no experiment that could be named otherwise.
            if read(&path).is_ok_and(|kept| kept.about.experiment == experiment) {
                fs::remove_file(&path)
                    .and_then(|()| durable::sync_folder(&path))
                    .map_err(|source| HistoryError::Io { path, source })?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    /// All that can be read, in the order of their names; and what is wrong with the others.
    pub fn all(&self) -> Result<(Vec<Kept>, Vec<HistoryError>), HistoryError> {
        let (mut good, mut wrong) = (Vec::new(), Vec::new());
        for path in self.paths()? {
            match read(&path) {
                Ok(kept) => good.push(kept),
                Err(error) => wrong.push(error),
            }
        }
        Ok((good, wrong))
    }

    pub(super) fn paths(&self) -> Result<Vec<PathBuf>, HistoryError> {
        let io = |source| HistoryError::Io {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io)?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// Reads one import.
pub fn read(path: &Path) -> Result<Kept, HistoryError> {
    let damaged = |what: &str| HistoryError::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let bytes = fs::read(path).map_err(|source| HistoryError::Io {
        path: path.to_owned(),
        source,
    })?;
    let (body, sum) = bytes
        .split_last_chunk::<SUM>()
        .ok_or_else(|| damaged("it is too short"))?;
    if Sha256::digest(body).as_slice() != sum {
        return Err(damaged("its checksum is wrong"));
    }
    let mut input = body
        .strip_prefix(MAGIC)
        .ok_or_else(|| damaged("it is no history"))?;
    let short = || damaged("it is too short");
    let format = u32::from_le_bytes(number(&mut input).ok_or_else(short)?);
    if format != FORMAT {
        return Err(HistoryError::Newer {
            path: path.to_owned(),
            format,
        });
    }
    let about =
        serde_json::from_slice(block(&mut input).ok_or_else(short)?).map_err(|e| damaged(&e.to_string()))?;
    let revision =
        Revision::decode(block(&mut input).ok_or_else(short)?).map_err(|e| damaged(&e.to_string()))?;
    let mut parts = Vec::new();
    while !input.is_empty() {
        let weight = f64::from_le_bytes(number(&mut input).ok_or_else(short)?);
        let sums = block(&mut input).ok_or_else(short)?;
        let sums = Accumulators::decode(sums, &revision).map_err(|e| damaged(&e.to_string()))?;
        if !(weight.is_finite() && weight > 0.0) {
            return Err(damaged("a weight is no number above 0"));
        }
        parts.push(Part { weight, sums });
    }
    Ok(Kept {
        about,
        revision,
        parts,
    })
}

fn encode(kept: &Kept) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    put_block(&mut bytes, &serde_json::to_vec(&kept.about).unwrap_or_default());
    put_block(&mut bytes, &kept.revision.encode());
    for part in &kept.parts {
        bytes.extend_from_slice(&part.weight.to_le_bytes());
        put_block(&mut bytes, &part.sums.encode());
    }
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

fn put_block(bytes: &mut Vec<u8>, block: &[u8]) {
    bytes.extend_from_slice(&(block.len() as u64).to_le_bytes());
    bytes.extend_from_slice(block);
}

fn number<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (number, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*number)
}

fn block<'b>(input: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = u64::from_le_bytes(number(input)?);
    let (block, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(block)
}

/// The imports as a running collector has them: looked at once a second, like the experiment file.
#[derive(Debug)]
pub struct Shelf {
    histories: Histories,
    stamp: Vec<(PathBuf, SystemTime, u64)>,
    kept: Arc<Vec<Kept>>,
    /// What is wrong with the files that are not used, in sentences.
    wrong: Vec<String>,
}

impl Shelf {
    pub fn open(folder: PathBuf) -> Self {
        let mut shelf = Self {
            histories: Histories::at(folder),
            stamp: Vec::new(),
            kept: Arc::default(),
            wrong: Vec::new(),
        };
        shelf.look();
        shelf
    }

    pub fn kept(&self) -> Arc<Vec<Kept>> {
        self.kept.clone()
    }

    pub fn warnings(&self) -> &[String] {
        &self.wrong
    }

    /// Takes up what was imported or forgotten; whether anything was.
    pub fn look(&mut self) -> bool {
        let stamp = self.stamp();
        if stamp == self.stamp {
            return false;
        }
        self.stamp = stamp;
        match self.histories.all() {
            Ok((kept, wrong)) => {
                self.kept = Arc::new(kept);
                self.wrong = wrong.iter().map(ToString::to_string).collect();
            }
            Err(error) => self.wrong = vec![error.to_string()],
        }
        true
    }

    fn stamp(&self) -> Vec<(PathBuf, SystemTime, u64)> {
        let stamp = |path: PathBuf| {
            let metadata = fs::metadata(&path).ok()?;
            Some((path, metadata.modified().ok()?, metadata.len()))
        };
        self.histories
            .paths()
            .unwrap_or_default()
            .into_iter()
            .filter_map(stamp)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiltwise_core::id::RevisionId;

    fn kept() -> Kept {
        let text = "[[experiment]]\nkey = \"hero\"\ncontrol = \"calm\"\nvariants = [{ key = \"calm\" }, { key = \"bold\" }]\n\
                    policy = { kind = \"thompson\" }\nmetric = { event = \"signup\", window = \"30m\" }\n";
        let experiments = crate::experiments::Experiments::check("x", text, "shop").unwrap();
        let revision = experiments.definitions[0].revision.clone();
        Kept {
            about: About {
                experiment: "hero".into(),
                file: "past.csv".into(),
                content: "c0".into(),
                declared: "d0".into(),
                choice: "only calm".into(),
                moves_variants: false,
                rows: 3,
                decisions: 2,
                outcomes: 1,
                left_out: BTreeMap::from([("no-time".to_owned(), 1)]),
                first_ms: 1,
                last_ms: 2,
                as_of_ms: 3,
                worth: 100.0,
            },
            parts: vec![Part {
                weight: 2.0,
                sums: Accumulators::new(RevisionId(8), &revision),
            }],
            revision,
        }
    }

    #[test]
    fn an_import_is_read_as_it_was_written_and_a_changed_byte_is_found() {
        let folder = tempfile::TempDir::new().unwrap();
        let histories = Histories::at(folder.path().join("history"));
        let path = histories.path("hero", &[1; 32]);
        histories.keep(&path, &kept()).unwrap();
        let (all, wrong) = histories.all().unwrap();
        assert!(wrong.is_empty());
        assert_eq!(all[0].about, kept().about);
        assert_eq!(all[0].parts[0].sums.encode(), kept().parts[0].sums.encode());
        let good = fs::read(&path).unwrap();
        for place in [0, 5, 20, good.len() / 2, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert_eq!(histories.all().unwrap().1.len(), 1, "{place}");
        }
        fs::write(&path, &good[..10]).unwrap();
        assert_eq!(histories.all().unwrap().1.len(), 1);
    }

    #[test]
    fn what_is_imported_or_forgotten_is_noticed() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut shelf = Shelf::open(folder.path().join("history"));
        assert!(shelf.kept().is_empty() && !shelf.look());
        let histories = Histories::at(folder.path().join("history"));
        histories
            .keep(&histories.path("hero", &[1; 32]), &kept())
            .unwrap();
        assert!(shelf.look() && !shelf.look());
        assert_eq!(shelf.kept().len(), 1);
        assert_eq!(histories.forget("other").unwrap(), 0);
        assert_eq!(histories.forget("hero").unwrap(), 1);
        assert!(shelf.look());
        assert!(shelf.kept().is_empty());
    }
}
