//! How the state of a fold is written down, so that a checkpoint can continue where it stopped.
//!
//! The same hand-written Protocol Buffers as the wire, canonical: units and everything in them stand in ascending order.
//! It never leaves the collector, so it is not part of `proto/tiltwise.proto`:
//!
//! ```text
//! Fold     1 magic "TWF1"  2 wire  3 lateness  4 disorder  5 dedupe  6 mark  7 clock + 1 (0: not set)
//!          8 revisions { 1 id  2 bytes }  9 counts { 1 verdict  2 count }  10 shards (bytes)  11 sums (bytes)
//! Shard    1 magic "TWU1"  2 wire  3 units
//! Unit     1 pseudonym  2 erased through + 1  3 episodes  4 outcomes
//! Episode  1 revision  2 episode  3 candidates  4 overrides { 1 decided  2 received }  5 worth  6 flooded  7 closed
//! Candidate  1 decided  2 received  3 tier  4 id  5 quarantine  6 exposure
//! Worth    1 rewards  2 delay bins  3 their micros
//! Outcome  1 id  2 received  3 tier  4 at  5 outcome
//! ```
//!
//! What breaks it: any byte that is not as it was written. A checksum around it is its keeper's business; a reader without
//! one finds an error or another valid state, and never panics.

use alloc::{boxed::Box, vec::Vec};

use super::episode::{Candidate, Episode, Override};
use super::outcomes::{Copy, Outcomes};
use super::reward::{ONE_MICROS, Worth};
use super::unit::Unit;
use super::{Clock, Counts, Fold, Params, Revisions, SHARDS, Shard, Verdict, shard_of};
use crate::acc::Accumulators;
use crate::event::{Exposure, LoggedOutcome, Quarantine};
use crate::id::{Pseudonym, RevisionId, Tier};
use crate::revision::{MAX_METRICS, Revision};
use crate::wire::{Reader, WIRE_VERSION, WireError, Writer, check_version};

const FOLD_MAGIC: u32 = u32::from_le_bytes(*b"TWF1");
const SHARD_MAGIC: u32 = u32::from_le_bytes(*b"TWU1");

impl Fold {
    /// The whole state, trimmed and rolled up to the clock first: equal states are equal bytes.
    pub fn encode(&mut self) -> Vec<u8> {
        self.trim();
        self.roll_up();
        let params = *self.params();
        let mut w = Writer::new();
        w.fixed32(1, FOLD_MAGIC);
        w.uint(2, WIRE_VERSION.into());
        w.uint(3, params.lateness_ms);
        w.uint(4, params.disorder_ms);
        w.uint(5, params.dedupe_ms);
        w.uint(6, params.mark_ms);
        if self.clock().is_set() {
            w.uint(7, self.clock().ms().saturating_add(1));
        }
        for (id, revision) in self.revisions() {
            let bytes = revision.encode();
            w.message(8, |w| {
                w.fixed64(1, id.0);
                w.element(2, &bytes);
            });
        }
        for (number, verdict) in Verdict::ALL.iter().enumerate() {
            if let Some(&count) = self.counts().get(verdict) {
                w.message(9, |w| {
                    w.uint(1, number as u64);
                    w.uint(2, count);
                });
            }
        }
        for shard in self.shards().filter(|shard| !shard.is_empty()) {
            w.element(10, &shard.encode());
        }
        for sums in self.sums().values() {
            w.element(11, &sums.encode());
        }
        w.into_bytes()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (mut magic, mut wire, mut clock) = (0, 0, 0);
        let (mut params, mut revisions, mut counts) = (Params::default(), Revisions::new(), Counts::new());
        (
            params.lateness_ms,
            params.disorder_ms,
            params.dedupe_ms,
            params.mark_ms,
        ) = (0, 0, 0, 0);
        let (mut shards, mut sums) = (Vec::new(), Vec::new());
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => magic = r.fixed32(field)?,
                2 => {
                    wire = r.u32(field)?;
                    check_version(wire)?;
                }
                3 => params.lateness_ms = r.u64(field)?,
                4 => params.disorder_ms = r.u64(field)?,
                5 => params.dedupe_ms = r.u64(field)?,
                6 => params.mark_ms = r.u64(field)?,
                7 => clock = r.u64(field)?,
                8 => {
                    let (id, revision) = read_revision(r.bytes(field)?)?;
                    revisions.insert(id, revision);
                }
                9 => {
                    let (verdict, count) = read_count(r.bytes(field)?)?;
                    counts.insert(verdict, count);
                }
                10 => shards.push(r.bytes(field)?),
                11 => sums.push(r.bytes(field)?),
                _ => return Err(r.unknown()),
            }
        }
        if magic != FOLD_MAGIC {
            return Err(WireError::WrongMagic);
        }
        check_version(wire)?;
        let clock = clock.checked_sub(1).map_or_else(Clock::default, Clock::at);
        let mut fold = Self::restored(params, revisions, clock, counts);
        for bytes in shards {
            fold.read_shard(bytes)?;
        }
        for bytes in sums {
            fold.read_sums(bytes)?;
        }
        Ok(fold)
    }

    fn read_shard(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let shard = Shard::decode(bytes)?;
        let mut units = shard.units().map(|(id, _)| shard_of(id));
        let Some(place) = units.next() else { return Ok(()) };
        if units.any(|other| other != place) || place >= SHARDS {
            return Err(WireError::OutOfRange("unit of a shard"));
        }
        drop(units);
        self.put_shard(place, shard);
        Ok(())
    }

    fn read_sums(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let id = revision_of(bytes)?;
        let revision = self
            .revisions()
            .get(&id)
            .ok_or(WireError::Missing("revision of sums"))?;
        let sums = Accumulators::decode(bytes, revision)?;
        self.sums.insert(id, sums);
        Ok(())
    }
}

