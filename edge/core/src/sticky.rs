//! Episodes and stickiness: a choice holds until its episode ends.
//!
//! | `sticky`  | an episode lasts        | and is named by                        |
//! |-----------|-------------------------|----------------------------------------|
//! | `visitor` | 30 days from the choice | the 30-day span in which it was made   |
//! | `session` | as long as the session  | the session                            |
//! | `none`    | one attribution window  | the window-long span in which it was made |
//!
//! A span is at most one episode long, so two episodes of a unit never share a name.

use alloc::{string::String, vec::Vec};

use crate::event::Exposure;
use crate::hash::{Purpose, Unit, unit_hash};
use crate::revision::{MAX_KEY, Revision, Sticky};
use crate::wire::shape::{FIXED32, FIXED64, MESSAGE, Rule, U64, WIRE, bytes, each};
use crate::wire::{Fields, Message, WIRE_VERSION, WireError, Writer};

const MEMORY_MAGIC: u32 = u32::from_le_bytes(*b"TWM1");
/// The oldest choices are forgotten beyond so many: a page's storage is small.
const MAX_CHOICES: usize = 256;

/// The name of the episode that a decision made now would open. `session` is the first half of the session id.
pub fn episode(revision: &Revision, now_ms: u64, session: u64) -> u64 {
    match revision.sticky {
        Sticky::Session => session,
        Sticky::Visitor | Sticky::None => now_ms / revision.memory_ms(),
    }
}

/// Tells units apart in a [`Memory`] without naming them.
pub fn unit_tag(revision: &Revision, unit: Unit<'_>) -> u64 {
    unit_hash(&revision.salt, Purpose::Order, unit, u64::MAX)
}

/// A choice that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    pub experiment: String,
    pub variant: String,
    pub unit_tag: u64,
    pub decided_ms: u64,
    /// 0: with the session, which is the episode's name.
    pub until_ms: u64,
    pub exposure: Exposure,
}

/// The choices that hold, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    choices: Vec<Remembered>,
}

impl Memory {
    /// The choice that holds for a unit in an experiment, if its variant still exists there.
    pub fn recall(
        &self,
        revision: &Revision,
        unit_tag: u64,
        now_ms: u64,
        session: u64,
    ) -> Option<&Remembered> {
        self.choices.iter().find(|c| {
            let lasts = if c.until_ms == 0 {
                c.exposure.episode == session
            } else {
                now_ms < c.until_ms
            };
            c.unit_tag == unit_tag && lasts && c.experiment == revision.key
        })
    }

    /// Keeps a choice instead of whatever this unit had in this experiment.
    pub fn keep(&mut self, revision: &Revision, unit_tag: u64, now_ms: u64, exposure: Exposure) {
        let mut is_full = self.choices.len() >= MAX_CHOICES;
        self.choices.retain(|c| {
            let goes =
                core::mem::take(&mut is_full) || (c.unit_tag == unit_tag && c.experiment == revision.key);
            !goes
        });
        let variant = revision
            .variants
            .get(exposure.arm as usize)
            .map(|v| v.key.clone())
            .unwrap_or_default();
        let until_ms = match revision.sticky {
            Sticky::Session => 0,
            Sticky::Visitor | Sticky::None => now_ms.saturating_add(revision.memory_ms()),
        };
        let experiment = revision.key.clone();
        self.choices.push(Remembered {
            experiment,
            variant,
            unit_tag,
            decided_ms: now_ms,
            until_ms,
            exposure,
        });
    }

    pub fn clear(&mut self) {
        self.choices.clear();
    }

    /// Takes over what another copy remembers and this one does not.
    pub fn absorb(&mut self, other: Self) {
        for choice in other.choices {
            let known = |c: &Remembered| c.experiment == choice.experiment && c.unit_tag == choice.unit_tag;
            if self.choices.len() < MAX_CHOICES && !self.choices.iter().any(known) {
                self.choices.push(choice);
            }
        }
    }

    /// The choices stay; which attributes led to them is forgotten.
    pub fn strip_attributes(&mut self) {
        for choice in &mut self.choices {
            choice.exposure.slots.clear();
            choice.exposure.values_q10.clear();
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Remembered> {
        self.choices.iter()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Message::read(bytes, Self::read)
    }

    fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 3] = [FIXED32, WIRE, each(MAX_CHOICES, "choices")];
        let f = Fields::read(m, &RULES);
        m.check_head(f.u32(1), MEMORY_MAGIC, f.u32(2));
        Self {
            choices: f.each(m, 3, Remembered::read),
        }
    }

    /// What is worth storing at this time: ended episodes are left out (whether a session has ended, its host knows).
    /// Which attributes led to the choices is in it only if `personal`.
    pub fn encode(&self, now_ms: u64, personal: bool) -> Vec<u8> {
        let mut w = Writer::new();
        w.fixed32(1, MEMORY_MAGIC);
        w.uint(2, WIRE_VERSION.into());
        for choice in &self.choices {
            if choice.until_ms == 0 || choice.until_ms > now_ms {
                w.message(3, |w| choice.write(w, personal));
            }
        }
        w.into_bytes()
    }
}

impl Remembered {
    fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 6] = [
            bytes(MAX_KEY, "experiment key"),
            bytes(MAX_KEY, "variant key"),
            FIXED64,
            U64,
            U64,
            MESSAGE,
        ];
        let f = Fields::read(m, &RULES);
        m.need(f.has(6), "exposure");
        Self {
            experiment: f.text(m, 1),
            variant: f.text(m, 2),
            unit_tag: f.u64(3),
            decided_ms: f.u64(4),
            until_ms: f.u64(5),
            exposure: f.message(m, 6, Exposure::read),
        }
    }

    fn write(&self, w: &mut Writer, personal: bool) {
        w.text(1, &self.experiment);
        w.text(2, &self.variant);
        w.fixed64(3, self.unit_tag);
        w.uint(4, self.decided_ms);
        w.uint(5, self.until_ms);
        w.message(6, |w| self.exposure.write_for(w, personal));
    }
}
