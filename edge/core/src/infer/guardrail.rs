//! Guardrails: which arm does more harm than it may.
//!
//! A guardrail allows an arm an increase over the control; the hypothesis is that it keeps to it, and an arm is stopped when
//! the evidence against that exceeds 1/α. Each guardrail has its own α, shared by the arms, and half of it goes to each of two
//! ways of looking:
//!
//! * **at the matured prefix**, at any time: an e-process, or the one-sided sequence where it may answer ([`super::rule`]);
//! * **early**, at all units there are, whose windows are still open. By a fixed time, what came in of units decided before it is
//!   compared with what came in of the control's, age by age; the bets on it have mean 1 if at no age the arm's share is
//!   more above the control's than allowed. Over several times they are no martingale, so the j-th look spends α/(j(j+1)):
//!   those sum to α. There are sixteen looks in a window, so that harm is seen in hours where the window is a week.

use alloc::vec::Vec;

use super::TIGHTEST_AT;
use super::betting;
use super::rule::Pair;
use super::stabilised::{self, ContrastSums};
use super::totals::{Reading, Totals, least_propensity};
use crate::fit::Source;
use crate::revision::{Revision, Role};

/// The probability that a guardrail ever stops an arm which keeps to it.
pub const ALPHA: f64 = 0.05;
/// Early looks in a window.
const LOOKS_A_WINDOW: u64 = 16;
const LEAST_STEP_MS: u64 = 250;

/// How a guardrail stands for an arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub metric: usize,
    pub arm: usize,
    pub log_e: f64,
    /// What `log_e` has to reach.
    pub threshold: f64,
}

impl Standing {
    pub fn is_breached(&self) -> bool {
        self.log_e >= self.threshold
    }
}

/// What is read of the sums.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub today: &'a Revision,
    /// This experiment's only.
    pub sources: &'a [Source<'a>],
    pub clock_ms: u64,
    pub lateness_ms: u64,
    /// Buckets that start before this are left out: what a person has looked at and lifted.
    pub since_ms: u64,
}

impl Look<'_> {
    /// The number of the early look at this clock, for a guardrail; 0 before the first bucket.
    pub fn number(&self, metric: usize) -> u64 {
        let window_ms = self.today.metrics.get(metric).map_or(0, |m| m.window_ms);
        let step_ms = (window_ms / LOOKS_A_WINDOW).max(LEAST_STEP_MS);
        let starts = |source: &Source<'_>| {
            let mut buckets = source.sums.inference.buckets().map(|(start_ms, _)| start_ms);
            buckets.find(|&start_ms| start_ms >= self.since_ms)
        };
        let first = self.sources.iter().filter_map(starts).min();
        first.map_or(0, |first| self.clock_ms.saturating_sub(first) / step_ms + 1)
    }

    /// How every guardrail stands for every arm by the matured prefix.
    pub fn matured(&self) -> Vec<Standing> {
        self.stand(true, |_| 0.0)
    }

    /// The same at all units there are, by the number of this look.
    pub fn early(&self) -> Vec<Standing> {
        self.stand(false, |metric| {
            let j = self.number(metric).max(1) as f64;
            libm::log(j * (j + 1.0))
        })
    }

    fn stand(&self, only_matured: bool, price: impl Fn(usize) -> f64) -> Vec<Standing> {
        let control = self.today.control as usize;
        let others = self.today.arms().saturating_sub(1).max(1) as f64;
        let alpha = 0.5 * ALPHA / others;
        let mut standings = Vec::new();
        for (m, metric) in self.today.metrics.iter().enumerate() {
            if metric.role != Role::Guardrail {
                continue;
            }
            let totals = self.totals(m, only_matured);
            let margin = f64::from(metric.margin_micros()) / 1e6;
            for arm in (0..self.today.arms()).filter(|&arm| arm != control) {
                let pair = Pair {
                    arm: totals.arm(arm),
                    control: totals.arm(control),
                    contrast: &totals.contrast(arm),
                    is_constant: false,
                    is_predicted: false,
                    least_propensity: self.least_propensity(arm),
                };
                let log_e = if only_matured && pair.is_enough() {
                    stabilised::log_e_above(&ContrastSums::from(pair.contrast), margin, TIGHTEST_AT, alpha)
                } else {
                    betting::log_e_above(pair.contrast)
                };
                standings.push(Standing {
                    metric: m,
                    arm,
                    log_e,
                    threshold: price(m) - libm::log(alpha),
                });
            }
        }
        standings
    }

    fn least_propensity(&self, arm: usize) -> f64 {
        self.sources
            .iter()
            .map(|source| {
                least_propensity(source.revision, arm.min(source.revision.arms().saturating_sub(1)))
            })
            .fold(least_propensity(self.today, arm), f64::min)
    }

    fn totals(&self, metric: usize, only_matured: bool) -> Totals {
        let mut totals = Totals::new(self.today);
        let window_ms = self.today.metrics.get(metric).map_or(0, |m| m.window_ms);
        for source in self.sources {
            let reading = Reading::of(source.revision, self.today);
            let Some(place) = reading.metrics.get(metric).copied().flatten() else {
                continue;
            };
            let inference = &source.sums.inference;
            let waits = inference
                .bucket_ms()
                .saturating_add(window_ms)
                .saturating_add(self.lateness_ms);
            for (start_ms, bucket) in inference.buckets() {
                let is_in = !only_matured || start_ms.saturating_add(waits) <= self.clock_ms;
                if start_ms >= self.since_ms && is_in {
                    totals.add(inference, bucket, place, &reading);
                }
            }
        }
        totals
    }
}
