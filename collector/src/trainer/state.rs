//! What the trainer knows, and where in the log it is.

use tiltwise_core::id::RevisionId;
use tiltwise_core::join::{Fold, Params};
use tiltwise_core::revision::Revision;

use crate::log::Sources;

/// The state at a place of the log.
#[derive(Debug, Clone)]
pub struct State {
    /// What was counted. Where the log has partitions, it is their sums as [`State::gather`] last put them together.
    pub fold: Fold,
    /// The offset of the next record; where the log has partitions, how many records were counted.
    pub offset: u64,
    /// The topic that it is counted from, with its cluster; empty where the log is in one piece.
    pub topic: String,
    /// One a partition; none where the log is in one piece, which then is `fold` and `offset` themselves.
    pub partitions: Vec<Partition>,
}

/// What was counted of one partition, and the offset of its next record.
#[derive(Debug, Clone)]
pub struct Partition {
    pub fold: Fold,
    pub offset: u64,
}

impl State {
    /// Nothing counted yet, of a log in one piece that is read from `offset` on.
    pub fn whole(params: Params, offset: u64) -> Self {
        Self {
            fold: Fold::new(params),
            offset,
            topic: String::new(),
            partitions: Vec::new(),
        }
    }

    /// Nothing counted yet, of a topic whose partitions are read from these offsets on.
    pub fn partitioned(params: Params, topic: String, offsets: impl IntoIterator<Item = u64>) -> Self {
        let partition = |offset| Partition {
            fold: Fold::new(params),
            offset,
        };
        Self {
            topic,
            partitions: offsets.into_iter().map(partition).collect(),
            ..Self::whole(params, 0)
        }
    }

    /// Nothing counted yet, of these sources, from their oldest records on.
    pub fn of(sources: &Sources, params: Params) -> Self {
        let mut firsts = sources.partitions.iter().map(|source| source.first());
        if sources.topic.is_empty() {
            return Self::whole(params, firsts.next().unwrap_or(0));
        }
        Self::partitioned(params, sources.topic.clone(), firsts)
    }

    /// How many sources it is counted from.
    pub fn width(&self) -> usize {
        self.partitions.len().max(1)
    }

    /// The offset of the next record of every source.
    pub fn offsets(&self) -> Vec<u64> {
        match self.partitions.as_slice() {
            [] => vec![self.offset],
            partitions => partitions.iter().map(|partition| partition.offset).collect(),
        }
    }

    /// The fold of one source, and its offset.
    pub fn part(&self, place: usize) -> (&Fold, u64) {
        match self.partitions.get(place) {
            Some(partition) => (&partition.fold, partition.offset),
            None => (&self.fold, self.offset),
        }
    }

    /// The same, to be changed.
    pub(super) fn part_mut(&mut self, place: usize) -> (&mut Fold, &mut u64) {
        match self.partitions.get_mut(place) {
            Some(partition) => (&mut partition.fold, &mut partition.offset),
            None => (&mut self.fold, &mut self.offset),
        }
    }

    /// Every fold that records go into.
    pub fn folds(&self) -> impl Iterator<Item = &Fold> {
        (0..self.width()).map(|place| self.part(place).0)
    }

    /// Makes a definition known everywhere.
    pub fn add_revision(&mut self, id: RevisionId, revision: &Revision) {
        self.fold.add_revision(id, revision.clone());
        for partition in &mut self.partitions {
            partition.fold.add_revision(id, revision.clone());
        }
    }

    /// Puts the sums of all partitions together, rolled up to the clock.
    pub fn gather(&mut self) {
        if !self.partitions.is_empty() {
            let mut whole = Fold::new(*self.fold.params());
            for (id, revision) in self.fold.revisions() {
                whole.add_revision(*id, revision.clone());
            }
            for partition in &self.partitions {
                whole.merge_sums(&partition.fold);
            }
            self.fold = whole;
            self.offset = self.partitions.iter().map(|partition| partition.offset).sum();
        }
        self.fold.roll_up();
    }
}
