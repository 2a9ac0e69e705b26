//! "This unit was shown this arm", with everything that learning and inference need.

use alloc::vec::Vec;

use crate::id::{RevisionId, UnitKind};
use crate::revision::{LINEAR_LIMIT_Q10, MAX_ARMS, MAX_ATTRIBUTES};
use crate::wire::{Reader, WireError, Writer};

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
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => x.revision = RevisionId(r.fixed64(field)?),
                2 => x.model = r.u64(field)?,
                3 => x.episode = r.u64(field)?,
                4 => x.arm = r.u32(field)?,
                5 => x.draw = r.u32(field)?,
                6 => r.repeated_u32(field, &mut x.slots, MAX_SLOTS, "active slots")?,
                7 => r.repeated(field, &mut x.values_q10, MAX_SLOTS, "slot values", value_q10)?,
                8 => r.repeated_u32(field, &mut x.propensities_q30, MAX_ARMS, "propensities")?,
                9 => r.repeated_u32(field, &mut x.predictions_micros, MAX_ARMS, "predictions")?,
                10 => r.repeated_u32(field, &mut x.variances_micros, MAX_ARMS, "variances")?,
                11 => x.flags = r.u32(field)?,
                12 => x.unit_kind = UnitKind::from_wire(r.u32(field)?)?,
                _ => return Err(r.unknown()),
            }
        }
        x.check()?;
        Ok(x)
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
            return Err(WireError::OutOfRange("arm"));
        }
        if self.draw >= crate::propensity::ONE_Q30 {
            return Err(WireError::OutOfRange("draw"));
        }
        if !parallel(self.predictions_micros.len()) || !parallel(self.variances_micros.len()) {
            return Err(WireError::OutOfRange("predictions or variances (one an arm)"));
        }
        if self
            .predictions_micros
            .iter()
            .chain(&self.variances_micros)
            .any(|&v| v > 1_000_000)
        {
            return Err(WireError::OutOfRange("prediction or variance (at most 1)"));
        }
        if self.flags > (FLAG_COMPARISON | FLAG_OVERRIDE) {
            return Err(WireError::OutOfRange("flags"));
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
            return Err(WireError::OutOfRange("slots (ascending, 1 to 65535)"));
        }
        if !self.values_q10.is_empty() && self.values_q10.len() != self.slots.len() {
            return Err(WireError::OutOfRange("slot values (one a slot)"));
        }
        Ok(())
    }
}

fn value_q10(zigzag: u64) -> Result<i32, WireError> {
    let half = i64::try_from(zigzag >> 1).map_err(|_| WireError::Overlong)?;
    let value = if zigzag & 1 == 0 { half } else { -half - 1 };
    let limit = i64::from(LINEAR_LIMIT_Q10);
    if (-limit..=limit).contains(&value) {
        Ok(value as i32)
    } else {
        Err(WireError::OutOfRange("slot value (at most 8)"))
    }
}
