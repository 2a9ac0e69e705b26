//! How long events wait for the first snapshot that holds them.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Stamps that wait at most. Above it the oldest stay and new ones are left out: the samples get fewer, not biased
/// towards the fast ones.
const WAITING: usize = 4_096;

#[derive(Default)]
pub(super) struct Latency {
    waiting: Mutex<VecDeque<u64>>,
}

impl Latency {
    pub(super) fn received(&self, received_ms: u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING {
            waiting.push_back(received_ms);
        }
    }

    /// The waits that end with a snapshot which holds everything up to `through_ms`.
    pub(super) fn folded(&self, through_ms: u64, now_ms: u64) -> Vec<u64> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (held, rest): (VecDeque<u64>, VecDeque<u64>) =
            waiting.drain(..).partition(|at| *at <= through_ms);
        *waiting = rest;
        held.into_iter().map(|at| now_ms.saturating_sub(at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_waits_until_a_snapshot_holds_it_and_is_counted_once() {
        let latency = Latency::default();
        latency.received(100);
        latency.received(200);
        assert_eq!(latency.folded(150, 400), [300]);
        assert_eq!(latency.folded(150, 500), [0; 0]);
        assert_eq!(latency.folded(200, 600), [400]);
    }
}
