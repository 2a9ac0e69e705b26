//! Makes what was replaced leave the disk.
//!
//! The storage keeps an old value in three places until it gets round to it: in memory's journal, in tables that were not
//! merged, and in versions that a reader might still hold. Erasure cannot wait for that. Tables are merged on request; a
//! journal is let go only when it is full and everything in it lies in tables, so it is filled up.
//!
//! What is owed is written down with the replacement, so that an erasure that a crash cut short is completed by the next.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use fjall::OwnedWriteBatch;

use super::{LogError, tables::Tables};

/// The storage closes a journal above 64,000,000 bytes, when it next writes a table.
const JOURNAL_FULL: usize = 64_000_000;

const FILLER: usize = 4 << 20;

/// Far more than a merge of a full log takes; reached only when the disk has stopped.
const PATIENCE: Duration = Duration::from_mins(10);

/// Replacements so far, and how many of those were there when the disk was last settled.
const REPLACED: &str = "replaced";
const SETTLED: &str = "settled";

/// Notes, in the batch of a replacement, that the disk is to be settled.
pub(super) fn owe(tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), LogError> {
    let replaced = tables.number(REPLACED)?;
    tables.set_number(REPLACED, replaced + 1, batch);
    Ok(())
}

/// Whether the disk was settled after every replacement.
pub(super) fn is_settled(tables: &Tables) -> Result<bool, LogError> {
    Ok(tables.number(SETTLED)? == tables.number(REPLACED)?)
}

/// Returns when no file holds anything that was replaced or removed before the call.
pub(super) fn settle(tables: &Tables) -> Result<(), LogError> {
    let replaced = tables.number(REPLACED)?;
    let old = journals(tables)?;
    let started = Instant::now();
    fill_journal(tables)?;
    loop {
        for table in tables.all() {
            table
                .rotate_memtable_and_wait()
                .map_err(|e| tables.unreadable(&e))?;
        }
        if journals(tables)?.is_disjoint(&old) {
            break;
        }
        if started.elapsed() > PATIENCE {
            return Err(LogError::Read {
                path: tables.path.clone(),
                what: "its old journal was not let go within ten minutes; ask for the erasure again".into(),
            });
        }
        thread::sleep(Duration::from_millis(20));
    }
    tables.filler.clear().map_err(|e| tables.unreadable(&e))?;
    tables
        .records
        .major_compact()
        .map_err(|e| tables.unreadable(&e))?;
    let mut batch = tables.synced_batch();
    tables.set_number(SETTLED, replaced, &mut batch);
    batch.commit().map_err(|e| tables.unreadable(&e))
}

fn fill_journal(tables: &Tables) -> Result<(), LogError> {
    let filler = vec![0; FILLER];
    for i in 0..=JOURNAL_FULL / FILLER {
        tables
            .filler
            .insert(i.to_be_bytes(), filler.as_slice())
            .map_err(|e| tables.unreadable(&e))?;
    }
    Ok(())
}

fn journals(tables: &Tables) -> Result<BTreeSet<PathBuf>, LogError> {
    let unreadable = |e: std::io::Error| LogError::Read {
        path: tables.path.clone(),
        what: e.to_string().into(),
    };
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&tables.path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            found.insert(path);
        }
    }
    Ok(found)
}
