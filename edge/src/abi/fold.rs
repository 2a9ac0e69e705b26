//! The fold for a host that keeps the state itself: a unit's state goes in with its events and comes out changed.
//!
//! Nothing is joined or summed here: that is `tiltwise_core::join` and `tiltwise_core::acc`. What a host keeps are the core's
//! own canonical bytes: a unit's state is a [`Shard`] of one unit, sums are [`Accumulators`]. Between calls an instance holds
//! the definitions, and the differences that nobody has taken yet, by the tick of the record that made them.

use alloc::{collections::BTreeMap, vec::Vec};

use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::{Fact, LogRecord, LoggedEvent};
use tiltwise_core::id::{Pseudonym, RevisionId};
use tiltwise_core::join::state::revision_of;
use tiltwise_core::join::{Clock, Params, Revisions, Shard, Sums, Surroundings, TICK_MS, Verdict, shard_of};
use tiltwise_core::revision::Revision;
use tiltwise_core::wire::{Reader, WIRE_VERSION, WireError, Writer};

use super::Code;
use super::minutes::{self, Minutes};

/// The field of a record that holds its events.
const EVENTS: u32 = 3;

pub(super) struct Folding {
    params: Params,
    revisions: Revisions,
    /// The differences that were not taken yet.
    ticks: BTreeMap<u64, Sums>,
    /// Nothing: nobody asks what a minute has brought.
    minutes: Option<Minutes>,
}

/// What became of a call: the answer's bytes, or the code that says why there are none.
pub(super) type Answer = Result<Vec<u8>, Code>;

impl Folding {
    /// As an encoded `FoldSettings` says.
    pub(super) fn open(settings: &[u8]) -> Result<Self, Code> {
        read_settings(settings).map_err(wrong)
    }

    /// Makes a definition known; one that is known is never replaced.
    pub(super) fn add_revision(&mut self, id: u64, revision: &[u8]) -> Result<(), Code> {
        let revision = Revision::decode(revision).map_err(wrong)?;
        self.revisions.entry(RevisionId(id)).or_insert(revision);
        Ok(())
    }

    /// Joins a unit's events with its state, at the clock of their record, and trims it: a `FoldAnswer` to a `FoldRequest`.
    /// Without events it only trims.
    pub(super) fn fold(&mut self, request: &[u8]) -> Answer {
        let Request {
            clock_ms,
            mut state,
            unit,
            events,
            accepts_unknown,
        } = Request::read(request).map_err(wrong)?;
        let mut units = state
            .units()
            .map(|(id, _)| id)
            .chain(events.iter().map(|e| &e.unit));
        let unit = unit.or_else(|| units.next().copied());
        if units.any(|other| Some(*other) != unit) {
            return Err(Code::Unreadable);
        }
        drop(units);
        // Before anything has changed, so that the host can look for the definition and ask once more.
        if !accepts_unknown && events.iter().any(|event| self.names_unknown(event)) {
            return Err(Code::UnknownRevision);
        }
        let mut counts = [0u64; Verdict::ALL.len()];
        let mut world = Surroundings {
            params: &self.params,
            revisions: &self.revisions,
            clock_ms,
            sums: self.ticks.entry(clock_ms / TICK_MS).or_default(),
        };
        for event in events {
            let mut minutes = self.minutes.as_mut();
            let seen = minutes
                .as_mut()
                .map(|minutes| minutes.see(&event, &self.revisions));
            let verdict = state.apply(event, &mut world);
            if let (Some(minutes), Some(seen)) = (minutes, seen) {
                minutes.count(clock_ms / TICK_MS, seen, verdict);
            }
            for (count, _) in counts.iter_mut().zip(Verdict::ALL).filter(|(_, v)| *v == verdict) {
                *count += 1;
            }
        }
        self.ticks.retain(|_, sums| !sums.is_empty());
        state.trim(&self.params, &self.revisions, clock_ms);
        Ok(self.answer(&state, &counts))
    }

    /// The differences of all ticks up to this one, which are no longer held: a `Differences`.
    pub(super) fn take(&mut self, through_tick: u64) -> Vec<u8> {
        let later = through_tick
            .checked_add(1)
            .map_or_else(BTreeMap::new, |next| self.ticks.split_off(&next));
        let mut w = Writer::new();
        w.uint(1, WIRE_VERSION.into());
        for (tick, sums) in core::mem::replace(&mut self.ticks, later) {
            for (id, sums) in sums {
                if let Some(minutes) = &mut self.minutes {
                    minutes.add_sums(tick, &sums, &self.revisions);
                }
                w.message(2, |w| {
                    w.uint(1, tick);
                    w.fixed64(2, id.0);
                    w.element(3, &sums.encode());
                });
            }
        }
        w.into_bytes()
    }

