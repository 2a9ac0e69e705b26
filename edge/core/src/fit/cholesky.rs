//! Solves A x = b for a symmetric positive definite A, in one fixed order of operations.

use alloc::{vec, vec::Vec};

/// The place of (row, column <= row) in a packed lower triangle.
pub(super) fn at(row: usize, column: usize) -> usize {
    row * (row + 1) / 2 + column
}

/// The factor L of A = L Lᵀ, packed like A.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    lower: Vec<f64>,
}

impl Factor {
    /// Factors a packed lower triangle. A pivot that rounding has made too small is raised: the ridge keeps true ones at
    /// least at a tenth.
    pub(super) fn of(mut a: Vec<f64>) -> Self {
        let mut row = 0;
        let mut start = 0;
        while start < a.len() {
            let (done, rest) = a.split_at_mut(start);
            let Some(current) = rest.get_mut(..=row) else {
                break;
            };
            for column in 0..=row {
                let (before, from) = current.split_at_mut(column);
                let Some(value) = from.first_mut() else { continue };
                if column == row {
                    *value = libm::sqrt((*value - dot(before, before)).max(1e-9));
                } else {
                    let other = done.get(at(column, 0)..=at(column, column)).unwrap_or_default();
                    let Some((pivot, other)) = other.split_last() else {
                        continue;
                    };
                    *value = (*value - dot(before, other)) / pivot;
                }
            }
            start += row + 1;
            row += 1;
        }
        Self { lower: a }
    }

    /// The logarithm of the determinant of A.
    pub(super) fn log_det(&self) -> f64 {
        let mut sum = 0.0;
        let (mut row, mut place) = (0, 0);
        while let Some(pivot) = self.lower.get(place) {
            sum += libm::log(*pivot);
            row += 1;
            place += row + 1;
        }
        2.0 * sum
    }

    /// Solves for one right-hand side.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; b.len()];
        for (row, &b) in b.iter().enumerate() {
            let lower = self.lower.get(at(row, 0)..=at(row, row)).unwrap_or_default();
            let Some((pivot, lower)) = lower.split_last() else {
                continue;
            };
            let known = dot(lower, x.get(..row).unwrap_or_default());
            if let Some(x) = x.get_mut(row) {
                *x = (b - known) / pivot;
            }
        }
        for row in (0..x.len()).rev() {
            let lower = self.lower.get(at(row, 0)..=at(row, row)).unwrap_or_default();
            let Some((pivot, lower)) = lower.split_last() else {
                continue;
            };
            let Some(value) = x.get_mut(row).map(|x| {
                *x /= pivot;
                *x
            }) else {
                continue;
            };
            for (x, l) in x.iter_mut().zip(lower) {
                *x -= l * value;
            }
        }
        x
    }
}

/// Four sums side by side, then one: an order of its own, and the same on every host.
#[inline(never)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (mut a, mut b) = (a.chunks_exact(4), b.chunks_exact(4));
    for (a, b) in (&mut a).zip(&mut b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    let [s, t, u, v] = sums;
    (s + t) + (u + v) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        // Packed lower triangle of [[4, 2, 0.6], [2, 2, 0.5], [0.6, 0.5, 1]].
        let factor = Factor::of(vec![4.0, 2.0, 2.0, 0.6, 0.5, 1.0]);
        let x = factor.solve(&[1.0, 2.0, 3.0]);
        let back = [
            4.0 * x[0] + 2.0 * x[1] + 0.6 * x[2],
            2.0 * x[0] + 2.0 * x[1] + 0.5 * x[2],
            0.6 * x[0] + 0.5 * x[1] + x[2],
        ];
        for (got, want) in back.iter().zip([1.0, 2.0, 3.0]) {
            assert!((got - want).abs() < 1e-12, "{back:?}");
        }
    }
}
