//! "This unit was shown this arm", with everything that learning and inference need.

use alloc::vec::Vec;

use crate::id::{RevisionId, UnitKind};
use crate::revision::{LINEAR_LIMIT_Q10, MAX_ARMS, MAX_ATTRIBUTES};
use crate::wire::shape::{FIXED64, Rule, U32, U64, list, upto};
use crate::wire::{Fields, Message, WireError, Writer};

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
        const RULES: [Rule; 12] = [
            FIXED64,
            U64,
            U64,
            U32,
            U32,
            list(MAX_SLOTS, "active slots"),
            list(MAX_SLOTS, "slot values"),
            list(MAX_ARMS, "propensities"),
            list(MAX_ARMS, "predictions"),
            list(MAX_ARMS, "variances"),
            U32,
            upto(1, "unit kind"),
        ];
        let f = Fields::read(m, &RULES);
        let x = Self {
            revision: RevisionId(f.u64(1)),
            model: f.u64(2),
            episode: f.u64(3),
            arm: f.u32(4),
            draw: f.u32(5),
            slots: f.list(m, 6),
            values_q10: f.list(m, 7).into_iter().map(unzigzag).collect(),
            propensities_q30: f.list(m, 8),
            predictions_micros: f.list(m, 9),
            variances_micros: f.list(m, 10),
            flags: f.u32(11),
            unit_kind: if f.is(12) {
                UnitKind::Account
            } else {
                UnitKind::Visitor
            },
        };
        m.check(x.check());
        x
    }

    pub fn write(&self, w: &mut Writer) {
        self.write_for(w, true);
    }

    /// Without the slots unless `personal`: they tell what attributes there are.
    pub(crate) fn write_for(&self, w: &mut Writer, personal: bool) {
        w.fixed64(1, self.revision.0);
        w.uint(2, self.model);
        w.uint(3, self.episode);
        w.uint(4, self.arm.into());
        w.uint(5, self.draw.into());
        if personal {
            w.packed_u32(6, &self.slots);
            w.packed_sint(7, self.values_q10.iter().map(|&v| i64::from(v)));
        }
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
                .any(|s| !(1..=crate::features::LAST_FINE_SLOT).contains(s))
        {
            return Err(WireError::out_of_range("slots (ascending, 1 to 4259839)"));
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
