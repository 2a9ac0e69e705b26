//! Every revision that was ever published, by id. Exposures name the revision they were made under, for as long as the
//! log holds them, so nothing here is ever removed.
//!
//! One file a revision, `<id in 16 hexadecimal digits>.revision`, holding its encoded bytes. The name is their hash, so
//! what is damaged is found when it is read.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tiltwise_core::id::RevisionId;
use tiltwise_core::revision::Revision;

use super::identity::{id_of_bytes, revision_id};
use crate::durable;

const EXTENSION: &str = "revision";

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
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                let (id, revision) = read(&path)?;
                known.insert(id, Arc::new(revision));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            known: RwLock::new(known),
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
