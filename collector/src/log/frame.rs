//! A record as it lies in the table: eight bytes of checksum, then the record's own bytes.
//!
//! The storage checks its blocks too, but only where it wrote them: this checksum is made before the record is handed
//! over and checked after it came back, and it is keyed with the offset, so that neither a flipped bit nor a record in
//! another's place goes unnoticed.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes in front of a record.
pub(super) const HEAD: usize = 8;

pub(super) fn seal(offset: u64, record: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(HEAD + record.len());
    framed.extend_from_slice(&xxh3_64_with_seed(record, offset).to_le_bytes());
    framed.extend_from_slice(record);
    framed
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
