//! Which method may answer, and what it then says.
//!
//! Asymptotic sequences are sharp and need some data to be true: at a base rate of 1 % their Type-I error was .08 without the
//! condition on conversions and below .01 with it, and under a floor of .05 a rare arm has too few units whatever their sum.
//! Until then the e-process answers, which needs nothing. Two methods one after the other could both be wrong, so where a
//! sequence will take over the e-process needs five times the evidence to be certain before: a fifth of α at most is then
//! spent beforehand. Where none ever will, it has all of α.

use super::split::{self, ArmSums};
use super::stabilised::{self, ContrastSums};
use super::{Evidence, Interval, TIGHTEST_AT, betting};
use crate::acc::inference::ContrastCell;

/// From how many units on an asymptotic sequence may answer, and from how many conversions in each arm.
pub const ENOUGH_UNITS: f64 = 500.0;
pub const ENOUGH_CONVERSIONS: f64 = 30.0;
/// The share of α that the e-process may spend before a sequence takes over.
const BEFOREHAND: f64 = 0.2;
/// Below this floor the asymptotic sequence of an adaptive split is not to be trusted.
pub const LEAST_FLOOR: f64 = 0.05;
/// Where the average of the whole split is tightest, in its own clock: what [`TIGHTEST_AT`] units come to at a base rate of
/// 10 % while the control has half of the traffic.
pub const TIGHTEST_V: f64 = 0.1 * TIGHTEST_AT;

/// How an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A fixed split: the asymptotic confidence sequence.
    Split,
    /// Propensities that moved: the variance-stabilised sequence.
    Stabilised,
    /// The average of the whole split against the control.
    Average,
    /// A declared horizon.
    Sequential,
    /// The e-process, with an empirical-Bernstein interval.
    Betting,
    /// One rate: the beta-binomial mixture.
    BetaBinomial,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "asymptotic confidence sequence",
            Self::Stabilised => "variance-stabilised AIPW sequence",
            Self::Average => "AIPW sequence in intrinsic time",
            Self::Sequential => "group-sequential test",
            Self::Betting => "betting e-process",
            Self::BetaBinomial => "beta-binomial confidence sequence",
        }
    }
}

/// What is certain at the level of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Verdict {
    #[default]
    Open,
    More,
    Less,
}

/// What can be said of one quantity, on the scaled reward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    pub interval: Interval,
    /// Against "there is no difference".
    pub log_e: f64,
    pub method: Method,
    /// It holds with this probability of being wrong at any time.
    pub alpha: f64,
    pub verdict: Verdict,
}

/// Two arms, and what is known of how they were shown.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    pub arm: ArmSums,
    pub control: ArmSums,
    pub contrast: &'a ContrastCell,
    /// One fixed split from the first unit to the last.
    pub is_constant: bool,
    /// The deciding models predicted the metric: it is the one that is optimised.
    pub is_predicted: bool,
    /// The least propensity that either could have had.
    pub least_propensity: f64,
}

impl Pair<'_> {
    /// Whether an asymptotic sequence may answer.
    pub fn is_enough(&self) -> bool {
        self.may_ever_be_enough()
            && self.contrast.n as f64 >= ENOUGH_UNITS
            && self.arm.conversions() >= ENOUGH_CONVERSIONS
            && self.control.conversions() >= ENOUGH_CONVERSIONS
    }

    fn may_ever_be_enough(&self) -> bool {
        self.is_constant || self.least_propensity >= LEAST_FLOOR * (1.0 - 1e-6)
    }

    /// Arm against control.
    pub fn compare(&self, alpha: f64) -> Option<Answer> {
        if !self.is_enough() {
            return self.bet(alpha);
        }
        let (evidence, method) = if self.is_constant {
            (
                split::difference(&self.arm, &self.control, TIGHTEST_AT, alpha),
                Method::Split,
            )
        } else {
            let sums = ContrastSums::from(self.contrast);
            (
                stabilised::stabilised(&sums, self.is_predicted, TIGHTEST_AT, alpha),
                Method::Stabilised,
            )
        };
        Some(Answer::of(evidence?, method, alpha))
    }

    /// The whole split against the control: `arm` is what all units of the split brought, `contrast` the one at the control's
    /// own place.
    pub fn compare_whole(&self, alpha: f64) -> Option<Answer> {
        if !self.is_enough() {
            return self.bet(alpha);
        }
        let evidence = stabilised::average(&ContrastSums::from(self.contrast), TIGHTEST_V, alpha)?;
        Some(Answer::of(evidence, Method::Average, alpha))
    }

    fn bet(&self, alpha: f64) -> Option<Answer> {
        let interval = betting::interval(self.contrast, self.least_propensity, alpha)?;
        let log_e = betting::log_e(self.contrast);
        let spent = if self.may_ever_be_enough() {
            BEFOREHAND * alpha
        } else {
            alpha
        };
        let verdict = match log_e >= -libm::log(spent) {
            false => Verdict::Open,
            true if betting::log_e_above(self.contrast) > betting::log_e_below(self.contrast) => {
                Verdict::More
            }
            true => Verdict::Less,
        };
        Some(Answer {
            interval,
            log_e,
            method: Method::Betting,
            alpha,
            verdict,
        })
    }
}

impl Answer {
    pub(super) fn of(evidence: Evidence, method: Method, alpha: f64) -> Self {
        let Evidence { interval, log_e } = evidence;
        Self {
            interval,
            log_e,
            method,
            alpha,
            verdict: Verdict::of(&interval),
        }
    }
}

impl Verdict {
    pub(super) fn of(interval: &Interval) -> Self {
        if interval.low > 0.0 {
            Self::More
        } else if interval.high < 0.0 {
            Self::Less
        } else {
            Self::Open
        }
    }
}
