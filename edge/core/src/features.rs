//! The encoder: a context becomes active slots.
//!
//! 0/1 features wherever possible, so that sums of products are integers. A slot is a place in a space of 65,535, chosen by
//! hash, so that no list of known values has to travel; the bias slot 0 is always active and never listed. Two values that
//! fall into one slot share it (with 100 values the chance that any two do is 7 %).

use alloc::vec::Vec;

use crate::context::{Context, ContextValue};
use crate::hash::{combine, token};
use crate::number::{round, swap};
use crate::revision::{Attribute, AttributeKind, LINEAR_LIMIT_Q10};

/// Slots are 1 to this; 0 is the bias.
pub const LAST_SLOT: u32 = 65_535;
/// One, in parts of 2^10.
pub const ONE_Q10: i32 = 1024;

/// Active slots with their values in parts of 2^10, ascending, without the bias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    pub slots: Vec<u32>,
    /// Empty where all are 1024.
    pub values_q10: Vec<i32>,
}

impl Features {
    /// Adds an active slot. One that is there already stands.
    #[inline(never)]
    fn add(&mut self, slot: u32, value: i32) {
        if self.slots.contains(&slot) {
            return;
        }
        self.slots.push(slot);
        self.values_q10.push(value);
        // By insertion: there are few, and the library's sort is 5 kB of a page's module.
        let mut at = self.slots.len() - 1;
        while at > 0 && self.slots.get(at - 1).is_some_and(|&before| before > slot) {
            swap(&mut self.slots, at);
            swap(&mut self.values_q10, at);
            at -= 1;
        }
    }

    /// A slot with its value as a number; past the end the bias, without a value.
    pub(crate) fn at(&self, at: usize) -> (u32, f64) {
        let value = self.values_q10.get(at).copied().unwrap_or(ONE_Q10);
        let slot = self.slots.get(at).copied().unwrap_or(0);
        (slot, f64::from(value) / f64::from(ONE_Q10))
    }

    /// The slots with their values.
    pub fn iter(&self) -> impl Iterator<Item = (u32, i32)> {
        self.slots
            .iter()
            .enumerate()
            .map(|(i, &slot)| (slot, self.values_q10.get(i).copied().unwrap_or(ONE_Q10)))
    }
}

/// Encodes what the attributes see of a context.
pub fn encode(attributes: &[Attribute], context: &Context) -> Features {
    let mut tokens = Vec::with_capacity(attributes.len());
    let mut features = Features {
        slots: Vec::with_capacity(attributes.len()),
        values_q10: Vec::with_capacity(attributes.len()),
    };
    for attribute in attributes {
        let (token, value) = encode_one(attribute, context, &tokens);
        tokens.push(token);
        if !attribute.hidden && value != 0 {
            features.add(slot(token), value);
        }
    }
    if features.values_q10.iter().all(|&value| value == ONE_Q10) {
        features.values_q10.clear();
    }
    features
}

/// Kinds of tokens; part of the spec version.
const ABSENT: u8 = 0;
const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const TRUTH: u8 = 3;
const BIN: u8 = 4;
const LINEAR: u8 = 5;

/// Names a value among those that an attribute by that name can have.
pub(crate) fn name(attribute: &str, value: &ContextValue) -> u64 {
    let eight;
    let (kind, bytes) = match value {
        ContextValue::Text(text) => (TEXT, text.as_bytes()),
        ContextValue::Number(n) => {
            // Adding 0 makes -0 the same value as 0.
            eight = (n + 0.0).to_bits().to_le_bytes();
            (NUMBER, &eight[..])
        }
        ContextValue::Truth(false) => (TRUTH, &[0][..]),
        ContextValue::Truth(true) => (TRUTH, &[1][..]),
    };
    token(attribute, kind, bytes)
}