impl Shard {
    /// The canonical bytes, provided that it was trimmed to the clock.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.fixed32(1, SHARD_MAGIC);
        w.uint(2, WIRE_VERSION.into());
        for (id, unit) in self.units() {
            w.message(3, |w| write_unit(w, id, unit));
        }
        w.into_bytes()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (mut magic, mut wire, mut shard) = (0, 0, Self::default());
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => magic = r.fixed32(field)?,
                2 => {
                    wire = r.u32(field)?;
                    check_version(wire)?;
                }
                3 => {
                    let (id, unit) = read_unit(r.bytes(field)?)?;
                    if !shard.insert(id, unit) {
                        return Err(WireError::OutOfRange("unit (once a shard)"));
                    }
                }
                _ => return Err(r.unknown()),
            }
        }
        if magic != SHARD_MAGIC {
            return Err(WireError::WrongMagic);
        }
        check_version(wire)?;
        Ok(shard)
    }
}

/// The revision that encoded sums belong to.
pub fn revision_of(sums: &[u8]) -> Result<RevisionId, WireError> {
    let mut r = Reader::new(sums);
    while let Some((number, field)) = r.next()? {
        if number == 3 {
            return r.fixed64(field).map(RevisionId);
        }
    }
    Err(WireError::Missing("revision of sums"))
}

fn read_revision(bytes: &[u8]) -> Result<(RevisionId, Revision), WireError> {
    let (mut id, mut revision) = (0, None);
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => id = r.fixed64(field)?,
            2 => revision = Some(Revision::decode(r.bytes(field)?)?),
            _ => return Err(r.unknown()),
        }
    }
    Ok((RevisionId(id), revision.ok_or(WireError::Missing("revision"))?))
}

fn read_count(bytes: &[u8]) -> Result<(Verdict, u64), WireError> {
    let (mut verdict, mut count) = (0, 0);
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => verdict = r.u32(field)?,
            2 => count = r.u64(field)?,
            _ => return Err(r.unknown()),
        }
    }
    let verdict = Verdict::ALL
        .get(verdict as usize)
        .ok_or(WireError::OutOfRange("verdict"))?;
    Ok((*verdict, count))
}

fn write_unit(w: &mut Writer, id: &Pseudonym, unit: &Unit) {
    w.bytes(1, &id.0);
    if let Some(ms) = unit.erased_through_ms {
        w.uint(2, ms.saturating_add(1));
    }
    for episode in &unit.episodes {
        w.message(3, |w| write_episode(w, episode));
    }
    for copy in unit.outcomes.copies() {
        w.message(4, |w| {
            w.bytes(1, &copy.id);
            w.uint(2, copy.received_ms);
            w.uint(3, copy.tier as u64);
            w.uint(4, copy.at_ms);
            w.message(5, |w| copy.outcome.write(w));
        });
    }
}

// A reader for each message, and none of them inside another: a just-in-time compiler takes no function whole that has become too
// large, and on the JVM a unit is read with every record that it is in.
#[inline(never)]
fn read_unit(bytes: &[u8]) -> Result<(Pseudonym, Unit), WireError> {
    let (mut id, mut erased, mut unit, mut copies) = (None, 0u64, Unit::default(), Vec::new());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => id = Some(Pseudonym(r.exactly(field, "pseudonym (16 bytes)")?)),
            2 => erased = r.u64(field)?,
            3 => unit.episodes.push(read_episode(r.bytes(field)?)?),
            4 => copies.push(read_copy(r.bytes(field)?)?),
            _ => return Err(r.unknown()),
        }
    }
    let ascending = unit
        .episodes
        .iter()
        .zip(unit.episodes.iter().skip(1))
        .all(|(a, b)| a.key() < b.key());
    if !ascending {
        return Err(WireError::OutOfRange("episodes (ascending)"));
    }
    unit.erased_through_ms = erased.checked_sub(1);
    unit.outcomes = Outcomes::from_copies(copies);
    Ok((id.ok_or(WireError::Missing("pseudonym"))?, unit))
}

