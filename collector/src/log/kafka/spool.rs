//! What this collector has taken on and no broker has yet: a table on its own disk, synced before anything is answered.
//!
//! It is the embedded log's tables with other contents: `records` has a record's number for its key, and behind the
//! checksum the partition (two bytes, big endian) and the record; `seen` is the same. `meta` has `starts`, how often this
//! collector was started: its upper 24 bits make the numbers of different runs differ, so that no two records of a
//! collector ever have the same, although those that never came here were written down nowhere.

use std::{collections::HashSet, path::Path, sync::Arc};

use bytes::Bytes;
use fjall::OwnedWriteBatch;

use crate::log::{
    LogError, SeenKey, frame,
    seen::Seen,
    settle,
    space::{DEFAULT_RESERVE, Space},
    tables::{Tables, explain},
};

/// The lower bits of a number count the records of one run: a trillion.
const RUN_BITS: u32 = 40;

pub(super) struct Spool {
    tables: Arc<Tables>,
    space: Space,
    max_bytes: u64,
    /// Of the records, as they lie there.
    bytes: u64,
    count: u64,
    /// No record below it is there.
    first: u64,
    seen: Seen,
    /// Delivered, and still to be taken out.
    done: Vec<(u64, u64)>,
}

/// A record as the spool gives it back.
pub(super) struct Spooled {
    pub(super) number: u64,
    pub(super) partition: usize,
    pub(super) record: Bytes,
}

impl Spool {
    /// Opens or makes it. Returns the number of this run's first record, too.
    pub(super) fn open(path: &Path, max_bytes: u64) -> Result<(Self, u64), LogError> {
        let tables = Arc::new(Tables::open(path)?);
        let starts = tables.number("starts")? + 1;
        let mut batch = tables.synced_batch();
        tables.set_number("starts", starts, &mut batch);
        batch.commit().map_err(|error| tables.unreadable(&error))?;
        let (mut bytes, mut count) = (0, 0);
        for entry in tables.records.iter() {
            bytes += u64::from(entry.size().map_err(|error| tables.unreadable(&error))?);
            count += 1;
        }
        let spool = Self {
            space: Space::new(path, DEFAULT_RESERVE),
            first: tables.first_offset()?.unwrap_or(0),
            seen: Seen::open(&tables)?,
            tables,
            max_bytes,
            bytes,
            count,
            done: Vec::new(),
        };
        Ok((spool, starts << RUN_BITS))
    }

    /// The name under which this collector's records are known, made once.
    pub(super) fn name(&self) -> Result<String, LogError> {
        let mut name = self.tables.number("collector")?;
        if name == 0 {
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(|error| LogError::Open {
                path: self.tables.path.clone(),
                what: format!("no random name: {error}").into(),
            })?;
            name = u64::from_be_bytes(random).max(1);
            let mut batch = self.tables.synced_batch();
            self.tables.set_number("collector", name, &mut batch);
            batch.commit().map_err(|error| self.tables.unreadable(&error))?;
        }
        Ok(format!("{name:016x}"))
    }

    /// The latest clock that was written down.
    pub(super) fn clock_ms(&self) -> Result<u64, LogError> {
        self.tables.number("clock")
    }

    /// Which of these parts were not seen before, each by its key; and the keys to remember once they are kept.
    pub(super) fn fresh(
        &mut self,
        keys: impl Iterator<Item = Option<SeenKey>>,
        now_ms: u64,
        group: &mut HashSet<SeenKey>,
    ) -> Result<Vec<bool>, LogError> {
        self.seen.begin(now_ms);
        keys.map(|key| {
            let Some(key) = key else { return Ok(true) };
            // Those of the group so far are known to nobody else yet.
            let fresh = !group.contains(&key) && !self.seen.knows(key, &self.tables)?;
            if fresh {
                group.insert(key);
            }
            Ok(fresh)
        })
        .collect()
    }

    /// Whether it takes that much more.
    pub(super) fn room_for(&self, bytes: u64) -> Result<(), LogError> {
        self.space.for_bytes(bytes.saturating_mul(2))?;
        if self.bytes.saturating_add(bytes) > self.max_bytes {
            return Err(LogError::SpoolFull {
                bytes: self.bytes,
                max: self.max_bytes,
            });
        }
        Ok(())
    }

