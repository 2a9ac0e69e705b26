//! Delays: which share of the rewards of an exposure of some age has come in.
//!
//! A reward is seen only if its delay is shorter than its exposure is old, so short delays are seen too often. The
//! reverse-time product-limit estimate corrects for that: among the rewards that came within `j` steps, of exposures that
//! are at least `j` steps old, it counts those that came in step `j`; the product of the other shares from the window's end
//! back to an age is the share that has come in by then.
//!
//! Every estimate starts from a prior worth [`PRIOR_REWARDS`] rewards: for all arms together the default below, for each arm
//! what all have together. So with few rewards the default holds, and an arm's own delays take over as they are seen.

use alloc::vec::Vec;

use crate::acc::triangle::DELAY_BINS;
use crate::join::reward::DELAY_STEPS;

/// The weight of what is believed beforehand.
pub const PRIOR_REWARDS: f64 = 20.0;
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
            *share = sixteenth_root((j + 1) as f64 / STEPS as f64);
        }
        Self {
            window_ms: window_ms.max(1) as f64,
            shares,
        }
    }

    /// The estimate from counts, starting from a prior.
    ///
    /// Steps that no exposure is old enough to have shown follow the prior, faster or slower as those that were shown did: a
    /// shop all of whose rewards came in the first step is not expected to get many in the last.
    pub fn estimate(prior: &Self, counts: &DelayCounts) -> Self {
        let pace = prior.pace(counts);
        let mut shares = [1.0; STEPS];
        let mut product = 1.0;
        for (j, share) in shares.iter_mut().enumerate().rev() {
            *share = product;
            let own = counts.step(j);
            let weight = PRIOR_REWARDS * prior.at(j);
            let expected = weight * prior.last_step_share(j) * pace;
            product *= 1.0 - ((own.came + expected) / (own.by_then + weight)).clamp(0.0, 1.0);
        }
        Self {
            window_ms: prior.window_ms,
            shares,
        }
    }

    /// How many times as many rewards came after the first step as expected, one reward beforehand.
    fn pace(&self, counts: &DelayCounts) -> f64 {
        let (mut came, mut expected) = (1.0, 1.0);
        for j in 1..STEPS {
            came += counts.step(j).came;
            expected += counts.step(j).by_then * self.last_step_share(j);
        }
        came / expected
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
        let steps = age_ms / self.window_ms * STEPS as f64;
        if steps >= STEPS as f64 {
            return 1.0;
        }
        let step = libm::floor(steps.max(0.0)) as usize;
        let within = (steps - step as f64).max(0.0);
        let end = self.shares.get(step).copied().unwrap_or(1.0);
        match step.checked_sub(1) {
            // The first step is where most rewards of most shops come in: within it, as by default.
            None => end * sixteenth_root(within),
            Some(before) => {
                let start = self.shares.get(before).copied().unwrap_or(1.0);
                start + (end - start) * within
            }
        }
    }
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
        let seen = (age_ms.saturating_mul(DELAY_STEPS) / window_ms.max(1)).min(DELAY_STEPS) as usize;
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

    const WINDOW: u64 = 16_000;

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
        for age in [10.0, 900.0, 5_000.0, 15_999.0] {
            assert!((estimate.share(age) - default.share(age)).abs() < 1e-12, "{age}");
        }
        assert!(default.share(16_000.0) >= 1.0 && default.share(1e12) >= 1.0);
        assert!(default.share(0.0) <= 0.0);
    }

    #[test]
    fn delays_of_matured_exposures_are_read_off() {
        let mut counts = DelayCounts::default();
        counts.add(&rewards(&[5_000, 2_500, 2_500]), WINDOW, WINDOW, 1.0);
        let delays = Delays::estimate(&Delays::default_of(WINDOW), &counts);
        assert!((delays.share(1_000.0) - 0.5).abs() < 0.01, "{delays:?}");
        assert!((delays.share(2_000.0) - 0.75).abs() < 0.01, "{delays:?}");
        assert!(delays.share(3_000.0) > 0.99, "{delays:?}");
    }

    #[test]
    fn young_exposures_do_not_make_delays_look_short() {
        // True delays: half in the first step, half in the fourth. A hundred old exposures' rewards, ten thousand young ones'.
        let mut counts = DelayCounts::default();
        counts.add(&rewards(&[500, 0, 0, 500]), WINDOW, WINDOW, 1.0);
        counts.add(&rewards(&[50_000]), 2_000, WINDOW, 1.0);
        let delays = Delays::estimate(&Delays::default_of(WINDOW), &counts);
        assert!((delays.share(2_000.0) - 0.5).abs() < 0.02, "{delays:?}");
    }
}
