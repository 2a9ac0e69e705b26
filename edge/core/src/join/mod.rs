//! Join: which exposures count, and which outcomes count for them.
//!
//! What a unit contributes is a pure function of the *set* of its events. A [`Shard`] holds what it must remember of its
//! units to know that function's value at all times; an arriving event changes the sums by new minus old contribution of
//! the episodes it touches, exactly, because the sums are integers.
//!
//! * [`Clock`] is the time that the log tells; no state expires by any other.
//! * [`Unit`](unit) holds the episodes and outcomes of one unit; [`episode`] says which exposure stands, [`outcomes`] which
//!   copy of an outcome stands, [`reward`] what an episode is worth.
//! * [`Fold`] is the whole of it for one partition: records in, accumulators out.
//! * [`state`] is how all of this is written down.
//!
//! # What makes trimming invisible
//!
//! An event is refused when it was received more than `disorder` before the clock at its position. So at clock `c` no event
//! can arrive any more that was received before `c - disorder`; and what only such an event could change may be forgotten,
//! now or later, without any difference to what follows. Each rule of trimming names the event that it waits for.

mod clock;
pub mod episode;
mod fold;
pub mod outcomes;
pub mod reward;
mod shard;
pub mod state;
pub mod unit;

use alloc::collections::BTreeMap;

use crate::acc::Accumulators;
use crate::id::RevisionId;
use crate::revision::Revision;

pub use clock::{Clock, MAX_STEP_MS};
pub use fold::{Counts, Fold};
pub use shard::{SHARDS, Shard, murmur2, shard_of};

/// A tick of the log's clock: the grain of what is published. The sums of version T are those of all records of ticks up to T,
/// so whoever folds must cut time alike.
pub const TICK_MS: u64 = 100;

/// How long the join waits. Part of what the sums mean: it never changes within a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// How late an event may be received: an exposure after its decision, an outcome after the window.
    pub lateness_ms: u64,
    /// How far an event's receive stamp may lie behind the clock at its position.
    pub disorder_ms: u64,
    /// How long after the standing copy of an outcome another one is its duplicate.
    pub dedupe_ms: u64,
    /// How long an erasure's mark is kept: the retention of the log, and at least `disorder_ms`.
    pub mark_ms: u64,
}

impl Default for Params {
    fn default() -> Self {
        const HOUR: u64 = 3_600_000;
        Self {
            lateness_ms: HOUR,
            disorder_ms: 6 * HOUR,
            dedupe_ms: 48 * HOUR,
            mark_ms: 28 * 24 * HOUR,
        }
    }
}

/// The definitions that exposures name. One that was added is never taken away or changed.
pub type Revisions = BTreeMap<RevisionId, Revision>;
/// The sums of every revision.
pub type Sums = BTreeMap<RevisionId, Accumulators>;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is part of the state now.
    Folded,
    /// Another event stands for it.
    Superseded,
    /// The unit's erasure covers it.
    Erased,
    /// An exposure received more than `lateness` after its decision.
    Late,
    /// Received more than `disorder` before the clock at its position.
    Stale,
    /// Stamped after the clock at its position.
    Ahead,
    /// It names a revision that is not known.
    UnknownRevision,
    /// It does not fit its revision, or its stamps contradict each other.
    Malformed,
    /// The unit has more open episodes than anybody needs.
    Flooded,
}

impl Verdict {
    /// All of them, in the order of their numbers in written state. Numbers are added and never change.
    pub const ALL: [Self; 9] = [
        Self::Folded,
        Self::Superseded,
        Self::Erased,
        Self::Late,
        Self::Stale,
        Self::Ahead,
        Self::UnknownRevision,
        Self::Malformed,
        Self::Flooded,
    ];

    /// A word for metrics and reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Superseded => "superseded",
            Self::Erased => "erased",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Ahead => "ahead",
            Self::UnknownRevision => "unknown-revision",
            Self::Malformed => "malformed",
            Self::Flooded => "flooded",
        }
    }
}

/// What an event meets when it is joined.
pub struct Surroundings<'a> {
    pub params: &'a Params,
    pub revisions: &'a Revisions,
    pub clock_ms: u64,
    /// Takes the differences.
    pub sums: &'a mut Sums,
}

impl core::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Surroundings")
            .field("clock_ms", &self.clock_ms)
            .finish_non_exhaustive()
    }
}
