//! Buckets weighed by age: exponential forgetting, and the share of rewards that has come in.
//!
//! A(t) = Σ 2^(-age/H) F(age) A_h and b(t) = Σ 2^(-age/H) b_h. An exposure and its reward are never weighed by different
//! ages: with A in full at the decision and b when it comes, slow arms would look bad (Vernade et al. 2017, 2020).

use alloc::{collections::BTreeMap, vec, vec::Vec};

use super::delay::DelayCounts;
use super::{Source, cuts};
use crate::acc::ArmSums;
use crate::join::reward::ONE_MICROS;
use crate::revision::{Attribute, Revision};

/// Sums of one arm over all buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arm {
    /// Effective exposures: forgotten by age, and counted by the share of rewards that has come in.
    pub n: f64,
    /// Rewards and their squares, forgotten by age.
    pub r: f64,
    pub rr: f64,
    /// Effective exposures without forgetting: how much of the arm was ever seen.
    pub seen: f64,
    /// Exposures whose window has passed, without forgetting.
    pub matured: f64,
    /// Rewards and their squares without forgetting.
    all_r: f64,
    all_rr: f64,
}

impl Arm {
    /// The mean reward; one half where nothing is known.
    pub fn mean(&self) -> f64 {
        (self.r + 0.5) / (self.n + 1.0)
    }

    /// The variance of the reward about the mean.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        // One pseudo-observation, as in the mean.
        ((self.rr + 0.5) / (self.n + 1.0) - mean * mean).max(0.0)
    }

    /// How many rewards there were, where rewards of unequal size count for less than their number: (Σr)²/Σr².
    pub fn rewards(&self) -> f64 {
        if self.all_rr > 0.0 {
            self.all_r * self.all_r / self.all_rr
        } else {
            0.0
        }
    }
}

/// One arm of one bucket with its weights.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    pub arm: usize,
    pub sums: &'a ArmSums,
    /// 2^(-age/H).
    pub kept: f64,
    /// F(age).
    pub share: f64,
}

impl Cell<'_> {
    /// Effective exposures.
    pub fn n(&self) -> f64 {
        self.sums.n as f64 * self.kept * self.share
    }

    /// Rewards and their squares, as far as they are not forgotten.
    pub fn r(&self) -> f64 {
        self.sums.sum_r as f64 / f64::from(ONE_MICROS) * self.kept
    }

    pub fn rr(&self) -> f64 {
        self.sums.sum_rr as f64 / (f64::from(ONE_MICROS) * f64::from(ONE_MICROS)) * self.kept
    }
}

/// What is known of one slot: effective exposures and rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SlotSums {
    pub n: f64,
    pub r: f64,
}

#[derive(Clone, Debug)]
pub struct Weighed<'a> {
    attributes: &'a [Attribute],
    cells: Vec<Cell<'a>>,
    arms: Vec<Arm>,
    /// Whether a reward is 0 or 1.
    pub is_rate: bool,
}

