//! A record as it lies in the table: eight bytes of checksum, then the record's own bytes.
//!
//! The storage checks its blocks too, but only where it wrote them: this checksum is made before the record is handed
//! over and checked after it came back, and it is keyed with the offset, so that neither a flipped bit nor a record in
//! another's place goes unnoticed.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes in front of a record.
pub(super) const HEAD: usize = 8;

/// A record that is being put together behind the place of its checksum, so that nobody copies it once more.
#[derive(Debug)]
pub(super) struct Frame(Vec<u8>);

impl Frame {
    pub(super) fn with_capacity(record_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + record_bytes);
        bytes.extend_from_slice(&[0; HEAD]);
        Self(bytes)
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// Bytes of the record so far.
    pub(super) fn len(&self) -> usize {
        self.0.len() - HEAD
    }

    pub(super) fn seal(mut self, offset: u64) -> Vec<u8> {
        if let Some((head, record)) = self.0.split_first_chunk_mut::<HEAD>() {
            *head = xxh3_64_with_seed(record, offset).to_le_bytes();
        }
        self.0
    }
}

pub(super) fn seal(offset: u64, record: &[u8]) -> Vec<u8> {
    let mut frame = Frame::with_capacity(record.len());
    frame.push(record);
    frame.seal(offset)
}

/// The record, or what is wrong with it.
pub(super) fn open(offset: u64, framed: &[u8]) -> Result<&[u8], &'static str> {
    let Some((head, record)) = framed.split_first_chunk::<HEAD>() else {
        return Err("shorter than its checksum");
    };
    if u64::from_le_bytes(*head) != xxh3_64_with_seed(record, offset) {
        return Err("checksum mismatch");
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_is_noticed() {
        let framed = seal(7, b"one record");
        assert_eq!(open(7, &framed), Ok(b"one record".as_slice()));
        for bit in 0..framed.len() * 8 {
            let mut flipped = framed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(7, &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_record_in_anothers_place_is_noticed() {
        assert!(open(8, &seal(7, b"one record")).is_err());
        assert!(open(7, b"short").is_err());
    }
}
