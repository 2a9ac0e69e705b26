//! Many arms and metrics at once: e-BH (Wang and Ramdas 2022).
//!
//! Of m e-values the k* largest are discoveries, k* the most with e_(k) ≥ m/(αk); the expected share of false ones among them
//! is at most α, however the e-values depend on each other.

use alloc::{vec, vec::Vec};

/// Which of these are discoveries; logarithms of e-values, ties in their order.
pub fn discoveries(logs: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..logs.len()).collect();
    let log = |i: usize| logs.get(i).copied().unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|&a, &b| log(b).total_cmp(&log(a)));
    let m = logs.len() as f64;
    let is_enough = |&(k, &i): &(usize, &usize)| log(i) >= libm::log(m / (alpha * (k + 1) as f64));
    let most = order
        .iter()
        .enumerate()
        .filter(is_enough)
        .map(|(k, _)| k + 1)
        .max()
        .unwrap_or(0);
    let mut found = vec![false; logs.len()];
    for &i in order.iter().take(most) {
        if let Some(found) = found.get_mut(i) {
            *found = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_found_together_where_one_alone_would_not_be() {
        let ln = |e: f64| libm::log(e);
        assert_eq!(discoveries(&[ln(19.0)], 0.05), [false]);
        assert_eq!(discoveries(&[ln(20.0)], 0.05), [true]);
        // m/(αk): 60, 30, 20.
        assert_eq!(
            discoveries(&[ln(35.0), ln(1.0), ln(31.0)], 0.05),
            [true, false, true]
        );
        assert_eq!(discoveries(&[ln(35.0), ln(1.0), ln(29.0)], 0.05), [false; 3]);
        assert_eq!(discoveries(&[], 0.05), [false; 0]);
    }
}
