//! A fixed split: means, and their difference, by the asymptotic confidence sequence.
//!
//! Waudby-Smith et al., arXiv 2103.06476v7, eq. 9: θ̂ ± σ̂ √( 2(nρ²+1)/(n²ρ²) · ln(√(nρ²+1)/α) ). Rewards are scaled, 0 to 1.

use super::{Evidence, Interval, mixture};
use crate::acc::inference::ArmCell;

/// Sums of one arm: n, Σr and Σr² of the scaled reward.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArmSums {
    pub n: f64,
    pub sum: f64,
    pub sum_squares: f64,
}

impl From<&ArmCell> for ArmSums {
    fn from(cell: &ArmCell) -> Self {
        Self {
            n: cell.n as f64,
            sum: cell.sum_r as f64 / 1e6,
            sum_squares: cell.sum_rr as f64 / 1e12,
        }
    }
}

impl ArmSums {
    pub fn mean(&self) -> f64 {
        if self.n > 0.0 { self.sum / self.n } else { 0.0 }
    }

    /// The variance of one value (divided by n).
    pub fn variance(&self) -> f64 {
        if self.n > 0.0 {
            (self.sum_squares / self.n - self.mean() * self.mean()).max(0.0)
        } else {
            0.0
        }
    }

    /// How many equal rewards would be as much evidence: (Σr)²/Σr². The number of conversions where each is worth 1; of
    /// values a few large ones among many small count as few.
    pub fn conversions(&self) -> f64 {
        if self.sum_squares > 0.0 {
            self.sum * self.sum / self.sum_squares
        } else {
            0.0
        }
    }

    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            n: self.n + other.n,
            sum: self.sum + other.sum,
            sum_squares: self.sum_squares + other.sum_squares,
        }
    }
}

/// The mean of one arm. `None` below two units.
pub fn rate(arm: &ArmSums, tightest_at: f64, alpha: f64) -> Option<Interval> {
    (arm.n >= 2.0).then(|| {
        let radius = mixture::radius(arm.n, mixture::rho2(tightest_at, alpha), alpha) / arm.n;
        Interval::around(arm.mean(), libm::sqrt(arm.variance()) * radius)
    })
}

/// The difference of two means. `None` while an arm has fewer than two units.
pub fn difference(arm: &ArmSums, control: &ArmSums, tightest_at: f64, alpha: f64) -> Option<Evidence> {
    if arm.n < 2.0 || control.n < 2.0 {
        return None;
    }
    let n = arm.n + control.n;
    // Of one term of the mean of n: that the arms are of different size is in here.
    let deviation = libm::sqrt(n * (arm.variance() / arm.n + control.variance() / control.n));
    let rho2 = mixture::rho2(tightest_at, alpha);
    let estimate = arm.mean() - control.mean();
    let log_e = if deviation > 0.0 {
        mixture::log_e(n * estimate / deviation, n, rho2)
    } else {
        0.0
    };
    Some(Evidence {
        interval: Interval::around(estimate, deviation * mixture::radius(n, rho2, alpha) / n),
        log_e,
    })
}
