//! The sums of one arm in one bucket, with sums over pairs of slots.
//!
//! The first 512 slots that come get places in a dense triangle that grows a row with each: adding an event is then a few
//! additions to an array. Later slots go to sorted maps, slower and without bound, so that a categorical of ten thousand
//! values is only slow. Which slots are dense depends on the order of events; what is written down does not.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use crate::event::MAX_SLOTS;
use crate::join::reward::DELAY_STEPS;

/// So many slots are dense: a full triangle takes one megabyte.
const DENSE_SLOTS: usize = 512;
/// Bins of receive delays: the steps of the window, and everything later.
pub const DELAY_BINS: usize = DELAY_STEPS as usize + 1;
/// Marks a slot without a place.
const SPARSE: u16 = u16::MAX;

/// An exposure's active slots as the sums see them: the bias first, then ascending.
#[derive(Clone, Debug)]
pub struct Active {
    pub slots: Vec<(u32, i32)>,
}

impl Active {
    /// Adds the bias slot 0, whose value is 1024.
    pub fn with_bias(features: impl Iterator<Item = (u32, i32)>) -> Self {
        let mut slots = Vec::with_capacity(MAX_SLOTS + 1);
        slots.push((0, crate::features::ONE_Q10));
        slots.extend(features);
        Self { slots }
    }
}

#[derive(Clone, Debug)]
pub struct ArmSums {
    /// Exposures.
    pub n: i64,
    /// Rewards in micro-units, and their squares.
    pub sum_r: i64,
    pub sum_rr: i128,
    /// Reward by the age at which it was received.
    pub delays: [i64; DELAY_BINS],
    /// Slots with their places, by slot.
    places: Vec<(u32, u16)>,
    /// Pairs of places `low <= high` at `high * (high + 1) / 2 + low`, in parts of 2^20.
    a: Vec<i64>,
    /// By place, in micros / 2^10.
    b: Vec<i64>,
    /// Pairs `(low, high)` of slots of which one at least is not dense.
    sparse_a: BTreeMap<(u32, u32), i64>,
    sparse_b: BTreeMap<u32, i64>,
}

impl Default for ArmSums {
    fn default() -> Self {
        Self {
            n: 0,
            sum_r: 0,
            sum_rr: 0,
            delays: [0; DELAY_BINS],
            places: Vec::new(),
            a: Vec::new(),
            b: Vec::new(),
            sparse_a: BTreeMap::new(),
            sparse_b: BTreeMap::new(),
        }
    }
}

impl ArmSums {
    pub fn is_zero(&self) -> bool {
        self.n == 0
            && self.sum_r == 0
            && self.sum_rr == 0
            && self.delays.iter().all(|&v| v == 0)
            && self.a.iter().all(|&v| v == 0)
            && self.b.iter().all(|&v| v == 0)
            && self.sparse_a.is_empty()
            && self.sparse_b.is_empty()
    }

    /// Adds an exposure's products of slots, `sign` times.
    pub fn add_products(&mut self, active: &Active, sign: i64) {
        let mut places = [SPARSE; MAX_SLOTS + 1];
        let mut all_dense = true;
        for (place, &(slot, _)) in places.iter_mut().zip(&active.slots) {
            *place = self.place(slot);
            all_dense &= *place != SPARSE;
        }
        for (j, (&place, &(slot, x))) in places.iter().zip(&active.slots).enumerate() {
            let x = i64::from(x) * sign;
            let upto = active.slots.get(..=j).unwrap_or_default();
            if all_dense {
                add_row(&mut self.a, place, &places, upto, x);
            } else {
                self.add_mixed_row(slot, place, &places, upto, x);
            }
        }
    }

