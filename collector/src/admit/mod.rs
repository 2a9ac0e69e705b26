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

use std::sync::Arc;

use tiltwise_core::{
    event::{EventBatch, Quarantine},
    id::Tier,
    snapshot::SnapshotContent,
};

use crate::{
    hub::{Hub, Known},
    keys::{KeysError, Pseudonyms},
    log::{EventsWriter, Part, Receipt},
};

use event::Gate;

pub use erasure::erasure;
pub use reject::Reject;

/// What admit asks about the models that exposures name.
pub trait Models {
    fn known(&self, version: u64) -> Option<Known>;
    fn newest(&self) -> Option<Arc<SnapshotContent>>;
}

impl Models for Hub {
    fn known(&self, version: u64) -> Option<Known> {
        Self::known(self, version)
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
    /// Versions that accepted exposures name, each once.
    pub named: Vec<u64>,
    /// Some event was rejected because it names a version that is not known here.
    pub names_unknown: bool,
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
    let mut decision = Decision {
        verdicts: Vec::with_capacity(batch.events.len()),
        ..Decision::default()
    };
    let mut gate = Gate::new(batch, arrival, models, pseudonyms);
    let mut events = EventsWriter::for_events(&batch.events);
    for (index, bytes) in batch.events.iter().enumerate() {
        let admitted = match gate.admit(bytes, index, &mut events) {
            Ok(admitted) => admitted,
            Err(event::Refusal::Reject(reject)) => {
                decision.names_unknown |= matches!(reject, Reject::UnknownModel);
                decision.verdicts.push(Verdict::Rejected(reject));
                continue;
            }
            Err(event::Refusal::Keys(error)) => return Err(error),
        };
        if let Some(version) = admitted.names.filter(|version| !decision.named.contains(version)) {
            decision.named.push(version);
        }
        if admitted.quarantine != Quarantine::None {
            decision.quarantined.push(admitted.quarantine);
        }
        // An edge's batch is written, or known again, as a whole: one look-up.
        if gate.batch_id.is_some() {
            decision.verdicts.push(Verdict::Part(0));
        } else {
            decision.verdicts.push(Verdict::Part(decision.parts.len()));
            decision.parts.push(Part {
                key: Some(gate.key(&admitted.id)),
                events: events.take(),
            });
        }
    }
    if let Some(batch_id) = gate.batch_id.filter(|_| !events.is_empty()) {
        decision.parts.push(Part {
            key: Some(batch_id.key),
            events: events.take(),
        });
    }
    Ok(decision)
}