    /// What all minutes have brought that are over at the end of this tick, and whose differences have been taken: `Tallies`.
    pub(super) fn take_tallies(&mut self, through_tick: u64) -> Vec<u8> {
        self.minutes
            .as_mut()
            .map_or_else(Vec::new, |minutes| minutes.take(through_tick))
    }

    /// The sum of the tallies of one minute and revision.
    pub(super) fn add_tallies(&self, request: &[u8]) -> Answer {
        minutes::add(request, &self.revisions)
    }

    /// What a minute has brought to a revision, with names: a `MinuteAnswer` to a `MinuteRequest`.
    pub(super) fn minute(&mut self, request: &[u8]) -> Answer {
        self.minutes
            .get_or_insert_default()
            .minute(request, &self.revisions)
    }

    /// The sum of all sums in a `MergeRequest`: `Accumulators`.
    pub(super) fn merge(&self, request: &[u8]) -> Answer {
        let mut whole: Option<Accumulators> = None;
        for sums in read_sums(request).map_err(wrong)? {
            let sums = self.sums(sums)?;
            match &mut whole {
                None => whole = Some(sums),
                Some(whole) if whole.revision() == sums.revision() => whole.merge(&sums),
                Some(_) => return Err(Code::Unreadable),
            }
        }
        whole.map(|sums| sums.encode()).ok_or(Code::Unreadable)
    }

    /// Sums in the widths of this clock, which is not before any that they have seen; empty where nothing is left in them.
    pub(super) fn roll_up(&self, sums: &[u8], clock_ms: u64) -> Answer {
        let mut sums = self.sums(sums)?;
        sums.roll_up(clock_ms);
        Ok(if sums.is_zero() { Vec::new() } else { sums.encode() })
    }

    fn sums(&self, bytes: &[u8]) -> Result<Accumulators, Code> {
        let id = revision_of(bytes).map_err(wrong)?;
        let revision = self.revisions.get(&id).ok_or(Code::UnknownRevision)?;
        Accumulators::decode(bytes, revision).map_err(wrong)
    }

    fn names_unknown(&self, event: &LoggedEvent) -> bool {
        matches!(&event.fact, Fact::Exposure(exposure) if !self.revisions.contains_key(&exposure.revision))
    }

    fn answer(&self, state: &Shard, counts: &[u64]) -> Vec<u8> {
        let mut w = Writer::new();
        w.uint(1, WIRE_VERSION.into());
        if !state.is_empty() {
            w.bytes(2, &state.encode());
        }
        if let Some(ms) = state.rests_after_ms(&self.params, &self.revisions) {
            w.uint(3, ms);
        }
        for (verdict, &count) in (0..).zip(counts).filter(|(_, count)| **count > 0) {
            w.message(4, |w| {
                w.uint(1, verdict);
                w.uint(2, count);
            });
        }
        w.into_bytes()
    }
}

/// Takes a log record apart, by unit: an `Exploded`. `clock` is the partition's clock before it, and 0 before the first.
pub(super) fn explode(record: &[u8], clock_ms: u64) -> Answer {
    let decoded = LogRecord::decode(record).map_err(wrong)?;
    let mut clock = if clock_ms == 0 {
        Clock::default()
    } else {
        Clock::at(clock_ms)
    };
    clock.advance(decoded.clock_ms);
    // By unit, in the order of the record, since that is the order in which they are joined.
    let mut places: BTreeMap<Pseudonym, usize> = BTreeMap::new();
    let mut units: Vec<(Pseudonym, Writer)> = Vec::new();
    let mut events = decoded.events.iter();
    let mut reader = Reader::new(record);
    while let Some((number, field)) = reader.next().map_err(wrong)? {
        if number != EVENTS {
            continue;
        }
        let bytes = reader.bytes(field).map_err(wrong)?;
        let unit = events.next().ok_or(Code::Unreadable)?.unit;
        let place = *places.entry(unit).or_insert_with(|| {
            units.push((unit, Writer::new()));
            units.len() - 1
        });
        if let Some((_, w)) = units.get_mut(place) {
            w.element(EVENTS, bytes);
        }
    }
    let mut w = Writer::new();
    w.uint(1, WIRE_VERSION.into());
    w.uint(2, clock.ms());
    for (unit, events) in units {
        let mut head = Writer::new();
        head.uint(1, shard_of(&unit) as u64);
        head.bytes(2, &unit.0);
        let mut bytes = head.into_bytes();
        bytes.extend(events.into_bytes());
        w.element(3, &bytes);
    }
    Ok(w.into_bytes())
}

