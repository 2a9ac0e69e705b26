//! The last samples of a quantity, and the rate of a count over the last seconds.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use super::Quantiles;

/// Samples that are kept: at p99 ten lie above, enough for the number not to be one sample's accident.
const SAMPLES: usize = 1_024;

/// A ring of the newest samples.
pub struct Recent {
    samples: Mutex<VecDeque<f64>>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            samples: Mutex::new(VecDeque::with_capacity(SAMPLES)),
        }
    }

    pub(super) fn push(&self, sample: f64) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    pub fn quantiles(&self) -> Quantiles {
        let samples = self
            .samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .copied()
            .collect();
        Quantiles::of(samples)
    }

    /// The newest sample.
    pub fn last(&self) -> Option<f64> {
        self.samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .back()
            .copied()
    }
}

/// Seconds over which a rate is taken.
const RATE_SECONDS: u64 = 10;

/// Counts per second, over the last ten.
pub struct Rate {
    started: Instant,
    seconds: Mutex<VecDeque<(u64, u64)>>,
}

impl Rate {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            seconds: Mutex::default(),
        }
    }

    pub fn add(&self, count: u64) {
        let second = self.started.elapsed().as_secs();
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        match seconds.back_mut() {
            Some((newest, n)) if *newest == second => *n += count,
            _ => seconds.push_back((second, count)),
        }
        while seconds
            .front()
            .is_some_and(|(oldest, _)| oldest + RATE_SECONDS < second)
        {
            seconds.pop_front();
        }
    }

    pub fn per_second(&self) -> f64 {
        let elapsed = self.started.elapsed();
        let second = elapsed.as_secs();
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let counted: u64 = seconds
            .iter()
            .filter(|(at, _)| at + RATE_SECONDS >= second)
            .map(|(_, n)| n)
            .sum();
        counted as f64 / elapsed.as_secs_f64().clamp(1.0, RATE_SECONDS as f64)
    }
}
