//! What the sums say, safe to read at any time.
//!
//! Every function takes sums over matured buckets and answers with an [`Interval`] that holds at all times at once: looking
//! often does not make it wrong. [`mixture`] is the bound that all of them share; [`difference`] compares two arms of a fixed
//! split, [`stabilised`] two arms whose propensities moved, [`rate`] is one arm by itself.

pub mod mixture;

/// An estimate with an interval at level 1 − α.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    fn around(estimate: f64, radius: f64) -> Self {
        Self {
            estimate,
            low: estimate - radius,
            high: estimate + radius,
        }
    }

    /// Whether the interval leaves out zero.
    pub fn is_decided(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Where the asymptotic sequences are tightest, in units; a site that expects more visitors loses little by it.
pub const TIGHTEST_AT: f64 = 5_000.0;

/// Sums of one arm: n, Σr and Σr² of the scaled reward.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArmSums {
    pub n: f64,
    pub sum: f64,
    pub sum_squares: f64,
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
}

/// The mean of one arm: an asymptotic confidence sequence. `None` below two units.
pub fn rate(arm: &ArmSums, alpha: f64) -> Option<Interval> {
    (arm.n >= 2.0).then(|| {
        let rho2 = mixture::rho2(TIGHTEST_AT, alpha);
        Interval::around(
            arm.mean(),
            libm::sqrt(arm.variance()) * mixture::radius(arm.n, rho2, alpha) / arm.n,
        )
    })
}

/// The difference of two means on a fixed split (Waudby-Smith et al., arXiv 2103.06476v7, eq. 9). `None` while an arm has
/// fewer than two units.
pub fn difference(arm: &ArmSums, control: &ArmSums, tightest_at: f64, alpha: f64) -> Option<Interval> {
    if arm.n < 2.0 || control.n < 2.0 {
        return None;
    }
    let n = arm.n + control.n;
    let variance = n * (arm.variance() / arm.n + control.variance() / control.n);
    let radius = libm::sqrt(variance) * mixture::radius(n, mixture::rho2(tightest_at, alpha), alpha) / n;
    Some(Interval::around(arm.mean() - control.mean(), radius))
}

/// Sums of a contrast: n, Σhφ and Σh, with φ the doubly robust score of arm against control and h = v^(-1/2).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ContrastSums {
    pub n: f64,
    pub sum_h_phi: f64,
    pub sum_h: f64,
}

/// The difference of two arms whose propensities moved: the variance-stabilised AIPW sequence. Under drift it estimates the
/// h-weighted effect. `None` without evidence.
pub fn stabilised(contrast: &ContrastSums, tightest_at: f64, alpha: f64) -> Option<Interval> {
    (contrast.n >= 2.0 && contrast.sum_h > 0.0).then(|| {
        let rho2 = mixture::rho2(tightest_at, alpha);
        let radius = mixture::radius(contrast.n, rho2, alpha) / contrast.sum_h;
        Interval::around(contrast.sum_h_phi / contrast.sum_h, radius)
    })
}

/// From how many units on an asymptotic sequence may answer, and from how many conversions in each arm: at a base rate of
/// 1 % its Type-I error without the second condition was .08.
pub const ENOUGH_UNITS: f64 = 500.0;
pub const ENOUGH_CONVERSIONS: f64 = 30.0;
