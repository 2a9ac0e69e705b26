//! Sample ratio: whether units were shown arms as often as the logged propensities say.
//!
//! If not, units are lost or forged somewhere, and no comparison of what is left means anything.

use alloc::vec::Vec;

use super::log_mean_exp;

/// How strongly a fixed split is believed beforehand: as if so many units had been seen.
pub const CONCENTRATION: f64 = 10_000.0;
/// A false alarm costs the tilt, and a true one is large: the probability of a false one in the whole life of an experiment.
pub const ALPHA: f64 = 0.001;

/// By how much an arm might be over- or under-shown; tried on each arm and both ways.
const TILTS: [f64; 4] = [0.01, 0.03, 0.1, 0.3];

/// ln of the e-value of these counts against a fixed split: Dirichlet–multinomial (Lindon and Malek, arXiv 2011.03567), with
/// α = concentration × p. Shares of 0 are left out.
pub fn fixed(counts: &[f64], shares: &[f64], concentration: f64) -> f64 {
    let pairs = || counts.iter().zip(shares).filter(|&(_, &p)| p > 0.0);
    let n: f64 = pairs().map(|(x, _)| x).sum();
    let prior: f64 = pairs().map(|(_, p)| concentration * p).sum();
    let start = libm::lgamma(prior) - libm::lgamma(prior + n);
    pairs().fold(start, |sum, (x, p)| {
        let alpha = concentration * p;
        sum + libm::lgamma(alpha + x) - libm::lgamma(alpha) - x * libm::log(*p)
    })
}

/// What was shown in one bucket: units in all; by arm, units that were shown it and the sum of its propensity over all.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub units: f64,
    pub arms: Vec<(f64, f64)>,
}

/// ln of the e-value against propensities that changed.
///
/// A gambler who holds that arm a is shown 1 + η times as often multiplies by (1+η)^1{A=a} / (1 + η p_t) at each unit, which is 1
/// on average if p_t is true. Over n units that is n_a ln(1+η) − Σ ln(1 + η p_t), and since ln is concave it is at least
/// n_a ln(1+η) − n ln(1 + η Σp_t/n): the sums are enough, and nothing is lost where p stands still within a bucket. The
/// e-value is the mean over arms and tilts.
pub fn changing(buckets: &[Shown]) -> f64 {
    let arms = buckets.iter().map(|b| b.arms.len()).max().unwrap_or(0);
    let gamblers = (0..arms).flat_map(|arm| TILTS.iter().flat_map(move |&tilt| [(arm, tilt), (arm, -tilt)]));
    log_mean_exp(gamblers.map(|(arm, tilt)| {
        buckets
            .iter()
            .filter(|bucket| bucket.units > 0.0)
            .map(|bucket| {
                let (shown, sum_p) = bucket.arms.get(arm).copied().unwrap_or_default();
                shown * libm::log1p(tilt) - bucket.units * libm::log1p(tilt * sum_p / bucket.units)
            })
            .sum()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_split_is_judged_as_the_published_factor_judges_it() {
        let even = [0.5, 0.5];
        for (counts, concentration, ln_bf) in [
            ([5_000.0, 5_200.0], CONCENTRATION, 0.638_603),
            ([50_000.0, 51_000.0], CONCENTRATION, 3.301_111),
            ([821_588.0, 815_482.0], CONCENTRATION, 8.765_972),
            ([821_588.0, 815_482.0], 1.0, 4.007_210),
        ] {
            let ours = fixed(&counts, &even, concentration);
            assert!((ours - ln_bf).abs() < 5e-7, "{counts:?}: {ours} {ln_bf}");
        }
    }

    #[test]
    fn changing_propensities_that_are_true_are_believed_and_false_ones_are_not() {
        let bucket = |units: f64, p: f64, share: f64| Shown {
            units,
            arms: [(p, share), (1.0 - p, 1.0 - share)]
                .map(|(p, share)| (units * share, units * p))
                .to_vec(),
        };
        let kept = [bucket(4_000.0, 0.5, 0.5), bucket(4_000.0, 0.9, 0.9)];
        assert!(changing(&kept) < 0.0);
        // A tenth of what the second arm was given never arrived.
        let lost = [bucket(4_000.0, 0.5, 0.525), bucket(4_000.0, 0.5, 0.525)];
        assert!(changing(&lost) > -libm::log(ALPHA), "{}", changing(&lost));
        assert!(changing(&[]).abs() < 1e-12);
    }
}
