//! Accumulators: the sums that are everything the learner remembers.
//!
//! Everything in them is an integer or a fixed-point integer, so adding in any order, in parts, on several machines and
//! taking away again is exact; and their bytes are canonical (sorted, zeros left out), so equal sums are equal bytes.
//!
//! * [`learning`]: what fit needs, by bucket of the decision's time; fine while the window is open, then rolled up, at last
//!   dropped (see [`Ladder`]).
//! * [`inference`]: what the honest answer at the end needs, in buckets of a fixed width that are kept for good; [`score`]
//!   computes what goes into them.
//! * [`triangle`]: sums over pairs of slots.
//! * [`wire`](self::wire): how they are written down.

mod arm;
pub mod inference;
pub mod learning;
pub mod score;
pub mod triangle;
mod wire;

use alloc::vec::Vec;

use crate::event::Exposure;
use crate::id::RevisionId;
use crate::join::reward::Worth;
use crate::revision::Revision;
use crate::time::Ladder;

pub use inference::Inference;
pub use learning::Learning;
pub use triangle::ArmSums;

/// All sums of one revision.
#[derive(Clone, Debug)]
pub struct Accumulators {
    revision: RevisionId,
    ladder: Ladder,
    pub learning: Learning,
    pub inference: Inference,
}

impl Accumulators {
    pub fn new(id: RevisionId, revision: &Revision) -> Self {
        Self {
            revision: id,
            ladder: Ladder::of(revision),
            learning: Learning::new(revision.arms()),
            inference: Inference::new(revision),
        }
    }

    /// Sums that only a model can be fitted from, and nothing be answered: what answers cost is measured against them.
    pub fn for_learning_only(id: RevisionId, revision: &Revision) -> Self {
        Self {
            inference: Inference::none(revision),
            ..Self::new(id, revision)
        }
    }

    /// Of these sums only who was shown what, and with which probability: what the sample ratio is read from.
    #[must_use]
    pub fn shown_only(&self) -> Self {
        Self {
            revision: self.revision,
            ladder: self.ladder,
            learning: Learning::new(self.learning.arms()),
            inference: self.inference.shown_only(),
        }
    }

    pub fn revision(&self) -> RevisionId {
        self.revision
    }

    /// An episode's contribution changes from `was` to `now`; nothing stands for "does not count".
    ///
    /// The exposure must have one propensity for each arm of the revision, and its own above zero.
    pub fn change(
        &mut self,
        exposure: &Exposure,
        decided_at_ms: u64,
        was: Option<&Worth>,
        now: Option<&Worth>,
        clock_ms: u64,
    ) {
        // What belongs in a dropped bucket was dropped with it, or will be when it comes to rolling up.
        if let Some(bucket) = self.ladder.bucket(decided_at_ms, clock_ms) {
            self.learning.change(bucket, exposure, was, now);
        }
        self.inference.change(exposure, decided_at_ms, was, now);
    }

    /// Adds the sums of the same revision from elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.learning.merge(&other.learning);
        self.inference.merge(&other.inference);
    }

    /// Brings the learning buckets to the widths of this clock, drops what is too old, and lets go of what has come to
    /// zero.
    pub fn roll_up(&mut self, clock_ms: u64) {
        self.learning.roll_up(&self.ladder, clock_ms);
        self.inference.drop_zeros();
    }

    /// Whether nothing is left in it, after [`Accumulators::roll_up`].
    pub fn is_zero(&self) -> bool {
        self.learning.buckets().next().is_none() && self.inference.buckets().next().is_none()
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Reads the sums of a revision.
    pub fn decode(bytes: &[u8], revision: &Revision) -> Result<Self, crate::wire::WireError> {
        wire::decode(bytes, revision)
    }
}
