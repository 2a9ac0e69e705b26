//! Delays: which share of the rewards of an exposure of some age has come in.
//!
//! A reward is seen only if its delay is shorter than its exposure is old, so short delays are seen too often. The
//! reverse-time product-limit estimate corrects for that: among the rewards that came within `j` steps, of exposures that
//! are at least `j` steps old, it counts those that came in step `j`; the product of the other shares from the window's end
//! back to an age is the share that has come in by then.
//!
//! Steps that no exposure is old enough to have shown are extrapolated: delays are taken to be exponential from there on, at
//! the rate that the shown steps have (rewards that came in each step, as a share of those by its end, add up to what the
//! rate expects). With few rewards the prior holds: for all arms together the default below, for each arm what all have
//! together. An arm's own delays take over as they are seen.

use alloc::vec::Vec;

use crate::acc::triangle::DELAY_BINS;
use crate::join::reward::{DELAY_STEPS, steps_within};

/// The weight of what is believed beforehand.
pub const PRIOR_REWARDS: f64 = 20.0;
/// So many rewards weigh the pace of an arm's own delays as much as what is believed beforehand. Few: with 20 an arm whose
/// rewards take 20 minutes reads a third of its rate after 5, and the reading is sure of it.
const TAIL_REWARDS: f64 = 5.0;
const STEPS: usize = DELAY_STEPS as usize;

/// By the end of each step of the window, the share of rewards that has come in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delays {
    window_ms: f64,
    shares: [f64; STEPS],
}

impl Delays {
    /// Before anything is known: the share is the sixteenth root of the age's share of the window, so four rewards of five
    /// come within the first thirtieth of it. Rather too fast than too slow: where it is too fast, what is young counts too
    /// little and gets more traffic; where it is too slow, what is young looks good for being young and feeds itself.
    pub fn default_of(window_ms: u64) -> Self {
        let mut shares = [1.0; STEPS];
        for (j, share) in shares.iter_mut().enumerate() {
            *share = sixteenth_root(end_of(j));
        }
        Self {
            window_ms: window_ms.max(1) as f64,
            shares,
        }
    }

    /// The estimate from counts, starting from a prior.
    pub fn estimate(prior: &Self, counts: &DelayCounts) -> Self {
        let tail = Tail::of(counts);
        let mut shares = [1.0; STEPS];
        let mut product = 1.0;
        for (j, share) in shares.iter_mut().enumerate().rev() {
            *share = product;
            let own = counts.step(j);
            let weight = PRIOR_REWARDS * prior.at(j);
            let last = prior.last_step_share(j) * (1.0 - tail.trust) + tail.last_step_share(j) * tail.trust;
            product *= 1.0 - ((own.came + weight * last) / (own.by_then + weight)).clamp(0.0, 1.0);
        }
        Self {
            window_ms: prior.window_ms,
            shares,
        }
    }

    /// Of the rewards that come by the end of a step, the share that comes in it.
    fn last_step_share(&self, j: usize) -> f64 {
        let before = j.checked_sub(1).map_or(0.0, |before| self.at(before));
        let by_then = self.at(j);
        if by_then > 0.0 {
            (by_then - before) / by_then
        } else {
            0.0
        }
    }

    fn at(&self, j: usize) -> f64 {
        self.shares.get(j).copied().unwrap_or(1.0)
    }

    /// The share of rewards that has come in at an age.
    pub fn share(&self, age_ms: f64) -> f64 {
        let age = (age_ms / self.window_ms).max(0.0);
        if age >= 1.0 {
            return 1.0;
        }
        let step = (libm::floor(libm::cbrt(age) * STEPS as f64) as usize).min(STEPS - 1);
        let (from, to) = (step.checked_sub(1).map_or(0.0, end_of), end_of(step));
        let within = ((age - from) / (to - from)).clamp(0.0, 1.0);
        let start = step.checked_sub(1).map_or(0.0, |before| self.at(before));
        start + (self.at(step) - start) * within
    }
}

/// Exponential delays, cut off at the window's end.
struct Tail {
    /// Rewards' rate, by window.
    rate: f64,
    /// How far it is believed, from 0 to 1.
    trust: f64,
}

