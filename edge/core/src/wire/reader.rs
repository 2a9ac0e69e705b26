//! Reads the fields of one message, in place.

use alloc::vec::Vec;
use core::fmt;

/// Why bytes are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The input ends inside a field.
    Truncated,
    /// A number with more than 64 bits.
    Overlong,
    /// A field number or wire type that the message does not have.
    Unknown { field: u32 },
    /// Text that is not UTF-8.
    NotUtf8 { field: u32 },
    /// A value outside what the named quantity may be.
    OutOfRange(&'static str),
    /// A part that must be there.
    Missing(&'static str),
    /// Another kind of message, or none of ours.
    WrongMagic,
    /// Written by a newer release.
    Newer { found: u32 },
}

impl WireError {
    pub fn out_of_range(what: &'static str) -> Self {
        Self::OutOfRange(name(what))
    }

    pub fn missing(what: &'static str) -> Self {
        Self::Missing(name(what))
    }
}

/// Names are for people who read a log. No host of a wasm module prints them, and a page should not download them.
#[inline]
fn name(what: &'static str) -> &'static str {
    if cfg!(target_family = "wasm") { "" } else { what }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the message ends inside a field"),
            Self::Overlong => f.write_str("a number has more than 64 bits"),
            Self::Unknown { field } => write!(f, "field {field} is not part of this message"),
            Self::NotUtf8 { field } => write!(f, "field {field} is not UTF-8 text"),
            Self::OutOfRange(what) => write!(f, "{what} is out of range"),
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::WrongMagic => f.write_str("this is not a Tiltwise message of the expected kind"),
            Self::Newer { found } => write!(
                f,
                "wire version {found} is newer than {}: upgrade this part first",
                super::WIRE_VERSION
            ),
        }
    }
}

impl core::error::Error for WireError {}