    /// Adds a reward (or its difference) at an exposure's slots.
    pub fn add_reward(&mut self, active: &Active, micros: i64) {
        for &(slot, x) in &active.slots {
            self.add_b(slot, micros.wrapping_mul(i64::from(x)));
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.n = self.n.wrapping_add(other.n);
        self.sum_r = self.sum_r.wrapping_add(other.sum_r);
        self.sum_rr = self.sum_rr.wrapping_add(other.sum_rr);
        for (mine, theirs) in self.delays.iter_mut().zip(&other.delays) {
            *mine = mine.wrapping_add(*theirs);
        }
        other.for_each_pair(|low, high, value| self.add_a(low, high, value));
        other.for_each_b(|slot, value| self.add_b(slot, value));
    }

    /// Every pair of slots `low <= high` whose sum is not zero, in no particular order.
    pub fn for_each_pair(&self, mut each: impl FnMut(u32, u32, i64)) {
        let slots = self.slots_by_place();
        let mut values = self.a.iter();
        for (high, &s) in slots.iter().enumerate() {
            for (&t, &value) in slots.iter().take(high + 1).zip(&mut values) {
                if value != 0 {
                    each(s.min(t), s.max(t), value);
                }
            }
        }
        for (&(low, high), &value) in &self.sparse_a {
            each(low, high, value);
        }
    }

    /// Every slot's sum of squares that is not zero, in no particular order.
    pub fn for_each_square(&self, mut each: impl FnMut(u32, i64)) {
        for &(slot, place) in &self.places {
            match self.a.get(triangle(place, place)) {
                Some(&value) if value != 0 => each(slot, value),
                _ => {}
            }
        }
        for (&(low, high), &value) in &self.sparse_a {
            if low == high {
                each(low, value);
            }
        }
    }

    /// Every pair of slots that have positions, as (higher position, lower position, scaled sum), in no particular order.
    pub fn add_scaled_pairs(
        &self,
        position: impl Fn(u32) -> Option<usize>,
        scale: f64,
        mut each: impl FnMut(usize, usize, f64),
    ) {
        let positions: Vec<Option<usize>> = self.slots_by_place().into_iter().map(&position).collect();
        let mut rest = self.a.as_slice();
        for (high, &p) in positions.iter().enumerate() {
            let (row, after) = rest.split_at_checked(high + 1).unwrap_or((rest, &[]));
            rest = after;
            let Some(p) = p else { continue };
            for (&value, &q) in row.iter().zip(&positions) {
                if let (Some(q), true) = (q, value != 0) {
                    each(p.max(q), p.min(q), value as f64 * scale);
                }
            }
        }
        for (&(low, high), &value) in &self.sparse_a {
            if let (Some(p), Some(q)) = (position(low), position(high)) {
                each(p.max(q), p.min(q), value as f64 * scale);
            }
        }
    }

    /// Every slot whose reward sum is not zero, in no particular order.
    pub fn for_each_b(&self, mut each: impl FnMut(u32, i64)) {
        for (&slot, &value) in self.slots_by_place().iter().zip(&self.b) {
            if value != 0 {
                each(slot, value);
            }
        }
        for (&slot, &value) in &self.sparse_b {
            each(slot, value);
        }
    }

    /// Adds to one pair of slots, `low <= high`.
    pub(super) fn add_a(&mut self, low: u32, high: u32, value: i64) {
        let (p, q) = (self.place(low), self.place(high));
        if p == SPARSE || q == SPARSE {
            add_sparse(&mut self.sparse_a, (low, high), value);
        } else if let Some(sum) = self.a.get_mut(triangle(p.min(q), p.max(q))) {
            *sum = sum.wrapping_add(value);
        }
    }

    pub(super) fn add_b(&mut self, slot: u32, value: i64) {
        let place = self.place(slot);
        if place == SPARSE {
            add_sparse(&mut self.sparse_b, slot, value);
        } else if let Some(sum) = self.b.get_mut(place as usize) {
            *sum = sum.wrapping_add(value);
        }
    }

    /// The place of a slot; a new one while there is room.
    fn place(&mut self, slot: u32) -> u16 {
        match self.places.binary_search_by_key(&slot, |&(slot, _)| slot) {
            Ok(i) => self.places.get(i).map_or(SPARSE, |&(_, place)| place),
            Err(_) if self.places.len() >= DENSE_SLOTS => SPARSE,
            Err(i) => {
                let place = self.places.len();
                self.places.insert(i, (slot, place as u16));
                self.b.push(0);
                self.a.resize(self.a.len() + place + 1, 0);
                place as u16
            }
        }
    }

    fn slots_by_place(&self) -> Vec<u32> {
        let mut slots = vec![0; self.places.len()];
        for &(slot, place) in &self.places {
            if let Some(at) = slots.get_mut(place as usize) {
                *at = slot;
            }
        }
        slots
    }

    /// Where a slot of the event has no place. Slots ascend, so `slot` is the higher of each pair.
    fn add_mixed_row(&mut self, slot: u32, place: u16, places: &[u16], upto: &[(u32, i32)], x: i64) {
        for (&other_place, &(other, y)) in places.iter().zip(upto) {
            let value = x * i64::from(y);
            if place == SPARSE || other_place == SPARSE {
                add_sparse(&mut self.sparse_a, (other, slot), value);
            } else if let Some(sum) = self
                .a
                .get_mut(triangle(place.min(other_place), place.max(other_place)))
            {
                *sum = sum.wrapping_add(value);
            }
        }
    }
}

fn triangle(low: u16, high: u16) -> usize {
    let (low, high) = (low as usize, high as usize);
    high * (high + 1) / 2 + low
}

/// The products of one slot with those up to it. Small and alone, so that every just-in-time compiler takes it whole.
#[inline(never)]
fn add_row(a: &mut [i64], place: u16, places: &[u16], upto: &[(u32, i32)], x: i64) {
    for (&other, &(_, y)) in places.iter().zip(upto) {
        let at = if other < place {
            triangle(other, place)
        } else {
            triangle(place, other)
        };
        if let Some(sum) = a.get_mut(at) {
            *sum = sum.wrapping_add(x * i64::from(y));
        }
    }
}

/// A sum that comes to zero leaves.
fn add_sparse<K: Ord>(map: &mut BTreeMap<K, i64>, key: K, value: i64) {
    use alloc::collections::btree_map::Entry;
    match map.entry(key) {
        Entry::Vacant(entry) => {
            if value != 0 {
                entry.insert(value);
            }
        }
        Entry::Occupied(mut entry) => {
            let sum = entry.get().wrapping_add(value);
            if sum == 0 {
                entry.remove();
            } else {
                *entry.get_mut() = sum;
            }
        }
    }
}
