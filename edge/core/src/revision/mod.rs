//! The immutable compiled definition of an experiment.
//!
//! A person writes an experiment file; the collector checks and compiles it into a [`Revision`], whose encoded bytes have a
//! hash that names it. Exposures carry that name, and fold uses the named revision, never today's file.

mod attribute;
mod condition;
mod metric;
mod policy;

use alloc::{string::String, vec::Vec};

use crate::id::UnitKind;
use crate::propensity::ONE_Q30;
use crate::wire::shape::{MESSAGE, Rule, U32, U64, bytes, each, exactly, upto};
use crate::wire::{Fields, Message, WireError, Writer};

pub use attribute::{Attribute, AttributeKind, LINEAR_LIMIT_Q10, MAX_ATTRIBUTES};
pub use condition::{Condition, MAX_CONDITIONS, Operator, Value};
pub use metric::{Metric, OnBreach, Role};
pub use policy::{Policy, PolicyKind};

/// At most so many arms: what a permutation of arms and an exposure's lists are sized for.
pub const MAX_ARMS: usize = 64;
/// At most so many metrics, the optimised one included.
pub const MAX_METRICS: usize = 16;
/// A key of an experiment, variant, attribute or metric is at most so many bytes.
pub const MAX_KEY: usize = 64;
/// The JSON value of a variant is at most so many bytes.
pub const MAX_VALUE: usize = 8_192;

/// How long a choice is kept, which is also what an episode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Sticky {
    /// Thirty days.
    #[default]
    Visitor = 0,
    /// As long as the session.
    Session = 1,
    /// One attribution window.
    None = 2,
}

/// How long a `sticky = "visitor"` choice is kept.
pub const MEMORY_MS: u64 = 30 * 24 * 3_600_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    pub key: String,
    /// JSON text: what a page gets.
    pub value: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    pub key: String,
    /// Equal over all revisions of an experiment, so that an edit moves nobody.
    pub salt: [u8; 16],
    pub unit: UnitKind,
    pub sticky: Sticky,
    /// Shares of units, in parts of 2^30.
    pub traffic_q30: u32,
    pub comparison_q30: u32,
    /// Index of the arm that the others are compared with.
    pub control: u32,
    pub variants: Vec<Variant>,
    pub when: Condition,
    pub attributes: Vec<Attribute>,
    pub policy: Policy,
    /// The first is the one that is optimised.
    pub metrics: Vec<Metric>,
    /// 0: nothing is forgotten.
    pub half_life_ms: u64,
    /// Width of the inference buckets.
    pub bucket_ms: u64,
    /// Width of the finest learning buckets: one of [`crate::time::LADDER_MS`].
    pub fine_ms: u64,
    /// The declared number of units at which the experiment ends; 0: it is open-ended.
    pub horizon_units: u64,
}

impl Revision {
    pub fn arms(&self) -> usize {
        self.variants.len()
    }

    /// The metric that is optimised.
    pub fn metric(&self) -> &Metric {
        // A decoded revision has at least one metric (see `check`).
        self.metrics.first().unwrap_or(&metric::NEVER)
    }

    /// The longest window of all metrics: how long an exposure waits for what may count.
    pub fn longest_window_ms(&self) -> u64 {
        self.metrics.iter().map(|m| m.window_ms).max().unwrap_or(0)
    }

    /// How long an episode lasts from its decision, where a clock ends it.
    pub fn memory_ms(&self) -> u64 {
        match self.sticky {
            Sticky::Visitor => MEMORY_MS,
            Sticky::Session => u64::MAX,
            Sticky::None => self.metric().window_ms.max(1),
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Message::read(bytes, Self::read)
    }

    pub(crate) fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 16] = [
            bytes(MAX_KEY, "experiment key"),
            exactly(16, "salt"),
            upto(1, "unit kind"),
            upto(2, "stickiness"),
            U32,
            U32,
            U32,
            each(MAX_ARMS, "number of variants (2 to 64)"),
            MESSAGE,
            each(MAX_ATTRIBUTES, "number of attributes (at most 128)"),
            MESSAGE,
            each(MAX_METRICS, "number of metrics (1 to 16)"),
            U64,
            U64,
            U64,
            U64,
        ];
        let f = Fields::read(m, &RULES);
        let mut conditions = MAX_CONDITIONS;
        let revision = Self {
            key: f.text(m, 1),
            salt: f.bytes(2).try_into().unwrap_or_default(),
            unit: if f.is(3) {
                UnitKind::Account
            } else {
                UnitKind::Visitor
            },
            sticky: match f.u32(4) {
                0 => Sticky::Visitor,
                1 => Sticky::Session,
                _ => Sticky::None,
            },
            traffic_q30: f.u32(5),
            comparison_q30: f.u32(6),
            control: f.u32(7),
            variants: f.each(m, 8, Variant::read),
            when: f.message(m, 9, |m| Condition::read(m, 0, &mut conditions)),
            attributes: f.each(m, 10, Attribute::read),
            policy: f.message(m, 11, Policy::read),
            metrics: f.each(m, 12, Metric::read),
            half_life_ms: f.u64(13),
            bucket_ms: f.u64(14),
            fine_ms: f.u64(15),
            horizon_units: f.u64(16),
        };
        m.check(revision.check());
        revision
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.into_bytes()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.text(1, &self.key);
        w.bytes(2, &self.salt);
        w.uint(3, self.unit as u64);
        w.uint(4, self.sticky as u64);
        w.uint(5, self.traffic_q30.into());
        w.uint(6, self.comparison_q30.into());
        w.uint(7, self.control.into());
        for variant in &self.variants {
            w.message(8, |w| {
                w.text(1, &variant.key);
                w.text(2, &variant.value);
            });
        }
        w.message(9, |w| self.when.write(w));
        for attribute in &self.attributes {
            w.message(10, |w| attribute.write(w));
        }
        w.message(11, |w| self.policy.write(w));
        for metric in &self.metrics {
            w.message(12, |w| metric.write(w));
        }
        w.uint(13, self.half_life_ms);
        w.uint(14, self.bucket_ms);
        w.uint(15, self.fine_ms);
        w.uint(16, self.horizon_units);
    }

    /// What every later function relies on. A revision that was decoded has passed it.
    pub fn check(&self) -> Result<(), WireError> {
        let arms = self.variants.len();
        if !(2..=MAX_ARMS).contains(&arms) {
            return Err(WireError::out_of_range("number of variants (2 to 64)"));
        }
        if self.key.is_empty() || self.variants.iter().any(|v| v.key.is_empty()) {
            return Err(WireError::missing("key of an experiment or variant"));
        }
        if self.control as usize >= arms {
            return Err(WireError::out_of_range("control"));
        }
        if self.traffic_q30 > ONE_Q30 || self.comparison_q30 > ONE_Q30 {
            return Err(WireError::out_of_range("share of units"));
        }
        if self.metrics.is_empty() || self.metrics.len() > MAX_METRICS {
            return Err(WireError::out_of_range("number of metrics (1 to 16)"));
        }
        if self.bucket_ms == 0 || !crate::time::LADDER_MS.contains(&self.fine_ms) {
            return Err(WireError::out_of_range("bucket width"));
        }
        attribute::check(&self.attributes)?;
        self.policy.check(arms)
    }
}

impl Variant {
    fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 2] = [bytes(MAX_KEY, "variant key"), bytes(MAX_VALUE, "variant value")];
        let f = Fields::read(m, &RULES);
        Self {
            key: f.text(m, 1),
            value: f.text(m, 2),
        }
    }
}
