//! The encoder: a context becomes active slots.
//!
//! 0/1 features wherever possible, so that sums of products are integers. A slot is a place in a space of 65,535, chosen by
//! hash, so that no list of known values has to travel; the bias slot 0 is always active and never listed. Two values that
//! fall into one slot share it (with 100 values the chance that any two do is 7 %).

use alloc::vec::Vec;

use crate::context::{Context, ContextValue};
use crate::hash::{combine, token};
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
    /// From (slot, value) pairs in any order. Of pairs with the same slot the first stands.
    pub fn from_pairs(mut pairs: Vec<(u32, i32)>) -> Self {
        // By insertion: there are few, and the library's sort is 5 kB of a page's module.
        for i in 1..pairs.len() {
            let mut at = i;
            while at > 0 && slot_at(&pairs, at - 1) > slot_at(&pairs, at) {
                pairs.swap(at - 1, at);
                at -= 1;
            }
        }
        pairs.dedup_by_key(|&mut (slot, _)| slot);
        let all_one = pairs.iter().all(|&(_, value)| value == ONE_Q10);
        Self {
            slots: pairs.iter().map(|&(slot, _)| slot).collect(),
            values_q10: if all_one {
                Vec::new()
            } else {
                pairs.iter().map(|&(_, value)| value).collect()
            },
        }
    }

    /// The slots with their values.
    pub fn iter(&self) -> impl Iterator<Item = (u32, i32)> {
        self.slots
            .iter()
            .enumerate()
            .map(|(i, &slot)| (slot, self.values_q10.get(i).copied().unwrap_or(ONE_Q10)))
    }
}

fn slot_at(pairs: &[(u32, i32)], at: usize) -> u32 {
    pairs.get(at).map_or(0, |&(slot, _)| slot)
}

/// Encodes what the attributes see of a context.
pub fn encode(attributes: &[Attribute], context: &Context) -> Features {
    let mut tokens = Vec::with_capacity(attributes.len());
    let mut pairs = Vec::with_capacity(attributes.len());
    for attribute in attributes {
        let (token, value) = encode_one(attribute, context, &tokens);
        tokens.push(token);
        if !attribute.hidden && value != 0 {
            pairs.push((slot(token), value));
        }
    }
    Features::from_pairs(pairs)
}

/// Kinds of tokens; part of the spec version.
const ABSENT: u8 = 0;
const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const TRUTH: u8 = 3;
const BIN: u8 = 4;
const LINEAR: u8 = 5;

fn encode_one(attribute: &Attribute, context: &Context, before: &[u64]) -> (u64, i32) {
    let name = attribute.name.as_str();
    let absent = || (token(name, ABSENT, &[]), ONE_Q10);
    let parts = |of: &[u32]| {
        let tokens = of.iter().map(|&i| before.get(i as usize).copied().unwrap_or(0));
        (combine(name, tokens), ONE_Q10)
    };
    match &attribute.kind {
        AttributeKind::Cross { of } | AttributeKind::Segment { of } => parts(of),
        AttributeKind::Categorical => match context.get(name) {
            Some(ContextValue::Text(text)) => (token(name, TEXT, text.as_bytes()), ONE_Q10),
            // Adding 0 makes -0 the same value as 0.
            Some(ContextValue::Number(n)) => {
                (token(name, NUMBER, &(n + 0.0).to_bits().to_le_bytes()), ONE_Q10)
            }
            Some(ContextValue::Truth(t)) => (token(name, TRUTH, &[u8::from(*t)]), ONE_Q10),
            None => absent(),
        },
        AttributeKind::Bins { cuts } => match context.get(name) {
            Some(ContextValue::Number(n)) => {
                let bin = cuts.iter().filter(|&cut| n >= cut).count() as u32;
                (token(name, BIN, &bin.to_le_bytes()), ONE_Q10)
            }
            _ => absent(),
        },
        AttributeKind::Linear { center, scale } => match context.get(name) {
            Some(ContextValue::Number(n)) => {
                let limit = f64::from(LINEAR_LIMIT_Q10);
                let value = libm::round((n - center) / scale * f64::from(ONE_Q10)).clamp(-limit, limit);
                (token(name, LINEAR, &[]), value as i32)
            }
            _ => absent(),
        },
    }
}

/// The place of a value: 1 to 65,535.
fn slot(token: u64) -> u32 {
    1 + (token % u64::from(LAST_SLOT)) as u32
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
