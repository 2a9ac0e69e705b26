//! Probabilities as the integers that are sampled from.
//!
//! 2^30 steps: the smallest step of a propensity. A draw is a number below it, and an arm is chosen exactly as often as its
//! integer says, so what is logged is what was sampled from. Changing it moves every unit: it is part of the spec version.

use alloc::vec::Vec;

use crate::number::round;
use crate::revision::MAX_ARMS;

/// Certainty, in parts of 2^30.
pub const ONE_Q30: u32 = 1 << 30;

/// A share in [0, 1] to parts of 2^30, rounded to nearest. Not-a-number is 0.
pub fn share_q30(share: f64) -> u32 {
    round(share.clamp(0.0, 1.0) * f64::from(ONE_Q30))
}

/// A set of arms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arms(u64);

impl Arms {
    /// Those of the first `arms` that are `chosen`; [`MAX_ARMS`] at most.
    pub fn of(arms: usize, chosen: impl Fn(usize) -> bool) -> Self {
        let set = (0..arms.min(MAX_ARMS)).filter(|&arm| chosen(arm));
        Self(set.fold(0, |bits, arm| bits | 1 << arm))
    }

    pub fn has(self, arm: usize) -> bool {
        self.0.checked_shr(arm as u32).unwrap_or(0) & 1 == 1
    }

    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The one with the largest weight, the first of equals.
    #[inline(never)]
    pub fn likeliest(self, weights: &[f64]) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for (arm, &w) in weights.iter().enumerate() {
            if self.has(arm) && best.is_none_or(|(_, most)| w > most) {
                best = Some((arm, w));
            }
        }
        best
    }
}

/// Mixes in the floor and rounds probabilities to integers that sum to 2^30.
///
/// `weights` are the policy's probabilities (at least 0, any positive sum; inactive arms are ignored). Every active arm gets
/// at least `floor_q30` and at least 1; the likeliest takes what rounding leaves. Inactive arms get 0. Without an active arm
/// all are 0.
pub fn quantise(weights: &[f64], active: Arms, floor_q30: u32) -> Vec<u32> {
    let mut q = Vec::with_capacity(weights.len());
    quantise_into(&mut q, weights, active, floor_q30);
    q
}

/// The same in memory that there is.
#[inline(never)]
pub(crate) fn quantise_into(q: &mut Vec<u32>, weights: &[f64], active: Arms, floor_q30: u32) {
    let one = f64::from(ONE_Q30);
    let arms = active.count() as f64;
    let best = active.likeliest(weights).map(|(arm, _)| arm);
    let mut sum = 0.0;
    for (arm, &w) in weights.iter().enumerate() {
        if active.has(arm) && w > 0.0 {
            sum += w;
        }
    }
    let is_known = sum > 0.0 && sum.is_finite();
    let floors = f64::from(floor_q30) / one * arms;
    let rest = if floors < 1.0 { 1.0 - floors } else { 0.0 };
    let mut left = ONE_Q30;
    q.clear();
    for (arm, &w) in weights.iter().enumerate() {
        let mut share = 0;
        if active.has(arm) && Some(arm) != best {
            let p = match is_known {
                false => 1.0 / arms,
                true if w > 0.0 => w / sum,
                true => 0.0,
            };
            // The floor is exact: what the mixture adds is rounded down, never the floor itself.
            share = floor_q30.saturating_add((rest * p * one) as u32).max(1);
        }
        left = left.saturating_sub(share);
        q.push(share);
    }
    if let Some(q) = best.and_then(|best| q.get_mut(best)) {
        *q = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_always_the_whole() {
        let q = quantise(&[0.2, 0.3, 0.5], Arms::of(3, |_| true), share_q30(0.05));
        assert_eq!(q.iter().sum::<u32>(), ONE_Q30);
        assert!(q.iter().all(|&p| p >= share_q30(0.05)));
    }

    #[test]
    fn an_inactive_arm_has_no_chance_and_an_active_one_always_some() {
        let active = Arms::of(3, |arm| arm != 2);
        assert_eq!(quantise(&[1.0, 0.0, 0.0], active, 0), [ONE_Q30 - 1, 1, 0]);
    }

    #[test]
    fn weights_that_are_no_numbers_fall_back_to_an_even_split() {
        assert_eq!(
            quantise(&[f64::NAN, f64::INFINITY], Arms::of(2, |_| true), 0),
            [ONE_Q30 / 2, ONE_Q30 / 2]
        );
    }
}
