//! What the sums say, safe to read at any time.
//!
//! Everything is read from the accumulators alone, over the matured prefix of their inference buckets, in fixed orders and with
//! `libm` only: the same log gives the same answers whenever and wherever they are read. Every interval holds at all times at
//! once, so that looking often does not make it wrong.
//!
//! * [`mixture`] is the bound that the asymptotic sequences share: [`split`] compares two arms of a fixed split, [`stabilised`]
//!   two arms whose propensities moved.
//! * [`betting`] and [`bernoulli`] approximate nothing: they answer until the others may.
//! * [`sequential`] is the most powerful where a horizon was declared, [`ratio`] says whether arms were shown as often as
//!   their propensities promise, [`many`] what remains of many comparisons at once.
//! * [`calibration`](mod@calibration) says whether what came is what had been predicted, from the buckets of [`predicted`];
//!   [`drift`](mod@drift) tells when that changes.
//! * [`value`](mod@value) says what another policy would have brought.
//! * [`totals`] adds up buckets; [`rule`] says which method may answer; [`evaluate`](mod@evaluate) puts it together, and
//!   [`guardrail`] says which arm does harm.

pub mod bernoulli;
pub mod betting;
pub mod calibration;
pub mod drift;
pub mod evaluate;
pub mod guardrail;
mod looks;
pub mod many;
pub mod mixture;
pub mod predicted;
pub mod ratio;
pub mod rule;
pub mod sequential;
pub mod split;
pub mod stabilised;
pub mod totals;
pub mod value;

pub use calibration::{Calibration, calibration};
pub use drift::{Alert, drift};
pub use evaluate::{Allocation, MetricResult, Results, evaluate};
pub use rule::{Answer, Method, Verdict};
pub use value::{Value, value};

/// An estimate with an interval.
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

/// An interval, and the logarithm of the e-value against "there is no difference".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    pub interval: Interval,
    pub log_e: f64,
}

/// Where the asymptotic sequences are tightest, in units; a site that expects more visitors loses little by it.
pub const TIGHTEST_AT: f64 = 5_000.0;

/// ln of the mean of exponentials. Of nothing it is 0: nothing was bet.
fn log_mean_exp(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = logs.clone().count() as f64;
    if count > 0.0 {
        log_sum_exp(logs) - libm::log(count)
    } else {
        0.0
    }
}

/// ln of the sum of exponentials, from the largest down so that none overflows.
fn log_sum_exp(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let sum: f64 = logs.map(|log| libm::exp(log - largest)).sum();
    largest + libm::log(sum)
}
