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

/// The bound on one side of the sum at `n`: a sum that strays to either side of two such bounds at α/2 each has strayed from
/// the two-sided one, whose mixture is half of this side and half of the other.
pub fn one_sided_radius(n: f64, rho2: f64, alpha: f64) -> f64 {
    radius(n, rho2, 2.0 * alpha)
}

/// The logarithm of the e-value of a sum of n terms of variance 1: the mixture itself, which exceeds 1/α outside the bound.
pub fn log_e(sum: f64, n: f64, rho2: f64) -> f64 {
    let spread = n * rho2 + 1.0;
    rho2 * sum * sum / (2.0 * spread) - 0.5 * libm::log(spread)
}

/// The always-valid p-value that belongs to it: `min(1, 1/E)`.
pub fn p_value(log_e: f64) -> f64 {
    libm::exp(-log_e).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::split::{ArmSums, difference};

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
            let answer = difference(&treated, &control, tightest_at, 0.05).unwrap();
            let interval = answer.interval;
            assert!(
                (interval.low - low).abs() < 5e-9 && (interval.high - high).abs() < 5e-9,
                "{interval:?}"
            );
            let ours = p_value(answer.log_e);
            assert!((ours - p).abs() < 5e-9, "{ours} {p}");
        }
    }

    #[test]
    fn the_mixture_variance_is_the_published_one() {
        assert!((rho2(5000.0, 0.05) - 0.001_587_230_92).abs() < 5e-12);
    }

    #[test]
    fn the_bound_is_the_one_of_confseq() {
        // confseq 0.0.11: normal_mixture_bound(v, .05, v_opt = 1000, is_one_sided = False). Its ρ is 1/ρ² here.
        let rho2 = rho2(1_000.0, 0.05);
        for (v, bound) in [
            (100.0, 38.550_546_3),
            (1_000.0, 95.981_735_8),
            (5_000.0, 222.952_920_4),
        ] {
            let ours = radius(v, rho2, 0.05);
            assert!((ours - bound).abs() < 5e-8, "{v}: {ours} {bound}");
        }
    }

    #[test]
    fn the_e_value_is_what_it_takes_exactly_on_the_bound() {
        let rho2 = rho2(5_000.0, 0.05);
        for n in [50.0, 700.0, 90_000.0] {
            assert!((log_e(radius(n, rho2, 0.05), n, rho2) - libm::log(20.0)).abs() < 1e-9);
        }
    }
}
