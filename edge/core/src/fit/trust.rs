//! How far history is to be trusted, by what the experiment has seen since.
//!
//! The discount bounds what history counts for; whether it is true, only the experiment can say. For a few fractions of what
//! is left of it this compares how probable the experiment's own rewards are after a start from so much history (a power prior whose
//! power is chosen by its marginal likelihood: Gravestock & Held 2017), and takes the fraction that makes them most
//! probable. Where the two agree that is all of it; where they disagree by more than chance, history is let go of: one that
//! swaps the best and the worst of three arms and may count for 600 visitors costs 47 sign-ups of the first 2,000 visitors
//! and not 81, and a true one still saves two thirds (`cargo xtask bench history`).
//!
//! With Gaussian rewards of variance σ² about ridge regressions, and everything about what all arms have in common, the
//! logarithm of that probability is, over arms and up to a constant,
//! ½ ln|Λ + tH| − ½ ln|Λ + tH + A| + (g(tH + A, tq + b) − g(tH, tq)) / 2σ² with g(M, v) = vᵀ(Λ + M)⁻¹v.

use alloc::{vec, vec::Vec};

use super::cholesky::{Factor, at};
use super::weigh::{Cell, REWARD_ONE, SQUARE_ONE};

/// Fractions that are compared. None at all would leave the split of a start from nothing, so it is one of them.
const FRACTIONS: [f64; 6] = [1.0, 0.5, 0.25, 0.125, 0.0625, 0.0];
/// Slots in which a disagreement is looked for: those that history knows most of. A system of so many is solved in
/// microseconds, however many slots the model has.
const SLOTS: usize = 32;
const LEAST_VARIANCE: f64 = 1e-3;

/// The fraction of its discounted weight that history keeps.
pub(super) fn fraction(own: &[Cell<'_>], past: &[Cell<'_>], arms: usize) -> f64 {
    if own.is_empty() || past.is_empty() {
        return 1.0;
    }
    let slots = slots(past);
    let systems = |cells: &[Cell<'_>]| -> Vec<Sums> {
        let mut systems = vec![Sums::new(slots.len()); arms];
        for cell in cells {
            if let Some(system) = systems.get_mut(cell.arm) {
                system.add(cell, &slots);
            }
        }
        systems
    };
    let (own_sums, past_sums) = (systems(own), systems(past));
    let mut all = Sums::new(slots.len());
    own_sums
        .iter()
        .chain(&past_sums)
        .for_each(|sums| all.add_scaled(sums, 1.0));
    let common = all.factor().solve(&all.b);
    let variance = variance(own.iter().chain(past));
    let centred = |sums: Vec<Sums>| -> Vec<Sums> { sums.iter().map(|sums| sums.about(&common)).collect() };
    let (own_sums, past_sums) = (centred(own_sums), centred(past_sums));
    let evidence = |t: f64| -> f64 {
        own_sums
            .iter()
            .zip(&past_sums)
            .map(|(own, past)| {
                let mut before = Sums::new(slots.len());
                before.add_scaled(past, t);
                let mut after = before.clone();
                after.add_scaled(own, 1.0);
                let (before, after) = (before.fitted(), after.fitted());
                0.5 * (before.0 - after.0) + (after.1 - before.1) / (2.0 * variance)
            })
            .sum()
    };
    let mut best = (1.0, f64::NEG_INFINITY);
    for t in FRACTIONS {
        let found = evidence(t);
        if found > best.1 {
            best = (t, found);
        }
    }
    best.0
}

/// The bias, and those that history knows most of.
fn slots(past: &[Cell<'_>]) -> Vec<u32> {
    let counts = super::history::slot_sums(past);
    let mut by_count: Vec<(u32, f64)> = counts.into_iter().map(|(slot, (n, _))| (slot, n)).collect();
    by_count.retain(|&(slot, _)| slot > 0);
    by_count.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    by_count.truncate(SLOTS - 1);
    let mut slots: Vec<u32> = by_count.into_iter().map(|(slot, _)| slot).collect();
    slots.push(0);
    slots.sort_unstable();
    slots
}

/// Of one reward about the mean of all.
fn variance<'a, 'b: 'a>(cells: impl Iterator<Item = &'a Cell<'b>>) -> f64 {
    let (n, r, rr) = cells.fold((1.0, 0.5, 0.5), |(n, r, rr), cell| {
        (n + cell.n(), r + cell.r(), rr + cell.rr())
    });
    let mean = r / n;
    (rr / n - mean * mean).max(LEAST_VARIANCE)
}

/// A and b over the chosen slots; A as a packed lower triangle.
#[derive(Clone, Debug)]
struct Sums {
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Sums {
    fn new(slots: usize) -> Self {
        Self {
            a: vec![0.0; slots * (slots + 1) / 2],
            b: vec![0.0; slots],
        }
    }

    fn add(&mut self, cell: &Cell<'_>, slots: &[u32]) {
        let position = |slot: u32| slots.binary_search(&slot).ok();
        let scale = cell.kept * cell.share / SQUARE_ONE;
        cell.sums.add_scaled_pairs(position, scale, |high, low, value| {
            if let Some(sum) = self.a.get_mut(at(high, low)) {
                *sum += value;
            }
        });
        cell.sums.for_each_b(|slot, value| {
            if let Some(sum) = position(slot).and_then(|i| self.b.get_mut(i)) {
                *sum += value as f64 / REWARD_ONE * cell.kept;
            }
        });
    }

    fn add_scaled(&mut self, other: &Self, scale: f64) {
        self.a
            .iter_mut()
            .zip(&other.a)
            .for_each(|(sum, a)| *sum += a * scale);
        self.b
            .iter_mut()
            .zip(&other.b)
            .for_each(|(sum, b)| *sum += b * scale);
    }

    /// With rewards about what a common model says.
    fn about(&self, common: &[f64]) -> Self {
        let mut about = self.clone();
        for (i, b) in about.b.iter_mut().enumerate() {
            for (j, &theta) in common.iter().enumerate() {
                *b -= self.a.get(at(i.max(j), i.min(j))).copied().unwrap_or(0.0) * theta;
            }
        }
        about
    }

    fn factor(&self) -> Factor {
        let mut a = self.a.clone();
        for i in 0..self.b.len() {
            if let Some(value) = a.get_mut(at(i, i)) {
                *value += if i == 0 { 0.1 } else { 1.0 };
            }
        }
        Factor::of(a)
    }

    /// ln|Λ + A| and bᵀ(Λ + A)⁻¹b.
    fn fitted(&self) -> (f64, f64) {
        let factor = self.factor();
        let theta = factor.solve(&self.b);
        (
            factor.log_det(),
            theta.iter().zip(&self.b).map(|(t, b)| t * b).sum(),
        )
    }
}
