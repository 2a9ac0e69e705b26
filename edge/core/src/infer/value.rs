//! Off-policy value: what a fixed policy would have brought on the visitors that there were.
//!
//! Asked can be a mix: every arm with a fixed share q(a), of which "everybody sees this one" is the simplest. Of each unit stand
//! in the record what it was shown, with which propensity p and what was predicted m̂; with w = 1{A=a}/p(a):
//!
//! * **IPS** (Horvitz and Thompson): the mean of Σ_a q(a) w_a Y. Unbiased, whatever was predicted.
//! * **SNIPS** (Hájek; Swaminathan and Joachims 2015): Σ q w Y / Σ q w. Indifferent to how many were shown what; a little biased.
//! * **Doubly robust** (Dudík, Langford and Li 2011): the mean of m̂(a) + w_a (Y − m̂(a)). Unbiased, and sharper the better the
//!   predictions; of one arm only, because that of a mix has products of two arms' predictions in its variance, which no sum
//!   holds. Of the other two a unit adds one term of one arm, so that squares with q² are exact.
//!
//! The policy that chose may have learned all along: given the past, every term has the value of its unit as its mean. So
//! intervals hold at all times at once: Robbins' mixture in intrinsic time where there is enough (the clock is the sum of
//! squares about the mean, as in [`super::stabilised`]), before that and under a low floor the empirical-Bernstein sequence of
//! [`super::betting`], with terms between −B and B for B = max q(a)/p(a).
//!
//! Buckets in which an asked arm was not possible for somebody are left out, and how many units they have is said.

use super::Interval;
use super::betting;
use super::mixture;
use super::rule::{ENOUGH_CONVERSIONS, ENOUGH_UNITS, LEAST_FLOOR, TIGHTEST_V};
use super::totals::{Reading, fixed_weights};
use crate::acc::inference::{ArmCell, CELLS, ContrastCell};
use crate::fit::Source;
use crate::propensity::ONE_Q30;
use crate::revision::Revision;

/// What a policy would have brought, by three estimators, on the scaled reward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    pub units: f64,
    /// Units of buckets in which it could not have been followed.
    pub left_out: f64,
    pub ips: Estimate,
    pub snips: Estimate,
    /// Of a single arm.
    pub doubly_robust: Option<Estimate>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub interval: Interval,
    /// By the asymptotic sequence; otherwise nothing is approximated.
    pub is_asymptotic: bool,
}

/// The value of showing each arm of today with these shares (one an arm, their sum 1), by the optimised metric over matured
/// units. `None` without a unit, and for shares that are none.
pub fn value(
    today: &Revision,
    sources: &[Source<'_>],
    clock_ms: u64,
    lateness_ms: u64,
    shares: &[f64],
    alpha: f64,
) -> Option<Value> {
    let sum: f64 = shares.iter().sum();
    let is_mix = shares.len() == today.arms()
        && shares.iter().all(|share| (0.0..=1.0).contains(share))
        && (sum - 1.0).abs() < 1e-6;
    if !is_mix {
        return None;
    }
    let mut sums = Sums::default();
    for source in sources {
        let reading = Reading::of(source.revision, today);
        let Some(metric) = reading.metrics.first().copied().flatten() else {
            continue;
        };
        let inference = &source.sums.inference;
        let waits_ms = inference
            .bucket_ms()
            .saturating_add(today.metric().window_ms)
            .saturating_add(lateness_ms);
        let matured = inference
            .buckets()
            .filter(|(start_ms, _)| start_ms.saturating_add(waits_ms) <= clock_ms);
        for (_, bucket) in matured {
            for cell in 0..CELLS {
                let from = inference.place(metric, cell, 0);
                let arms = bucket.arms.get(from..from + inference.arms()).unwrap_or_default();
                sums.add(arms, &reading.places, shares);
            }
        }
    }
    for source in sources {
        sums.bound(source.revision, today, shares);
    }
    sums.value(alpha)
}

/// Sums over the terms of a mix.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: f64,
    left_out: f64,
    /// Σ qw, Σ (qw)², Σ qwY, Σ (qwY)², Σ (qw)²Y.
    weight: f64,
    weight_squared: f64,
    weighed: f64,
    weighed_squared: f64,
    weight_weighed: f64,
    /// Of a single arm.
    psi: Option<(f64, f64)>,
    /// No term is larger.
    bound: f64,
}

impl Sums {
    fn add(&mut self, arms: &[ArmCell], places: &[Option<usize>], shares: &[f64]) {
        let n: i64 = arms.iter().map(|arm| arm.n).sum();
        let asked = |place: usize| shares.get(place).copied().filter(|&share| share > 0.0);
        let known = places
            .iter()
            .zip(arms)
            .filter_map(|(place, arm)| Some((asked((*place)?)?, arm)));
        let wanted = shares.iter().filter(|&&share| share > 0.0).count();
        let could_be_followed = known.clone().filter(|(_, arm)| arm.possible == n).count() == wanted;
        if !could_be_followed {
            self.left_out += n as f64;
            return;
        }
        self.n += n as f64;
        for (share, arm) in known {
            let (once, twice) = (share * 1e-6, share * share * 1e-12);
            self.weight += once * arm.sum_inverse_p_micros as f64;
            self.weight_squared += twice * arm.sum_weight_squared as f64;
            self.weighed += once * arm.sum_weighed_r_micros as f64;
            self.weighed_squared += twice * arm.sum_weighed_r_squared as f64;
            self.weight_weighed += twice * arm.sum_weight_weighed_r as f64;
            if wanted == 1 {
                let (psi, squared) = self.psi.get_or_insert_default();
                *psi += arm.sum_psi_micros as f64 * 1e-6;
                *squared += arm.sum_psi_squared as f64 * 1e-12;
            }
        }
    }

