//! What a page, a worker or a server sends.

use alloc::vec::Vec;

use super::Exposure;
use crate::id::{VISITOR_BYTES, Visitor};
use crate::wire::{Reader, WIRE_VERSION, WireError, Writer, check_version};

/// "TWB1", by which a binary body is known whatever its content type.
pub const BATCH_MAGIC: u32 = u32::from_le_bytes(*b"TWB1");
pub const MAX_BATCH_EVENTS: usize = 500;
pub const MAX_EVENT_BYTES: usize = 8_192;
/// An id or an account is at most so many bytes.
pub const MAX_ID: usize = 128;
/// An outcome's name is at most so many bytes.
pub const MAX_NAME: usize = 64;

/// A batch as it was read, borrowing from its bytes.
#[derive(Clone, Debug, Default)]
pub struct EventBatch<'a> {
    /// Empty, or 16 bytes.
    pub session: &'a [u8],
    pub sequence: u32,
    pub sent_ms: u64,
    pub visitor: Option<Visitor>,
    pub account: &'a str,
    pub dropped: u32,
    /// Still encoded: each is decoded on its own, so that one bad event never fails a batch.
    pub events: Vec<&'a [u8]>,
    pub unpersonalized: bool,
}

impl<'a> EventBatch<'a> {
    /// Whether a body is binary: it starts with the magic.
    pub fn is_binary(body: &[u8]) -> bool {
        body.starts_with(b"\x0dTWB1")
    }

    pub fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut batch = Self::default();
        let (mut magic, mut wire) = (0, 0);
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => magic = r.fixed32(field)?,
                2 => {
                    wire = r.u32(field)?;
                    check_version(wire)?;
                }
                3 => batch.session = r.bytes(field)?,
                4 => batch.sequence = r.u32(field)?,
                5 => batch.sent_ms = r.u64(field)?,
                6 => batch.visitor = visitor(r.bytes(field)?)?,
                7 => batch.account = r.text(field, MAX_ID, "account")?,
                8 => batch.dropped = r.u32(field)?,
                9 if batch.events.len() == MAX_BATCH_EVENTS => {
                    return Err(WireError::out_of_range("number of events (at most 500)"));
                }
                9 => batch.events.push(r.bytes(field)?),
                10 => batch.unpersonalized = r.bool(field)?,
                _ => return Err(r.unknown()),
            }
        }
        if magic != BATCH_MAGIC {
            return Err(WireError::WrongMagic);
        }
        check_version(wire)?;
        if !matches!(batch.session.len(), 0 | 16) {
            return Err(WireError::out_of_range("session (16 bytes)"));
        }
        Ok(batch)
    }

    /// Encodes everything but the events, which follow as elements of field 9 (see [`Event::write_element`]).
    pub fn write_head(&self, w: &mut Writer) {
        w.fixed32(1, BATCH_MAGIC);
        w.uint(2, WIRE_VERSION.into());
        w.bytes(3, self.session);
        w.uint(4, self.sequence.into());
        w.uint(5, self.sent_ms);
        if let Some(visitor) = &self.visitor {
            w.bytes(6, &visitor.0);
        }
        w.text(7, self.account);
        w.uint(8, self.dropped.into());
        w.bool(10, self.unpersonalized);
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write_head(&mut w);
        for event in &self.events {
            w.element(9, event);
        }
        w.into_bytes()
    }
}

#[derive(Clone, Debug)]
pub enum Body<'a> {
    Exposure(Exposure),
    Outcome(Outcome<'a>),
}

#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// 0: when the batch was sent.
    pub made_ms: u64,
    pub body: Body<'a>,
    pub id: &'a str,
    pub visitor: Option<Visitor>,
    pub account: &'a str,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome<'a> {
    pub name: &'a str,
    pub value: f64,
    pub currency: &'a str,
    pub id: &'a str,
}

impl<'a> Event<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_EVENT_BYTES {
            return Err(WireError::out_of_range("size of an event (at most 8 kB)"));
        }
        let (mut made_ms, mut body, mut id, mut unit, mut account) = (0, None, "", None, "");
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => made_ms = r.u64(field)?,
                2 => body = Some(Body::Exposure(Exposure::decode(r.bytes(field)?)?)),
                3 => body = Some(Body::Outcome(Outcome::decode(r.bytes(field)?)?)),
                4 => id = r.text(field, MAX_ID, "event id")?,
                5 => unit = visitor(r.bytes(field)?)?,
                6 => account = r.text(field, MAX_ID, "account")?,
                _ => return Err(r.unknown()),
            }
        }
        let body = body.ok_or(WireError::missing("exposure or outcome"))?;
        Ok(Self {
            made_ms,
            body,
            id,
            visitor: unit,
            account,
        })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.uint(1, self.made_ms);
        match &self.body {
            Body::Exposure(exposure) => w.message(2, |w| exposure.write(w)),
            Body::Outcome(outcome) => w.message(3, |w| outcome.write(w)),
        }
        w.text(4, self.id);
        if let Some(visitor) = &self.visitor {
            w.bytes(5, &visitor.0);
        }
        w.text(6, self.account);
        w.into_bytes()
    }
}

/// The bytes of an event that is an exposure and nothing else.
pub fn exposed(made_ms: u64, exposure: &Exposure) -> Vec<u8> {
    event(made_ms, 2, &exposure.encode())
}

/// The bytes of an event that is an outcome and nothing else.
pub fn happened(made_ms: u64, outcome: &Outcome<'_>) -> Vec<u8> {
    let mut w = Writer::new();
    outcome.write(&mut w);
    event(made_ms, 3, &w.into_bytes())
}

fn event(made_ms: u64, field: u32, body: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.uint(1, made_ms);
    w.element(field, body);
    w.into_bytes()
}

impl<'a> Outcome<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut outcome = Self::default();
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => outcome.name = r.text(field, MAX_NAME, "outcome name")?,
                2 => outcome.value = r.f64(field)?,
                3 => outcome.currency = r.text(field, 3, "currency (three letters)")?,
                4 => outcome.id = r.text(field, MAX_ID, "outcome id")?,
                _ => return Err(r.unknown()),
            }
        }
        outcome.check()?;
        Ok(outcome)
    }

    /// What every door checks, however the outcome was written.
    pub fn check(&self) -> Result<(), WireError> {
        if self.name.is_empty() {
            return Err(WireError::missing("outcome name"));
        }
        if self.name.len() > MAX_NAME || self.id.len() > MAX_ID || self.currency.len() > 3 {
            return Err(WireError::out_of_range("length of an outcome's text"));
        }
        // A refund is an event of its own, not a negative purchase; a thousand million is beyond any cart.
        if !(self.value >= 0.0 && self.value <= 1e9) {
            return Err(WireError::out_of_range("outcome value (0 to 1e9)"));
        }
        Ok(())
    }

    pub fn write(&self, w: &mut Writer) {
        w.text(1, self.name);
        w.f64(2, self.value);
        w.text(3, self.currency);
        w.text(4, self.id);
    }
}

fn visitor(bytes: &[u8]) -> Result<Option<Visitor>, WireError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id: [u8; VISITOR_BYTES] = bytes
        .try_into()
        .map_err(|_| WireError::out_of_range("visitor (18 bytes)"))?;
    Ok(Some(Visitor(id)))
}
