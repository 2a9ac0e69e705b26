//! What an outcome counts for.

use alloc::string::String;

use super::MAX_KEY;
use crate::id::Tier;
use crate::wire::shape::{Rule, U32, U64, bytes, upto};
use crate::wire::{Fields, Message, Writer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Role {
    /// Optimised (the first metric) or only watched.
    #[default]
    Watched = 0,
    /// Less is better, and too much more than the control has a consequence.
    Guardrail = 1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum OnBreach {
    #[default]
    Notify = 0,
    StopVariant = 1,
    Pause = 2,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The outcome's name.
    pub event: String,
    /// How long after the decision an outcome counts.
    pub window_ms: u64,
    /// 0: an episode counts 1 if the outcome happened. Above: values are summed, clipped to the cap and divided by it.
    pub cap_micros: u64,
    /// The only currency that counts; empty where values are no money.
    pub currency: String,
    pub min_tier: Tier,
    pub role: Role,
    /// Guardrails: the increase over the control that is too much, on the scaled reward.
    pub max_increase_micros: u32,
    /// What a breach does, by itself and at once.
    pub on_breach: OnBreach,
}

/// The metric of a revision without metrics, which cannot be decoded: nothing counts.
pub(super) static NEVER: Metric = Metric {
    event: String::new(),
    window_ms: 0,
    cap_micros: 0,
    currency: String::new(),
    min_tier: Tier::Server,
    role: Role::Watched,
    max_increase_micros: 0,
    on_breach: OnBreach::Notify,
};

impl Metric {
    /// Counts 1 an episode within `window_ms`.
    pub fn rate(event: &str, window_ms: u64) -> Self {
        Self {
            event: event.into(),
            window_ms,
            min_tier: Tier::Page,
            ..NEVER.clone()
        }
    }

    /// What bets on this metric leave out: a guardrail's allowed increase.
    pub fn margin_micros(&self) -> u32 {
        match self.role {
            Role::Watched => 0,
            Role::Guardrail => self.max_increase_micros,
        }
    }

    /// Whether an outcome of this name, currency and tier counts (its time is another question).
    pub fn counts(&self, name: &str, currency: &str, tier: Tier) -> bool {
        self.event == name && tier >= self.min_tier && (self.cap_micros == 0 || self.currency == currency)
    }

    pub(super) fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 8] = [
            bytes(MAX_KEY, "metric event"),
            U64,
            U64,
            bytes(8, "currency"),
            upto(Tier::Server as u32, "tier"),
            upto(1, "role of a metric"),
            U32,
            upto(2, "on_breach"),
        ];
        let f = Fields::read(m, &RULES);
        let metric = Self {
            event: f.text(m, 1),
            window_ms: f.u64(2),
            cap_micros: f.u64(3),
            currency: f.text(m, 4),
            min_tier: Tier::from_wire(f.u32(5)).unwrap_or_default(),
            role: if f.is(6) { Role::Guardrail } else { Role::Watched },
            max_increase_micros: f.u32(7),
            on_breach: match f.u32(8) {
                0 => OnBreach::Notify,
                1 => OnBreach::StopVariant,
                _ => OnBreach::Pause,
            },
        };
        m.need(!metric.event.is_empty(), "event of a metric");
        // A century: no sum of a time and a window can overflow.
        let window = (1..=3_155_760_000_000).contains(&metric.window_ms);
        m.require(
            window && metric.cap_micros <= MAX_CAP_MICROS,
            "window or cap of a metric",
        );
        metric
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.text(1, &self.event);
        w.uint(2, self.window_ms);
        w.uint(3, self.cap_micros);
        w.text(4, &self.currency);
        w.uint(5, self.min_tier as u64);
        w.uint(6, self.role as u64);
        w.uint(7, self.max_increase_micros.into());
        w.uint(8, self.on_breach as u64);
    }
}

/// A cap of a million million units: sums of a thousand clipped values stay far inside 128 bits.
const MAX_CAP_MICROS: u64 = 1_000_000_000_000_000_000;