fn encode_one(attribute: &Attribute, context: &Context, before: &[u64]) -> (u64, i32) {
    let name = attribute.name.as_str();
    let entry = context.entry(name);
    let number = entry.and_then(|entry| match entry.value {
        ContextValue::Number(n) => Some(n),
        _ => None,
    });
    let mut value = ONE_Q10;
    let bin;
    let (kind, bytes) = match (&attribute.kind, entry, number) {
        (AttributeKind::Cross { of } | AttributeKind::Segment { of }, ..) => {
            let tokens = of.iter().map(|&i| before.get(i as usize).copied().unwrap_or(0));
            return (combine(name, tokens), value);
        }
        (AttributeKind::Categorical, Some(entry), _) => return (entry.token, value),
        (AttributeKind::Bins { cuts }, _, Some(n)) => {
            bin = (cuts.iter().filter(|&&cut| n >= cut).count() as u32).to_le_bytes();
            (BIN, &bin[..])
        }
        (AttributeKind::Linear { center, scale }, _, Some(n)) => {
            value = limited((n - center) / scale * f64::from(ONE_Q10));
            (LINEAR, &[][..])
        }
        _ => (ABSENT, &[][..]),
    };
    (token(name, kind, bytes), value)
}

/// Rounded, within ±8. It is a number: no attribute and no context holds anything else.
fn limited(value: f64) -> i32 {
    let distance = value.abs();
    let distance = if distance < f64::from(LINEAR_LIMIT_Q10) {
        round(distance).cast_signed()
    } else {
        LINEAR_LIMIT_Q10
    };
    if value < 0.0 { -distance } else { distance }
}

/// The slot of a range of a number: `bin` counts the cuts at or below it.
pub fn bin_slot(name: &str, bin: u32) -> u32 {
    slot(token(name, BIN, &bin.to_le_bytes()))
}

/// The slot of a number as a number.
pub fn number_slot(name: &str) -> u32 {
    slot(token(name, LINEAR, &[]))
}

/// The place of a value: 1 to 65,535.
fn slot(token: u64) -> u32 {
    // 2^16 is 1 beyond the divisor, so that the remainder of a number is that of the sum of its 16-bit digits.
    let digits = (token & 0xffff) + (token >> 16 & 0xffff) + (token >> 32 & 0xffff) + (token >> 48);
    1 + digits as u32 % LAST_SLOT
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};

    fn attribute(name: &str, kind: AttributeKind) -> Attribute {
        Attribute {
            name: name.to_string(),
            kind,
            hidden: false,
        }
    }

    fn cart(n: f64) -> Features {
        let mut context = Context::new();
        context.set("cart", ContextValue::Number(n));
        encode(
            &[attribute(
                "cart",
                AttributeKind::Bins {
                    cuts: vec![10.0, 50.0],
                },
            )],
            &context,
        )
    }

    #[test]
    fn a_cut_belongs_to_the_bin_above_it() {
        assert_eq!(cart(10.0), cart(49.9));
        assert_ne!(cart(9.9), cart(10.0));
    }

    #[test]
    fn an_attribute_of_the_wrong_type_counts_as_absent() {
        let attributes = [attribute(
            "cart",
            AttributeKind::Linear {
                center: 0.0,
                scale: 1.0,
            },
        )];
        let mut context = Context::new();
        let absent = encode(&attributes, &context);
        context.set("cart", ContextValue::Text("ten".to_string()));
        assert_eq!(encode(&attributes, &context), absent);
        context.set("cart", ContextValue::Number(0.5));
        assert_eq!(encode(&attributes, &context).values_q10, [512]);
    }

    #[test]
    fn a_segment_is_one_slot_for_all_its_attributes() {
        let mut device = attribute("device", AttributeKind::Categorical);
        device.hidden = true;
        let attributes = [
            device,
            attribute("segment", AttributeKind::Segment { of: vec![0] }),
        ];
        let mut context = Context::new();
        context.set("device", ContextValue::Text("phone".to_string()));
        let phone = encode(&attributes, &context);
        assert_eq!(phone.slots.len(), 1);
        context.set("device", ContextValue::Text("desk".to_string()));
        assert_ne!(encode(&attributes, &context), phone);
    }
}
