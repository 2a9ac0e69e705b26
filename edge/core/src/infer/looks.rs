//! When a group-sequential test looks, and what it then says.

use alloc::vec::Vec;

use super::rule::{Answer, Method, Verdict};
use super::totals::Totals;
use super::{Interval, TIGHTEST_AT, mixture, sequential};

/// The looks of a group-sequential test: at the first bucket ends beyond each twentieth of the horizon.
pub(super) struct Looks {
    horizon: f64,
    shares: Vec<f64>,
    /// By look, then arm: the z-value and the answer then.
    seen: Vec<Vec<Option<(f64, Answer)>>>,
    arms: usize,
}

impl Looks {
    pub(super) fn new(horizon: f64, arms: usize) -> Self {
        Self {
            horizon,
            shares: Vec::new(),
            seen: Vec::new(),
            arms,
        }
    }

    pub(super) fn look(&mut self, totals: &Totals, compare: impl Fn(usize) -> Option<Answer>) {
        let share = (totals.units() / self.horizon).min(1.0);
        let before = self.shares.last().copied().unwrap_or(0.0);
        let steps = |share: f64| libm::floor(share * sequential::LOOKS as f64 + 1e-9);
        if steps(share) <= steps(before) {
            return;
        }
        let seen = (0..self.arms).map(|arm| {
            // Only what an asymptotic sequence may say has a normal z-value.
            let answer = compare(arm).filter(|answer| answer.method != Method::Betting)?;
            Some((z_value(&answer, totals.contrast(arm).n as f64), answer))
        });
        self.seen.push(seen.collect());
        self.shares.push(share);
    }

    /// What the test says of an arm: as of the first look that crossed its bound, or else of the last.
    pub(super) fn answer(&self, arm: usize, otherwise: Answer, alpha: f64) -> Answer {
        let bounds = sequential::bounds(&self.shares, alpha);
        let looks = self.seen.iter().zip(&bounds).filter_map(|(seen, &bound)| {
            let (z, answer) = (*seen.get(arm)?)?;
            Some((z, bound, answer))
        });
        let mut last = None;
        for (z, bound, answer) in looks {
            last = Some((z, bound, answer));
            if z.abs() >= bound {
                break;
            }
        }
        let Some((z, bound, answer)) = last else {
            return otherwise;
        };
        let estimate = answer.interval.estimate;
        let error = if z == 0.0 { 0.0 } else { (estimate / z).abs() };
        let interval = if error > 0.0 {
            Interval::around(estimate, bound * error)
        } else {
            answer.interval
        };
        Answer {
            interval,
            method: Method::Sequential,
            verdict: Verdict::of(&interval),
            ..answer
        }
    }
}

/// The ordinary z-value behind a mixture bound: its radius at n in standard errors is known.
fn z_value(answer: &Answer, n: f64) -> f64 {
    let rho2 = mixture::rho2(TIGHTEST_AT, answer.alpha);
    let radius = answer.interval.high - answer.interval.estimate;
    let error = radius / (mixture::radius(n, rho2, answer.alpha) / libm::sqrt(n));
    if error > 0.0 {
        answer.interval.estimate / error
    } else {
        0.0
    }
}
