//! When to try again.

use tiltwise_core::hash::split_mix;

/// The first pause, and the longest. A collector restarts within a second; a minute spares one that is down.
const FIRST_MS: u64 = 1_000;
const LONGEST_MS: u64 = 60_000;
/// A `Retry-After` beyond an hour is taken for a mistake.
const LONGEST_ASKED_MS: u64 = 3_600_000;

#[derive(Debug)]
pub(super) struct Backoff {
    /// The state of the jitter's generator: it needs no secrecy, only to differ from page to page.
    random: u64,
    failures: u32,
    not_before_ms: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: seed,
            failures: 0,
            not_before_ms: 0,
        }
    }

    pub(super) fn not_before_ms(&self) -> u64 {
        self.not_before_ms
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before_ms = 0;
    }

    /// The pause doubles with every failure; half of it is chance, so that pages that failed together do not come back
    /// together. What the collector asked for is kept to.
    pub(super) fn failed(&mut self, now_ms: u64, asked_ms: u64) {
        let pause = (FIRST_MS << self.failures.min(6)).min(LONGEST_MS);
        self.failures += 1;
        // Of 32 random bits that share; how little it prefers some milliseconds no collector can notice.
        let chance = ((split_mix(&mut self.random) >> 32) * (pause / 2 + 1)) >> 32;
        let pause = pause / 2 + chance;
        self.not_before_ms = now_ms + pause.max(asked_ms.min(LONGEST_ASKED_MS));
    }
}
