//! Who is eligible: a tree of comparisons (`when` in the experiment file).

use alloc::{string::String, vec::Vec};

use super::MAX_KEY;
use crate::wire::{Message, Writer};

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
        m.require(depth <= MAX_DEPTH && *left > 0, "size of a targeting condition");
        *left = left.saturating_sub(1);
        let (mut kind, mut children, mut attribute, mut operator, mut values) =
            (0, Vec::new(), String::new(), 0, Vec::new());
        while let Some(number) = m.next_field() {
            match number {
                1 => kind = m.u32(),
                2 => children.push(m.nested(|m| Self::read(m, depth + 1, left))),
                3 => attribute = m.text(MAX_KEY, "attribute name"),
                4 => operator = m.u32(),
                5 => {
                    m.require(values.len() < MAX_VALUES, "values of a comparison");
                    values.push(m.nested(Value::read));
                }
                _ => m.unknown(),
            }
        }
        m.require(kind <= 3, "kind of a condition");
        match kind {
            0 => Self::All(children),
            1 => Self::Any(children),
            2 => Self::None(children),
            _ => Self::Compare {
                attribute,
                operator: Operator::from_wire(m, operator),
                values,
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
        let mut value = None;
        while let Some(number) = m.next_field() {
            match number {
                1 => value = Some(Self::Text(m.text(MAX_TEXT, "text of a comparison"))),
                2 => value = Some(Self::Number(m.f64())),
                3 => value = Some(Self::Truth(m.bool())),
                _ => m.unknown(),
            }
        }
        m.need(value.is_some(), "value of a comparison");
        value.unwrap_or(Self::Truth(false))
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
    fn from_wire(m: &mut Message<'_>, v: u32) -> Self {
        const ALL: [Operator; 9] = [
            Operator::Eq,
            Operator::Ne,
            Operator::Lt,
            Operator::Lte,
            Operator::Gt,
            Operator::Gte,
            Operator::In,
            Operator::Nin,
            Operator::Exists,
        ];
        m.require((v as usize) < ALL.len(), "operator");
        ALL.get(v as usize).copied().unwrap_or(Self::Eq)
    }
}
