//! Batches that have a number, until they are acknowledged.
//!
//! A batch keeps its session, its number and the order of its events through every resend: the collector tells a copy by
//! them.

use alloc::rc::Rc;
use alloc::vec::Vec;

use tiltwise_core::event::EventBatch;
use tiltwise_core::wire::Writer;

use super::backoff::Backoff;
use super::buffer::Entry;
use super::person::Person;

/// How much is held, and when it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Events held at most, sent and not acknowledged ones included.
    pub events: usize,
    /// So many events are sent at once.
    pub flush_count: usize,
    /// How long an event waits for others.
    pub flush_interval_ms: u64,
}

/// Bytes of one batch at most: what browsers let a page send while it is being closed is 64 KiB.
pub(super) const MAX_BATCH_BYTES: usize = 60_000;
/// The head of a batch at most: visitor, session and account at their longest.
pub(super) const HEAD_BYTES: usize = 256;
/// Batches under way at once at most, unless the page is being closed.
const MAX_IN_FLIGHT: usize = 4;

#[derive(Debug)]
pub(super) struct Batch {
    /// What the host calls it.
    ticket: u32,
    sequence: u32,
    person: Rc<Person>,
    unpersonalized: bool,
    /// What was dropped between the batch before and this one.
    dropped: u32,
    events: Vec<Entry>,
    in_flight: bool,
    /// It may have arrived.
    sent: bool,
}

#[derive(Debug)]
pub(super) struct Outbox {
    pub limits: Limits,
    pub waiting: Vec<Batch>,
    tickets: u32,
    /// Of the session that the last batch was of.
    sequence: u32,
    session: [u8; 16],
    /// Events dropped that no batch has told of yet.
    pub dropped: u32,
    backoff: Backoff,
}

impl Outbox {
    pub(super) fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            waiting: Vec::new(),
            tickets: 0,
            sequence: 0,
            session: [0; 16],
            dropped: 0,
            backoff: Backoff::new(seed),
        }
    }

    /// Gives events, all of one person and one state, the next number.
    pub(super) fn seal(&mut self, events: Vec<Entry>, person: Rc<Person>, unpersonalized: bool) {
        if self.session != person.session {
            self.session = person.session;
            self.sequence = 0;
        }
        self.waiting.push(Batch {
            ticket: self.tickets,
            sequence: self.sequence,
            person,
            unpersonalized,
            dropped: core::mem::take(&mut self.dropped),
            events,
            in_flight: false,
            sent: false,
        });
        self.tickets += 1;
        self.sequence += 1;
    }

    pub(super) fn events(&self) -> usize {
        self.waiting.iter().map(|b| b.events.len()).sum()
    }

    pub(super) fn not_before_ms(&self) -> u64 {
        self.backoff.not_before_ms()
    }

    /// Whether one more may be put under way.
    pub(super) fn is_free(&self) -> bool {
        self.waiting.iter().filter(|b| b.in_flight).count() < MAX_IN_FLIGHT
    }

    pub(super) fn has_next(&self) -> bool {
        self.waiting.iter().any(|b| !b.in_flight)
    }

    /// The oldest batch that is not under way, as bytes with its ticket.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<(u32, Vec<u8>)> {
        let batch = self.waiting.iter_mut().find(|b| !b.in_flight)?;
        batch.in_flight = true;
        batch.sent = true;
        Some((batch.ticket, batch.encode(now_ms)))
    }

    pub(super) fn acknowledged(&mut self, ticket: u32) {
        self.waiting.retain(|b| b.ticket != ticket);
        self.backoff.succeeded();
    }

    pub(super) fn refused(&mut self, ticket: u32) {
        self.waiting.retain(|b| b.ticket != ticket);
    }

    pub(super) fn failed(&mut self, ticket: u32, now_ms: u64, asked_ms: u64) {
        for batch in self.waiting.iter_mut().filter(|b| b.ticket == ticket) {
            batch.in_flight = false;
        }
        self.backoff.failed(now_ms, asked_ms);
    }

    /// Everything under way may be lost: the page that sent it was put aside.
    pub(super) fn interrupted(&mut self) {
        for batch in &mut self.waiting {
            batch.in_flight = false;
        }
    }

    /// Drops events that attributes shaped. An event's place in its batch is part of its id, so of a batch that may have
    /// arrived nothing can be taken out: it goes whole, and counts as dropped.
    pub(super) fn drop_attributed(&mut self) {
        let mut dropped = 0;
        self.waiting.retain_mut(|batch| {
            if !batch.sent {
                batch.events.retain(|e| !e.attributed);
            } else if batch.events.iter().any(|e| e.attributed) {
                dropped += batch.events.len() as u32;
                return false;
            }
            !batch.events.is_empty()
        });
        self.dropped += dropped;
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.dropped = 0;
    }
}

impl Batch {
    fn encode(&self, sent_ms: u64) -> Vec<u8> {
        let head = EventBatch {
            session: &self.person.session,
            sequence: self.sequence,
            sent_ms,
            visitor: Some(self.person.visitor),
            account: self.person.account.as_deref().unwrap_or_default(),
            dropped: self.dropped,
            events: Vec::new(),
            unpersonalized: self.unpersonalized,
        };
        let mut w = Writer::new();
        head.write_head(&mut w);
        for event in &self.events {
            w.element(9, &event.bytes);
        }
        w.into_bytes()
    }
}
