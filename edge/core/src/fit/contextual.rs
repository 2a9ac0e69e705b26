//! Ridge regression of the reward on the slots, one arm at a time, each starting from what all arms have in common.
//!
//! θ₀ = (Σ_a A_a + κR)⁻¹ Σ_a b_a, θ_a = θ₀ + (A_a + R)⁻¹ (b_a − A_a θ₀), with the [`Ridge`](super::ridge) R. What the edge
//! makes of it is in [`crate::policy`].

use alloc::{vec, vec::Vec};

use super::cholesky::{Factor, at};
use super::ridge::{COMMON, Ridge};
use super::variance_micros;
use super::weigh::{REWARD_ONE, SQUARE_ONE, SlotSums, Weighed};
use crate::model::{MAX_MODEL_SLOTS, Model};

/// γ = γ₀ √n with n the effective count. Forgetting bounds n, and so γ, by itself.
pub const GAMMA_0: f64 = 100.0;
/// How far optimism reaches, in widths of the diagonal confidence. From .3 to .5 the mean over nine data sets is the same to
/// a tenth of a point; less forgets arms whose time comes late, more pays for trying.
pub const ALPHA: f32 = 0.4;

pub(super) fn model(weighed: &Weighed<'_>) -> Model {
    let slots = choose_slots(weighed);
    let arms = weighed.arms().len();
    let systems = systems(weighed, &slots, arms);
    let mut pooled = System::new(slots.len());
    for system in &systems {
        pooled.add(system);
    }
    let n: f64 = weighed.arms().iter().map(|arm| arm.n).sum();
    let squares: f64 = (1..slots.len()).map(|i| pooled.diagonal(i)).sum();
    let ridge = Ridge::of(weighed.attributes(), &slots, squares / n.max(1.0));
    let theta_0 = pooled.factor(&ridge, COMMON).solve(&pooled.b);
    let mut model = Model {
        slots,
        gamma: (GAMMA_0 * libm::sqrt(n)) as f32,
        alpha: ALPHA,
        ..Model::default()
    };
    for (system, arm) in systems.iter().zip(weighed.arms()) {
        let predicted = system.times(&theta_0);
        let missed: Vec<f64> = system.b.iter().zip(&predicted).map(|(b, p)| b - p).collect();
        let step = system.factor(&ridge, 1.0).solve(&missed);
        let theta: Vec<f64> = theta_0.iter().zip(&step).map(|(t, s)| t + s).collect();
        let explained: f64 = theta.iter().zip(system.times(&theta)).map(|(t, p)| t * p).sum();
        let matched: f64 = theta.iter().zip(&system.b).map(|(t, b)| t * b).sum();
        // One fair coin beforehand.
        let variance = ((arm.rr - 2.0 * matched + explained).max(0.0) + 0.25) / (arm.n + 1.0);
        model.variances_micros.push(variance_micros(variance));
        model.theta.extend(theta.iter().map(|&t| t as f32));
        model
            .precision
            .extend((0..theta.len()).map(|i| (system.diagonal(i) + ridge.of_slot(i)) as f32));
    }
    model
}

/// The bias slot, and of the others those that count most over all arms; of equals the first.
fn choose_slots(weighed: &Weighed<'_>) -> Vec<u32> {
    let total = |arms: &[SlotSums]| arms.iter().map(|s| s.n).sum::<f64>();
    let mut known: Vec<(u32, f64)> = weighed
        .slots()
        .iter()
        .map(|(&slot, arms)| (slot, total(arms)))
        .collect();
    known.retain(|&(slot, n)| slot > 0 && n > 0.0);
    known.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    known.truncate(MAX_MODEL_SLOTS - 1);
    let mut slots: Vec<u32> = known.into_iter().map(|(slot, _)| slot).collect();
    slots.push(0);
    slots.sort_unstable();
    slots
}

/// One system an arm.
fn systems(weighed: &Weighed<'_>, slots: &[u32], arms: usize) -> Vec<System> {
    let mut systems = vec![System::new(slots.len()); arms];
    for cell in weighed.cells() {
        let position = |slot: u32| slots.binary_search(&weighed.slot(slot)).ok();
        let Some(system) = systems.get_mut(cell.arm) else {
            continue;
        };
        let scale = cell.kept * cell.share / SQUARE_ONE;
        cell.sums.add_scaled_pairs(position, scale, |high, low, value| {
            if let Some(sum) = system.a.get_mut(at(high, low)) {
                *sum += value;
            }
        });
        cell.sums.for_each_b(|slot, value| {
            if let Some(sum) = position(slot).and_then(|i| system.b.get_mut(i)) {
                *sum += value as f64 / REWARD_ONE * cell.kept;
            }
        });
    }
    systems
}

/// A and b over the chosen slots; A as a packed lower triangle.
#[derive(Clone, Debug)]
struct System {
    a: Vec<f64>,
    b: Vec<f64>,
}

impl System {
    fn new(slots: usize) -> Self {
        Self {
            a: vec![0.0; slots * (slots + 1) / 2],
            b: vec![0.0; slots],
        }
    }

    fn add(&mut self, other: &Self) {
        self.a.iter_mut().zip(&other.a).for_each(|(sum, a)| *sum += a);
        self.b.iter_mut().zip(&other.b).for_each(|(sum, b)| *sum += b);
    }

    fn diagonal(&self, i: usize) -> f64 {
        self.a.get(at(i, i)).copied().unwrap_or(0.0)
    }

    fn factor(&self, ridge: &Ridge, times: f64) -> Factor {
        let mut a = self.a.clone();
        ridge.add_to(&mut a, times);
        Factor::of(a)
    }

    /// A times a vector.
    fn times(&self, x: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; x.len()];
        let mut values = self.a.iter();
        for (row, &x_row) in x.iter().enumerate() {
            let mut sum = 0.0;
            for ((value, &x_column), product) in (&mut values).take(row + 1).zip(x).zip(product.iter_mut()) {
                sum += value * x_column;
                *product += value * x_row;
            }
            // The diagonal was added from both sides.
            if let Some(product) = product.get_mut(row) {
                *product += sum - self.diagonal(row) * x_row;
            }
        }
        product
    }
}