/// One field as it stands on the wire.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// A cursor over the fields of one message.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    field: u32,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            field: 0,
        }
    }

    /// The next field with its number, or `None` at the end.
    #[allow(clippy::should_implement_trait)] // not an iterator: after an error there is nothing to go on with
    pub fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::Overlong)?;
        self.field = number;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
                Field::Bytes(self.take(len)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(self.unknown()),
        };
        Ok(Some((number, field)))
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The number of the field read last.
    pub(super) fn number(&self) -> u32 {
        self.field
    }

    /// The error for the field read last, which the message does not have.
    pub fn unknown(&self) -> WireError {
        WireError::Unknown { field: self.field }
    }

    pub fn u64(&self, field: Field<'a>) -> Result<u64, WireError> {
        match field {
            Field::Varint(v) => Ok(v),
            _ => Err(self.unknown()),
        }
    }

    pub fn u32(&self, field: Field<'a>) -> Result<u32, WireError> {
        u32::try_from(self.u64(field)?).map_err(|_| WireError::out_of_range("a 32-bit number"))
    }

    pub fn bool(&self, field: Field<'a>) -> Result<bool, WireError> {
        match self.u64(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::out_of_range("a truth value")),
        }
    }

    pub fn sint64(&self, field: Field<'a>) -> Result<i64, WireError> {
        self.u64(field).map(unzigzag)
    }

    pub fn fixed64(&self, field: Field<'a>) -> Result<u64, WireError> {
        match field {
            Field::Fixed64(v) => Ok(v),
            _ => Err(self.unknown()),
        }
    }

    pub fn fixed32(&self, field: Field<'a>) -> Result<u32, WireError> {
        match field {
            Field::Fixed32(v) => Ok(v),
            _ => Err(self.unknown()),
        }
    }

    pub fn f64(&self, field: Field<'a>) -> Result<f64, WireError> {
        self.fixed64(field).map(f64::from_bits)
    }

    pub fn f32(&self, field: Field<'a>) -> Result<f32, WireError> {
        self.fixed32(field).map(f32::from_bits)
    }

    pub fn bytes(&self, field: Field<'a>) -> Result<&'a [u8], WireError> {
        match field {
            Field::Bytes(b) => Ok(b),
            _ => Err(self.unknown()),
        }
    }

    /// Bytes of exactly one length: ids, hashes, signatures.
    pub fn exactly<const N: usize>(
        &self,
        field: Field<'a>,
        what: &'static str,
    ) -> Result<[u8; N], WireError> {
        self.bytes(field)?
            .try_into()
            .map_err(|_| WireError::out_of_range(what))
    }

    /// Text of at most `max` bytes.
    pub fn text(&self, field: Field<'a>, max: usize, what: &'static str) -> Result<&'a str, WireError> {
        let bytes = self.bytes(field)?;
        if bytes.len() > max {
            return Err(WireError::out_of_range(what));
        }
        core::str::from_utf8(bytes).map_err(|_| WireError::NotUtf8 { field: self.field })
    }

    /// A repeated number, packed or not, each through `each`; at most `max` in all.
    pub fn repeated<T>(
        &self,
        field: Field<'a>,
        into: &mut Vec<T>,
        max: usize,
        what: &'static str,
        each: impl Fn(u64) -> Result<T, WireError>,
    ) -> Result<(), WireError> {
        // Every number ends with a byte below 128. A page reads few lists and counts bytes, so there they grow by themselves.
        #[cfg(not(target_family = "wasm"))]
        if let Field::Bytes(packed) = field {
            into.reserve_exact(packed.iter().filter(|byte| **byte < 0x80).count().min(max));
        }
        let mut push = |v| {
            if into.len() >= max {
                return Err(WireError::out_of_range(what));
            }
            into.push(each(v)?);
            Ok(())
        };
        match field {
            Field::Varint(v) => push(v),
            Field::Bytes(packed) => {
                let mut inner = Reader {
                    rest: packed,
                    field: self.field,
                };
                while !inner.rest.is_empty() {
                    push(inner.varint()?)?;
                }
                Ok(())
            }
            _ => Err(self.unknown()),
        }
    }

    pub fn repeated_u32(
        &self,
        field: Field<'a>,
        into: &mut Vec<u32>,
        max: usize,
        what: &'static str,
    ) -> Result<(), WireError> {
        self.repeated(field, into, max, what, |v| {
            u32::try_from(v).map_err(|_| WireError::out_of_range(what))
        })
    }

    pub fn repeated_u64(
        &self,
        field: Field<'a>,
        into: &mut Vec<u64>,
        max: usize,
        what: &'static str,
    ) -> Result<(), WireError> {
        self.repeated(field, into, max, what, Ok)
    }

    pub fn repeated_sint64(
        &self,
        field: Field<'a>,
        into: &mut Vec<i64>,
        max: usize,
        what: &'static str,
    ) -> Result<(), WireError> {
        self.repeated(field, into, max, what, |v| Ok(unzigzag(v)))
    }

    /// A repeated double, packed or not.
    pub fn repeated_f64(
        &self,
        field: Field<'a>,
        into: &mut Vec<f64>,
        max: usize,
        what: &'static str,
    ) -> Result<(), WireError> {
        match field {
            Field::Fixed64(bits) if into.len() < max => into.push(f64::from_bits(bits)),
            Field::Bytes(packed) if packed.len() % 8 == 0 && into.len() + packed.len() / 8 <= max => {
                into.extend(packed.chunks_exact(8).map(|c| {
                    let mut eight = [0; 8];
                    eight.copy_from_slice(c);
                    f64::from_le_bytes(eight)
                }));
            }
            Field::Varint(_) | Field::Fixed32(_) => return Err(self.unknown()),
            _ => return Err(WireError::out_of_range(what)),
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().enumerate().take(10) {
            let low = u64::from(byte & 0x7f);
            if i == 9 && low > 1 {
                return Err(WireError::Overlong);
            }
            value |= low << (7 * i);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(i + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 {
            WireError::Truncated
        } else {
            WireError::Overlong
        })
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(WireError::Truncated)?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.try_into().map_err(|_| WireError::Truncated)
    }
}

fn unzigzag(v: u64) -> i64 {
    (v >> 1).cast_signed() ^ -(v & 1).cast_signed()
}
