//! Messages as tables: which fields they have, and what each may be.
//!
//! The messages that a page reads are read by these few functions. A loop over the fields of each, however short, was
//! compiled as often as there are messages, and made a fifth of the module that every visitor downloads.

use alloc::string::String;
use alloc::vec::Vec;

use super::message::Message;
use super::reader::{Field, Reader, WireError};

/// No message that is read by a table has more.
const FIELDS: usize = 16;

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The kind in the lowest bits, and above them the largest number, the most bytes or the most elements: a page
    /// downloads a hundred of these.
    bits: u32,
    /// For people who read a log. No host of a wasm module prints it.
    #[cfg(not(target_family = "wasm"))]
    what: &'static str,
}

const KIND_BITS: u32 = 4;
const NUMBER: u32 = 0;
const WIRE_VERSION: u32 = 1;
const ANY_U32: u32 = 2;
const ANY_U64: u32 = 3;
const FIXED_64: u32 = 4;
const FIXED_32: u32 = 5;
const BYTES: u32 = 6;
const EXACTLY: u32 = 7;
const EACH: u32 = 8;
const LIST: u32 = 9;

/// The version of the wire: the fields of a newer message mean something else.
pub const WIRE: Rule = rule(WIRE_VERSION, 0, "");
pub const FIXED64: Rule = rule(FIXED_64, 0, "");
pub const FIXED32: Rule = rule(FIXED_32, 0, "");
/// A message of which only the last one counts.
pub const MESSAGE: Rule = bytes((1 << (u32::BITS - KIND_BITS)) - 1, "size of a message");
pub const U64: Rule = rule(ANY_U64, 0, "");
pub const U32: Rule = rule(ANY_U32, 0, "a 32-bit number");
pub const TRUTH: Rule = upto(1, "a truth value");

/// A number of at most `max`.
pub const fn upto(max: u32, what: &'static str) -> Rule {
    rule(NUMBER, max, what)
}

/// Text or bytes, of at most so many bytes.
pub const fn bytes(max: usize, what: &'static str) -> Rule {
    rule(BYTES, max as u32, what)
}

/// Exactly so many bytes.
pub const fn exactly(length: usize, what: &'static str) -> Rule {
    rule(EXACTLY, length as u32, what)
}

/// At most so many messages.
pub const fn each(max: usize, what: &'static str) -> Rule {
    rule(EACH, max as u32, what)
}

/// Numbers, packed or not, read by [`Fields::list`].
pub const fn list(max: usize, what: &'static str) -> Rule {
    rule(LIST, max as u32, what)
}

#[cfg_attr(
    target_family = "wasm",
    expect(unused_variables, reason = "a page has no names")
)]
const fn rule(kind: u32, max: u32, what: &'static str) -> Rule {
    Rule {
        bits: max << KIND_BITS | kind,
        #[cfg(not(target_family = "wasm"))]
        what,
    }
}

impl Rule {
    fn max(self) -> usize {
        (self.bits >> KIND_BITS) as usize
    }

    #[cfg_attr(
        target_family = "wasm",
        expect(clippy::unused_self, reason = "a page has no names")
    )]
    fn what(self) -> &'static str {
        #[cfg(not(target_family = "wasm"))]
        return self.what;
        #[cfg(target_family = "wasm")]
        ""
    }
}

/// What the fields of one message say: 0 or nothing where they are not there.
#[derive(Debug)]
pub struct Fields<'a> {
    whole: &'a [u8],
    rules: &'static [Rule],
    /// Values, and of what may stand more than once how often it does.
    numbers: [u64; FIELDS],
    bytes: [&'a [u8]; FIELDS],
    /// A bit for each field that is there.
    seen: u32,
}

