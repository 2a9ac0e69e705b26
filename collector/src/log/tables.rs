//! The log's tables in one fjall database. Only this module and its siblings know that fjall is there.
//!
//! | table | key | value |
//! |---|---|---|
//! | `records` | offset, big endian | checksum, record ([`frame`](super::frame)) |
//! | `seen` | key of a part | when it was received, big endian; see [`seen`](super::seen) |
//! | `seen_by_time` | received, first of the keys | the keys that were received with one commit |
//! | `meta` | `bytes`, `clock`, `replaced`, `settled`, `sorted` | a number, big endian |
//! | `filler` | a number | see [`settle`](super::settle); empty otherwise |

use std::path::{Path, PathBuf};

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};

use super::LogError;

/// Where the storage starts a new journal. Small, because recovery reads it whole and a rewritten record leaves the disk
/// only with its journal.
const JOURNAL_BYTES: u64 = 128 << 20;

pub(super) struct Tables {
    pub(super) path: PathBuf,
    database: Database,
    pub(super) records: Keyspace,
    pub(super) seen: Keyspace,
    pub(super) seen_by_time: Keyspace,
    pub(super) filler: Keyspace,
    meta: Keyspace,
}

impl Tables {
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let failed = |e: &fjall::Error| match e {
            fjall::Error::Locked => LogError::InUse {
                path: path.to_owned(),
            },
            e => LogError::Open {
                path: path.to_owned(),
                what: explain(e).into(),
            },
        };
        let database = Database::builder(path)
            .max_journaling_size(JOURNAL_BYTES)
            .journal_compression(CompressionType::None)
            .open()
            .map_err(|e| failed(&e))?;
        let table = |name: &str, options: fn() -> KeyspaceCreateOptions| {
            database.keyspace(name, options).map_err(|e| failed(&e))
        };
        Ok(Self {
            records: table("records", KeyspaceCreateOptions::default)?,
            seen: table("seen", KeyspaceCreateOptions::default)?,
            seen_by_time: table("seen_by_time", KeyspaceCreateOptions::default)?,
            filler: table("filler", KeyspaceCreateOptions::default)?,
            meta: table("meta", KeyspaceCreateOptions::default)?,
            path: path.to_owned(),
            database,
        })
    }

    /// A batch that is on disk when its commit returns: its bytes, and what of the file's description is needed to read
    /// them again. When the file was last changed is not, and costs half a sync.
    pub(super) fn synced_batch(&self) -> OwnedWriteBatch {
        self.database.batch().durability(Some(PersistMode::SyncData))
    }

    /// A batch that outlives this process when its commit returns, and not the machine's failure.
    #[cfg(feature = "kafka")]
    pub(super) fn batch(&self) -> OwnedWriteBatch {
        self.database.batch().durability(Some(PersistMode::Buffer))
    }

    pub(super) fn all(&self) -> [&Keyspace; 5] {
        [
            &self.records,
            &self.seen,
            &self.seen_by_time,
            &self.filler,
            &self.meta,
        ]
    }

    pub(super) fn first_offset(&self) -> Result<Option<u64>, LogError> {
        self.records
            .first_key_value()
            .map(|guard| self.offset_of(guard.key()))
            .transpose()
    }

    pub(super) fn last_offset(&self) -> Result<Option<u64>, LogError> {
        self.records
            .last_key_value()
            .map(|guard| self.offset_of(guard.key()))
            .transpose()
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, LogError> {
        let stored = self.meta.get(name).map_err(|e| self.unreadable(&e))?;
        Ok(stored
            .and_then(|bytes| bytes.first_chunk().map(|number| u64::from_be_bytes(*number)))
            .unwrap_or(0))
    }

    pub(super) fn set_number(&self, name: &str, number: u64, batch: &mut OwnedWriteBatch) {
        batch.insert(&self.meta, name, number.to_be_bytes());
    }

    pub(super) fn unreadable(&self, error: &fjall::Error) -> LogError {
        LogError::Read {
            path: self.path.clone(),
            what: explain(error).into(),
        }
    }

    fn offset_of(&self, key: fjall::Result<fjall::UserKey>) -> Result<u64, LogError> {
        let key = key.map_err(|e| self.unreadable(&e))?;
        key.first_chunk()
            .map(|bytes| u64::from_be_bytes(*bytes))
            .ok_or_else(|| LogError::Read {
                path: self.path.clone(),
                what: "a key of the table of records is no offset".into(),
            })
    }
}

/// The storage's errors in words that say what to do.
pub(super) fn explain(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Poisoned => "an earlier write or flush failed, so nothing more is written".to_owned(),
        fjall::Error::Locked => "another process has it open; stop that one first".to_owned(),
        fjall::Error::JournalRecovery(e) => {
            format!("its journal is damaged ({e:?}); restore the directory from a backup")
        }
        fjall::Error::InvalidVersion(_) => {
            "it was written by another version of the storage; upgrade this part first".to_owned()
        }
        fjall::Error::Storage(fjall::LsmError::ChecksumMismatch { .. }) => {
            "checksum mismatch: a block of it is damaged; restore the directory from a backup".to_owned()
        }
        fjall::Error::Io(e) => format!("input or output failed: {e}"),
        other => format!("{other:?}"),
    }
}
