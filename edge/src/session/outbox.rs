//! Events until they are acknowledged: at first alone, then in a batch that has a number.
//!
//! All lie in one list in the order in which they were made, and an event says which batch took it. A batch keeps its session, its number and the order of its events through every resend: the collector tells a copy by
//! them.

use alloc::rc::Rc;
use alloc::vec::Vec;

use tiltwise_core::event::{EventBatch, MAX_BATCH_EVENTS};
use tiltwise_core::wire::Writer;

use super::backoff::Backoff;
use super::consent::{Answer, Consent};
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
const MAX_BATCH_BYTES: usize = 60_000;
/// The head of a batch at most: visitor, session and account at their longest.
const HEAD_BYTES: usize = 256;
/// Batches under way at once at most, unless the page is being closed.
const MAX_IN_FLIGHT: usize = 4;

/// An event with what decides whether, and with which others, it may be sent.
#[derive(Debug)]
pub(super) struct Entry {
    /// An encoded `Event`.
    pub bytes: Vec<u8>,
    pub person: Rc<Person>,
    pub made_ms: u64,
    /// Attributes of the context shaped it.
    pub attributed: bool,
    /// It was made where personalization was denied.
    pub unpersonalized: bool,
    /// The ticket of the batch that took it.
    pub batch: Option<u32>,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true or not whatever the others are"
)]
struct Batch {
    /// What the host calls it.
    ticket: u32,
    sequence: u32,
    person: Rc<Person>,
    unpersonalized: bool,
    /// What was dropped between the batch before and this one.
    dropped: u32,
    /// Attributes shaped some of its events.
    attributed: bool,
    in_flight: bool,
    /// It may have arrived.
    sent: bool,
}

#[derive(Debug)]
pub(super) struct Outbox {
    pub limits: Limits,
    pub entries: Vec<Entry>,
    batches: Vec<Batch>,
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
            entries: Vec::new(),
            batches: Vec::new(),
            tickets: 0,
            sequence: 0,
            session: [0; 16],
            dropped: 0,
            backoff: Backoff::new(seed),
        }
    }

    /// Whether everything that is held is in a batch.
    pub(super) fn is_sealed(&self) -> bool {
        self.entries.iter().all(|e| e.batch.is_some())
    }

    /// Gives the oldest event that may be sent, and all that go with it, the next number. False: there is none.
    pub(super) fn seal(&mut self, consent: Consent) -> bool {
        let is_unpersonalized = |e: &Entry| e.unpersonalized || consent.personal() != Answer::Granted;
        let mut batch: Option<Batch> = None;
        let (mut bytes, mut events) = (HEAD_BYTES, 0);
        for entry in &mut self.entries {
            if entry.batch.is_some() || !consent.may_send(entry.attributed) {
                continue;
            }
            let unpersonalized = is_unpersonalized(entry);
            let batch = batch.get_or_insert_with(|| Batch {
                ticket: self.tickets,
                sequence: 0,
                person: entry.person.clone(),
                unpersonalized,
                dropped: 0,
                attributed: false,
                in_flight: false,
                sent: false,
            });
            let size = entry.bytes.len() + 4;
            let fits = Rc::ptr_eq(&entry.person, &batch.person)
                && unpersonalized == batch.unpersonalized
                && events < MAX_BATCH_EVENTS
                && bytes + size <= MAX_BATCH_BYTES;
            if fits {
                entry.batch = Some(batch.ticket);
                batch.attributed |= entry.attributed;
                events += 1;
                bytes += size;
            }
        }
        let Some(mut batch) = batch else { return false };
        if self.session != batch.person.session {
            self.session = batch.person.session;
            self.sequence = 0;
        }
        batch.sequence = self.sequence;
        batch.dropped = core::mem::take(&mut self.dropped);
        self.batches.push(batch);
        self.tickets += 1;
        self.sequence += 1;
        true
    }

    pub(super) fn not_before_ms(&self) -> u64 {
        self.backoff.not_before_ms()
    }

    /// Whether one more may be put under way.
    pub(super) fn is_free(&self) -> bool {
        self.batches.iter().filter(|b| b.in_flight).count() < MAX_IN_FLIGHT
    }

    pub(super) fn has_next(&self) -> bool {
        self.batches.iter().any(|b| !b.in_flight)
    }

    /// The oldest batch that is not under way, as bytes with its ticket.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<(u32, Vec<u8>)> {
        let batch = self.batches.iter_mut().find(|b| !b.in_flight)?;
        batch.in_flight = true;
        batch.sent = true;
        let head = EventBatch {
            session: &batch.person.session,
            sequence: batch.sequence,
            sent_ms: now_ms,
            visitor: Some(batch.person.visitor),
            account: batch.person.account.as_deref().unwrap_or_default(),
            dropped: batch.dropped,
            events: Vec::new(),
            unpersonalized: batch.unpersonalized,
        };
        let mut w = Writer::new();
        head.write_head(&mut w);
        for entry in &self.entries {
            if entry.batch == Some(batch.ticket) {
                w.element(9, &entry.bytes);
            }
        }
        Some((batch.ticket, w.into_bytes()))
    }

    pub(super) fn acknowledged(&mut self, ticket: u32) {
        self.refused(ticket);
        self.backoff.succeeded();
    }

    pub(super) fn refused(&mut self, ticket: u32) {
        self.retain(&mut |e, _| e.batch != Some(ticket));
    }

    pub(super) fn failed(&mut self, ticket: u32, now_ms: u64, asked_ms: u64) {
        self.wait(Some(ticket));
        self.backoff.failed(now_ms, asked_ms);
    }

    /// Everything under way may be lost: the page that sent it was put aside.
    pub(super) fn interrupted(&mut self) {
        self.wait(None);
    }

    /// Drops events that attributes shaped. An event's place in its batch is part of its id, so of a batch that may have
    /// arrived nothing can be taken out: it goes whole, and counts as dropped.
    pub(super) fn drop_attributed(&mut self) {
        let mut dropped = 0;
        self.retain(&mut |e, batches| {
            let batch = batches.iter().find(|b| e.batch == Some(b.ticket));
            let sent = batch.filter(|b| b.sent);
            let goes = sent.map_or(e.attributed, |b| b.attributed);
            dropped += u32::from(goes && sent.is_some());
            !goes
        });
        self.dropped += dropped;
    }

    /// Erases what no batch has taken.
    pub(super) fn drop_unsealed(&mut self) {
        self.retain(&mut |e, _| e.batch.is_some());
        self.dropped = 0;
    }

    pub(super) fn clear(&mut self) {
        self.retain(&mut |_, _| false);
        self.dropped = 0;
    }

    /// Drops the events that `keep` does not want, and the batches that have no other.
    fn retain(&mut self, keep: &mut dyn FnMut(&Entry, &[Batch]) -> bool) {
        let batches = &self.batches;
        self.entries.retain(|e| keep(e, batches));
        let entries = &self.entries;
        self.batches
            .retain(|b| entries.iter().any(|e| e.batch == Some(b.ticket)));
    }

    /// This batch, or every one, is not under way any more.
    fn wait(&mut self, ticket: Option<u32>) {
        for batch in &mut self.batches {
            batch.in_flight &= ticket.is_some_and(|ticket| batch.ticket != ticket);
        }
    }
}