struct Request {
    clock_ms: u64,
    state: Shard,
    unit: Option<Pseudonym>,
    events: Vec<LoggedEvent>,
    accepts_unknown: bool,
}

impl Request {
    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut request = Self {
            clock_ms: 0,
            state: Shard::default(),
            unit: None,
            events: Vec::new(),
            accepts_unknown: false,
        };
        let mut wire = 0;
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => wire = version(r.u32(field)?)?,
                2 => request.clock_ms = r.u64(field)?,
                3 => request.state = Shard::decode(r.bytes(field)?)?,
                4 => request.read_events(r.bytes(field)?)?,
                5 => request.accepts_unknown = r.bool(field)?,
                _ => return Err(r.unknown()),
            }
        }
        version(wire)?;
        Ok(request)
    }

    fn read_events(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                // The shard is the host's business: it says where a unit's state lies.
                1 => drop(r.u32(field)?),
                2 => self.unit = Some(Pseudonym(r.exactly(field, "pseudonym (16 bytes)")?)),
                EVENTS => self.events.push(LoggedEvent::decode(r.bytes(field)?)?),
                _ => return Err(r.unknown()),
            }
        }
        Ok(())
    }
}

fn read_settings(bytes: &[u8]) -> Result<Folding, WireError> {
    let mut wire = 0;
    let mut params = Params {
        lateness_ms: 0,
        disorder_ms: 0,
        dedupe_ms: 0,
        mark_ms: 0,
    };
    let mut minutes: Option<Minutes> = None;
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => wire = version(r.u32(field)?)?,
            2 => params.lateness_ms = r.u64(field)?,
            3 => params.disorder_ms = r.u64(field)?,
            4 => params.dedupe_ms = r.u64(field)?,
            5 => params.mark_ms = r.u64(field)?,
            6 if r.bool(field)? => drop(minutes.get_or_insert_default()),
            6 => {}
            7 => minutes.get_or_insert_default().list(r.bytes(field)?)?,
            _ => return Err(r.unknown()),
        }
    }
    version(wire)?;
    Ok(Folding {
        params,
        revisions: Revisions::new(),
        ticks: BTreeMap::new(),
        minutes,
    })
}

fn read_sums(bytes: &[u8]) -> Result<Vec<&[u8]>, WireError> {
    let (mut wire, mut all) = (0, Vec::new());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => wire = version(r.u32(field)?)?,
            2 => all.push(r.bytes(field)?),
            _ => return Err(r.unknown()),
        }
    }
    version(wire)?;
    Ok(all)
}

pub(super) fn version(wire: u32) -> Result<u32, WireError> {
    match wire {
        WIRE_VERSION => Ok(wire),
        0 => Err(WireError::missing("wire version")),
        found => Err(WireError::Newer { found }),
    }
}

pub(super) fn wrong(error: WireError) -> Code {
    match error {
        WireError::Newer { .. } => Code::Upgrade,
        _ => Code::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_a_code_and_never_a_panic() {
        let mut folding = Folding::open(b"\x08\x01").unwrap();
        for bytes in [&b""[..], b"\xff", b"\x08\x01\x12\x05hello", &[0x12; 400]] {
            assert_eq!(folding.fold(bytes).unwrap_err(), Code::Unreadable);
            assert_eq!(folding.merge(bytes).unwrap_err(), Code::Unreadable);
            assert_eq!(folding.roll_up(bytes, 1).unwrap_err(), Code::Unreadable);
            assert_eq!(folding.add_tallies(bytes).unwrap_err(), Code::Unreadable);
            assert_eq!(folding.minute(bytes).unwrap_err(), Code::Unreadable);
            assert_eq!(folding.add_revision(1, bytes), Err(Code::Unreadable));
            assert!(explode(bytes, 0).is_err());
        }
        assert_eq!(folding.fold(b"\x08\x02").unwrap_err(), Code::Upgrade);
        assert_eq!(explode(b"\x08\x02", 0).unwrap_err(), Code::Upgrade);
    }

    #[test]
    fn a_clock_record_has_no_units_and_moves_the_clock() {
        let record = LogRecord {
            clock_ms: 900,
            events: Vec::new(),
        };
        let mut expected = Writer::new();
        expected.uint(1, 1);
        expected.uint(2, 900);
        assert_eq!(explode(&record.encode(), 500).unwrap(), expected.into_bytes());
    }
}
