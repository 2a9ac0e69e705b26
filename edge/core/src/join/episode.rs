//! An episode: one decision, and what follows it.

use alloc::{boxed::Box, vec::Vec};

use super::outcomes::Outcomes;
use super::reward::{Worth, worth};
use super::{Params, Surroundings};
use crate::acc::Accumulators;
use crate::event::{Exposure, Quarantine};
use crate::id::{RevisionId, Tier};
use crate::revision::Revision;

/// Exposures of one episode are held up to this number; the middle ones go first. They only matter when an erasure falls
/// between them.
const MAX_CANDIDATES: usize = 32;

/// An exposure that may stand for its episode: one received in time. Of several the least stands, by the fields from top to
/// bottom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub decided_at_ms: u64,
    pub received_ms: u64,
    pub tier: Tier,
    pub id: [u8; 16],
    pub quarantine: Quarantine,
    /// Encoded: small, and decoded only when the sums change.
    pub exposure: Box<[u8]>,
}

/// A forced choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Override {
    pub decided_at_ms: u64,
    pub received_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    pub revision: RevisionId,
    pub episode: u64,
    /// Ascending; the first stands. The others were received after it (see [`Episode::expose`]).
    pub candidates: Vec<Candidate>,
    /// Ascending in both times: of two overrides, one both earlier decided and later received says all.
    pub overrides: Vec<Override>,
    /// What the standing exposure has in the sums at present.
    pub folded: Option<Worth>,
    /// It once had more outcomes than are held.
    pub flooded: bool,
    /// No event but an erasure can change it any more, and its outcomes are forgotten.
    pub closed: bool,
}

impl Episode {
    pub fn new(revision: RevisionId, episode: u64) -> Self {
        Self {
            revision,
            episode,
            candidates: Vec::new(),
            overrides: Vec::new(),
            folded: None,
            flooded: false,
            closed: false,
        }
    }

    pub fn key(&self) -> (RevisionId, u64) {
        (self.revision, self.episode)
    }

