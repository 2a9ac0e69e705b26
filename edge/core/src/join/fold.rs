//! Fold: records of one partition in, accumulators out.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::unit::Unit;
use super::{Clock, Params, Revisions, SHARDS, Shard, Sums, Surroundings, Verdict, shard_of};
use crate::acc::Accumulators;
use crate::event::{LogRecord, LoggedEvent};
use crate::id::{Pseudonym, RevisionId};
use crate::revision::Revision;

/// The clock moves so far before the next shard is trimmed: each is visited about once an hour.
const TRIM_EVERY_MS: u64 = 3_600_000 / SHARDS as u64;

/// How many events met which verdict.
pub type Counts = BTreeMap<Verdict, u64>;

/// The fold of one partition (or of the whole log, where it has one).
///
/// A clone shares its shards until either of the two changes one: to write down the state of a moment, its keeper clones it
/// and goes on folding while somebody else encodes.
#[derive(Clone, Debug)]
pub struct Fold {
    params: Params,
    revisions: Revisions,
    clock: Clock,
    shards: Vec<Arc<Shard>>,
    pub(super) sums: Sums,
    counts: Counts,
}

impl Fold {
    pub fn new(params: Params) -> Self {
        Self {
            params,
            revisions: Revisions::new(),
            clock: Clock::default(),
            shards: (0..SHARDS).map(|_| Arc::default()).collect(),
            sums: Sums::new(),
            counts: Counts::new(),
        }
    }

    /// From its parts, as they were read.
    pub(super) fn restored(params: Params, revisions: Revisions, clock: Clock, counts: Counts) -> Self {
        Self {
            revisions,
            clock,
            counts,
            ..Self::new(params)
        }
    }

    pub fn params(&self) -> &Params {
        &self.params
    }

    pub fn revisions(&self) -> &Revisions {
        &self.revisions
    }

    /// Makes a definition known. It must be known before the first exposure that names it is folded; one that is known is
    /// never replaced.
    pub fn add_revision(&mut self, id: RevisionId, revision: Revision) {
        self.revisions.entry(id).or_insert(revision);
    }

    /// Lets the sums of a revision go on from these, where there are none yet.
    pub fn begin_with(&mut self, sums: Accumulators) {
        self.sums.entry(sums.revision()).or_insert(sums);
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What became of all events so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.shards.iter().map(|shard| &**shard)
    }

    /// What is remembered of a unit.
    pub fn unit(&self, id: &Pseudonym) -> Option<&Unit> {
        self.shards.get(shard_of(id)).and_then(|shard| shard.unit(id))
    }

    pub(super) fn put_shard(&mut self, place: usize, shard: Shard) {
        if let Some(slot) = self.shards.get_mut(place) {
            *slot = Arc::new(shard);
        }
    }

    /// The sums of a revision, rolled up to the clock by [`Fold::roll_up`].
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Folds a record: first its clock, then its events.
    pub fn apply(&mut self, record: LogRecord) {
        let before = self.clock;
        self.clock.advance(record.clock_ms);
        for event in record.events {
            let verdict = self.apply_event(event);
            *self.counts.entry(verdict).or_default() += 1;
        }
        if before.is_set() {
            self.trim_in_turn(before.ms());
        }
    }

    fn apply_event(&mut self, event: LoggedEvent) -> Verdict {
        let Some(shard) = self.shards.get_mut(shard_of(&event.unit)) else {
            return Verdict::Malformed;
        };
        let mut world = Surroundings {
            params: &self.params,
            revisions: &self.revisions,
            clock_ms: self.clock.ms(),
            sums: &mut self.sums,
        };
        Arc::make_mut(shard).apply(event, &mut world)
    }

    /// Brings all sums to the widths of the present clock.
    pub fn roll_up(&mut self) {
        let clock_ms = self.clock.ms();
        self.sums.retain(|_, sums| {
            sums.roll_up(clock_ms);
            !sums.is_zero()
        });
    }

    /// Trims all shards: then equal states are equal bytes.
    pub fn trim(&mut self) {
        for shard in &mut self.shards {
            Arc::make_mut(shard).trim(&self.params, &self.revisions, self.clock.ms());
        }
    }

    /// Adds the sums of another partition and keeps the later clock. Their units stay where they are: sums are what
    /// partitions share.
    pub fn merge_sums(&mut self, other: &Self) {
        self.clock.advance_to(other.clock);
        for (id, sums) in &other.sums {
            match self.sums.get_mut(id) {
                Some(mine) => mine.merge(sums),
                None => {
                    self.sums.insert(*id, sums.clone());
                }
            }
        }
        for (verdict, count) in &other.counts {
            *self.counts.entry(*verdict).or_default() += count;
        }
    }

    /// The canonical bytes of a revision's sums at the present clock; empty where nothing is in them.
    pub fn sums_bytes(&mut self, id: RevisionId) -> Vec<u8> {
        self.roll_up();
        self.sums.get(&id).map_or_else(Vec::new, Accumulators::encode)
    }

    /// Trims the shards whose turn has come since the clock stood at `before_ms`, so that the work is spread evenly.
    fn trim_in_turn(&mut self, before_ms: u64) {
        let (from, to) = (before_ms / TRIM_EVERY_MS, self.clock.ms() / TRIM_EVERY_MS);
        for turn in (from..to).take(SHARDS) {
            if let Some(shard) = self.shards.get_mut(turn as usize % SHARDS) {
                Arc::make_mut(shard).trim(&self.params, &self.revisions, self.clock.ms());
            }
        }
    }
}
