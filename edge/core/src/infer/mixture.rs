//! The normal-mixture bound: how far a sum of n terms of variance 1 may stray, at all n at once.
//!
//! Robbins' mixture with variance ρ²; in the form of Waudby-Smith et al. (arXiv 2103.06476v7): with probability 1 − α the sum
//! stays within √( 2 (nρ² + 1)/ρ² · ln(√(nρ² + 1)/α) ) for every n.

/// The mixture variance that makes the bound tightest at `n`.
pub fn rho2(n: f64, alpha: f64) -> f64 {
    let log = -2.0 * libm::log(alpha);
    (log + libm::log(log + 1.0)) / n
}

/// The bound on the sum at `n`.
pub fn radius(n: f64, rho2: f64, alpha: f64) -> f64 {
    let spread = n * rho2 + 1.0;
    libm::sqrt(2.0 * spread / rho2 * libm::log(libm::sqrt(spread) / alpha))
}

/// The always-valid p-value of a mean with this standard deviation of one term: `min(1, 1/E)`.
pub fn p_value(mean: f64, deviation: f64, n: f64, rho2: f64) -> f64 {
    let spread = n * rho2 + 1.0;
    let exponent = rho2 * n * n * mean * mean / (2.0 * deviation * deviation * spread);
    // 1/E directly: E itself may be beyond any double.
    (libm::sqrt(spread) * libm::exp(-exponent)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::{ArmSums, difference};

    fn arm(n: f64, conversions: f64) -> ArmSums {
        ArmSums {
            n,
            sum: conversions,
            sum_squares: conversions,
        }
    }

    /// gbstats 0.8.0, absolute difference, α = .05: (n, conversions) of control and arm, tightest at → interval and p.
    const GBSTATS: [([f64; 4], f64, [f64; 2], f64); 4] = [
        (
            [1000.0, 100.0, 1000.0, 130.0],
            5000.0,
            [-0.014_517_96, 0.074_517_96],
            0.378_931_51,
        ),
        (
            [5000.0, 500.0, 5000.0, 575.0],
            5000.0,
            [-0.003_960_16, 0.033_960_16],
            0.260_163_41,
        ),
        (
            [5000.0, 500.0, 5000.0, 575.0],
            1000.0,
            [-0.005_076_45, 0.035_076_45],
            0.494_920_69,
        ),
        (
            [20000.0, 2000.0, 20000.0, 2150.0],
            10000.0,
            [-0.002_034_97, 0.017_034_97],
            0.304_722_37,
        ),
    ];

    #[test]
    fn a_fixed_split_is_read_as_gbstats_reads_it() {
        for ([n0, c0, n1, c1], tightest_at, [low, high], p) in GBSTATS {
            let (control, treated) = (arm(n0, c0), arm(n1, c1));
            let interval = difference(&treated, &control, tightest_at, 0.05).unwrap();
            assert!(
                (interval.low - low).abs() < 5e-9 && (interval.high - high).abs() < 5e-9,
                "{interval:?}"
            );
            let n = n0 + n1;
            let deviation = libm::sqrt(n * (treated.variance() / n1 + control.variance() / n0));
            let ours = p_value(interval.estimate, deviation, n, rho2(tightest_at, 0.05));
            assert!((ours - p).abs() < 5e-9, "{ours} {p}");
        }
    }

    #[test]
    fn the_mixture_variance_is_the_published_one() {
        assert!((rho2(5000.0, 0.05) - 0.001_587_230_92).abs() < 5e-12);
    }
}