    pub fn standing(&self) -> Option<&Candidate> {
        self.candidates.first()
    }

    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty() && self.overrides.is_empty()
    }

    /// The clock after which nothing but an erasure can change the episode.
    ///
    /// What could: an outcome, received by `decided_at + window + lateness`; an exposure that stands before this one, decided
    /// by `decided_at` and received at most `lateness` later; an override that voids, decided by `decided_at + window`. All
    /// are received by `decided_at + window + lateness`, and arrive at most `disorder` after that.
    pub fn closes_after_ms(&self, revision: &Revision, params: &Params) -> u64 {
        self.standing().map_or(u64::MAX, |standing| {
            standing
                .decided_at_ms
                .saturating_add(revision.longest_window_ms())
                .saturating_add(params.lateness_ms)
                .saturating_add(params.disorder_ms)
        })
    }

    /// Whether an outcome of this time may count.
    pub fn awaits(&self, revision: &Revision, at_ms: u64) -> bool {
        !self.closed
            && self.standing().is_some_and(|standing| {
                let end = standing
                    .decided_at_ms
                    .saturating_add(revision.longest_window_ms());
                (standing.decided_at_ms..=end).contains(&at_ms)
            })
    }

    /// Adds an exposure. False where another stands for it in every future.
    ///
    /// A later candidate can only stand after an erasure that covers all candidates before it, so it is of no use where one
    /// of those was received at or after it.
    pub fn expose(&mut self, candidate: Candidate, world: &mut Surroundings<'_>) -> bool {
        let Err(place) = self.candidates.binary_search(&candidate) else {
            return false;
        };
        let received_ms = candidate.received_ms;
        let before = self.candidates.get(..place).unwrap_or_default();
        if before.iter().any(|better| better.received_ms >= received_ms) {
            return false;
        }
        if place == 0 {
            if self.closed {
                return false;
            }
            self.withdraw(world);
        }
        self.candidates.insert(place, candidate);
        let mut i = 0;
        self.candidates.retain(|worse| {
            i += 1;
            i <= place + 1 || worse.received_ms > received_ms
        });
        if self.candidates.len() > MAX_CANDIDATES {
            self.candidates.remove(MAX_CANDIDATES / 2);
        }
        true
    }

    /// Adds a forced choice. False where another says all that it says.
    pub fn force(&mut self, forced: Override) -> bool {
        let says_all =
            |a: &Override, b: &Override| a.decided_at_ms <= b.decided_at_ms && a.received_ms >= b.received_ms;
        if self.overrides.iter().any(|other| says_all(other, &forced)) {
            return false;
        }
        self.overrides.retain(|other| !says_all(&forced, other));
        let place = self.overrides.partition_point(|other| *other < forced);
        self.overrides.insert(place, forced);
        true
    }

    /// Voids what was received up to `through_ms`.
    pub fn erase(&mut self, through_ms: u64, world: &mut Surroundings<'_>) {
        if self.standing().is_some_and(|s| s.received_ms <= through_ms) {
            self.withdraw(world);
            self.closed = false;
            self.flooded = false;
        }
        self.candidates.retain(|c| c.received_ms > through_ms);
        self.overrides.retain(|o| o.received_ms > through_ms);
    }

    /// Brings the sums to what the episode is worth now. The standing exposure is decoded unless it is known.
    pub fn settle(&mut self, outcomes: &Outcomes, known: Option<&Exposure>, world: &mut Surroundings<'_>) {
        if self.closed {
            return;
        }
        let Some(revision) = world.revisions.get(&self.revision) else {
            return;
        };
        let now = self.worth(revision, world.params, outcomes);
        if now != self.folded {
            self.change(now.as_ref(), known, world);
            self.folded = now;
        }
    }

    /// Closes the episode if it is time, and forgets what no erasure can raise any more.
    pub fn trim(&mut self, params: &Params, revision: Option<&Revision>, clock_ms: u64) {
        let Some(revision) = revision else { return };
        if clock_ms > self.closes_after_ms(revision, params) {
            self.closed = true;
        }
        // A candidate that does not stand waits for an erasure stamped before it was received.
        let mut first = true;
        self.candidates.retain(|candidate| {
            core::mem::take(&mut first)
                || candidate.received_ms.saturating_add(params.disorder_ms) >= clock_ms
        });
    }

    /// What the episode adds to the sums; nothing where it does not count.
    fn worth(&self, revision: &Revision, params: &Params, outcomes: &Outcomes) -> Option<Worth> {
        let standing = self.standing()?;
        let end = standing
            .decided_at_ms
            .saturating_add(revision.longest_window_ms());
        let forced = self.overrides.iter().any(|o| o.decided_at_ms <= end);
        if forced || self.flooded || standing.quarantine != Quarantine::None {
            return None;
        }
        worth(revision, params, standing.decided_at_ms, outcomes)
    }

    /// Takes the standing exposure out of the sums.
    fn withdraw(&mut self, world: &mut Surroundings<'_>) {
        if self.folded.is_some() {
            self.change(None, None, world);
            self.folded = None;
        }
    }

    fn change(&self, now: Option<&Worth>, known: Option<&Exposure>, world: &mut Surroundings<'_>) {
        let (Some(standing), Some(revision)) = (self.standing(), world.revisions.get(&self.revision)) else {
            return;
        };
        let decoded;
        let exposure = match known {
            Some(exposure) => exposure,
            // It was encoded when it arrived, or checked when the state was read.
            None => match Exposure::decode(&standing.exposure) {
                Ok(exposure) => {
                    decoded = exposure;
                    &decoded
                }
                Err(_) => return,
            },
        };
        world
            .sums
            .entry(self.revision)
            .or_insert_with(|| Accumulators::new(self.revision, revision))
            .change(
                exposure,
                standing.decided_at_ms,
                self.folded.as_ref(),
                now,
                world.clock_ms,
            );
    }
}
