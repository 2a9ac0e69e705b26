//! The chance that each of several uncertain means is the largest.

use alloc::vec::Vec;

use crate::propensity::Arms;

/// A mean that is known up to a normal error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    pub mean: f64,
    pub variance: f64,
}

/// Trapezoid nodes over ±5 standard deviations of each mean in turn.
///
/// Each arm is integrated over its own range, in its own standard deviations: a common grid would step over the peak of an
/// arm that is known well beside one that is not.
const NODES: usize = 65;
const REACH: f64 = 5.0;

/// For every active arm the chance that its mean is the largest of theirs, and 0 for the others; the sum is 1.
pub fn chances(beliefs: &[Belief], active: Arms) -> Vec<f64> {
    let mut chances: Vec<f64> = (0..beliefs.len())
        .map(|arm| {
            if active.has(arm) {
                chance(beliefs, arm, active)
            } else {
                0.0
            }
        })
        .collect();
    let sum: f64 = chances.iter().sum();
    if sum > 0.0 {
        for p in &mut chances {
            *p /= sum;
        }
    }
    chances
}

/// Top-two sampling with an even coin: the best of a draw half of the time, and else the best of the draws that another arm
/// wins. Source: Russo 2020, ψ_a = α_a [β + (1 − β) Σ_{b≠a} α_b / (1 − α_b)] with β = ½.
pub fn top_two(chances: &[f64]) -> Vec<f64> {
    const LEADER: f64 = 0.5;
    // 1 - p, added up from the others: of a sure leader the subtraction would leave nothing.
    let others = |arm: usize| {
        let sum: f64 = chances
            .iter()
            .enumerate()
            .filter(|&(b, _)| b != arm)
            .map(|(_, p)| p)
            .sum();
        sum.max(1e-300)
    };
    let odds: Vec<f64> = chances
        .iter()
        .enumerate()
        .map(|(arm, p)| p / others(arm))
        .collect();
    let mut psi: Vec<f64> = chances
        .iter()
        .enumerate()
        .map(|(arm, p)| {
            let second: f64 = odds
                .iter()
                .enumerate()
                .filter(|&(b, _)| b != arm)
                .map(|(_, o)| o)
                .sum();
            p * (LEADER + (1.0 - LEADER) * second)
        })
        .collect();
    let sum: f64 = psi.iter().sum();
    if sum > 0.0 {
        for p in &mut psi {
            *p /= sum;
        }
    }
    psi
}

fn chance(beliefs: &[Belief], arm: usize, active: Arms) -> f64 {
    let Some(own) = beliefs.get(arm) else { return 0.0 };
    let deviation = libm::sqrt(own.variance.max(1e-18));
    let step = 2.0 * REACH / (NODES - 1) as f64;
    let mut sum = 0.0;
    for node in 0..NODES {
        let t = node as f64 * step - REACH;
        let z = own.mean + deviation * t;
        let mut density = libm::exp(-0.5 * t * t);
        for (other, belief) in beliefs.iter().enumerate() {
            if other != arm && active.has(other) {
                density *= below(z, belief);
            }
        }
        sum += density;
    }
    sum
}

/// The chance that a belief's mean is below z.
#[inline(never)]
fn below(z: f64, belief: &Belief) -> f64 {
    let deviation = libm::sqrt(belief.variance.max(1e-18));
    0.5 * libm::erfc((belief.mean - z) / (deviation * core::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belief(mean: f64, deviation: f64) -> Belief {
        Belief {
            mean,
            variance: deviation * deviation,
        }
    }

    fn all(beliefs: &[Belief]) -> Vec<f64> {
        chances(beliefs, Arms::of(beliefs.len(), |_| true))
    }

    #[test]
    fn two_arms_have_the_chance_that_their_difference_says() {
        // P(N(.1, .02²) > N(.13, .015²)) = Φ(-.03 / .025) = Φ(-1.2).
        let p = all(&[belief(0.1, 0.02), belief(0.13, 0.015)]);
        assert!((p[0] - 0.115_069_670_221_7).abs() < 1e-6, "{p:?}");
    }

    #[test]
    fn equal_arms_share_alike() {
        for p in all(&[belief(0.3, 0.1); 5]) {
            assert!((p - 0.2).abs() < 1e-12);
        }
    }

    #[test]
    fn an_arm_that_is_known_well_is_not_stepped_over() {
        let p = all(&[belief(0.5, 1e-6), belief(0.3, 0.1)]);
        // P(N(.3, .1²) > .5) = Φ(-2) = .02275.
        assert!((p[1] - 0.022_75).abs() < 0.01, "{p:?}");
    }

    #[test]
    fn the_runner_up_gets_most_of_what_the_leader_gives_away() {
        let psi = top_two(&[0.9, 0.09, 0.01]);
        assert!((psi.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(psi[0] > 0.45 && psi[0] < 0.6 && psi[1] > 0.35, "{psi:?}");
        let sure = top_two(&[1.0, 0.0]);
        assert!(sure.iter().all(|p| p.is_finite()), "{sure:?}");
    }

    #[test]
    fn an_arm_that_is_not_shown_takes_nothing_from_the_chances_of_the_others() {
        let beliefs = [belief(0.1, 0.02), belief(0.9, 0.01), belief(0.13, 0.015)];
        let without = chances(&beliefs, Arms::of(3, |arm| arm != 1));
        let alone = all(&[beliefs[0], beliefs[2]]);
        assert_eq!(without, [alone[0], 0.0, alone[1]]);
    }
}
