//! One unit: its episodes, its outcomes, and the mark of its erasure.

use alloc::{boxed::Box, vec::Vec};

use super::episode::{Candidate, Episode, Override};
use super::outcomes::{Copy, MAX_HELD, Outcomes};
use super::{Params, Revisions, Surroundings, Verdict};
use crate::event::{Exposure, Fact, LoggedEvent};
use crate::features::fine_range;
use crate::propensity::ONE_Q30;
use crate::revision::{AttributeKind, Revision};
use crate::wire::Writer;

/// A unit has at most so many open episodes: every event looks at all of them.
pub const MAX_OPEN_EPISODES: usize = 1_024;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Everything received up to this stamp is void.
    pub erased_through_ms: Option<u64>,
    /// Ascending by (revision, episode).
    pub episodes: Vec<Episode>,
    pub outcomes: Outcomes,
}

impl Unit {
    pub fn is_empty(&self) -> bool {
        self.erased_through_ms.is_none() && self.episodes.is_empty() && self.outcomes.is_empty()
    }

    /// Joins one event of this unit.
    pub fn apply(&mut self, event: LoggedEvent, world: &mut Surroundings<'_>) -> Verdict {
        if event.at_ms > event.received_ms {
            return Verdict::Malformed;
        }
        if let Fact::Erasure = event.fact {
            return self.erase(event.received_ms, world);
        }
        if self
            .erased_through_ms
            .is_some_and(|through| event.received_ms <= through)
        {
            return Verdict::Erased;
        }
        let LoggedEvent {
            id,
            received_ms,
            at_ms,
            tier,
            quarantine,
            fact,
            ..
        } = event;
        match fact {
            Fact::Exposure(exposure) => {
                let candidate = Candidate {
                    decided_at_ms: at_ms,
                    received_ms,
                    tier,
                    id,
                    quarantine,
                    exposure: encoded(&exposure),
                };
                self.expose(&exposure, candidate, world)
            }
            // An outcome needs no decision to be repeated, so nothing quarantines it.
            Fact::Outcome(outcome) => self.track(
                Copy {
                    id,
                    received_ms,
                    tier,
                    at_ms,
                    outcome,
                },
                world,
            ),
            Fact::Erasure => Verdict::Malformed,
        }
    }

    /// Forgets what no event can bring back to life. When this is called makes no difference to any sum.
    pub fn trim(&mut self, params: &Params, revisions: &Revisions, clock_ms: u64) {
        let past = |ms: u64, wait: u64| clock_ms > ms.saturating_add(wait);
        if self
            .erased_through_ms
            .is_some_and(|ms| past(ms, params.mark_ms.max(params.disorder_ms)))
        {
            self.erased_through_ms = None;
        }
        for episode in &mut self.episodes {
            episode.trim(params, revisions.get(&episode.revision), clock_ms);
        }
        if self.outcomes.is_empty() {
            return;
        }
        let open: Vec<(&Episode, &Revision)> = self
            .episodes
            .iter()
            .filter(|episode| !episode.closed)
            .filter_map(|episode| Some((episode, revisions.get(&episode.revision)?)))
            .collect();
        let awaited = |at_ms| {
            open.iter()
                .any(|(episode, revision)| episode.awaits(revision, at_ms))
        };
        self.outcomes.trim(params, clock_ms, awaited);
    }

    /// The clock after which trimming once forgets all that the passing of time makes this unit forget. Nothing where it waits
    /// for nothing but an erasure. For a keeper that trims each unit by itself and would not look at it in vain.
    pub fn rests_after_ms(&self, params: &Params, revisions: &Revisions) -> Option<u64> {
        let mark = self
            .erased_through_ms
            .map(|ms| ms.saturating_add(params.mark_ms.max(params.disorder_ms)));
        let episodes = self.episodes.iter().flat_map(|episode| {
            let closes = revisions
                .get(&episode.revision)
                .filter(|_| !episode.closed && episode.standing().is_some())
                .map(|revision| episode.closes_after_ms(revision, params));
            let others = episode.candidates.iter().skip(1);
            closes
                .into_iter()
                .chain(others.map(|candidate| candidate.received_ms.saturating_add(params.disorder_ms)))
        });
        let wait = |ms: u64, wait: u64| ms.saturating_add(wait).saturating_add(params.disorder_ms);
        let copies = self.outcomes.copies().iter();
        let outcomes = copies
            .map(|copy| wait(copy.received_ms, params.dedupe_ms).max(wait(copy.at_ms, params.lateness_ms)));
        mark.into_iter().chain(episodes).chain(outcomes).max()
    }