fn write_episode(w: &mut Writer, episode: &Episode) {
    w.fixed64(1, episode.revision.0);
    w.uint(2, episode.episode);
    for candidate in &episode.candidates {
        w.message(3, |w| {
            w.uint(1, candidate.decided_at_ms);
            w.uint(2, candidate.received_ms);
            w.uint(3, candidate.tier as u64);
            w.bytes(4, &candidate.id);
            w.uint(5, candidate.quarantine as u64);
            w.bytes(6, &candidate.exposure);
        });
    }
    for forced in &episode.overrides {
        w.message(4, |w| {
            w.uint(1, forced.decided_at_ms);
            w.uint(2, forced.received_ms);
        });
    }
    if let Some(worth) = &episode.folded {
        w.message(5, |w| {
            w.packed_u32(1, &worth.rewards_micros);
            w.packed_u64(2, worth.delays.iter().map(|&(bin, _)| bin.into()));
            w.packed_u64(3, worth.delays.iter().map(|&(_, micros)| micros.into()));
        });
    }
    w.bool(6, episode.flooded);
    w.bool(7, episode.closed);
}

#[inline(never)]
fn read_episode(bytes: &[u8]) -> Result<Episode, WireError> {
    let mut episode = Episode::new(RevisionId(0), 0);
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => episode.revision = RevisionId(r.fixed64(field)?),
            2 => episode.episode = r.u64(field)?,
            3 => insert(&mut episode.candidates, read_candidate(r.bytes(field)?)?),
            4 => insert(&mut episode.overrides, read_override(r.bytes(field)?)?),
            5 => episode.folded = Some(read_worth(r.bytes(field)?)?),
            6 => episode.flooded = r.bool(field)?,
            7 => episode.closed = r.bool(field)?,
            _ => return Err(r.unknown()),
        }
    }
    Ok(episode)
}

/// They come in order: each goes to the end, and a sort, which is three times the code of all that is read here, is not needed.
fn insert<T: Ord>(into: &mut Vec<T>, value: T) {
    let place = into.partition_point(|other| *other <= value);
    into.insert(place, value);
}

#[inline(never)]
fn read_candidate(bytes: &[u8]) -> Result<Candidate, WireError> {
    let (mut decided_at_ms, mut received_ms, mut id) = (0, 0, None);
    let (mut tier, mut quarantine, mut exposure) = (Tier::Page, Quarantine::None, Box::default());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => decided_at_ms = r.u64(field)?,
            2 => received_ms = r.u64(field)?,
            3 => tier = Tier::from_wire(r.u32(field)?)?,
            4 => id = Some(r.exactly(field, "event id (16 bytes)")?),
            5 => quarantine = Quarantine::from_wire(r.u32(field)?)?,
            6 => exposure = Box::from(r.bytes(field)?),
            _ => return Err(r.unknown()),
        }
    }
    Exposure::decode(&exposure)?;
    let id = id.ok_or(WireError::Missing("event id"))?;
    Ok(Candidate {
        decided_at_ms,
        received_ms,
        tier,
        id,
        quarantine,
        exposure,
    })
}

fn read_override(bytes: &[u8]) -> Result<Override, WireError> {
    let mut forced = Override {
        decided_at_ms: 0,
        received_ms: 0,
    };
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => forced.decided_at_ms = r.u64(field)?,
            2 => forced.received_ms = r.u64(field)?,
            _ => return Err(r.unknown()),
        }
    }
    Ok(forced)
}

#[inline(never)]
fn read_worth(bytes: &[u8]) -> Result<Worth, WireError> {
    let (mut worth, mut bins, mut micros) = (Worth::default(), Vec::new(), Vec::new());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => r.repeated_u32(field, &mut worth.rewards_micros, MAX_METRICS, "rewards")?,
            2 => r.repeated_u32(field, &mut bins, 32, "delay bins")?,
            3 => r.repeated_u32(field, &mut micros, 32, "delay rewards")?,
            _ => return Err(r.unknown()),
        }
    }
    let bounded = worth
        .rewards_micros
        .iter()
        .chain(&micros)
        .all(|&r| r <= ONE_MICROS);
    if bins.len() != micros.len() || !bounded || bins.iter().any(|&bin| bin > 255) {
        return Err(WireError::OutOfRange("worth of an episode"));
    }
    worth.delays = bins.iter().map(|&bin| bin as u8).zip(micros).collect();
    Ok(worth)
}

#[inline(never)]
fn read_copy(bytes: &[u8]) -> Result<Copy, WireError> {
    let (mut id, mut received_ms, mut tier, mut at_ms, mut outcome) = (None, 0, Tier::Page, 0, None);
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => id = Some(r.exactly(field, "event id (16 bytes)")?),
            2 => received_ms = r.u64(field)?,
            3 => tier = Tier::from_wire(r.u32(field)?)?,
            4 => at_ms = r.u64(field)?,
            5 => outcome = Some(LoggedOutcome::decode(r.bytes(field)?)?),
            _ => return Err(r.unknown()),
        }
    }
    Ok(Copy {
        id: id.ok_or(WireError::Missing("event id"))?,
        received_ms,
        tier,
        at_ms,
        outcome: outcome.ok_or(WireError::Missing("outcome"))?,
    })
}
