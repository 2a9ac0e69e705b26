//! What the log holds: events that were admitted, stamped by a collector and under a pseudonym.

use alloc::{string::String, vec::Vec};

use super::{Exposure, MAX_NAME};
use crate::id::{Pseudonym, Tier};
use crate::wire::{Reader, WIRE_VERSION, WireError, Writer, check_version};

/// One append. All events belong to one partition; none: a clock record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogRecord {
    /// The collector's clock when the record was made: at least every event's `received_ms`.
    pub clock_ms: u64,
    pub events: Vec<LoggedEvent>,
}

/// Why an event is logged and never folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u32)]
pub enum Quarantine {
    #[default]
    None = 0,
    /// The decision could not be repeated with the named snapshot.
    Disagrees = 1,
    /// Attributes decided it where the person does not allow that.
    Unpersonalized = 2,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent {
    /// Of copies with equal (unit, id) one stands: the least in (received, tier, bytes).
    pub id: [u8; 16],
    pub unit: Pseudonym,
    pub received_ms: u64,
    /// When it happened, by the collector's clock; for an exposure `decided_at`.
    pub at_ms: u64,
    pub tier: Tier,
    pub quarantine: Quarantine,
    pub fact: Fact,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Exposure(Exposure),
    Outcome(LoggedOutcome),
    /// Voids everything of the unit received up to this event's stamp.
    Erasure,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoggedOutcome {
    pub name: String,
    pub value_micros: i64,
    pub currency: String,
}

impl LogRecord {
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut record = Self::default();
        let mut wire = 0;
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => {
                    wire = r.u32(field)?;
                    check_version(wire)?;
                }
                2 => record.clock_ms = r.u64(field)?,
                3 => record.events.push(LoggedEvent::decode(r.bytes(field)?)?),
                _ => return Err(r.unknown()),
            }
        }
        check_version(wire)?;
        Ok(record)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.uint(1, WIRE_VERSION.into());
        w.uint(2, self.clock_ms);
        for event in &self.events {
            w.message(3, |w| event.write(w));
        }
        w.into_bytes()
    }
}

impl LoggedEvent {
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (mut id, mut unit, mut received_ms, mut at_ms) = (None, None, 0, 0);
        let (mut tier, mut quarantine, mut fact) = (Tier::Page, Quarantine::None, None);
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => id = Some(r.exactly(field, "event id (16 bytes)")?),
                2 => unit = Some(Pseudonym(r.exactly(field, "pseudonym (16 bytes)")?)),
                3 => received_ms = r.u64(field)?,
                4 => at_ms = r.u64(field)?,
                5 => tier = Tier::from_wire(r.u32(field)?)?,
                6 => quarantine = Quarantine::from_wire(r.u32(field)?)?,
                7 => fact = Some(Fact::Exposure(Exposure::decode(r.bytes(field)?)?)),
                8 => fact = Some(Fact::Outcome(LoggedOutcome::decode(r.bytes(field)?)?)),
                9 => fact = Some(Fact::Erasure),
                _ => return Err(r.unknown()),
            }
        }
        Ok(Self {
            id: id.ok_or(WireError::Missing("event id"))?,
            unit: unit.ok_or(WireError::Missing("pseudonym"))?,
            received_ms,
            at_ms,
            tier,
            quarantine,
            fact: fact.ok_or(WireError::Missing("exposure, outcome or erasure"))?,
        })
    }

    pub fn write(&self, w: &mut Writer) {
        w.bytes(1, &self.id);
        w.bytes(2, &self.unit.0);
        w.uint(3, self.received_ms);
        w.uint(4, self.at_ms);
        w.uint(5, self.tier as u64);
        w.uint(6, self.quarantine as u64);
        match &self.fact {
            Fact::Exposure(exposure) => w.message(7, |w| exposure.write(w)),
            Fact::Outcome(outcome) => w.message(8, |w| outcome.write(w)),
            Fact::Erasure => w.message(9, |_| ()),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.into_bytes()
    }
}

impl LoggedOutcome {
    /// An outcome with its value in micro-units, rounded to nearest.
    pub fn new(name: &str, value: f64, currency: &str) -> Self {
        let value_micros = libm::round(value * 1e6) as i64;
        Self {
            name: name.into(),
            value_micros,
            currency: currency.into(),
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut outcome = Self {
            name: String::new(),
            value_micros: 0,
            currency: String::new(),
        };
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => outcome.name = r.text(field, MAX_NAME, "outcome name")?.into(),
                2 => outcome.value_micros = r.sint64(field)?,
                3 => outcome.currency = r.text(field, 3, "currency")?.into(),
                _ => return Err(r.unknown()),
            }
        }
        // The widest value that a door lets in.
        if !(0..=1_000_000_000_000_000).contains(&outcome.value_micros) {
            return Err(WireError::OutOfRange("outcome value"));
        }
        Ok(outcome)
    }

    pub fn write(&self, w: &mut Writer) {
        w.text(1, &self.name);
        w.sint(2, self.value_micros);
        w.text(3, &self.currency);
    }
}

impl Quarantine {
    pub(crate) fn from_wire(v: u32) -> Result<Self, WireError> {
        match v {
            0 => Ok(Self::None),
            1 => Ok(Self::Disagrees),
            2 => Ok(Self::Unpersonalized),
            _ => Err(WireError::OutOfRange("quarantine")),
        }
    }
}
