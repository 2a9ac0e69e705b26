//! The only gate: bytes become events once, and every event gets a verdict of its own.
//!
//! [`decide`] is the decision and does nothing: from a batch, its [`Arrival`] and what is known, it says what is to be
//! written and what is refused and why. The door then hands the parts to the log and learns which of them were there
//! before.
//!
//! What is not done here: no probability is computed (the core repeats decisions), nothing is written, and no identifier
//! leaves: right of admit there are only pseudonyms.

mod erasure;
mod event;
pub mod json;
mod reject;

use std::{collections::BTreeSet, sync::Arc};

use tiltwise_core::{
    event::{EventBatch, Quarantine},
    id::Tier,
    snapshot::SnapshotContent,
};

use crate::{
    hub::{Hub, Version},
    keys::{KeysError, Pseudonyms},
    log::{Part, Receipt, encode_events},
};

pub use erasure::erasure;
pub use reject::Reject;

/// What admit asks about the models that exposures name.
pub trait Models {
    fn version(&self, version: u64) -> Option<Version>;
    /// What a version says; nothing once it is not held any more.
    fn content(&self, version: u64) -> Option<Arc<SnapshotContent>>;
    fn newest(&self) -> Option<Arc<SnapshotContent>>;
}

impl Models for Hub {
    fn version(&self, version: u64) -> Option<Version> {
        Self::version(self, version)
    }

    fn content(&self, version: u64) -> Option<Arc<SnapshotContent>> {
        Self::content(self, version)
    }

    fn newest(&self) -> Option<Arc<SnapshotContent>> {
        Self::newest(self).map(|newest| newest.content.clone())
    }
}

/// How a batch came in.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The log's clock.
    pub received_ms: u64,
    /// What the sender proved.
    pub tier: Tier,
    /// The request denied personalization, and the configuration honours that.
    pub gpc: bool,
    /// The largest event that is taken.
    pub event_bytes: usize,
}

/// What is to be done with a batch.
#[derive(Debug, Default)]
pub struct Decision {
    /// One an event, in the batch's order.
    pub verdicts: Vec<Verdict>,
    /// What is to be written.
    pub parts: Vec<Part>,
    /// Versions that accepted exposures name.
    pub named: BTreeSet<u64>,
    pub quarantined: Vec<Quarantine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Stands or falls with this part.
    Part(usize),
    Rejected(Reject),
}

/// What the sender is told of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    Duplicate,
    Rejected(Reject),
}

impl Decision {
    /// The answers, once the log has said which parts are new.
    pub fn answers(&self, receipt: &Receipt) -> Vec<Answer> {
        let answer = |verdict: &Verdict| match verdict {
            Verdict::Rejected(reject) => Answer::Rejected(reject.clone()),
            Verdict::Part(part) if receipt.fresh.get(*part).copied().unwrap_or(false) => Answer::Accepted,
            Verdict::Part(_) => Answer::Duplicate,
        };
        self.verdicts.iter().map(answer).collect()
    }
}

/// Decides on every event of a batch. Fails only where the collector itself cannot go on.
pub fn decide(
    batch: &EventBatch<'_>,
    arrival: Arrival,
    models: &dyn Models,
    pseudonyms: &Pseudonyms,
) -> Result<Decision, KeysError> {
    let mut decision = Decision::default();
    // An edge's batch is written, or known again, as a whole: one look-up.
    let mut whole = Vec::new();
    for (index, bytes) in batch.events.iter().enumerate() {
        let admitted = match event::admit(bytes, index, batch, arrival, models, pseudonyms) {
            Ok(admitted) => admitted,
            Err(event::Refusal::Reject(reject)) => {
                decision.verdicts.push(Verdict::Rejected(reject));
                continue;
            }
            Err(event::Refusal::Keys(error)) => return Err(error),
        };
        decision.named.extend(admitted.names);
        decision.quarantined.extend(
            admitted
                .logged
                .iter()
                .map(|logged| logged.quarantine)
                .find(|quarantine| *quarantine != Quarantine::None),
        );
        let events = encode_events(&admitted.logged);
        if batch.session.is_empty() {
            decision.verdicts.push(Verdict::Part(decision.parts.len()));
            decision.parts.push(Part {
                key: Some(admitted.key),
                events,
            });
        } else {
            decision.verdicts.push(Verdict::Part(0));
            whole.extend(events);
        }
    }
    if !whole.is_empty() {
        let key = pseudonyms.event_id(&[b"batch", batch.session, &batch.sequence.to_le_bytes()]);
        decision.parts.push(Part {
            key: Some(key),
            events: whole,
        });
    }
    Ok(decision)
}
