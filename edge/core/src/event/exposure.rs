//! "This unit was shown this arm", with everything that learning and inference need.

use alloc::vec::Vec;

use crate::id::{RevisionId, UnitKind};
use crate::revision::{LINEAR_LIMIT_Q10, MAX_ARMS, MAX_ATTRIBUTES};
use crate::wire::{Message, WireError, Writer};

/// An exposure has at most one slot for each attribute.
pub const MAX_SLOTS: usize = MAX_ATTRIBUTES;
/// The unit is in the comparison group.
pub const FLAG_COMPARISON: u32 = 1;
/// The arm was forced, not drawn: it voids the unit's open episode and is never folded.
pub const FLAG_OVERRIDE: u32 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    pub revision: RevisionId,
    /// Version of the snapshot whose model decided.
    pub model: u64,
    pub episode: u64,
    pub arm: u32,
    /// Below 2^30. In the log it is masked.
    pub draw: u32,
    /// Active slots, ascending, without the bias slot 0.
    pub slots: Vec<u32>,
    /// Values of the slots in parts of 2^10; empty where all are 1024.
    pub values_q10: Vec<i32>,
    /// One an arm; the sum is 2^30.
    pub propensities_q30: Vec<u32>,
    /// One an arm, or none: the defaults.
    pub predictions_micros: Vec<u32>,
    pub variances_micros: Vec<u32>,
    pub flags: u32,
    pub unit_kind: UnitKind,
}

impl Exposure {
    pub fn in_comparison_group(&self) -> bool {
        self.flags & FLAG_COMPARISON != 0
    }

    pub fn is_override(&self) -> bool {
        self.flags & FLAG_OVERRIDE != 0
    }

    /// The slots with their values in parts of 2^10.
    pub fn features(&self) -> impl Iterator<Item = (u32, i32)> {
        let all_one = self.values_q10.is_empty();
        let values = self
            .values_q10
            .iter()
            .copied()
            .chain(core::iter::repeat_n(1024, if all_one { MAX_SLOTS } else { 0 }));
        self.slots.iter().copied().zip(values)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Message::read(bytes, Self::read)
    }

    pub(crate) fn read(m: &mut Message<'_>) -> Self {
        let mut x = Self {
            revision: RevisionId(0),
            model: 0,
            episode: 0,
            arm: 0,
            draw: 0,
            slots: Vec::new(),
            values_q10: Vec::new(),
            propensities_q30: Vec::new(),
            predictions_micros: Vec::new(),
            variances_micros: Vec::new(),
            flags: 0,
            unit_kind: UnitKind::Visitor,
        };
        let mut values = Vec::new();
        while let Some(number) = m.next_field() {
            match number {
                1 => x.revision = RevisionId(m.fixed64()),
                2 => x.model = m.u64(),
                3 => x.episode = m.u64(),
                4 => x.arm = m.u32(),
                5 => x.draw = m.u32(),
                6 => m.numbers(&mut x.slots, MAX_SLOTS, "active slots"),
                7 => m.numbers(&mut values, MAX_SLOTS, "slot values"),
                8 => m.numbers(&mut x.propensities_q30, MAX_ARMS, "propensities"),
                9 => m.numbers(&mut x.predictions_micros, MAX_ARMS, "predictions"),
                10 => m.numbers(&mut x.variances_micros, MAX_ARMS, "variances"),
                11 => x.flags = m.u32(),
                12 => x.unit_kind = UnitKind::read(m),
                _ => m.unknown(),
            }
        }
        x.values_q10 = values.into_iter().map(unzigzag).collect();
        m.check(x.check());
        x
    }

    pub fn write(&self, w: &mut Writer) {
        w.fixed64(1, self.revision.0);
        w.uint(2, self.model);
        w.uint(3, self.episode);
        w.uint(4, self.arm.into());
        w.uint(5, self.draw.into());
        w.packed_u32(6, &self.slots);
        w.packed_sint(7, self.values_q10.iter().map(|&v| i64::from(v)));
        w.packed_u32(8, &self.propensities_q30);
        w.packed_u32(9, &self.predictions_micros);
        w.packed_u32(10, &self.variances_micros);
        w.uint(11, self.flags.into());
        w.uint(12, self.unit_kind as u64);
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.into_bytes()
    }

    /// What can be checked without the revision: shapes, order and ranges.
    fn check(&self) -> Result<(), WireError> {
        let arms = self.propensities_q30.len();
        let parallel = |n: usize| n == 0 || n == arms;
        if self.arm as usize >= arms {
            return Err(WireError::out_of_range("arm"));
        }
        if self.draw >= crate::propensity::ONE_Q30 {
            return Err(WireError::out_of_range("draw"));
        }
        if !parallel(self.predictions_micros.len()) || !parallel(self.variances_micros.len()) {
            return Err(WireError::out_of_range("predictions or variances (one an arm)"));
        }
        if self
            .predictions_micros
            .iter()
            .chain(&self.variances_micros)
            .any(|&v| v > 1_000_000)
        {
            return Err(WireError::out_of_range("prediction or variance (at most 1)"));
        }
        if self.flags > (FLAG_COMPARISON | FLAG_OVERRIDE) {
            return Err(WireError::out_of_range("flags"));
        }
        let ascending = self
            .slots
            .iter()
            .zip(self.slots.iter().skip(1))
            .all(|(a, b)| a < b);
        if !ascending
            || self
                .slots
                .iter()
                .any(|s| !(1..=crate::features::LAST_SLOT).contains(s))
        {
            return Err(WireError::out_of_range("slots (ascending, 1 to 65535)"));
        }
        let limit = -LINEAR_LIMIT_Q10..=LINEAR_LIMIT_Q10;
        if self.values_q10.iter().any(|v| !limit.contains(v)) {
            return Err(WireError::out_of_range("slot value (at most 8)"));
        }
        if !self.values_q10.is_empty() && self.values_q10.len() != self.slots.len() {
            return Err(WireError::out_of_range("slot values (one a slot)"));
        }
        Ok(())
    }
}

fn unzigzag(v: u32) -> i32 {
    (v >> 1).cast_signed() ^ -(v & 1).cast_signed()
}
