//! Every revision that was ever published, by id. Exposures name the revision they were made under, for as long as the
//! log holds them, so nothing here is ever removed.
//!
//! One file a revision, `<id in 16 hexadecimal digits>.revision`, holding its encoded bytes. The name is their hash, so
//! what is damaged is found when it is read. Beside it an empty file `<id>.cut` where the fitter has chosen its cuts: a
//! number that the file leaves to the fitter keeps them for good, over restarts and edits of anything else.
//!
//! Where several collectors serve one site, the folder is a copy of what is [`Shared`] among them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::{fmt, io};

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
    #[error("the other collectors cannot be told of it: {0}")]
    Untold(String),
}

/// Where several collectors keep the revisions of one site.
pub trait Shared: Send + Sync {
    /// Keeps a revision there; when this returns, every collector comes to know of it before it can meet it.
    fn keep(&self, id: RevisionId, revision: &Revision, is_cut: bool) -> Result<(), String>;

    /// Returns once every revision that was there at the call is known here; or says in a sentence why that cannot be.
    fn catch_up(&self) -> Result<(), String>;
}

/// All published revisions, in memory and on disk.
pub struct Revisions {
    folder: PathBuf,
    known: RwLock<BTreeMap<RevisionId, Arc<Revision>>>,
    /// Those whose cuts the fitter has chosen.
    cut: RwLock<BTreeSet<RevisionId>>,
    /// Grows with every revision that becomes known.
    edition: AtomicU64,
    shared: OnceLock<Arc<dyn Shared>>,
}

impl fmt::Debug for Revisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revisions")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
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
            edition: AtomicU64::new(1),
            shared: OnceLock::new(),
        })
    }

    /// Says where they are shared.
    pub fn share(&self, shared: Arc<dyn Shared>) {
        let _ = self.shared.set(shared);
    }

    /// Changes when another revision has become known.
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Takes up what others have shared.
    pub fn catch_up(&self) -> Result<(), String> {
        self.shared.get().map_or(Ok(()), |shared| shared.catch_up())
    }

    /// Keeps a revision; when this returns, a crash no longer loses it. Call it before the revision is published.
    pub fn keep(&self, revision: &Revision) -> Result<RevisionId, RevisionsError> {
        self.tell(revision, false)?;
        self.learn(revision)
    }

    fn tell(&self, revision: &Revision, is_cut: bool) -> Result<(), RevisionsError> {
        let Some(shared) = self.shared.get() else {
            return Ok(());
        };
        let told = shared.keep(revision_id(revision), revision, is_cut);
        told.map_err(RevisionsError::Untold)
    }

    /// Keeps a revision on this disk alone.
    pub fn learn(&self, revision: &Revision) -> Result<RevisionId, RevisionsError> {
        let id = revision_id(revision);
        if self.get(id).is_some() {
            return Ok(id);
        }
        let path = self.folder.join(format!("{:016x}.{EXTENSION}", id.0));
        durable::replace(&path, &revision.encode(), durable::PUBLIC)
            .map_err(|source| RevisionsError::Io { path, source })?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, Arc::new(revision.clone()));
        drop(known);
        self.edition.fetch_add(1, Ordering::AcqRel);
        Ok(id)
    }

    /// Keeps a revision whose cuts the fitter has chosen. After a crash between the two files they are chosen again.
    pub fn keep_cut(&self, revision: &Revision) -> Result<RevisionId, RevisionsError> {
        self.tell(revision, true)?;
        self.learn_cut(revision)
    }

    /// The same, on this disk alone.
    pub fn learn_cut(&self, revision: &Revision) -> Result<RevisionId, RevisionsError> {
        let id = self.learn(revision)?;
        if self.is_cut(id) {
            return Ok(id);
        }
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

    /// Whether the fitter has chosen its cuts.
    pub fn is_cut(&self, id: RevisionId) -> bool {
        let cut = self.cut.read().unwrap_or_else(PoisonError::into_inner);
        cut.contains(&id)
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