    fn expose(&mut self, exposure: &Exposure, candidate: Candidate, world: &mut Surroundings<'_>) -> Verdict {
        let Some(revision) = world.revisions.get(&exposure.revision) else {
            return Verdict::UnknownRevision;
        };
        if !fits(exposure, revision) {
            return Verdict::Malformed;
        }
        if candidate.received_ms - candidate.decided_at_ms > world.params.lateness_ms {
            return Verdict::Late;
        }
        let key = (exposure.revision, exposure.episode);
        let place = match self.episodes.binary_search_by_key(&key, Episode::key) {
            Ok(place) => place,
            Err(_) if self.has_too_many_open(world) => return Verdict::Flooded,
            Err(place) => {
                self.episodes.insert(place, Episode::new(key.0, key.1));
                place
            }
        };
        let Some(episode) = self.episodes.get_mut(place) else {
            return Verdict::Malformed;
        };
        let bytes = candidate.exposure.as_ptr();
        let fresh = if exposure.is_override() {
            episode.force(Override {
                decided_at_ms: candidate.decided_at_ms,
                received_ms: candidate.received_ms,
            })
        } else {
            episode.expose(candidate, world)
        };
        // What was encoded a moment ago need not be decoded.
        let is_its = |standing: &Candidate| standing.exposure.as_ptr() == bytes;
        let known = episode.standing().is_some_and(is_its).then_some(exposure);
        episode.settle(&self.outcomes, known, world);
        if fresh {
            Verdict::Folded
        } else {
            Verdict::Superseded
        }
    }

    fn track(&mut self, copy: Copy, world: &mut Surroundings<'_>) -> Verdict {
        if !self.outcomes.insert(copy) {
            return Verdict::Superseded;
        }
        if self.outcomes.len() > MAX_HELD {
            // What is void for its many outcomes stays so when some of them are forgotten.
            for episode in self.episodes.iter_mut().filter(|e| !e.closed) {
                episode.settle(&self.outcomes, None, world);
                episode.flooded |= episode.standing().is_some() && episode.folded.is_none();
            }
            self.outcomes.forget_oldest();
        }
        for episode in &mut self.episodes {
            episode.settle(&self.outcomes, None, world);
        }
        Verdict::Folded
    }

    fn erase(&mut self, through_ms: u64, world: &mut Surroundings<'_>) -> Verdict {
        if self
            .erased_through_ms
            .is_some_and(|already| already >= through_ms)
        {
            return Verdict::Superseded;
        }
        self.erased_through_ms = Some(through_ms);
        self.outcomes.erase(through_ms);
        for episode in &mut self.episodes {
            episode.erase(through_ms, world);
            episode.settle(&self.outcomes, None, world);
        }
        self.episodes.retain(|episode| !episode.is_empty());
        Verdict::Folded
    }

    fn has_too_many_open(&self, world: &Surroundings<'_>) -> bool {
        let is_open = |episode: &&Episode| {
            world
                .revisions
                .get(&episode.revision)
                .is_some_and(|revision| world.clock_ms <= episode.closes_after_ms(revision, world.params))
        };
        self.episodes.len() >= MAX_OPEN_EPISODES
            && self.episodes.iter().filter(is_open).count() >= MAX_OPEN_EPISODES
    }
}

/// The bytes of an exposure, written in one go.
fn encoded(exposure: &Exposure) -> Box<[u8]> {
    // At most five bytes a number; slots ascend by little and most take two.
    let room = 64 + 3 * exposure.slots.len() + 13 * exposure.propensities_q30.len();
    let mut w = Writer::with_capacity(room);
    exposure.write(&mut w);
    w.into_bytes().into_boxed_slice()
}

/// What the sums rely on: one propensity an arm, together certain, and the shown arm's above zero; and no more slots than
/// attributes have, because sums over pairs of slots grow with the square of them, whoever makes them up. For the same reason
/// a narrow range is one of an attribute that has them.
fn fits(exposure: &Exposure, revision: &Revision) -> bool {
    let shown = exposure.propensities_q30.get(exposure.arm as usize);
    let sum: u64 = exposure.propensities_q30.iter().map(|&p| u64::from(p)).sum();
    let slots = revision
        .attributes
        .iter()
        .filter(|attribute| !attribute.hidden)
        .count();
    exposure.unit_kind == revision.unit
        && exposure.slots.len() <= slots
        && exposure.slots.iter().all(|&slot| is_of(revision, slot))
        && exposure.propensities_q30.len() == revision.arms()
        && sum == u64::from(ONE_Q30)
        && (exposure.is_override() || shown.is_some_and(|&p| p > 0))
}

fn is_of(revision: &Revision, slot: u32) -> bool {
    fine_range(slot).is_none_or(|(at, _)| {
        revision
            .attributes
            .get(at)
            .is_some_and(|a| a.kind == AttributeKind::Number)
    })
}
