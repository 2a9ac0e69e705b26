//! Which rule chooses, and its floor. The rules themselves are in [`crate::policy`].

use alloc::vec::Vec;

use super::MAX_ARMS;
use crate::propensity::ONE_Q30;
use crate::wire::shape::{Rule, U32, list, upto};
use crate::wire::{Fields, Message, WireError, Writer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum PolicyKind {
    #[default]
    Fixed = 0,
    Thompson = 1,
    Contextual = 2,
    BestArm = 3,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Policy {
    pub kind: PolicyKind,
    /// The least probability of an active arm, in parts of 2^30; not for `fixed`.
    pub min_propensity_q30: u32,
    /// For `fixed`: one weight an arm, sum 2^30. Otherwise empty.
    pub weights_q30: Vec<u32>,
}

impl Policy {
    pub(super) fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 3] = [upto(3, "policy"), U32, list(MAX_ARMS, "weights")];
        let f = Fields::read(m, &RULES);
        Self {
            kind: match f.u32(1) {
                1 => PolicyKind::Thompson,
                2 => PolicyKind::Contextual,
                3 => PolicyKind::BestArm,
                _ => PolicyKind::Fixed,
            },
            min_propensity_q30: f.u32(2),
            weights_q30: f.list(m, 3),
        }
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.uint(1, self.kind as u64);
        w.uint(2, self.min_propensity_q30.into());
        w.packed_u32(3, &self.weights_q30);
    }

    pub(super) fn check(&self, arms: usize) -> Result<(), WireError> {
        let sum: u64 = self.weights_q30.iter().map(|&w| u64::from(w)).sum();
        match self.kind {
            PolicyKind::Fixed if self.weights_q30.len() != arms || sum != u64::from(ONE_Q30) => {
                Err(WireError::out_of_range("weights (one an arm, sum 2^30)"))
            }
            PolicyKind::Fixed => Ok(()),
            _ if u64::from(self.min_propensity_q30) * arms as u64 > u64::from(ONE_Q30) => Err(
                WireError::out_of_range("min_propensity (times the number of arms at most 1)"),
            ),
            _ => Ok(()),
        }
    }
}
