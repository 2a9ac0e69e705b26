//! Propensities that moved: the variance-stabilised sequence of doubly robust scores.
//!
//! Each unit's score φ (see [`crate::acc::score`]) is weighed by h = v^(-1/2), the inverse of the deviation that the deciding
//! model expected of it, so that every term has the same variance whatever its propensities were: S = Σhφ, H = Σh, and
//! S/H ± σ/H · √( 2(nρ²+1)/ρ² · ln(√(nρ²+1)/α) ). h was known before the arm was drawn. Source: Bibaut et al. 2021 and Hadad et
//! al. 2021 for the weights, Waudby-Smith et al. (arXiv 2103.06476v7) for the sequence. Under drift it estimates the effect
//! weighed by h.
//!
//! σ is 1 where the models knew the variance. They need not: under drift they know yesterday's (with σ = 1 the Type-I error
//! of a contextual policy was then .085), and of a rare arm that is unlucky the terms themselves show too little (.06). So
//! σ is the larger of 1 and of what the terms show, √(Σ(hφ)²/n less the squared mean): safe in both (`docs/inference.md`). For
//! a metric that nobody predicts v is that of a fair coin, which may be a hundred times too wide, and the terms alone say.

use super::{Evidence, Interval, mixture};
use crate::acc::inference::ContrastCell;

/// Sums of a contrast, as floating-point numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ContrastSums {
    pub n: f64,
    pub sum_h_phi: f64,
    pub sum_h: f64,
    pub sum_h_phi_squared: f64,
    pub sum_phi: f64,
    pub sum_phi_squared: f64,
    pub sum_v: f64,
}

impl From<&ContrastCell> for ContrastSums {
    fn from(cell: &ContrastCell) -> Self {
        Self {
            n: cell.n as f64,
            sum_h_phi: cell.sum_h_phi_micros as f64 / 1e6,
            sum_h: cell.sum_h_micros as f64 / 1e6,
            sum_h_phi_squared: cell.sum_h_phi_squared as f64 / 1e12,
            sum_phi: cell.sum_phi_micros as f64 / 1e6,
            sum_phi_squared: cell.sum_phi_phi as f64 / 1e12,
            sum_v: cell.sum_v_micros as f64 / 1e6,
        }
    }
}

impl ContrastSums {
    /// The deviation of a stabilised term about the effect; where the metric is predicted, at least what was expected.
    pub fn deviation(&self, is_predicted: bool) -> f64 {
        if self.n <= 0.0 || self.sum_h <= 0.0 {
            return 0.0;
        }
        let mean = self.sum_h_phi / self.n;
        let seen = libm::sqrt((self.sum_h_phi_squared / self.n - mean * mean).max(0.0));
        if is_predicted { seen.max(1.0) } else { seen }
    }

    /// The sum in its own deviations, less what an effect of `theta` explains of it.
    pub fn strayed(&self, theta: f64, is_predicted: bool) -> f64 {
        let deviation = self.deviation(is_predicted);
        if deviation > 0.0 {
            (self.sum_h_phi - theta * self.sum_h) / deviation
        } else {
            0.0
        }
    }
}

/// The difference of two arms. `None` without evidence.
pub fn stabilised(
    contrast: &ContrastSums,
    is_predicted: bool,
    tightest_at: f64,
    alpha: f64,
) -> Option<Evidence> {
    (contrast.n >= 2.0 && contrast.sum_h > 0.0).then(|| {
        let rho2 = mixture::rho2(tightest_at, alpha);
        let radius =
            contrast.deviation(is_predicted) * mixture::radius(contrast.n, rho2, alpha) / contrast.sum_h;
        Evidence {
            interval: Interval::around(contrast.sum_h_phi / contrast.sum_h, radius),
            log_e: mixture::log_e(contrast.strayed(0.0, is_predicted), contrast.n, rho2),
        }
    })
}

/// The logarithm of the e-value against "the difference is at most `theta`": of a guardrail.
pub fn log_e_above(contrast: &ContrastSums, theta: f64, tightest_at: f64, alpha: f64) -> f64 {
    let strayed = contrast.strayed(theta, false);
    if strayed <= 0.0 || contrast.n < 2.0 {
        return f64::NEG_INFINITY;
    }
    // Half of the two-sided mixture lies on each side: one side alone is twice the bet on it.
    mixture::log_e(strayed, contrast.n, mixture::rho2(tightest_at, 2.0 * alpha)) + core::f64::consts::LN_2
}

/// The plain average of the scores, with the variance that the models expected of it as the clock: what the whole split
/// earned, in which late units, when it had learned, count like early ones. The bound is Robbins' mixture in intrinsic time
/// V = Σv, tightest where V is `tightest_at`.
pub fn average(contrast: &ContrastSums, tightest_at: f64, alpha: f64) -> Option<Evidence> {
    (contrast.n >= 2.0 && contrast.sum_v > 0.0).then(|| {
        // Where the models expected less than there was, the clock goes by what there was.
        let v = contrast
            .sum_v
            .max(contrast.sum_phi_squared - contrast.sum_phi * contrast.sum_phi / contrast.n);
        let rho2 = mixture::rho2(tightest_at, alpha);
        Evidence {
            interval: Interval::around(
                contrast.sum_phi / contrast.n,
                mixture::radius(v, rho2, alpha) / contrast.n,
            ),
            log_e: mixture::log_e(contrast.sum_phi, v, rho2),
        }
    })
}
