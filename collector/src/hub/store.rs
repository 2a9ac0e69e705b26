//! Snapshots on disk.
//!
//! | table | key | value |
//! |---|---|---|
//! | `versions` | version, big endian | the envelope, without content |
//! | `held` | version, big endian | published (big endian), hash: versions whose content is held |
//! | `contents` | hash | the content |
//! | `named` | version, big endian | when an exposure last named it, big endian |
//! | `place` | `models` | where snapshots that several collectors share: how far they were read, and the newest of them (both big endian) |
//!
//! Envelopes are small and stay for [`ENVELOPES_MS`], because the publication of the model that an exposure names is part
//! of when it was decided. Contents are thinned after an hour: what exposures named stays while it may matter, and of the
//! rest the last of every hour, to roll back to.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tiltwise_core::snapshot::SealedSnapshot;

use super::HubError;

const HOUR_MS: u64 = 3_600_000;

/// The row of `place`.
const MODELS: &str = "models";

/// How long the last content of every hour is held: as long as an edge may adopt it.
const HOURLY_MS: u64 = super::VALID_MS;

/// How long a version is known at all: a device that was offline for a month is asked to start anew.
const ENVELOPES_MS: u64 = 31 * 24 * HOUR_MS;

/// Envelopes let go at once.
const FORGET_AT_ONCE: usize = 10_000;

/// What is known of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub version: u64,
    pub published_ms: u64,
    pub folded_through_ms: u64,
    pub hash: [u8; 32],
}

impl Version {
    pub(super) fn of(envelope: &SealedSnapshot) -> Self {
        Self {
            version: envelope.version,
            published_ms: envelope.published_ms,
            folded_through_ms: envelope.folded_through_ms,
            hash: envelope.hash,
        }
    }
}

pub(super) struct Store {
    path: PathBuf,
    database: Database,
    versions: Keyspace,
    held: Keyspace,
    contents: Keyspace,
    named: Keyspace,
    place: Keyspace,
    /// Versions that were marked as named within this hour, so that not every exposure is a write.
    marked: Mutex<(u64, HashSet<u64>)>,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, HubError> {
        let failed = |e: fjall::Error| HubError::Store {
            path: path.to_owned(),
            what: e.to_string(),
        };
        let database = Database::builder(path)
            .max_journaling_size(64 << 20)
            .open()
            .map_err(failed)?;
        let table = |name: &str| {
            database
                .keyspace(name, KeyspaceCreateOptions::default)
                .map_err(failed)
        };
        Ok(Self {
            versions: table("versions")?,
            held: table("held")?,
            contents: table("contents")?,
            named: table("named")?,
            place: table("place")?,
            path: path.to_owned(),
            database,
            marked: Mutex::default(),
        })
    }

    pub(super) fn last(&self) -> Result<Option<SealedSnapshot>, HubError> {
        let Some(guard) = self.versions.last_key_value() else {
            return Ok(None);
        };
        let bytes = guard.value().map_err(|e| self.failed(&e))?;
        Ok(Some(SealedSnapshot::decode(&bytes)?))
    }

