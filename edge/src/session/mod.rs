//! The client's state, shared by every face: who, what is allowed, what is shown, what is still to be sent.
//!
//! * [`consent`] is what the person allows; `privacy` is what follows from an answer.
//! * `current` is the snapshot in use; `choose` shows an arm and remembers it for its episode.
//! * `outbox` holds events, and batches of them until they are acknowledged; `backoff` says when to try again.
//!
//! # What this does not do
//!
//! It reads no clock, draws no randomness, stores nothing and sends nothing: a host passes the time and random bytes
//! in, takes bytes out, and says what became of them.

mod backoff;
mod choose;
pub mod consent;
mod current;
#[cfg(test)]
mod fixtures;
mod outbox;
mod person;
mod privacy;
mod send;
#[cfg(test)]
mod tests;

use alloc::rc::Rc;
use alloc::{string::String, vec::Vec};

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::Prepared;
use tiltwise_core::sticky::Memory;

use consent::Consent;
use current::Current;
use outbox::Outbox;
use person::Person;

pub use choose::{Choice, Source};
pub use current::{Offer, Refusal};
pub use outbox::Limits;
pub use person::Fresh;
pub use send::Tracked;

/// One page load, or one worker.
#[derive(Debug)]
pub struct Session {
    person: Rc<Person>,
    /// Names the session to experiments with `sticky = "session"`; it outlives a page load, the batches' session id does not.
    tag: u64,
    consent: Consent,
    context: Context,
    current: Option<Current>,
    /// What each experiment of the snapshot makes of the context, and the number of the change that it knows of. Emptied
    /// when the snapshot changes.
    prepared: Vec<(Option<u32>, Prepared)>,
    /// Changes of the context and of what of it may be read.
    changes: u32,
    memory: Memory,
    forced: Vec<Forced>,
    outbox: Outbox,
}

/// An arm that somebody asked to see.
#[derive(Debug)]
struct Forced {
    experiment: String,
    variant: String,
    /// Whether the flagged exposure has been made.
    told: bool,
}

impl Session {
    /// A session of nobody known yet, with every answer to consent still pending.
    pub fn new(fresh: &Fresh, now_ms: u64, limits: Limits) -> Self {
        Self {
            person: Rc::new(Person::new(fresh, now_ms)),
            tag: fresh.tag(),
            consent: Consent::default(),
            context: Context::new(),
            current: None,
            prepared: Vec::new(),
            changes: 0,
            memory: Memory::default(),
            forced: Vec::new(),
            outbox: Outbox::new(limits, fresh.seed()),
        }
    }

    /// Sets one named value of the context.
    pub fn set_context(&mut self, name: &str, value: ContextValue) {
        self.context.set(name, value);
        self.changes = self.changes.wrapping_add(1);
    }

    /// Takes a name out of the context.
    pub fn unset_context(&mut self, name: &str) {
        self.context.remove(name);
        self.changes = self.changes.wrapping_add(1);
    }

    /// Shows `variant` in `experiment` from now on, or with `None` what would be shown anyway.
    pub fn force(&mut self, experiment: &str, variant: Option<&str>) {
        self.forced.retain(|f| f.experiment != experiment);
        if let Some(variant) = variant {
            self.forced.push(Forced {
                experiment: experiment.into(),
                variant: variant.into(),
                told: false,
            });
        }
    }
}
