//! What was written before, so that a resent batch is not written again.
//!
//! Keys are hashes, so in a sorted table each new one belongs somewhere else, and every look-up and insertion would miss the
//! processor's caches. So keys are kept twice:
//!
//! * by time, as they come: the keys of a commit are one entry of `seen_by_time`. It is part of the commit's atomic batch,
//!   and what is known of a key can always be told from it again. By it old keys are let go.
//! * by key, for look-ups: the newest in memory, and when those are many, all of them at once as a sorted part of `seen`.
//!   How far this has come is written down as `sorted`, after the fact: a crash in between sorts the same keys again.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use fjall::OwnedWriteBatch;

use super::{
    LogError,
    tables::{Tables, explain},
};

/// A keyed hash of (session, sequence) or of an event's own id. Sixteen bytes: at a billion keys within the two days a
/// chance collision has odds of 10^-21.
pub type SeenKey = [u8; 16];

/// How long a key is remembered: a day that a device was offline, and another.
pub(super) const KEEP_MS: u64 = 48 * 60 * 60 * 1_000;

/// Keys let go with one commit: more than a commit usually adds, so that pruning catches up, and few enough not to be felt.
const PRUNE_AT_ONCE: usize = 256;

/// Keys in memory at most: three megabytes. Sorting them and writing them down holds up commits for some milliseconds.
const SORT_AT: usize = 1 << 16;

/// The receive time up to which all keys were sorted.
const SORTED: &str = "sorted";

#[derive(Debug)]
pub(super) struct Seen {
    /// When each was received.
    recent: HashMap<SeenKey, u64, BuildHasherDefault<Begun>>,
    /// The latest time in `recent`.
    newest_ms: u64,
    /// Where to look next for what is old, past what is already gone.
    pruned_ms: u64,
    /// How far keys were sorted, until that is written down.
    sorted_ms: Option<u64>,
    now_ms: u64,
    /// The keys of the commit that is being put together, in their order.
    adding: Vec<u8>,
    sort_at: usize,
}

/// A key is a keyed hash, of which nobody outside can choose a bit: its beginning is as good as a hash of it.
#[derive(Debug, Default)]
struct Begun(u64);

impl Hasher for Begun {
    fn write(&mut self, key: &[u8]) {
        self.0 = key.first_chunk().map_or(0, |begin| u64::from_le_bytes(*begin));
    }

    /// The length, which all keys have in common.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Seen {
    pub(super) fn open(tables: &Tables) -> Result<Self, LogError> {
        let mut seen = Self {
            recent: HashMap::default(),
            newest_ms: 0,
            pruned_ms: 0,
            sorted_ms: None,
            now_ms: 0,
            adding: Vec::new(),
            sort_at: SORT_AT,
        };
        let sorted_ms = tables.number(SORTED)?;
        for entry in tables.seen_by_time.range(by_time(sorted_ms, [0; 16])..) {
            let (time, keys) = entry.into_inner().map_err(|e| tables.unreadable(&e))?;
            seen.remember(received_ms(&time), &keys);
        }
        Ok(seen)
    }

    /// Begins a commit.
    pub(super) fn begin(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        self.adding.clear();
    }

    /// Whether a part with this key is to be written; if so the key is written with the same commit.
    pub(super) fn admit(&mut self, key: Option<SeenKey>, tables: &Tables) -> Result<bool, LogError> {
        let Some(key) = key else { return Ok(true) };
        let known = self.knows(key, tables)?;
        if !known {
            self.add(key);
        }
        Ok(!known)
    }

    /// Whether a part with this key was written before.
    pub(super) fn knows(&self, key: SeenKey, tables: &Tables) -> Result<bool, LogError> {
        let is_kept = |received_ms: u64| received_ms.saturating_add(KEEP_MS) > self.now_ms;
        if let Some(received_ms) = self.recent.get(&key) {
            return Ok(is_kept(*received_ms));
        }
        let sorted = tables.seen.get(key).map_err(|e| tables.unreadable(&e))?;
        Ok(sorted.is_some_and(|time| is_kept(received_ms(&time))))
    }

    /// Writes a key with the commit that is being put together.
    pub(super) fn add(&mut self, key: SeenKey) {
        self.recent.insert(key, self.now_ms);
        self.adding.extend_from_slice(&key);
    }

    /// Writes the keys of the commit, and lets go of some that are old enough.
    pub(super) fn write(&mut self, tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), LogError> {
        self.prune(tables, batch)?;
        if let Some(first) = self.adding.first_chunk() {
            let entry = by_time(self.now_ms, *first);
            batch.insert(&tables.seen_by_time, entry, self.adding.as_slice());
            self.newest_ms = self.now_ms;
        }
        if let Some(sorted_ms) = self.sorted_ms.take() {
            tables.set_number(SORTED, sorted_ms, batch);
        }
        Ok(())
    }

