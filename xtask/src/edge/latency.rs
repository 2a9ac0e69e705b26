//! From an event to the weights that know of it.
//!
//! Measured at an edge, from the moment an outcome is sent to the moment a snapshot that has folded it stands verified
//! and ready to decide. The answer to the batch says when the collector received it (`receivedMs`); each snapshot says up
//! to when everything received is in its models (`foldedThroughMs`). Both are the collector's clock, the elapsed time is
//! this process's, so no two clocks are ever compared.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

/// A snapshot is awaited for as long as adoptions are remembered; at four snapshots a second this is ten minutes' worth.
const REMEMBERED: usize = 2_400;

/// Outcomes that wait for a snapshot, and how long the others have waited.
#[derive(Debug, Default)]
pub struct Latency {
    adoptions: VecDeque<Adoption>,
    waiting: Vec<Sent>,
    samples_us: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Adoption {
    folded_through_ms: u64,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    received_ms: u64,
    at: Instant,
}

/// What an end-to-end measurement comes to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    #[serde(rename = "p50")]
    pub p50_ms: f64,
    #[serde(rename = "p99")]
    pub p99_ms: f64,
    pub samples: usize,
}

impl Latency {
    /// An outcome sent at `at` has been acknowledged as received at `received_ms`.
    pub fn acknowledged(&mut self, at: Instant, received_ms: u64) {
        let sent = Sent { received_ms, at };
        // The snapshot may have been quicker than the acknowledgement.
        match self
            .adoptions
            .iter()
            .find(|adoption| adoption.folded_through_ms >= received_ms)
        {
            Some(adoption) => self
                .samples_us
                .push(micros(adoption.at.saturating_duration_since(at))),
            None => self.waiting.push(sent),
        }
    }

    /// A snapshot that has folded everything received up to `folded_through_ms` is ready to decide since `at`.
    pub fn adopted(&mut self, at: Instant, folded_through_ms: u64) {
        let samples = &mut self.samples_us;
        self.waiting.retain(|sent| {
            let folded = sent.received_ms <= folded_through_ms;
            if folded {
                samples.push(micros(at.saturating_duration_since(sent.at)));
            }
            !folded
        });
        self.adoptions.push_back(Adoption {
            folded_through_ms,
            at,
        });
        if self.adoptions.len() > REMEMBERED {
            self.adoptions.pop_front();
        }
    }

    /// How many outcomes no snapshot has answered yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub fn summary(&self) -> Summary {
        summary(&self.samples_us)
    }

    /// Of the newest samples only: what a status line shows.
    pub fn recent(&self) -> Summary {
        summary(
            self.samples_us
                .get(self.samples_us.len().saturating_sub(1_000)..)
                .unwrap_or_default(),
        )
    }
}

fn summary(samples_us: &[u32]) -> Summary {
    let mut sorted = samples_us.to_vec();
    sorted.sort_unstable();
    // Nearest rank: the least sample that at least this share does not exceed.
    let rank = |percent: usize| (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    let at = |percent| sorted.get(rank(percent)).map_or(0.0, |&us| f64::from(us) / 1e3);
    Summary {
        p50_ms: at(50),
        p99_ms: at(99),
        samples: sorted.len(),
    }
}

fn micros(elapsed: Duration) -> u32 {
    u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_waits_for_the_first_snapshot_that_has_folded_it() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut latency = Latency::default();
        latency.acknowledged(start, 500);
        latency.adopted(after(200), 499);
        assert_eq!((latency.waiting(), latency.summary().samples), (1, 0));
        latency.adopted(after(300), 500);
        latency.adopted(after(400), 900);
        assert_eq!(
            latency.summary(),
            Summary {
                p50_ms: 300.0,
                p99_ms: 300.0,
                samples: 1
            }
        );
    }

    #[test]
    fn a_snapshot_that_overtakes_the_acknowledgement_is_still_the_one_that_counts() {
        let start = Instant::now();
        let mut latency = Latency::default();
        latency.adopted(start + Duration::from_millis(40), 500);
        latency.adopted(start + Duration::from_millis(90), 700);
        latency.acknowledged(start, 450);
        assert_eq!(
            latency.summary(),
            Summary {
                p50_ms: 40.0,
                p99_ms: 40.0,
                samples: 1
            }
        );
    }

    #[test]
    fn percentiles_are_samples_that_were_seen() {
        let samples: Vec<u32> = (1..=200).map(|ms| ms * 1_000).collect();
        assert_eq!(
            summary(&samples),
            Summary {
                p50_ms: 100.0,
                p99_ms: 198.0,
                samples: 200
            }
        );
        assert_eq!(summary(&[]).samples, 0);
    }
}
