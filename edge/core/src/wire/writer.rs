//! Writes the fields of one message, in ascending order, leaving defaults out: equal values are equal bytes.

use alloc::vec::Vec;

use crate::number::insert;

/// Bytes in the making.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
        }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub fn len(&self) -> usize {
        self.out.len()
    }

    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn uint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.tag(field, 0);
            self.varint(value);
        }
    }

    pub fn sint(&mut self, field: u32, value: i64) {
        self.uint(field, zigzag(value));
    }

    pub fn bool(&mut self, field: u32, value: bool) {
        self.uint(field, u64::from(value));
    }

    pub fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.tag(field, 5);
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.tag(field, 1);
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }

    pub fn f32(&mut self, field: u32, value: f32) {
        self.fixed32(field, value.to_bits());
    }

    pub fn f64(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// A member of a oneof: it stands even when it is 0.
    pub fn uint_always(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.varint(value);
    }

    /// A member of a oneof: it stands even when it is 0.
    pub fn f64_always(&mut self, field: u32, value: f64) {
        self.tag(field, 1);
        self.out.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.element(field, value);
        }
    }

    pub fn text(&mut self, field: u32, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    /// Bytes that stand even when empty: an element of a repeated field, or a member of a oneof.
    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn element(&mut self, field: u32, value: &[u8]) {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// A message inside this one; it stands even when empty.
    pub fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        let start = self.begin(field);
        write(self);
        self.end(start);
    }

    /// Leaves room for the length that most messages have: one byte.
    fn begin(&mut self, field: u32) -> usize {
        self.tag(field, 2);
        self.out.push(0);
        self.out.len()
    }

    /// The length is known only now; a long body makes room for the rest of it.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn end(&mut self, start: usize) {
        let body = self.out.len() - start;
        let mut length = body;
        let mut at = start - 1;
        while length >= 0x80 {
            self.put(at, length as u8 | 0x80);
            length >>= 7;
            at += 1;
            // The body goes one place further for every further byte of its length.
            insert(&mut self.out, at, 0);
        }
        self.put(at, length as u8);
    }

    fn put(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.out.get_mut(at) {
            *place = byte;
        }
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    pub fn packed_u32(&mut self, field: u32, values: &[u32]) {
        self.packed(field, values.iter().map(|&v| u64::from(v)));
    }

    pub fn packed_u64(&mut self, field: u32, values: impl ExactSizeIterator<Item = u64>) {
        self.packed(field, values);
    }

    pub fn packed_sint(&mut self, field: u32, values: impl ExactSizeIterator<Item = i64>) {
        self.packed(field, values.map(zigzag));
    }

    pub fn packed_f64(&mut self, field: u32, values: &[f64]) {
        if !values.is_empty() {
            self.tag(field, 2);
            self.varint(values.len() as u64 * 8);
            for v in values {
                self.out.extend_from_slice(&v.to_le_bytes());
            }
        }
    }

    fn packed(&mut self, field: u32, values: impl ExactSizeIterator<Item = u64>) {
        if values.len() > 0 {
            self.message(field, |w| values.for_each(|v| w.varint(v)));
        }
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn tag(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    #[cfg_attr(target_family = "wasm", inline(never))]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}

fn zigzag(v: i64) -> u64 {
    (v << 1 ^ v >> 63).cast_unsigned()
}
