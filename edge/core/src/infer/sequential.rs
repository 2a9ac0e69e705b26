//! A declared horizon: group-sequential bounds, the most powerful where the number of units is known beforehand.
//!
//! Lan and DeMets' error spending with α t²: by the look at the share t of the horizon the test may have erred with
//! probability α t². The bounds on the z-value are found one after another by the recursion of Armitage, McPherson and Rowe
//! (1969): the density of a Brownian motion at each look, restricted to paths that have crossed no bound yet.

use alloc::{vec, vec::Vec};

/// Looks at most: a twentieth of the horizon lies between two.
pub const LOOKS: usize = 20;
/// The trapezoid's step, in standard deviations of what comes between two looks. It is that of the published implementations
/// (ldbounds, spotify-confidence), so that bounds are equal to theirs; halving it moves them by 4e-5.
const STEP: f64 = 0.05;

/// Two-sided bounds on the z-value at looks after these shares of the horizon (ascending, in (0, 1]).
pub fn bounds(shares: &[f64], alpha: f64) -> Vec<f64> {
    let mut bounds = Vec::with_capacity(shares.len());
    // Where unstopped paths are: places, and weight times density. At the start all are at 0.
    let mut paths: Vec<(f64, f64)> = vec![(0.0, 1.0)];
    let (mut before, mut spent) = (0.0, 0.0);
    for &share in shares {
        let deviation = libm::sqrt((share - before).max(1e-12));
        let bound = crossing(&paths, deviation, alpha * share * share - spent);
        spent = alpha * share * share;
        paths = moved(&paths, deviation, bound);
        before = share;
        bounds.push(bound / libm::sqrt(share));
    }
    bounds
}

/// The paths one look later, between the bounds. They lie symmetrically, so half of them are computed.
fn moved(paths: &[(f64, f64)], deviation: f64, bound: f64) -> Vec<(f64, f64)> {
    let steps = libm::ceil(2.0 * bound / (STEP * deviation)).clamp(1.0, 10_000.0);
    let step = 2.0 * bound / steps;
    let count = steps as usize + 1;
    let mut half: Vec<(f64, f64)> = (0..count.div_ceil(2))
        .map(|i| {
            let at = i as f64 * step - bound;
            let density: f64 = paths
                .iter()
                .map(|&(from, mass)| mass * normal_density((at - from) / deviation) / deviation)
                .sum();
            let weight = if i == 0 { 0.5 * step } else { step };
            (at, weight * density)
        })
        .collect();
    let mirrored: Vec<(f64, f64)> = half
        .iter()
        .take(count / 2)
        .rev()
        .map(|&(at, mass)| (-at, mass))
        .collect();
    half.extend(mirrored);
    half
}

/// The distance that is reached with this probability, by halving.
fn crossing(paths: &[(f64, f64)], deviation: f64, probability: f64) -> f64 {
    let beyond = |at: f64| -> f64 {
        paths
            .iter()
            .map(|&(from, mass)| mass * (above((at - from) / deviation) + above((at + from) / deviation)))
            .sum()
    };
    // No z-value of interest is above 10.
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if beyond(middle) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

fn above(z: f64) -> f64 {
    0.5 * libm::erfc(z * core::f64::consts::FRAC_1_SQRT_2)
}

fn normal_density(z: f64) -> f64 {
    0.398_942_280_401_432_7 * libm::exp(-0.5 * z * z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_spotify_confidence() {
        // spotify-confidence 4.1, five and twenty equidistant looks; printed to five digits.
        let five = bounds(&[0.2, 0.4, 0.6, 0.8, 1.0], 0.05);
        for (ours, theirs) in five
            .iter()
            .zip([3.090_23, 2.714_08, 2.472_74, 2.279_81, 2.113_97])
        {
            assert!((ours - theirs).abs() < 1e-5, "{five:?}");
        }
        let shares: Vec<f64> = (1..=20).map(|i| f64::from(i) / 20.0).collect();
        let twenty = bounds(&shares, 0.05);
        assert!(
            (twenty[0] - 3.836_11).abs() < 2e-5 && (twenty[19] - 2.219_61).abs() < 2e-5,
            "{twenty:?}"
        );
    }

    #[test]
    fn one_look_at_the_end_is_the_ordinary_test() {
        assert!((bounds(&[1.0], 0.05)[0] - 1.959_963_985).abs() < 1e-8);
    }
}
