//! Probabilities as the integers that are sampled from.
//!
//! 2^30 steps: the smallest step of a propensity. A draw is a number below it, and an arm is chosen exactly as often as its
//! integer says, so what is logged is what was sampled from. Changing it moves every unit: it is part of the spec version.

use alloc::vec::Vec;

/// Certainty, in parts of 2^30.
pub const ONE_Q30: u32 = 1 << 30;

/// A share in [0, 1] to parts of 2^30, rounded to nearest. Not-a-number is 0.
pub fn share_q30(share: f64) -> u32 {
    libm::round(share.clamp(0.0, 1.0) * f64::from(ONE_Q30)) as u32
}

/// Mixes in the floor and rounds probabilities to integers that sum to 2^30.
///
/// `weights` are the policy's probabilities (at least 0, any positive sum; inactive arms are ignored). Every active arm gets
/// at least `floor_q30` and at least 1; the likeliest takes what rounding leaves. Inactive arms get 0. Without an active arm
/// all are 0.
pub fn quantise(weights: &[f64], active: impl Fn(usize) -> bool, floor_q30: u32) -> Vec<u32> {
    let weight = |arm: usize, w: f64| if active(arm) && w > 0.0 { w } else { 0.0 };
    let arms = (0..weights.len()).filter(|&arm| active(arm)).count();
    let sum: f64 = weights.iter().enumerate().map(|(arm, &w)| weight(arm, w)).sum();
    let floor = f64::from(floor_q30) / f64::from(ONE_Q30);
    let rest = (1.0 - floor * arms as f64).max(0.0);
    let best = likeliest(weights, &active);
    let mut q: Vec<u32> = weights
        .iter()
        .enumerate()
        .map(|(arm, &w)| {
            if !active(arm) || Some(arm) == best {
                return 0;
            }
            let p = if sum > 0.0 && sum.is_finite() {
                weight(arm, w) / sum
            } else {
                1.0 / arms as f64
            };
            // The floor is exact: what the mixture adds is rounded down, never the floor itself.
            floor_q30
                .saturating_add(libm::floor(rest * p * f64::from(ONE_Q30)) as u32)
                .max(1)
        })
        .collect();
    let others: u32 = q.iter().sum();
    if let Some(q) = best.and_then(|best| q.get_mut(best)) {
        *q = ONE_Q30.saturating_sub(others);
    }
    q
}

/// The active arm with the largest weight, the first of equals.
fn likeliest(weights: &[f64], active: impl Fn(usize) -> bool) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (arm, &w) in weights.iter().enumerate().filter(|&(arm, _)| active(arm)) {
        if best.is_none_or(|(_, most)| w > most) {
            best = Some((arm, w));
        }
    }
    best.map(|(arm, _)| arm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_always_the_whole() {
        let q = quantise(&[0.2, 0.3, 0.5], |_| true, share_q30(0.05));
        assert_eq!(q.iter().sum::<u32>(), ONE_Q30);
        assert!(q.iter().all(|&p| p >= share_q30(0.05)));
    }

    #[test]
    fn an_inactive_arm_has_no_chance_and_an_active_one_always_some() {
        assert_eq!(quantise(&[1.0, 0.0, 0.0], |arm| arm != 2, 0), [ONE_Q30 - 1, 1, 0]);
    }

    #[test]
    fn weights_that_are_no_numbers_fall_back_to_an_even_split() {
        assert_eq!(
            quantise(&[f64::NAN, f64::INFINITY], |_| true, 0),
            [ONE_Q30 / 2, ONE_Q30 / 2]
        );
    }
}