    /// Writes records and keys. They are on disk when this returns.
    pub(super) fn write<'a>(
        &mut self,
        records: impl Iterator<Item = (u64, usize, &'a [u8])>,
        keys: impl Iterator<Item = SeenKey>,
        now_ms: u64,
    ) -> Result<(), LogError> {
        let mut batch = self.tables.synced_batch();
        let (mut bytes, mut count) = (0, 0);
        for (number, partition, record) in records {
            let mut entry = (partition as u16).to_be_bytes().to_vec();
            entry.extend_from_slice(record);
            let framed = frame::seal(number, &entry);
            bytes += framed.len() as u64;
            count += 1;
            batch.insert(&self.tables.records, number.to_be_bytes(), framed);
        }
        self.add_keys(keys, now_ms, &mut batch)?;
        batch
            .commit()
            .map_err(|error| LogError::closed(explain(&error)))?;
        self.seen.committed(&self.tables)?;
        self.bytes += bytes;
        self.count += count;
        Ok(())
    }

    /// Remembers the keys of what a broker has. Not synced: whoever is told twice that something is new sends it twice, and
    /// it counts once by the ids of its events.
    pub(super) fn remember(
        &mut self,
        keys: impl Iterator<Item = SeenKey>,
        now_ms: u64,
    ) -> Result<(), LogError> {
        let mut batch = self.tables.batch();
        self.add_keys(keys, now_ms, &mut batch)?;
        batch
            .commit()
            .map_err(|error| LogError::closed(explain(&error)))?;
        self.seen.committed(&self.tables)
    }

    fn add_keys(
        &mut self,
        keys: impl Iterator<Item = SeenKey>,
        now_ms: u64,
        batch: &mut OwnedWriteBatch,
    ) -> Result<(), LogError> {
        self.seen.begin(now_ms);
        for key in keys {
            self.seen.add(key);
        }
        self.seen.write(&self.tables, batch)?;
        self.tables.set_number("clock", now_ms, batch);
        Ok(())
    }

    /// Records with numbers above this, in order.
    pub(super) fn after(&self, number: u64, max_bytes: usize) -> Result<Vec<Spooled>, LogError> {
        let mut found = Vec::new();
        let mut bytes = 0;
        let from = number.saturating_add(1).max(self.first);
        for entry in self.tables.records.range(from.to_be_bytes()..) {
            let (key, framed) = entry
                .into_inner()
                .map_err(|error| self.tables.unreadable(&error))?;
            let number = key.first_chunk().map_or(0, |key| u64::from_be_bytes(*key));
            let damaged = |what: &str| LogError::Corrupt {
                path: self.tables.path.clone(),
                offset: number,
                what: what.into(),
            };
            let entry = frame::open(number, &framed).map_err(damaged)?;
            let (partition, record) = entry
                .split_first_chunk()
                .ok_or_else(|| damaged("it has no partition"))?;
            bytes += record.len();
            found.push(Spooled {
                number,
                partition: u16::from_be_bytes(*partition).into(),
                record: Bytes::copy_from_slice(record),
            });
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(found)
    }

    /// A broker has it: it may go, with the next [`Spool::sweep`].
    pub(super) fn delivered(&mut self, number: u64, record_bytes: usize) {
        self.done.push((number, (frame::HEAD + 2 + record_bytes) as u64));
        self.count = self.count.saturating_sub(1);
    }

    /// Takes out what was delivered. Not synced: what comes back after a crash is sent again under its number.
    pub(super) fn sweep(&mut self) -> Result<(), LogError> {
        if self.done.is_empty() {
            return Ok(());
        }
        let mut batch = self.tables.batch();
        for (number, bytes) in self.done.drain(..) {
            batch.remove(&self.tables.records, number.to_be_bytes());
            self.bytes = self.bytes.saturating_sub(bytes);
            self.first = self.first.max(if self.count == 0 { number + 1 } else { 0 });
        }
        settle::owe(&self.tables, &mut batch)?;
        batch.commit().map_err(|error| LogError::closed(explain(&error)))
    }

    /// Its tables, for whoever makes what was taken out leave the disk.
    pub(super) fn tables(&self) -> Arc<Tables> {
        self.tables.clone()
    }

    /// How many delivered records wait to be taken out.
    pub(super) fn swept_in(&self) -> usize {
        self.done.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
