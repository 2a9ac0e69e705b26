//! Percentiles of samples.

use serde::Serialize;

/// The middle and the slowest hundredth; zero where there is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    pub p50: f64,
    pub p99: f64,
}

impl Quantiles {
    /// By nearest rank.
    pub(super) fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let index = (share * samples.len() as f64).ceil() as usize;
            samples.get(index.saturating_sub(1)).copied().unwrap_or(0.0)
        };
        Self {
            p50: rank(0.50),
            p99: rank(0.99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        assert_eq!(Quantiles::of(vec![]), Quantiles { p50: 0.0, p99: 0.0 });
        assert_eq!(Quantiles::of(vec![3.0]), Quantiles { p50: 3.0, p99: 3.0 });
        assert_eq!(
            Quantiles::of((1..=200).rev().map(f64::from).collect()),
            Quantiles {
                p50: 100.0,
                p99: 198.0
            }
        );
    }
}
