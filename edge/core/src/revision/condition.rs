//! Who is eligible: a tree of comparisons (`when` in the experiment file).

use alloc::{string::String, vec::Vec};

use super::MAX_KEY;
use crate::wire::{Reader, WireError, Writer};

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

    pub(super) fn decode(bytes: &[u8], depth: u32, left: &mut usize) -> Result<Self, WireError> {
        if depth > MAX_DEPTH || *left == 0 {
            return Err(WireError::OutOfRange("size of a targeting condition"));
        }
        *left -= 1;
        let (mut kind, mut children, mut attribute, mut operator, mut values) =
            (0, Vec::new(), String::new(), 0, Vec::new());
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => kind = r.u32(field)?,
                2 => children.push(Self::decode(r.bytes(field)?, depth + 1, left)?),
                3 => attribute = r.text(field, MAX_KEY, "attribute name")?.into(),
                4 => operator = r.u32(field)?,
                5 if values.len() < MAX_VALUES => values.push(Value::decode(r.bytes(field)?)?),
                5 => return Err(WireError::OutOfRange("values of a comparison")),
                _ => return Err(r.unknown()),
            }
        }
        match kind {
            0 => Ok(Self::All(children)),
            1 => Ok(Self::Any(children)),
            2 => Ok(Self::None(children)),
            3 => Ok(Self::Compare {
                attribute,
                operator: Operator::from_wire(operator)?,
                values,
            }),
            _ => Err(WireError::OutOfRange("kind of a condition")),
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
    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut value = None;
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            value = Some(match number {
                1 => Self::Text(r.text(field, MAX_TEXT, "text of a comparison")?.into()),
                2 => Self::Number(r.f64(field)?),
                3 => Self::Truth(r.bool(field)?),
                _ => return Err(r.unknown()),
            });
        }
        value.ok_or(WireError::Missing("value of a comparison"))
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
    fn from_wire(v: u32) -> Result<Self, WireError> {
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
        ALL.get(v as usize)
            .copied()
            .ok_or(WireError::OutOfRange("operator"))
    }
}
