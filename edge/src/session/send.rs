//! From an event to a batch under way.

use alloc::rc::Rc;
use alloc::vec::Vec;

use tiltwise_core::event::{Body, Event, Exposure, MAX_BATCH_EVENTS, Outcome};

use super::Session;
use super::buffer::Entry;
use super::consent::Answer;
use super::outbox::{HEAD_BYTES, MAX_BATCH_BYTES};

/// What became of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Tracked {
    Held = 0,
    /// Measurement is denied.
    Denied = 1,
    /// The buffer is full; the next batch tells the collector.
    Full = 2,
    /// A name that is empty or too long, a value below 0 or beyond 1e9, a currency that is no three letters.
    Invalid = 3,
}

impl Session {
    /// Takes an outcome of the person.
    pub fn track(&mut self, outcome: Outcome<'_>, now_ms: u64) -> Tracked {
        if outcome.check().is_err() {
            return Tracked::Invalid;
        }
        if self.consent.measurement == Answer::Denied {
            return Tracked::Denied;
        }
        if self.hold(Body::Outcome(outcome), false, now_ms) {
            Tracked::Held
        } else {
            Tracked::Full
        }
    }

    pub(super) fn expose(&mut self, exposure: &Exposure, attributed: bool, now_ms: u64) {
        self.hold(Body::Exposure(exposure.clone()), attributed, now_ms);
    }

    /// When the host should next ask for a batch; `None`: not before something happens.
    pub fn next_send_at(&self, now_ms: u64) -> Option<u64> {
        let limits = &self.outbox.limits;
        let mut ready = self.buffer.iter().filter(|e| self.consent.may_send(e.attributed));
        let due = if !self.outbox.is_free() {
            return None;
        } else if self.outbox.has_next() {
            now_ms
        } else {
            let first = ready.next()?;
            if ready.count() + 1 >= limits.flush_count {
                now_ms
            } else {
                first.made_ms + limits.flush_interval_ms
            }
        };
        Some(due.max(self.outbox.not_before_ms()))
    }

    /// The next batch to send, with the ticket by which the host reports what became of it.
    ///
    /// `all` is for a page that is being closed: it waits for nothing.
    pub fn next_batch(&mut self, now_ms: u64, all: bool) -> Option<(u32, Vec<u8>)> {
        if !all && self.next_send_at(now_ms)? > now_ms {
            return None;
        }
        if !self.outbox.has_next() {
            self.seal_next();
        }
        self.outbox.next(now_ms)
    }

    /// The collector has the batch on disk.
    pub fn acknowledged(&mut self, ticket: u32) {
        self.outbox.acknowledged(ticket);
    }

    /// The collector will never take the batch.
    pub fn refused(&mut self, ticket: u32) {
        self.outbox.refused(ticket);
    }

    /// Nobody answered, or "not now, and not within `asked_ms`".
    pub fn failed(&mut self, ticket: u32, now_ms: u64, asked_ms: u64) {
        self.outbox.failed(ticket, now_ms, asked_ms);
    }

    /// The page was put aside while batches were under way: what is not acknowledged is sent again.
    pub fn interrupted(&mut self) {
        self.outbox.interrupted();
    }

    /// Events held, sent and not acknowledged ones included.
    pub fn held(&self) -> usize {
        self.buffer.len() + self.outbox.events()
    }

    pub(super) fn seal_all(&mut self) {
        while self.seal_next() {}
    }

    /// Of the events that may be sent, the oldest and all that go with it. The newest are dropped when the buffer is
    /// full, not the oldest: without its exposure no later outcome would count.
    fn hold(&mut self, body: Body<'_>, attributed: bool, now_ms: u64) -> bool {
        if self.held() >= self.outbox.limits.events {
            self.outbox.dropped += 1;
            return false;
        }
        let event = Event {
            made_ms: now_ms,
            body,
            id: "",
            visitor: None,
            account: "",
        };
        self.buffer.push(Entry {
            bytes: event.encode(),
            person: self.person.clone(),
            made_ms: now_ms,
            attributed,
            unpersonalized: self.consent.personal() == Answer::Denied,
        });
        true
    }

    fn seal_next(&mut self) -> bool {
        let consent = self.consent;
        let unpersonalized = |e: &Entry| e.unpersonalized || consent.personal() != Answer::Granted;
        let Some(first) = self.buffer.iter().find(|e| consent.may_send(e.attributed)) else {
            return false;
        };
        let (person, state) = (first.person.clone(), unpersonalized(first));
        let (mut bytes, mut events) = (HEAD_BYTES, 0);
        let taken = self.buffer.take(|e| {
            let fits = Rc::ptr_eq(&e.person, &person)
                && unpersonalized(e) == state
                && consent.may_send(e.attributed)
                && events < MAX_BATCH_EVENTS
                && bytes + e.bytes.len() + 4 <= MAX_BATCH_BYTES;
            if fits {
                events += 1;
                bytes += e.bytes.len() + 4;
            }
            fits
        });
        self.outbox.seal(taken, person, state);
        true
    }
}