    /// Sorts the keys in memory where they have become many. Only what is on disk by time may be sorted.
    pub(super) fn committed(&mut self, tables: &Tables) -> Result<(), LogError> {
        if self.recent.len() < self.sort_at {
            return Ok(());
        }
        let failed = |e: fjall::Error| LogError::closed(explain(&e));
        let mut keys: Vec<(SeenKey, u64)> = self.recent.drain().collect();
        keys.sort_unstable();
        let mut sorted = tables.seen.start_ingestion().map_err(failed)?;
        for (key, received_ms) in keys {
            sorted.write(key, received_ms.to_be_bytes()).map_err(failed)?;
        }
        sorted.finish().map_err(failed)?;
        self.sorted_ms = Some(self.newest_ms);
        Ok(())
    }

    fn prune(&mut self, tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), LogError> {
        let until_ms = self.now_ms.saturating_sub(KEEP_MS);
        if self.pruned_ms >= until_ms {
            return Ok(());
        }
        let range = tables
            .seen_by_time
            .range(by_time(self.pruned_ms, [0; 16])..by_time(until_ms, [0; 16]));
        let mut gone = 0;
        for entry in range {
            let (time, keys) = entry.into_inner().map_err(|e| tables.unreadable(&e))?;
            let old_ms = received_ms(&time);
            for key in keys.as_chunks().0 {
                self.forget(*key, old_ms, tables, batch)?;
                gone += 1;
            }
            batch.remove(&tables.seen_by_time, time);
            self.pruned_ms = old_ms;
            if gone >= PRUNE_AT_ONCE {
                return Ok(());
            }
        }
        self.pruned_ms = until_ms;
        Ok(())
    }

    /// A key that was renewed after it had expired has a newer time too, and stays by that.
    fn forget(
        &mut self,
        key: SeenKey,
        old_ms: u64,
        tables: &Tables,
        batch: &mut OwnedWriteBatch,
    ) -> Result<(), LogError> {
        if self.recent.get(&key) == Some(&old_ms) {
            self.recent.remove(&key);
        }
        let sorted = tables.seen.get(key).map_err(|e| tables.unreadable(&e))?;
        if sorted.is_some_and(|time| received_ms(&time) == old_ms) {
            batch.remove(&tables.seen, key);
        }
        Ok(())
    }

    fn remember(&mut self, received_ms: u64, keys: &[u8]) {
        self.newest_ms = self.newest_ms.max(received_ms);
        for key in keys.as_chunks().0 {
            self.recent.insert(*key, received_ms);
        }
    }
}

fn received_ms(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |time| u64::from_be_bytes(*time))
}

fn by_time(received_ms: u64, key: SeenKey) -> [u8; 24] {
    let mut entry = [0; 24];
    let (time, rest) = entry.split_at_mut(8);
    time.copy_from_slice(&received_ms.to_be_bytes());
    rest.copy_from_slice(&key);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: u64 = 1_700_000_000_000;

    /// The tables of a log, and its keys as they are sorted after every few.
    struct Place {
        tables: Tables,
        seen: Seen,
    }

    impl Place {
        fn open(folder: &tempfile::TempDir) -> Self {
            let tables = Tables::open(folder.path()).unwrap();
            let seen = Seen {
                sort_at: 5,
                ..Seen::open(&tables).unwrap()
            };
            Self { tables, seen }
        }

        /// Commits keys; says for each whether it was new.
        fn commit(&mut self, now_ms: u64, keys: &[u8]) -> Vec<bool> {
            let mut batch = self.tables.synced_batch();
            self.seen.begin(now_ms);
            let fresh = keys
                .iter()
                .map(|key| self.seen.admit(Some([*key; 16]), &self.tables).unwrap())
                .collect();
            self.seen.write(&self.tables, &mut batch).unwrap();
            batch.commit().unwrap();
            self.seen.committed(&self.tables).unwrap();
            fresh
        }
    }

    #[test]
    fn a_key_is_new_once_wherever_it_is_kept_and_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Place::open(&folder);
        for key in 0..23 {
            assert_eq!(place.commit(SOME + u64::from(key), &[key, key]), [true, false]);
            if key % 3 == 0 {
                drop(place);
                place = Place::open(&folder);
            }
            for old in 0..=key {
                assert_eq!(
                    place.commit(SOME + u64::from(key), &[old]),
                    [false],
                    "{old} after {key}"
                );
            }
        }
    }

    #[test]
    fn a_key_is_let_go_after_two_days_and_one_that_came_again_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Place::open(&folder);
        let keys: Vec<u8> = (0..7).collect();
        place.commit(SOME, &keys);
        assert_eq!(place.commit(SOME + KEEP_MS - 1, &[0]), [false]);
        assert_eq!(place.commit(SOME + KEEP_MS, &[0, 100]), [true, true]);
        assert_eq!(place.commit(SOME + KEEP_MS + 1, &[]), [true; 0]);
        assert_eq!(place.commit(SOME + KEEP_MS + 2, &[0, 1]), [false, true]);
        drop(place);
        let place = Place::open(&folder);
        let times = place.tables.seen_by_time.iter().count();
        assert_eq!(times, 2, "the first commit's entry is gone");
        assert!(place.tables.seen.get([2; 16]).unwrap().is_none());
    }
}