impl<'a> Weighed<'a> {
    /// In the order of sources, buckets and arms, whatever order the events came in.
    pub(super) fn of(
        revision: &'a Revision,
        sources: &[(Source<'a>, Vec<Option<usize>>)],
        clock_ms: u64,
    ) -> Self {
        let window_ms = revision.metric().window_ms;
        let mut found = Vec::new();
        let mut counts = vec![DelayCounts::default(); revision.arms()];
        for (source, places) in sources {
            for ((start, width), sums) in source.sums.learning.buckets() {
                let end = start.saturating_add(width);
                for (sums, place) in sums.iter().zip(places) {
                    let Some(arm) = *place else { continue };
                    if sums.n == 0 {
                        continue;
                    }
                    if let Some(counts) = counts.get_mut(arm) {
                        let age = clock_ms.saturating_sub(end);
                        counts.add(&sums.delays, age, window_ms, 1.0 / f64::from(ONE_MICROS));
                    }
                    found.push((arm, sums, start, end));
                }
            }
        }
        let delays = DelayCounts::estimates(&counts, window_ms);
        let mut arms = vec![Arm::default(); revision.arms()];
        let cells: Vec<Cell<'a>> = found
            .into_iter()
            .map(|(arm, sums, start, end)| {
                let age_ms = middle_age_ms(start, end, clock_ms);
                let matured = end.saturating_add(window_ms) <= clock_ms;
                let share = if matured {
                    1.0
                } else {
                    delays.get(arm).map_or(1.0, |d| d.share(age_ms))
                };
                let cell = Cell {
                    arm,
                    sums,
                    kept: kept(age_ms, revision.half_life_ms),
                    share,
                };
                if let Some(arm) = arms.get_mut(arm) {
                    arm.add(&cell, matured);
                }
                cell
            })
            .collect();
        Self {
            attributes: &revision.attributes,
            cells,
            arms,
            is_rate: revision.metric().cap_micros == 0,
        }
    }

    /// Adds what history says of an arm, already discounted. Its windows have closed, and it tells nothing of delays.
    pub(super) fn add_history(&mut self, cell: Cell<'a>) {
        if let Some(arm) = self.arms.get_mut(cell.arm) {
            arm.n += cell.n();
            arm.r += cell.r();
            arm.rr += cell.rr();
            arm.seen += cell.n();
            arm.matured += cell.n();
        }
        self.cells.push(cell);
    }

    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    pub fn arm(&self, arm: usize) -> Arm {
        self.arms.get(arm).copied().unwrap_or_default()
    }

    pub fn cells(&self) -> &[Cell<'a>] {
        &self.cells
    }

    pub fn attributes(&self) -> &[Attribute] {
        self.attributes
    }

    /// The slot as the model has it: a narrow range of a number that has been cut since is part of a range.
    pub fn slot(&self, slot: u32) -> u32 {
        cuts::coarse(self.attributes, slot)
    }

    /// For every slot what is known of each arm.
    pub fn slots(&self) -> BTreeMap<u32, Vec<SlotSums>> {
        let mut slots: BTreeMap<u32, Vec<SlotSums>> = BTreeMap::new();
        for cell in &self.cells {
            let mut at = |slot: u32, n: f64, r: f64| {
                let arms = slots
                    .entry(self.slot(slot))
                    .or_insert_with(|| vec![SlotSums::default(); self.arms.len()]);
                if let Some(sums) = arms.get_mut(cell.arm) {
                    sums.n += n;
                    sums.r += r;
                }
            };
            cell.sums.for_each_square(|slot, square| {
                at(slot, square as f64 / SQUARE_ONE * cell.kept * cell.share, 0.0);
            });
            cell.sums
                .for_each_b(|slot, sum| at(slot, 0.0, sum as f64 / REWARD_ONE * cell.kept));
        }
        slots
    }
}

/// A product of two slots, and of a slot and a reward, as the sums hold them.
pub const SQUARE_ONE: f64 = 1_048_576.0;
pub const REWARD_ONE: f64 = 1_024.0 * 1e6;

impl Arm {
    fn add(&mut self, cell: &Cell<'_>, matured: bool) {
        let one = f64::from(ONE_MICROS);
        let (n, r, rr) = (
            cell.sums.n as f64,
            cell.sums.sum_r as f64 / one,
            cell.sums.sum_rr as f64 / (one * one),
        );
        self.n += n * cell.kept * cell.share;
        self.r += r * cell.kept;
        self.rr += rr * cell.kept;
        self.seen += n * cell.share;
        self.all_r += r;
        self.all_rr += rr;
        if matured {
            self.matured += n;
        }
    }
}

/// The age of a bucket's middle; of what has passed of it, while it is filling.
fn middle_age_ms(start: u64, end: u64, clock_ms: u64) -> f64 {
    let end = end.min(clock_ms.max(start));
    let middle = start + (end - start) / 2;
    clock_ms.saturating_sub(middle) as f64
}

pub(super) fn kept(age_ms: f64, half_life_ms: u64) -> f64 {
    if half_life_ms == 0 {
        1.0
    } else {
        libm::exp2(-age_ms / half_life_ms as f64)
    }
}
