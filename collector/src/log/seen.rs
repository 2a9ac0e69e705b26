//! What was written before, so that a resent batch is not written again: a table from key to the time of receipt,
//! and the same by time, by which old keys are let go.

use std::collections::HashSet;

use fjall::OwnedWriteBatch;

use super::{LogError, tables::Tables};

/// A keyed hash of (session, sequence) or of an event's own id. Sixteen bytes: at a billion keys within the two days a
/// chance collision has odds of 10^-21.
pub type SeenKey = [u8; 16];

/// How long a key is remembered: a day that a device was offline, and another.
pub(super) const KEEP_MS: u64 = 48 * 60 * 60 * 1_000;

/// Keys let go with one commit: more than a commit usually adds, so that pruning catches up, and few enough not to be felt.
const PRUNE_AT_ONCE: usize = 256;

/// The keys of one group commit on their way into the table.
pub(super) struct Seen<'a> {
    tables: &'a Tables,
    now_ms: u64,
    added: HashSet<SeenKey>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(tables: &'a Tables, now_ms: u64) -> Self {
        Self {
            tables,
            now_ms,
            added: HashSet::new(),
        }
    }

    /// Whether a part with this key is to be written; if so the key goes into the same atomic batch.
    pub(super) fn admit(
        &mut self,
        key: Option<SeenKey>,
        batch: &mut OwnedWriteBatch,
    ) -> Result<bool, LogError> {
        let Some(key) = key else { return Ok(true) };
        if self.added.contains(&key) {
            return Ok(false);
        }
        if let Some(stored) = self
            .tables
            .seen
            .get(key)
            .map_err(|e| self.tables.unreadable(&e))?
        {
            let received_ms = stored.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            if received_ms.saturating_add(KEEP_MS) > self.now_ms {
                return Ok(false);
            }
        }
        self.added.insert(key);
        batch.insert(&self.tables.seen, key, self.now_ms.to_be_bytes());
        batch.insert(&self.tables.seen_by_time, by_time(self.now_ms, key), []);
        Ok(true)
    }

    /// Lets go of some keys that are old enough. `from_ms` remembers where to look next, past what is already gone.
    pub(super) fn prune(&self, from_ms: &mut u64, batch: &mut OwnedWriteBatch) -> Result<(), LogError> {
        let until_ms = self.now_ms.saturating_sub(KEEP_MS);
        if *from_ms >= until_ms {
            return Ok(());
        }
        let range = self
            .tables
            .seen_by_time
            .range(by_time(*from_ms, [0; 16])..by_time(until_ms, [0; 16]));
        let mut gone = 0;
        for entry in range.take(PRUNE_AT_ONCE) {
            let entry = entry.key().map_err(|e| self.tables.unreadable(&e))?;
            let Some((time, key)) = entry.split_first_chunk::<8>() else {
                continue;
            };
            let received_ms = u64::from_be_bytes(*time);
            // A key that was renewed after it had expired stands under its newer time too; that one stays.
            let renewed_now = SeenKey::try_from(key).is_ok_and(|key| self.added.contains(&key));
            let newest = self
                .tables
                .seen
                .get(key)
                .map_err(|e| self.tables.unreadable(&e))?;
            if !renewed_now && newest.is_some_and(|stored| *stored == *time) {
                batch.remove(&self.tables.seen, key);
            }
            batch.remove(&self.tables.seen_by_time, entry.clone());
            *from_ms = received_ms;
            gone += 1;
        }
        if gone < PRUNE_AT_ONCE {
            *from_ms = until_ms;
        }
        Ok(())
    }
}

fn by_time(received_ms: u64, key: SeenKey) -> [u8; 24] {
    let mut entry = [0; 24];
    let (time, rest) = entry.split_at_mut(8);
    time.copy_from_slice(&received_ms.to_be_bytes());
    rest.copy_from_slice(&key);
    entry
}
