//! From an event to a batch under way.

use alloc::vec::Vec;

use tiltwise_core::event::{Outcome, happened};

use super::Session;
use super::consent::Answer;
use super::outbox::Entry;

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
        if self.hold(happened(now_ms, &outcome), false, now_ms) {
            Tracked::Held
        } else {
            Tracked::Full
        }
    }

    /// When the host should next ask for a batch; `None`: not before something happens.
    pub fn next_send_at(&self, now_ms: u64) -> Option<u64> {
        if !self.outbox.is_free() {
            return None;
        }
        let mut due = now_ms;
        if !self.outbox.has_next() {
            let (mut first, mut ready) = (None, 0);
            for entry in &self.outbox.entries {
                if entry.batch.is_none() && self.consent.may_send(entry.attributed) {
                    first.get_or_insert(entry.made_ms);
                    ready += 1;
                }
            }
            let first = first?;
            if ready < self.outbox.limits.flush_count {
                due = first + self.outbox.limits.flush_interval_ms;
            }
        }
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
            self.outbox.seal(self.consent);
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
        self.outbox.entries.len()
    }

    pub(super) fn seal_all(&mut self) {
        while self.outbox.seal(self.consent) {}
    }

    /// Of the events that may be sent, the oldest and all that go with it. The newest are dropped when the buffer is
    /// full, not the oldest: without its exposure no later outcome would count.
    pub(super) fn hold(&mut self, bytes: Vec<u8>, attributed: bool, now_ms: u64) -> bool {
        if self.held() >= self.outbox.limits.events {
            self.outbox.dropped += 1;
            return false;
        }
        self.outbox.entries.push(Entry {
            bytes,
            person: self.person.clone(),
            made_ms: now_ms,
            attributed,
            unpersonalized: self.consent.personal() == Answer::Denied,
            batch: None,
        });
        true
    }
}
