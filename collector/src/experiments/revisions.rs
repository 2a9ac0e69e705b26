//! Every revision that was ever published, by id. Exposures name the revision they were made under, for as long as the
//! log holds them, so nothing here is ever removed.
//!
//! One file a revision, `<id in 16 hexadecimal digits>.revision`, holding its encoded bytes. The name is their hash, so
//! what is damaged is found when it is read. Beside it an empty file `<id>.cut` where the fitter has chosen its cuts: a
//! number that the file leaves to the fitter keeps them for good, over restarts and edits of anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tiltwise_core::id::RevisionId;
use tiltwise_core::revision::{Attribute, AttributeKind, Revision};

use super::identity::{id_of_bytes, revision_id};
use crate::durable;

const EXTENSION: &str = "revision";
const CUT: &str = "cut";

#[derive(Debug, thiserror::Error)]
pub enum RevisionsError {
    #[error("{path}: {source}. Published revisions must be readable: events cannot be counted without them")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path}: {reason}. Put the file back from a backup; the events of this revision cannot be counted without it"
    )]
    Damaged { path: PathBuf, reason: String },
}

/// All published revisions, in memory and on disk.
#[derive(Debug)]
pub struct Revisions {
    folder: PathBuf,
    known: RwLock<BTreeMap<RevisionId, Arc<Revision>>>,
    /// Those whose cuts the fitter has chosen.
    cut: RwLock<BTreeSet<RevisionId>>,
}

impl Revisions {
    /// Opens the folder, or makes it, and reads all of it.
    pub fn open(folder: &Path) -> Result<Self, RevisionsError> {
        let io = |source| RevisionsError::Io {
            path: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(io)?;
        let mut known = BTreeMap::new();
        let mut cut = BTreeSet::new();
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                let (id, revision) = read(&path)?;
                known.insert(id, Arc::new(revision));
            } else if path.extension().is_some_and(|extension| extension == CUT) {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                let id = stem.and_then(|stem| u64::from_str_radix(stem, 16).ok());
                cut.extend(id.map(RevisionId));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            known: RwLock::new(known),
            cut: RwLock::new(cut),
        })
    }

    /// Keeps a revision; when this returns, a crash no longer loses it. Call it before the revision is published.
    pub fn keep(&self, revision: &Revision) -> Result<RevisionId, RevisionsError> {
        let id = revision_id(revision);
        if self.get(id).is_some() {
            return Ok(id);
        }
        let path = self.folder.join(format!("{:016x}.{EXTENSION}", id.0));
        durable::replace(&path, &revision.encode(), durable::PUBLIC)
            .map_err(|source| RevisionsError::Io { path, source })?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, Arc::new(revision.clone()));
        Ok(id)
    }

    /// Keeps a revision whose cuts the fitter has chosen. After a crash between the two files they are chosen again.
    pub fn keep_cut(&self, revision: &Revision) -> Result<RevisionId, RevisionsError> {
        let id = self.keep(revision)?;
        let path = self.folder.join(format!("{:016x}.{CUT}", id.0));
        durable::replace(&path, &[], durable::PUBLIC)
            .map_err(|source| RevisionsError::Io { path, source })?;
        self.cut
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id);
        Ok(id)
    }

    /// The revision with the cuts that were chosen for its numbers, under this revision or another of its experiment.
    pub fn with_cuts(&self, revision: &Revision) -> Revision {
        let mut revision = revision.clone();
        let uncut = |attribute: &&mut Attribute| attribute.kind == AttributeKind::Number;
        for attribute in revision.attributes.iter_mut().filter(uncut) {
            let chosen = self.cut.read().unwrap_or_else(PoisonError::into_inner);
            let found = chosen
                .iter()
                .filter_map(|&id| self.get(id))
                .filter(|other| other.key == revision.key && other.salt == revision.salt)
                .find_map(|other| cuts_of(&other, &attribute.name));
            if let Some(kind) = found {
                attribute.kind = kind;
            }
        }
        revision
    }

    pub fn get(&self, id: RevisionId) -> Option<Arc<Revision>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    /// All of them, by ascending id.
    pub fn all(&self) -> Vec<(RevisionId, Arc<Revision>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .map(|(id, revision)| (*id, revision.clone()))
            .collect()
    }
}

fn cuts_of(revision: &Revision, name: &str) -> Option<AttributeKind> {
    let attribute = revision
        .attributes
        .iter()
        .find(|attribute| attribute.name == name)?;
    matches!(attribute.kind, AttributeKind::Bins { .. }).then(|| attribute.kind.clone())
}

fn read(path: &Path) -> Result<(RevisionId, Revision), RevisionsError> {
    let damaged = |reason: String| RevisionsError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let bytes = std::fs::read(path).map_err(|source| RevisionsError::Io {
        path: path.to_owned(),
        source,
    })?;
    let id = id_of_bytes(&bytes);
    let named = path.file_stem().and_then(|stem| stem.to_str());
    if named != Some(format!("{:016x}", id.0).as_str()) {
        return Err(damaged(
            "its content does not have the hash that it is named by".into(),
        ));
    }
    Ok((
        id,
        Revision::decode(&bytes).map_err(|error| damaged(error.to_string()))?,
    ))
}
