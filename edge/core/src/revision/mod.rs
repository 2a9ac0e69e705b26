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
use crate::wire::{Message, WireError, Writer};

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
        let mut revision = Self {
            key: String::new(),
            salt: [0; 16],
            unit: UnitKind::Visitor,
            sticky: Sticky::Visitor,
            traffic_q30: 0,
            comparison_q30: 0,
            control: 0,
            variants: Vec::new(),
            when: Condition::always(),
            attributes: Vec::new(),
            policy: Policy::default(),
            metrics: Vec::new(),
            half_life_ms: 0,
            bucket_ms: 0,
            fine_ms: 0,
            horizon_units: 0,
        };
        let mut conditions = MAX_CONDITIONS;
        while let Some(number) = m.next_field() {
            match number {
                1 => revision.key = m.text(MAX_KEY, "experiment key"),
                2 => revision.salt = m.exactly("salt"),
                3 => revision.unit = UnitKind::read(m),
                4 => {
                    let sticky = m.u32();
                    m.require(sticky <= 2, "stickiness");
                    revision.sticky = match sticky {
                        0 => Sticky::Visitor,
                        1 => Sticky::Session,
                        _ => Sticky::None,
                    }
                }
                5 => revision.traffic_q30 = m.u32(),
                6 => revision.comparison_q30 = m.u32(),
                7 => revision.control = m.u32(),
                8 => revision.variants.push(m.nested(Variant::read)),
                9 => revision.when = m.nested(|m| Condition::read(m, 0, &mut conditions)),
                10 => revision.attributes.push(m.nested(Attribute::read)),
                11 => revision.policy = m.nested(Policy::read),
                12 => revision.metrics.push(m.nested(Metric::read)),
                13 => revision.half_life_ms = m.u64(),
                14 => revision.bucket_ms = m.u64(),
                15 => revision.fine_ms = m.u64(),
                20 => revision.horizon_units = m.u64(),
                _ => m.unknown(),
            }
        }
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
        w.uint(20, self.horizon_units);
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
        let mut variant = Self {
            key: String::new(),
            value: String::new(),
        };
        while let Some(number) = m.next_field() {
            match number {
                1 => variant.key = m.text(MAX_KEY, "variant key"),
                2 => variant.value = m.text(MAX_VALUE, "variant value"),
                _ => m.unknown(),
            }
        }
        variant
    }
}
