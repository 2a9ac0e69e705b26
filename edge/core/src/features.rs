//! The encoder: a context becomes active slots.
//!
//! 0/1 features wherever possible, so that sums of products are integers. A slot is a place in a space of 65,535, chosen by
//! hash, so that no list of known values has to travel; the bias slot 0 is always active and never listed. Two values that
//! fall into one slot share it (with 100 values the chance that any two do is 7 %).

use alloc::vec::Vec;

use crate::context::{Context, ContextValue, Entry};
use crate::hash::{combine, token};
use crate::number::{insert, round};
use crate::revision::{Attribute, AttributeKind, LINEAR_LIMIT_Q10, MAX_ATTRIBUTES};

/// Slots are 1 to this; 0 is the bias.
pub const LAST_SLOT: u32 = 65_535;
/// Above them a number that is not cut yet has a slot for each of many narrow ranges; see [`fine_slot`].
pub const LAST_FINE_SLOT: u32 = LAST_SLOT + ((MAX_ATTRIBUTES as u32) << CODE_BITS);
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
    /// Encodes what the attributes see of a context, in the same memory.
    pub(crate) fn renew(&mut self, attributes: &[Attribute], context: &Context) {
        self.slots.clear();
        self.values_q10.clear();
        let mut tokens = Vec::with_capacity(attributes.len());
        let mut next = 0;
        for (i, attribute) in attributes.iter().enumerate() {
            let entry = context.entry(&attribute.name, &mut next);
            let (token, value) = encode_one(attribute, entry, &tokens);
            tokens.push(token);
            if !attribute.hidden && value != 0 {
                let slot = match (&attribute.kind, entry.map(|entry| &entry.value)) {
                    (AttributeKind::Number, Some(ContextValue::Number(n))) => fine_slot(i, *n),
                    _ => slot(token),
                };
                self.add(slot, value);
            }
        }
        if self.values_q10.iter().all(|&value| value == ONE_Q10) {
            self.values_q10.clear();
        }
    }

    /// Adds an active slot. One that is there already stands.
    #[inline(never)]
    fn add(&mut self, slot: u32, value: i32) {
        let mut at = self.slots.len();
        while let Some(&before) = self.slots.get(at.wrapping_sub(1)) {
            if before == slot {
                return;
            }
            if before < slot {
                break;
            }
            at -= 1;
        }
        // By insertion: there are few, and the library's sort is 5 kB of a page's module.
        insert(&mut self.slots, at, slot);
        insert(&mut self.values_q10, at, value);
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
    let mut features = Features::default();
    features.renew(attributes, context);
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

fn encode_one(attribute: &Attribute, entry: Option<&Entry>, before: &[u64]) -> (u64, i32) {
    let name = attribute.name.as_str();
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

/// A narrow range is told by 15 bits: a sign, and a logarithm in steps of a 256th of an octave (at most .4 % of the number)
/// from 2^-16 to 2^48. What is nearer to zero counts as zero, what is farther as the farthest.
const CODE_BITS: u32 = 15;
const ZERO_CODE: u32 = 1 << (CODE_BITS - 1);
/// A double's exponent and upper 8 bits of its mantissa, which are its logarithm in 256ths of an octave, broken between.
const CODE_SHIFT: u32 = 52 - 8;
const LEAST_CODE: u32 = (1023 - 16) << 8;

/// The slot of the narrow range that a number is in, for the attribute at this place.
///
/// Not by hash, so that the fitter can read from the slot which attribute and which numbers it stands for. A range between
/// two cuts that lie between narrow ranges is a sum of narrow ones: their sums are its sums.
pub fn fine_slot(attribute: usize, n: f64) -> u32 {
    let negative = n < 0.0;
    // Below zero the larger end of a range belongs to it: every range has its least number and not its end.
    let bits = n.abs().to_bits() - u64::from(negative);
    let size = ((bits >> CODE_SHIFT) as u32).clamp(LEAST_CODE, LEAST_CODE + ZERO_CODE - 1) - LEAST_CODE;
    let code = if negative {
        ZERO_CODE - size
    } else {
        ZERO_CODE + size
    };
    LAST_SLOT + ((attribute as u32) << CODE_BITS) + code
}

/// The attribute's place and the least number of a fine slot, none for a hashed one. Ranges follow each other as their slots
/// do.
pub fn fine_range(slot: u32) -> Option<(usize, f64)> {
    let place = slot
        .checked_sub(LAST_SLOT)
        .filter(|&place| place > 0 && slot <= LAST_FINE_SLOT)?;
    let code = place & ((1 << CODE_BITS) - 1);
    let edge = |size: u32| match size {
        0 => 0.0,
        size => f64::from_bits(u64::from(size + LEAST_CODE) << CODE_SHIFT),
    };
    let least = match code.checked_sub(ZERO_CODE) {
        // What is near zero on either side is one range.
        Some(0) => -edge(1),
        Some(size) => edge(size),
        // Below zero the larger size is the lesser number.
        None => -edge(ZERO_CODE - code + 1),
    };
    Some(((place >> CODE_BITS) as usize, least))
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

    #[test]
    fn narrow_ranges_ascend_and_hold_their_numbers() {
        let numbers = [
            -1e300,
            -5e6,
            -3.01,
            -3.0,
            -2.99,
            -0.001,
            0.0,
            1e-9,
            0.25,
            61.8,
            62.1,
            1977.0,
            2002.0,
            1e9,
            f64::MAX,
        ];
        let slots = numbers.map(|n| fine_slot(7, n));
        for (pair, n) in slots.windows(2).zip(numbers.windows(2)) {
            assert!(pair[0] <= pair[1], "{n:?}");
        }
        assert_eq!(fine_slot(0, 1e-9), fine_slot(0, -0.0), "as near as zero");
        for (&slot, n) in slots.iter().zip(numbers).skip(1) {
            let (attribute, least) = fine_range(slot).unwrap();
            assert_eq!(attribute, 7);
            let next = fine_range(slot + 1).map_or(f64::INFINITY, |(_, next)| next);
            assert!(least <= n && (n < next || n >= 1e9), "{least} {n} {next}");
        }
        assert_eq!(fine_range(LAST_SLOT), None);
        assert!(fine_slot(MAX_ATTRIBUTES - 1, f64::INFINITY) < LAST_FINE_SLOT);
    }
}
