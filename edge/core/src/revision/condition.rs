//! Who is eligible: a tree of comparisons (`when` in the experiment file).

use alloc::{string::String, vec::Vec};

use super::MAX_KEY;
use crate::wire::shape::{FIXED64, Rule, TRUTH, bytes, each, upto};
use crate::wire::{Fields, Message, Writer};

/// At most so many nodes in one tree, and so deep.
pub const MAX_CONDITIONS: usize = 256;
const MAX_DEPTH: u32 = 8;
const MAX_VALUES: usize = 1_000;
const MAX_TEXT: usize = 256;

/// A value that an attribute is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Truth(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Operator {
    Eq = 0,
    Ne = 1,
    Lt = 2,
    Lte = 3,
    Gt = 4,
    Gte = 5,
    In = 6,
    Nin = 7,
    Exists = 8,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
    Compare {
        attribute: String,
        operator: Operator,
        values: Vec<Value>,
    },
}

impl Condition {
    /// True for everybody.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    pub(super) fn read(m: &mut Message<'_>, depth: u32, left: &mut usize) -> Self {
        const RULES: [Rule; 5] = [
            upto(3, "kind of a condition"),
            each(MAX_CONDITIONS, "size of a targeting condition"),
            bytes(MAX_KEY, "attribute name"),
            upto(Operator::ALL.len() as u32 - 1, "operator"),
            each(MAX_VALUES, "values of a comparison"),
        ];
        m.require(depth <= MAX_DEPTH && *left > 0, "size of a targeting condition");
        *left = left.saturating_sub(1);
        let f = Fields::read(m, &RULES);
        // Where something is wrong there is nothing to go deeper for.
        let children = if m.is_sound() {
            f.each(m, 2, |m| Self::read(m, depth + 1, left))
        } else {
            Vec::new()
        };
        match f.u32(1) {
            0 => Self::All(children),
            1 => Self::Any(children),
            2 => Self::None(children),
            _ => Self::Compare {
                attribute: f.text(m, 3),
                operator: Operator::ALL
                    .get(f.u32(4) as usize)
                    .copied()
                    .unwrap_or(Operator::Eq),
                values: f.each(m, 5, Value::read),
            },
        }
    }

    pub(super) fn write(&self, w: &mut Writer) {
        let mut group = |kind, children: &[Self]| {
            w.uint(1, kind);
            for child in children {
                w.message(2, |w| child.write(w));
            }
        };
        match self {
            Self::All(children) => group(0, children),
            Self::Any(children) => group(1, children),
            Self::None(children) => group(2, children),
            Self::Compare {
                attribute,
                operator,
                values,
            } => {
                w.uint(1, 3);
                w.text(3, attribute);
                w.uint(4, *operator as u64);
                for value in values {
                    w.message(5, |w| value.write(w));
                }
            }
        }
    }
}

impl Value {
    fn read(m: &mut Message<'_>) -> Self {
        const RULES: [Rule; 3] = [bytes(MAX_TEXT, "text of a comparison"), FIXED64, TRUTH];
        let f = Fields::read(m, &RULES);
        m.need(f.count() == 1, "value of a comparison");
        if f.has(1) {
            Self::Text(f.text(m, 1))
        } else if f.has(2) {
            Self::Number(f.f64(2))
        } else {
            Self::Truth(f.is(3))
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            // Members of a oneof stand even when they are the default.
            Self::Text(text) => w.element(1, text.as_bytes()),
            Self::Number(number) => w.f64_always(2, *number),
            Self::Truth(truth) => w.uint_always(3, u64::from(*truth)),
        }
    }
}

impl Operator {
    const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Lte,
        Self::Gt,
        Self::Gte,
        Self::In,
        Self::Nin,
        Self::Exists,
    ];
}