    /// Takes note of how large the terms of a revision may be.
    fn bound(&mut self, revision: &Revision, today: &Revision, shares: &[f64]) {
        for (arm, variant) in revision.variants.iter().enumerate() {
            let place = today.variants.iter().position(|v| v.key == variant.key);
            let share = place.and_then(|place| shares.get(place)).copied().unwrap_or(0.0);
            self.bound = self.bound.max(share / least_propensity(revision, arm));
        }
    }

    fn value(&self, alpha: f64) -> Option<Value> {
        if self.n <= 0.0 || self.bound <= 0.0 {
            return None;
        }
        Some(Value {
            units: self.n,
            left_out: self.left_out,
            ips: self.mean(self.weighed, self.weighed_squared, alpha),
            snips: self.self_normalised(alpha),
            doubly_robust: self.psi.map(|(psi, squared)| self.mean(psi, squared, alpha)),
        })
    }

    /// Enough units with rewards, by their weights, and none that may weigh too much.
    fn is_enough(&self) -> bool {
        self.bound * LEAST_FLOOR <= 1.0 + 1e-6
            && self.n >= ENOUGH_UNITS
            && self.weighed * self.weighed >= ENOUGH_CONVERSIONS * self.weighed_squared
            && self.weighed_squared > 0.0
    }

    /// The squares are those of few large terms, and where none of the largest came they are too small: they are taken larger
    /// by two of their relative errors. A contextual policy's intervals still hold the truth at every look in .94 of experiments
    /// only (`docs/inference.md`).
    fn caution(&self) -> f64 {
        1.0 + 2.0 * libm::sqrt(self.weighed_squared) / self.weighed
    }

    /// The mean of n terms of which these are the sum and the sum of squares.
    fn mean(&self, sum: f64, squares: f64, alpha: f64) -> Estimate {
        let mean = sum / self.n;
        if self.is_enough() {
            let time = (squares - sum * mean).max(0.0) * self.caution();
            let radius = mixture::radius(time, mixture::rho2(TIGHTEST_V, alpha), alpha) / self.n;
            return Estimate::of(mean, mean - radius, mean + radius, true);
        }
        let terms = ContrastCell {
            n: self.n as i64,
            sum_phi_micros: (sum * 1e6) as i64,
            sum_phi_phi: (squares * 1e12) as i128,
            ..ContrastCell::default()
        };
        let interval = betting::interval(&terms, 1.0 / self.bound, alpha);
        let (low, high) = interval.map_or((0.0, 1.0), |interval| (interval.low, interval.high));
        Estimate::of(mean, low, high, false)
    }

    fn self_normalised(&self, alpha: f64) -> Estimate {
        if self.weight <= 0.0 {
            return Estimate::of(0.0, 0.0, 1.0, false);
        }
        let ratio = self.weighed / self.weight;
        if self.is_enough() {
            let rho2 = mixture::rho2(TIGHTEST_V, alpha);
            let time = self.squares_about(ratio) * self.caution();
            let radius = mixture::radius(time, rho2, alpha) / self.weight;
            return Estimate::of(ratio, ratio - radius, ratio + radius, true);
        }
        // Which v leave possible that the terms qw(Y − v) have the mean 0.
        let threshold = -libm::log(alpha / 2.0);
        let is_possible = |v: f64| {
            let sum = (self.weighed - v * self.weight) / self.bound;
            betting::wealth_of(sum.abs(), self.squares_about(v) / (self.bound * self.bound)) < threshold
        };
        Estimate::of(
            ratio,
            edge(ratio, 0.0, is_possible),
            edge(ratio, 1.0, is_possible),
            false,
        )
    }

    /// Σ (qw)²(Y − v)².
    fn squares_about(&self, v: f64) -> f64 {
        let squares = self.weighed_squared - 2.0 * v * self.weight_weighed + v * v * self.weight_squared;
        squares.max(0.0)
    }
}

impl Estimate {
    /// A reward lies between 0 and 1, and so does its mean.
    fn of(estimate: f64, low: f64, high: f64, is_asymptotic: bool) -> Self {
        Self {
            interval: Interval {
                estimate,
                low: low.clamp(0.0, 1.0),
                high: high.clamp(0.0, 1.0),
            },
            is_asymptotic,
        }
    }
}

/// The last possible value from `inner` towards `outer`.
fn edge(inner: f64, outer: f64, is_possible: impl Fn(f64) -> bool) -> f64 {
    if is_possible(outer) {
        return outer;
    }
    let (mut inner, mut outer) = (inner, outer);
    // The last halving is below a micro-unit.
    for _ in 0..24 {
        let middle = 0.5 * (inner + outer);
        if is_possible(middle) {
            inner = middle;
        } else {
            outer = middle;
        }
    }
    outer
}

/// The least propensity that an arm could have had while it was possible: of its policy, or of the comparison group's even
/// split. Stopped arms only raise the others.
fn least_propensity(revision: &Revision, arm: usize) -> f64 {
    let policy = match fixed_weights(revision) {
        Some(weights) => weights.get(arm).copied().unwrap_or(0),
        None => revision.policy.min_propensity_q30,
    };
    let even = ONE_Q30 / revision.arms().max(1) as u32;
    let least = if revision.comparison_q30 > 0 {
        policy.min(even)
    } else {
        policy
    };
    f64::from(least.max(1)) / f64::from(ONE_Q30)
}