impl<'a> Fields<'a> {
    /// Reads the rest of a message. `rules` are those of the fields 1, 2, 3 and so on.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn read(m: &mut Message<'a>, rules: &'static [Rule]) -> Self {
        let mut fields = Self {
            whole: m.rest(),
            rules,
            numbers: [0; FIELDS],
            bytes: [&[]; FIELDS],
            seen: 0,
        };
        while let Some(number) = m.next_field() {
            let at = (number as usize).wrapping_sub(1);
            let (Some(rule), Some(told), Some(bytes)) = (
                rules.get(at),
                fields.numbers.get_mut(at),
                fields.bytes.get_mut(at),
            ) else {
                m.unknown();
                break;
            };
            fields.seen |= 1 << at;
            // How much there is of it, which must not be more than the rule says.
            let mut size = 0;
            match (rule.bits & ((1 << KIND_BITS) - 1), m.field()) {
                (WIRE_VERSION, _) => *told = m.wire().into(),
                (ANY_U32, _) => *told = m.u32().into(),
                (ANY_U64, Field::Varint(v)) | (FIXED_64, Field::Fixed64(v)) => *told = v,
                (NUMBER, Field::Varint(v)) => (*told, size) = (v, usize::try_from(v).unwrap_or(usize::MAX)),
                (FIXED_32, Field::Fixed32(v)) => *told = v.into(),
                (kind @ (BYTES | EXACTLY), Field::Bytes(b)) => {
                    (*bytes, size) = (b, b.len());
                    m.require(kind == BYTES || size == rule.max(), rule.what());
                }
                (EACH, Field::Bytes(_)) => {
                    *told += 1;
                    size = *told as usize;
                }
                (LIST, field) => {
                    *told += 1;
                    if let Field::Bytes(b) = field {
                        *bytes = b;
                    }
                }
                _ => m.unknown(),
            }
            m.require(size <= rule.max(), rule.what());
        }
        fields
    }

    pub fn u64(&self, number: usize) -> u64 {
        self.numbers.get(number - 1).copied().unwrap_or(0)
    }

    pub fn u32(&self, number: usize) -> u32 {
        self.u64(number) as u32
    }

    pub fn is(&self, number: usize) -> bool {
        self.u64(number) != 0
    }

    /// Whether a field is there, be it 0 or empty.
    pub fn has(&self, number: usize) -> bool {
        self.seen >> (number - 1) & 1 == 1
    }

    /// How many of its fields are there.
    pub fn count(&self) -> u32 {
        self.seen.count_ones()
    }

    pub fn f64(&self, number: usize) -> f64 {
        f64::from_bits(self.u64(number))
    }

    pub fn f32(&self, number: usize) -> f32 {
        f32::from_bits(self.u32(number))
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn bytes(&self, number: usize) -> &'a [u8] {
        self.bytes.get(number - 1).copied().unwrap_or_default()
    }

    /// Text, which must be UTF-8.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn text(&self, m: &mut Message<'a>, number: usize) -> String {
        if let Ok(text) = core::str::from_utf8(self.bytes(number)) {
            return text.into();
        }
        m.fail(WireError::NotUtf8 { field: number as u32 });
        String::new()
    }

    /// The message in a field, or an empty one.
    pub fn message<T>(
        &self,
        m: &mut Message<'a>,
        number: usize,
        read: impl FnOnce(&mut Message<'a>) -> T,
    ) -> T {
        m.enter(self.bytes(number));
        read(m)
    }

    /// All the messages in a field, in order.
    pub fn each<T>(
        &self,
        m: &mut Message<'a>,
        number: usize,
        mut read: impl FnMut(&mut Message<'a>) -> T,
    ) -> Vec<T> {
        let mut all = Vec::new();
        let mut reader = Reader::new(self.whole);
        while self.enter_next(m, &mut reader, number) {
            all.push(read(m));
        }
        all
    }

    /// All the numbers in a field, packed or not.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn list(&self, m: &mut Message<'a>, number: usize) -> Vec<u32> {
        let mut all = Vec::new();
        let mut reader = Reader::new(self.whole);
        let rule = self.rule(number);
        let packed = self.bytes(number);
        if self.u64(number) == 1 && !packed.is_empty() {
            // As every writer of ours has it: nothing has to be looked for.
            m.check(reader.repeated_u32(Field::Bytes(packed), &mut all, rule.max(), rule.what()));
            return all;
        }
        while let Some(field) = self.next(&mut reader, number) {
            m.check(reader.repeated_u32(field, &mut all, rule.max(), rule.what()));
        }
        all
    }

    /// All the doubles in a field, packed or not.
    pub fn doubles(&self, m: &mut Message<'a>, number: usize) -> Vec<f64> {
        let mut all = Vec::new();
        let mut reader = Reader::new(self.whole);
        while let Some(field) = self.next(&mut reader, number) {
            let rule = self.rule(number);
            m.check(reader.repeated_f64(field, &mut all, rule.max(), rule.what()));
        }
        all
    }

    fn rule(&self, number: usize) -> Rule {
        self.rules.get(number - 1).copied().unwrap_or(U32)
    }

    /// Goes on with the next message of this number. False: there is none.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn enter_next(&self, m: &mut Message<'a>, reader: &mut Reader<'a>, number: usize) -> bool {
        let next = self.next(reader, number);
        if let Some(Field::Bytes(bytes)) = next {
            m.enter(bytes);
        }
        next.is_some()
    }

    /// The next field of this number, in a message that was read to its end before.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn next(&self, reader: &mut Reader<'a>, number: usize) -> Option<Field<'a>> {
        if !self.has(number) {
            return None;
        }
        loop {
            let (found, field) = reader.next().ok()??;
            if found as usize == number {
                return Some(field);
            }
        }
    }
}
