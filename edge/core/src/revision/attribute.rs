//! What the page knows of a visitor, and how it becomes slots.

use alloc::{string::String, vec::Vec};

use super::MAX_KEY;
use crate::wire::shape::{FIXED64, Rule, TRUTH, bytes, list, upto};
use crate::wire::{Fields, Message, WireError, Writer};

/// At most so many attributes in an experiment; an exposure has at most one slot for each.
pub const MAX_ATTRIBUTES: usize = 128;
/// A numeric feature is clamped to ±8 scales, in parts of 2^10, so that products stay far inside 64 bits.
pub const LINEAR_LIMIT_Q10: i32 = 8 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub enum AttributeKind {
    /// One slot for each value, by hash.
    Categorical,
    /// One slot for each bin between the ascending cuts.
    Bins { cuts: Vec<f64> },
    /// One slot whose value is `(x - center) / scale`.
    Linear { center: f64, scale: f64 },
    /// One slot for each pair of values of two others.
    Cross { of: Vec<u32> },
    /// A number that the fitter has yet to cut: one slot for each of many narrow ranges.
    Number,
    /// One slot for each combination of values of all the named others: the rows of a Thompson table.
    Segment { of: Vec<u32> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub name: String,
    pub kind: AttributeKind,
    /// Only part of others: it has no slot of its own.
    pub hidden: bool,
}

impl Attribute {
    pub(super) fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 7] = [
            bytes(MAX_KEY, "attribute name"),
            upto(5, "attribute kind"),
            list(256, "number of cuts"),
            FIXED64,
            FIXED64,
            list(8, "parts of a cross or segment"),
            TRUTH,
        ];
        let f = Fields::read(m, &RULES);
        let cuts = f.doubles(m, 3);
        let of = f.list(m, 6);
        let (center, scale) = (f.f64(4), f.f64(5));
        let kind = match f.u32(2) {
            1 => AttributeKind::Bins { cuts },
            2 => AttributeKind::Linear { center, scale },
            3 => AttributeKind::Cross { of },
            4 => AttributeKind::Segment { of },
            5 => AttributeKind::Number,
            _ => AttributeKind::Categorical,
        };
        Self {
            name: f.text(m, 1),
            kind,
            hidden: f.is(7),
        }
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.text(1, &self.name);
        match &self.kind {
            AttributeKind::Categorical => {}
            AttributeKind::Number => w.uint(2, 5),
            AttributeKind::Bins { cuts } => {
                w.uint(2, 1);
                w.packed_f64(3, cuts);
            }
            AttributeKind::Linear { center, scale } => {
                w.uint(2, 2);
                w.f64(4, *center);
                w.f64(5, *scale);
            }
            AttributeKind::Cross { of } => {
                w.uint(2, 3);
                w.packed_u32(6, of);
            }
            AttributeKind::Segment { of } => {
                w.uint(2, 4);
                w.packed_u32(6, of);
            }
        }
        w.bool(7, self.hidden);
    }
}

/// Cuts ascend, scales are positive, and crosses name simple attributes that stand before them.
pub(super) fn check(attributes: &[Attribute]) -> Result<(), WireError> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(WireError::out_of_range("number of attributes (at most 128)"));
    }
    for (i, attribute) in attributes.iter().enumerate() {
        match &attribute.kind {
            AttributeKind::Categorical | AttributeKind::Number => {}
            AttributeKind::Bins { cuts } => {
                let ascending = cuts.iter().zip(cuts.iter().skip(1)).all(|(a, b)| a < b);
                if !ascending || cuts.iter().any(|c| !c.is_finite()) {
                    return Err(WireError::out_of_range("cuts (finite, ascending)"));
                }
            }
            AttributeKind::Linear { center, scale } => {
                if !(center.is_finite() && scale.is_finite() && *scale > 0.0) {
                    return Err(WireError::out_of_range("center or scale of a numeric attribute"));
                }
            }
            AttributeKind::Cross { of } | AttributeKind::Segment { of } => {
                let simple = |&j: &u32| {
                    attributes
                        .get(..i)
                        .and_then(|before| before.get(j as usize))
                        .is_some_and(|a| {
                            matches!(a.kind, AttributeKind::Categorical | AttributeKind::Bins { .. })
                        })
                };
                let parts = if matches!(attribute.kind, AttributeKind::Cross { .. }) {
                    2..=2
                } else {
                    1..=8
                };
                if !parts.contains(&of.len()) || !of.iter().all(simple) {
                    return Err(WireError::out_of_range("parts of a cross or segment"));
                }
            }
        }
    }
    Ok(())
}