    /// On disk when it returns.
    pub(super) fn keep(&self, envelope: &SealedSnapshot, content: &[u8]) -> Result<(), HubError> {
        let key = envelope.version.to_be_bytes();
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.versions, key, envelope.encode());
        batch.insert(&self.held, key, held_row(envelope));
        batch.insert(&self.contents, envelope.hash, content);
        batch.commit().map_err(|e| self.failed(&e))
    }

    pub(super) fn version(&self, version: u64) -> Result<Option<Version>, HubError> {
        Ok(self.envelope(version)?.map(|envelope| Version::of(&envelope)))
    }

    pub(super) fn content(&self, hash: &[u8; 32]) -> Result<Option<Vec<u8>>, HubError> {
        Ok(self
            .contents
            .get(hash)
            .map_err(|e| self.failed(&e))?
            .map(|content| content.to_vec()))
    }

    pub(super) fn named(&self, version: u64, now_ms: u64) -> Result<(), HubError> {
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        if marked.0 != now_ms / HOUR_MS {
            *marked = (now_ms / HOUR_MS, HashSet::new());
        }
        if marked.1.insert(version) {
            let until = now_ms.to_be_bytes();
            self.named
                .insert(version.to_be_bytes(), until)
                .map_err(|e| self.failed(&e))?;
        }
        Ok(())
    }

    /// What neither an exposure nor a roll-back can need any more.
    pub(super) fn needless(&self, now_ms: u64, named_for_ms: u64) -> Result<Needless, HubError> {
        let held = self.all_held()?;
        let mut kept = HashSet::new();
        let mut needless = Needless::default();
        for (index, entry) in held.iter().enumerate() {
            let next_hour = held
                .get(index + 1)
                .is_none_or(|next| next.published_ms / HOUR_MS > entry.published_ms / HOUR_MS);
            let age_ms = now_ms.saturating_sub(entry.published_ms);
            let is_newest = index + 1 == held.len();
            let stays = is_newest
                || age_ms < HOUR_MS
                || (next_hour && age_ms < HOURLY_MS)
                || self
                    .named_ms(entry.version)?
                    .is_some_and(|named| now_ms.saturating_sub(named) < named_for_ms);
            if stays {
                kept.insert(entry.hash);
            } else {
                needless.contents.insert(entry.hash);
                needless.held.push(entry.version);
            }
        }
        needless.contents.retain(|hash| !kept.contains(hash));
        let newest = held.last().map_or(0, |newest| newest.version);
        for guard in self.versions.iter().take(FORGET_AT_ONCE) {
            let (_, envelope) = guard.into_inner().map_err(|e| self.failed(&e))?;
            let envelope = SealedSnapshot::decode(&envelope)?;
            if envelope.version == newest || envelope.published_ms + ENVELOPES_MS > now_ms {
                break;
            }
            needless.versions.push(envelope.version);
        }
        Ok(needless)
    }

    /// Lets go of it.
    pub(super) fn forget(&self, needless: &Needless) -> Result<(), HubError> {
        let mut batch = self.database.batch();
        for version in &needless.held {
            batch.remove(&self.held, version.to_be_bytes());
            batch.remove(&self.named, version.to_be_bytes());
        }
        for hash in &needless.contents {
            batch.remove(&self.contents, *hash);
        }
        for version in &needless.versions {
            batch.remove(&self.versions, version.to_be_bytes());
        }
        batch.commit().map_err(|e| self.failed(&e))
    }

    /// The versions whose content is one of these.
    pub(super) fn held_as(&self, hashes: &HashSet<[u8; 32]>) -> Result<Vec<u64>, HubError> {
        let held = self.all_held()?;
        let of = held.iter().filter(|held| hashes.contains(&held.hash));
        Ok(of.map(|held| held.version).collect())
    }

    pub(super) fn place(&self) -> Result<Option<Place>, HubError> {
        let stored = self.place.get(MODELS).map_err(|e| self.failed(&e))?;
        Ok(stored.and_then(|bytes| {
            let (next, newest) = bytes.split_first_chunk::<8>()?;
            Some(Place {
                next: u64::from_be_bytes(*next),
                newest: u64::from_be_bytes(newest.try_into().ok()?),
            })
        }))
    }

    /// Keeps what was read of a place that outlives this disk. So nothing is synced: after a crash it is read again.
    pub(super) fn keep_read(
        &self,
        place: Place,
        envelope: &SealedSnapshot,
        content: Option<&[u8]>,
    ) -> Result<(), HubError> {
        let mut batch = self.database.batch();
        let key = envelope.version.to_be_bytes();
        batch.insert(&self.versions, key, envelope.encode());
        if let Some(content) = content {
            batch.insert(&self.contents, envelope.hash, content);
        }
        batch.insert(&self.held, key, held_row(envelope));
        let row = [place.next.to_be_bytes(), place.newest.to_be_bytes()].concat();
        batch.insert(&self.place, MODELS, row);
        batch.commit().map_err(|e| self.failed(&e))
    }

    /// The envelope of a version.
    pub(super) fn envelope(&self, version: u64) -> Result<Option<SealedSnapshot>, HubError> {
        let stored = self
            .versions
            .get(version.to_be_bytes())
            .map_err(|e| self.failed(&e))?;
        Ok(stored.map(|bytes| SealedSnapshot::decode(&bytes)).transpose()?)
    }

    fn all_held(&self) -> Result<Vec<Held>, HubError> {
        let mut all = Vec::new();
        for guard in self.held.iter() {
            let (key, value) = guard.into_inner().map_err(|e| self.failed(&e))?;
            if let (Ok(version), Some((published, hash))) =
                (<[u8; 8]>::try_from(&*key), value.split_first_chunk::<8>())
                && let Ok(hash) = hash.try_into()
            {
                let published_ms = u64::from_be_bytes(*published);
                all.push(Held {
                    version: u64::from_be_bytes(version),
                    published_ms,
                    hash,
                });
            }
        }
        Ok(all)
    }

    fn named_ms(&self, version: u64) -> Result<Option<u64>, HubError> {
        let stored = self
            .named
            .get(version.to_be_bytes())
            .map_err(|e| self.failed(&e))?;
        Ok(stored.and_then(|bytes| bytes.first_chunk().map(|ms| u64::from_be_bytes(*ms))))
    }

    fn failed(&self, error: &fjall::Error) -> HubError {
        HubError::Store {
            path: self.path.clone(),
            what: error.to_string(),
        }
    }
}

/// What may go: of versions all, or their contents alone.
#[derive(Debug, Clone, Default)]
pub struct Needless {
    pub versions: Vec<u64>,
    pub contents: HashSet<[u8; 32]>,
    /// Versions that held them.
    pub(super) held: Vec<u64>,
}

/// How far shared snapshots were read, and the newest of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    pub next: u64,
    pub newest: u64,
}

fn held_row(envelope: &SealedSnapshot) -> Vec<u8> {
    [&envelope.published_ms.to_be_bytes()[..], &envelope.hash].concat()
}

struct Held {
    version: u64,
    published_ms: u64,
    hash: [u8; 32],
}