impl Tail {
    fn of(counts: &DelayCounts) -> Self {
        let came: f64 = (1..STEPS).map(|j| counts.step(j).came).sum();
        let known = (1..STEPS).map(|j| counts.step(j).by_then).fold(0.0, f64::max);
        // Expected rewards in the last steps fall with the rate: halve the interval of its logarithm.
        let (mut low, mut high) = (libm::log(0.01), libm::log(100_000.0));
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            let tail = Self {
                rate: libm::exp(middle),
                trust: 1.0,
            };
            let expected: f64 = (1..STEPS)
                .map(|j| counts.step(j).by_then * tail.last_step_share(j))
                .sum();
            if expected > came {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self {
            rate: libm::exp(low),
            trust: known / (known + TAIL_REWARDS),
        }
    }

    fn last_step_share(&self, j: usize) -> f64 {
        let by = |age: f64| -libm::expm1(-self.rate * age);
        let before = j.checked_sub(1).map_or(0.0, |before| by(end_of(before)));
        let by_then = by(end_of(j));
        if by_then > 0.0 {
            (by_then - before) / by_then
        } else {
            0.0
        }
    }
}

/// Where a step ends, as a share of the window.
fn end_of(j: usize) -> f64 {
    let end = (j + 1) as f64 / STEPS as f64;
    end * end * end
}

/// Rewards by step, as far as each exposure is old enough to have shown them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DelayCounts {
    steps: [Step; STEPS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Step {
    /// Rewards that came in this step.
    came: f64,
    /// Rewards of the same exposures that came in it or before.
    by_then: f64,
}

impl DelayCounts {
    fn step(&self, j: usize) -> Step {
        self.steps.get(j).copied().unwrap_or_default()
    }

    /// Adds the rewards of exposures that are all at least `age_ms` old, each reward worth `scale`.
    pub fn add(&mut self, delays: &[i64; DELAY_BINS], age_ms: u64, window_ms: u64, scale: f64) {
        let seen = steps_within(age_ms, window_ms) as usize;
        let mut by_then = 0.0;
        for (step, &rewards) in self.steps.iter_mut().zip(delays).take(seen) {
            let came = rewards as f64 * scale;
            by_then += came;
            step.came += came;
            step.by_then += by_then;
        }
    }

    /// All arms together.
    pub fn pooled(arms: &[Self]) -> Self {
        let mut pooled = Self::default();
        for arm in arms {
            for (sum, step) in pooled.steps.iter_mut().zip(&arm.steps) {
                sum.came += step.came;
                sum.by_then += step.by_then;
            }
        }
        pooled
    }

    /// One estimate an arm, each starting from that of all arms together.
    pub fn estimates(arms: &[Self], window_ms: u64) -> Vec<Delays> {
        let pooled = Delays::estimate(&Delays::default_of(window_ms), &Self::pooled(arms));
        arms.iter().map(|arm| Delays::estimate(&pooled, arm)).collect()
    }
}

fn sixteenth_root(x: f64) -> f64 {
    libm::sqrt(libm::sqrt(libm::sqrt(libm::sqrt(x))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u64 = 4_096;

    /// When a step ends.
    fn end(j: u64) -> f64 {
        ((j + 1) * (j + 1) * (j + 1)) as f64
    }

    fn rewards(by_step: &[i64]) -> [i64; DELAY_BINS] {
        let mut bins = [0; DELAY_BINS];
        for (bin, &n) in bins.iter_mut().zip(by_step) {
            *bin = n;
        }
        bins
    }

    #[test]
    fn without_rewards_the_default_holds() {
        let default = Delays::default_of(WINDOW);
        let estimate = Delays::estimate(&default, &DelayCounts::default());
        for age in [1.0, 90.0, 500.0, 4_095.0] {
            assert!((estimate.share(age) - default.share(age)).abs() < 1e-12, "{age}");
        }
        assert!(default.share(4_096.0) >= 1.0 && default.share(1e12) >= 1.0);
        assert!(default.share(0.0) <= 0.0);
    }

    #[test]
    fn delays_of_matured_exposures_are_read_off() {
        let mut counts = DelayCounts::default();
        counts.add(&rewards(&[5_000, 2_500, 2_500]), WINDOW, WINDOW, 1.0);
        let delays = Delays::estimate(&Delays::default_of(WINDOW), &counts);
        assert!((delays.share(end(0)) - 0.5).abs() < 0.01, "{delays:?}");
        assert!((delays.share(end(1)) - 0.75).abs() < 0.01, "{delays:?}");
        assert!(delays.share(end(2)) > 0.99, "{delays:?}");
    }

    #[test]
    fn young_exposures_do_not_make_delays_look_short() {
        // True delays: half in the first step, half in the fourth. A hundred old exposures' rewards, ten thousand young ones'.
        let mut counts = DelayCounts::default();
        counts.add(&rewards(&[500, 0, 0, 500]), WINDOW, WINDOW, 1.0);
        counts.add(&rewards(&[50_000]), 8, WINDOW, 1.0);
        let delays = Delays::estimate(&Delays::default_of(WINDOW), &counts);
        assert!((delays.share(end(1)) - 0.5).abs() < 0.02, "{delays:?}");
    }

    #[test]
    fn what_no_exposure_is_old_enough_for_follows_the_pace_of_what_was_seen() {
        // Exponential delays whose mean is a sixth of the window, of exposures that are a quarter of it old.
        let came = |from: f64, to: f64| 1e5 * (libm::exp(-from * 6.0) - libm::exp(-to * 6.0));
        let bins: Vec<i64> = (0..10)
            .map(|j| came(if j == 0 { 0.0 } else { end(j - 1) / 4_096.0 }, end(j) / 4_096.0) as i64)
            .collect();
        let mut counts = DelayCounts::default();
        counts.add(&rewards(&bins), WINDOW / 4, WINDOW, 1.0);
        let delays = Delays::estimate(&Delays::default_of(WINDOW), &counts);
        let truth = |age: f64| (1.0 - libm::exp(-age * 6.0)) / (1.0 - libm::exp(-6.0));
        for age in [0.1, 0.2, 0.24] {
            let share = delays.share(age * 4_096.0);
            assert!(
                (share / truth(age) - 1.0).abs() < 0.05,
                "{age}: {share} {}",
                truth(age)
            );
        }
    }
}
