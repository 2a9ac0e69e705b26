//! Reads the messages that an edge reads: what is wrong is kept and looked at once, at the end.
//!
//! A page downloads this reader with every function that uses it. With a `Result` for each field those were twice as
//! large; here a field that is wrong reads as 0 or as empty, [`Message::next_field`] ends every loop, and [`Message::read`]
//! returns the first thing that was wrong in place of the value.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Field, Reader, WIRE_VERSION, WireError};

#[derive(Debug)]
pub struct Message<'a> {
    reader: Reader<'a>,
    /// The field that is being read.
    field: Field<'a>,
    wrong: Option<WireError>,
}

impl<'a> Message<'a> {
    /// Reads one whole message, or says what is wrong with it.
    pub fn read<T>(bytes: &'a [u8], read: impl FnOnce(&mut Self) -> T) -> Result<T, WireError> {
        let mut message = Self {
            reader: Reader::new(bytes),
            field: Field::Varint(0),
            wrong: None,
        };
        let value = read(&mut message);
        message.wrong.map_or(Ok(value), Err)
    }

    /// The number of the next field; `None` at the end, or when something is wrong.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn next_field(&mut self) -> Option<u32> {
        if self.wrong.is_some() {
            return None;
        }
        match self.reader.next() {
            Ok(next) => next.map(|(number, field)| {
                self.field = field;
                number
            }),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// The field that [`Self::next_field`] came to.
    pub(super) fn field(&self) -> Field<'a> {
        self.field
    }

    /// Goes on with another message. The one before must have been read to its end.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub(super) fn enter(&mut self, bytes: &'a [u8]) {
        self.reader = Reader::new(bytes);
    }

    /// What of the message is still to be read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// Keeps the first error.
    #[inline(never)]
    #[cold]
    pub fn fail(&mut self, error: WireError) {
        self.wrong.get_or_insert(error);
    }

    /// Nothing was wrong so far.
    pub fn is_sound(&self) -> bool {
        self.wrong.is_none()
    }

    /// The field is not part of the message.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn unknown(&mut self) {
        self.fail(self.reader.unknown());
    }

    /// Says that `what` is out of range unless `holds`.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn require(&mut self, holds: bool, what: &'static str) {
        if !holds {
            self.fail(WireError::out_of_range(what));
        }
    }

    /// Says that `what` is missing unless it is `there`.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn need(&mut self, there: bool, what: &'static str) {
        if !there {
            self.fail(WireError::missing(what));
        }
    }

    /// Takes what another check found.
    pub fn check(&mut self, checked: Result<(), WireError>) {
        if let Err(error) = checked {
            self.fail(error);
        }
    }

    /// Checks how a message begins: its kind, and a version that this build can read.
    pub fn check_head(&mut self, magic: u32, expected: u32, wire: u32) {
        if magic != expected {
            self.fail(WireError::WrongMagic);
        }
        self.check(super::check_version(wire));
    }

    /// The wire version, checked at once: the fields of a newer message mean something else.
    pub fn wire(&mut self) -> u32 {
        let wire = self.u32();
        if wire > WIRE_VERSION {
            self.fail(WireError::Newer { found: wire });
        }
        wire
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn u64(&mut self) -> u64 {
        let Field::Varint(value) = self.field else {
            self.unknown();
            return 0;
        };
        value
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn u32(&mut self) -> u32 {
        let value = self.u64();
        self.require(u32::try_from(value).is_ok(), "a 32-bit number");
        value as u32
    }

    pub fn bool(&mut self) -> bool {
        let value = self.u64();
        self.require(value <= 1, "a truth value");
        value == 1
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn fixed64(&mut self) -> u64 {
        let Field::Fixed64(value) = self.field else {
            self.unknown();
            return 0;
        };
        value
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn fixed32(&mut self) -> u32 {
        let Field::Fixed32(value) = self.field else {
            self.unknown();
            return 0;
        };
        value
    }

    pub fn f64(&mut self) -> f64 {
        f64::from_bits(self.fixed64())
    }

    pub fn f32(&mut self) -> f32 {
        f32::from_bits(self.fixed32())
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn bytes(&mut self) -> &'a [u8] {
        let Field::Bytes(bytes) = self.field else {
            self.unknown();
            return &[];
        };
        bytes
    }

    /// Bytes of exactly one length: ids, hashes, signatures.
    pub fn exactly<const N: usize>(&mut self, what: &'static str) -> [u8; N] {
        let bytes = self.bytes();
        self.require(bytes.len() == N, what);
        bytes.try_into().unwrap_or([0; N])
    }

    /// Text of at most `max` bytes.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn text(&mut self, max: usize, what: &'static str) -> String {
        let bytes = self.bytes();
        self.require(bytes.len() <= max, what);
        if let Ok(text) = core::str::from_utf8(bytes) {
            return text.into();
        }
        self.fail(WireError::NotUtf8 {
            field: self.reader.number(),
        });
        String::new()
    }

    /// A message inside this one.
    pub fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let bytes = self.bytes();
        self.message(bytes, read)
    }

    /// A message inside this one, whose bytes were read before.
    pub fn message<T>(&mut self, bytes: &'a [u8], read: impl FnOnce(&mut Self) -> T) -> T {
        let inner = Reader::new(bytes);
        let outer = core::mem::replace(&mut self.reader, inner);
        let value = read(self);
        self.reader = outer;
        value
    }

    /// Repeated numbers, packed or not; at most `max` in all.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn numbers(&mut self, into: &mut Vec<u32>, max: usize, what: &'static str) {
        let read = self.reader.repeated_u32(self.field, into, max, what);
        self.check(read);
    }

    /// Repeated doubles, packed or not; at most `max` in all.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn doubles(&mut self, into: &mut Vec<f64>, max: usize, what: &'static str) {
        let read = self.reader.repeated_f64(self.field, into, max, what);
        self.check(read);
    }
}
