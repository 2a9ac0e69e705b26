//! One rate, without any approximation: the beta-binomial mixture.
//!
//! For a rate p the likelihood ratio of S successes in n, mixed over a beta distribution around p, is a martingale:
//! M = B(τp + S, τ(1−p) + n − S) / B(τp, τ(1−p)) / (p^S (1−p)^(n−S)); the rates with M < 1/α are the interval. Source: Howard et
//! al., arXiv 1810.08240, and `bernoulli_confidence_interval` of confseq 0.0.11, whose τ is this: narrowest at `tightest_at`
//! units. It holds for rewards between 0 and 1 too, since of all those with a mean the 0/1 ones are the most spread out.

use super::Interval;

/// At level 1 − α. `None` without a unit.
pub fn interval(successes: f64, n: f64, tightest_at: f64, alpha: f64) -> Option<Interval> {
    if n <= 0.0 || !(0.0..=n).contains(&successes) {
        return None;
    }
    let log = -2.0 * libm::log(alpha);
    let tau = (tightest_at / (log + libm::log1p(log)) - 1.0).max(1e-3);
    let is_out = |p: f64| log_m(successes, n, p, tau) >= -libm::log(alpha);
    let rate = successes / n;
    Some(Interval {
        estimate: rate,
        low: edge(0.0, rate, is_out),
        high: edge(1.0, rate, is_out),
    })
}

/// Between a rate that may be out and one that is in: the last that is in.
fn edge(mut outside: f64, mut inside: f64, is_out: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..50 {
        let middle = 0.5 * (outside + inside);
        if is_out(middle) {
            outside = middle;
        } else {
            inside = middle;
        }
    }
    inside
}

fn log_m(successes: f64, n: f64, p: f64, tau: f64) -> f64 {
    let (a, b) = (tau * p, tau * (1.0 - p));
    log_beta(a + successes, b + n - successes)
        - log_beta(a, b)
        - successes * libm::log(p)
        - (n - successes) * libm::log1p(-p)
}

fn log_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_confseq() {
        // confseq 0.0.11: bernoulli_confidence_interval(575, 5000, .05, 90, .05).
        let ours = interval(575.0, 5_000.0, 90.0, 0.05).unwrap();
        assert!((ours.low - 0.099_703_1).abs() < 5e-8, "{ours:?}");
        assert!((ours.high - 0.131_387_4).abs() < 5e-8, "{ours:?}");
    }

    #[test]
    fn no_success_and_nothing_but_successes_are_no_certainty() {
        let none = interval(0.0, 40.0, 90.0, 0.05).unwrap();
        assert!(
            none.low < 1e-12 && none.high > 0.05 && none.high < 0.3,
            "{none:?}"
        );
        let all = interval(40.0, 40.0, 90.0, 0.05).unwrap();
        assert!(
            all.high > 1.0 - 1e-12 && all.low < 0.95 && all.low > 0.7,
            "{all:?}"
        );
    }
}
