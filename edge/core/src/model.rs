//! What the fitter writes for one experiment, as an edge holds it.

use alloc::vec::Vec;

use crate::revision::MAX_ARMS;
use crate::wire::shape::{FIXED32, Rule, U32, bytes, each, list};
use crate::wire::{Fields, Message, WireError, Writer};

/// A contextual model has at most so many slots.
pub const MAX_MODEL_SLOTS: usize = 512;
const MAX_SEGMENTS: usize = 4_096;
const MAX_WEIGHTS: usize = MAX_MODEL_SLOTS * MAX_ARMS * size_of::<f32>();

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
        const RULES: [Rule; 8] = [
            each(MAX_SEGMENTS, "segments"),
            list(MAX_MODEL_SLOTS, "slots of a model"),
            bytes(MAX_WEIGHTS, "weights of a model"),
            bytes(MAX_WEIGHTS, "weights of a model"),
            FIXED32,
            FIXED32,
            list(MAX_ARMS, "variances"),
            list(MAX_ARMS, "newcomers"),
        ];
        let f = Fields::read(m, &RULES);
        let model = Self {
            segments: f.each(m, 1, |m| Segment::read(m, arms)),
            slots: f.list(m, 2),
            theta: floats(m, f.bytes(3)),
            precision: floats(m, f.bytes(4)),
            gamma: f.f32(5),
            alpha: f.f32(6),
            variances_micros: f.list(m, 7),
            newcomers: f.list(m, 8),
        };
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
        w.bytes(3, &unpacked(&self.theta));
        w.bytes(4, &unpacked(&self.precision));
        w.f32(5, self.gamma);
        w.f32(6, self.alpha);
        w.packed_u32(7, &self.variances_micros);
        w.packed_u32(8, &self.newcomers);
    }

    /// The row of a segment, or of everybody where the segment has none.
    #[inline(never)]
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
        const RULES: [Rule; 3] = [U32, list(MAX_ARMS, "probabilities"), list(MAX_ARMS, "means")];
        let f = Fields::read(m, &RULES);
        let segment = Self {
            slot: f.u32(1),
            probabilities_q30: f.list(m, 2),
            means_micros: f.list(m, 3),
        };
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

#[inline(never)]
fn floats(m: &mut Message<'_>, packed: &[u8]) -> Vec<f32> {
    let (packed, rest) = packed.as_chunks();
    m.require(rest.is_empty(), "weights of a model");
    packed.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

fn unpacked(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
