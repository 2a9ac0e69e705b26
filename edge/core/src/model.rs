//! What the fitter writes for one experiment, as an edge holds it.

use alloc::vec::Vec;

use crate::revision::MAX_ARMS;
use crate::wire::{Message, WireError, Writer};

/// A contextual model has at most so many slots.
pub const MAX_MODEL_SLOTS: usize = 512;
const MAX_SEGMENTS: usize = 4_096;

/// One row of a Thompson or best-arm table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    pub slot: u32,
    pub probabilities_q30: Vec<u32>,
    pub means_micros: Vec<u32>,
}

/// Empty (the default): nothing is known yet, and the policy is an even split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Sorted by slot; the row of slot 0 serves segments that have none.
    pub segments: Vec<Segment>,
    /// Known slots, ascending, starting with the bias slot 0.
    pub slots: Vec<u32>,
    /// `theta[arm * slots.len() + i]`.
    pub theta: Vec<f32>,
    /// Diagonal of the precision, `A_ii + lambda`, laid out like theta.
    pub precision: Vec<f32>,
    pub gamma: f32,
    pub alpha: f32,
    /// One an arm, or none.
    pub variances_micros: Vec<u32>,
    /// One an arm, or none: 1 while the arm keeps its guaranteed share.
    pub newcomers: Vec<u32>,
}

impl Model {
    /// Decodes and checks the shape against the number of arms.
    pub fn decode(bytes: &[u8], arms: usize) -> Result<Self, WireError> {
        Message::read(bytes, |m| Self::read(m, arms))
    }

    pub(crate) fn read(m: &mut Message<'_>, arms: usize) -> Self {
        let mut model = Self::default();
        while let Some(number) = m.next_field() {
            match number {
                1 => {
                    m.require(model.segments.len() < MAX_SEGMENTS, "segments");
                    model.segments.push(m.nested(|m| Segment::read(m, arms)));
                }
                2 => m.numbers(&mut model.slots, MAX_MODEL_SLOTS, "slots of a model"),
                3 => model.theta = floats(m),
                4 => model.precision = floats(m),
                5 => model.gamma = m.f32(),
                6 => model.alpha = m.f32(),
                7 => m.numbers(&mut model.variances_micros, MAX_ARMS, "variances"),
                8 => m.numbers(&mut model.newcomers, MAX_ARMS, "newcomers"),
                _ => m.unknown(),
            }
        }
        let weights = model.slots.len() * arms;
        let parallel = |n: usize| n == 0 || n == arms;
        let shaped = model.theta.len() == weights
            && model.precision.len() == weights
            && parallel(model.variances_micros.len())
            && parallel(model.newcomers.len())
            && ascending(model.slots.iter().copied())
            && ascending(model.segments.iter().map(|s| s.slot));
        let finite = model.theta.iter().all(|v| v.is_finite())
            && model.precision.iter().all(|&v| v.is_finite() && v > 0.0)
            && model.gamma >= 0.0
            && model.alpha >= 0.0;
        m.require(shaped && finite, "shape of a model");
        model
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        for segment in &self.segments {
            w.message(1, |w| {
                w.uint(1, segment.slot.into());
                w.packed_u32(2, &segment.probabilities_q30);
                w.packed_u32(3, &segment.means_micros);
            });
        }
        w.packed_u32(2, &self.slots);
        w.bytes(3, &bytes(&self.theta));
        w.bytes(4, &bytes(&self.precision));
        w.f32(5, self.gamma);
        w.f32(6, self.alpha);
        w.packed_u32(7, &self.variances_micros);
        w.packed_u32(8, &self.newcomers);
    }

    /// The row of a segment, or of everybody where the segment has none.
    pub fn segment(&self, slot: u32) -> Option<&Segment> {
        let row = |slot| {
            self.segments
                .binary_search_by_key(&slot, |s| s.slot)
                .ok()
                .and_then(|i| self.segments.get(i))
        };
        row(slot).or_else(|| row(0))
    }
}

impl Segment {
    fn read(m: &mut Message<'_>, arms: usize) -> Self {
        let mut segment = Self::default();
        while let Some(number) = m.next_field() {
            match number {
                1 => segment.slot = m.u32(),
                2 => m.numbers(&mut segment.probabilities_q30, MAX_ARMS, "probabilities"),
                3 => m.numbers(&mut segment.means_micros, MAX_ARMS, "means"),
                _ => m.unknown(),
            }
        }
        let parallel = |n: usize| n == 0 || n == arms;
        let bounded = segment.means_micros.iter().all(|&m| m <= 1_000_000)
            && segment
                .probabilities_q30
                .iter()
                .all(|&p| p <= crate::propensity::ONE_Q30);
        let shaped = parallel(segment.probabilities_q30.len()) && parallel(segment.means_micros.len());
        m.require(shaped && bounded, "row of a segment");
        segment
    }
}

fn ascending(mut slots: impl Iterator<Item = u32>) -> bool {
    let Some(mut last) = slots.next() else { return true };
    slots.all(|slot| core::mem::replace(&mut last, slot) < slot)
}

fn floats(m: &mut Message<'_>) -> Vec<f32> {
    let (packed, rest) = m.bytes().as_chunks();
    let fits = rest.is_empty() && packed.len() <= MAX_MODEL_SLOTS * MAX_ARMS;
    m.require(fits, "weights of a model");
    packed.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
