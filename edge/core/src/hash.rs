//! Keyed hashes: the only source of chance, and the encoder's names for values.
//!
//! SipHash-2-4 with the experiment's salt as key. Traffic share, comparison group, arm and the order of arms use separately
//! keyed hashes (a purpose byte), so that knowing one says nothing of another.

use alloc::vec::Vec;

use crate::id::{UnitKind, VISITOR_BYTES, Visitor};
use crate::propensity::ONE_Q30;

/// What a unit hash is for.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Purpose {
    Traffic = 1,
    Comparison = 2,
    Arm = 3,
    Order = 4,
}

/// The unit that is randomised, raw, as only the edge and admit see it.
#[derive(Clone, Copy)]
pub enum Unit<'a> {
    Visitor(&'a Visitor),
    Account(&'a str),
}

impl Unit<'_> {
    pub fn kind(&self) -> UnitKind {
        match self {
            Self::Visitor(_) => UnitKind::Visitor,
            Self::Account(_) => UnitKind::Account,
        }
    }
}

/// What stands before the unit in a unit hash: purpose, kind of unit, episode.
const HEAD: usize = 1 + 1 + 8;

/// 64 bits for a unit in an experiment. `episode` is 0 for what holds over all episodes (traffic, comparison group).
pub fn unit_hash(salt: &[u8; 16], purpose: Purpose, unit: Unit<'_>, episode: u64) -> u64 {
    let mut bytes = [0; HEAD + VISITOR_BYTES];
    let (head, tail) = bytes.split_at_mut(HEAD);
    let (kinds, name) = head.split_at_mut(2);
    kinds.copy_from_slice(&[purpose as u8, unit.kind() as u8]);
    name.copy_from_slice(&episode.to_le_bytes());
    match unit {
        Unit::Visitor(visitor) => {
            tail.copy_from_slice(&visitor.0);
            hash(salt, &bytes)
        }
        Unit::Account(account) => hash(salt, &[&*head, account.as_bytes()].concat()),
    }
}

/// The upper 30 bits of a hash: a number below 2^30, uniform.
pub fn draw_q30(hash: u64) -> u32 {
    (hash >> 34) as u32 & (ONE_Q30 - 1)
}

/// The next number of Steele's SplitMix64 (2014). Numbers that follow from a seed, where no adversary guesses.
pub fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The encoder's key: not a secret, only a constant that never changes within a spec version.
const ENCODER_KEY: [u8; 16] = *b"tiltwise-slots-1";

/// Most names with their values are shorter.
const SHORT: usize = 64;

/// Names a value of an attribute. `kind` keeps a text, a number, a bin and an absence apart.
#[inline(never)]
pub(crate) fn token(name: &str, kind: u8, value: &[u8]) -> u64 {
    let length = (name.len() as u32).to_le_bytes();
    let parts: [&[u8]; 4] = [&length, name.as_bytes(), &[kind], value];
    let total = length.len() + name.len() + 1 + value.len();
    let mut short = [0; SHORT];
    let Some(bytes) = short.get_mut(..total) else {
        return hash(&ENCODER_KEY, &parts.concat());
    };
    let mut place = bytes.iter_mut();
    for part in parts {
        // Byte by byte: they are few, and WebAssembly's own copy is a call into the host.
        for (&byte, place) in part.iter().zip(&mut place) {
            *place = byte;
        }
    }
    hash(&ENCODER_KEY, bytes)
}

/// Names a combination of values.
pub(crate) fn combine(name: &str, tokens: impl Iterator<Item = u64>) -> u64 {
    let mut bytes = Vec::from(name);
    for token in tokens {
        bytes.extend_from_slice(&token.to_le_bytes());
    }
    hash(&ENCODER_KEY, &bytes)
}

/// SipHash-2-4.
///
/// Not a crate's: written out as one loop it is half of the code, which every page downloads. The tests compare it with a
/// crate's.
#[inline(never)]
fn hash(key: &[u8; 16], bytes: &[u8]) -> u64 {
    let [k0, k1] = [0, 8].map(|from| {
        let half = key.get(from..).and_then(<[u8]>::first_chunk);
        half.map_or(0, |&half| u64::from_le_bytes(half))
    });
    let (words, tail) = bytes.as_chunks();
    let mut last = (bytes.len() as u64) << 56;
    for (i, &byte) in tail.iter().enumerate() {
        last |= u64::from(byte) << (8 * i);
    }
    let mut a = k0 ^ 0x736f_6d65_7073_6575;
    let mut b = k1 ^ 0x646f_7261_6e64_6f6d;
    let mut c = k0 ^ 0x6c79_6765_6e65_7261;
    let mut d = k1 ^ 0x7465_6462_7974_6573;
    // The words, the last of them, and the finalisation: twice two rounds more, with nothing to take in.
    for at in 0..words.len() + 3 {
        let word = match words.get(at) {
            Some(&word) => u64::from_le_bytes(word),
            None => core::mem::take(&mut last),
        };
        if at == words.len() + 1 {
            c ^= 0xff;
        }
        d ^= word;
        for _ in 0..2 {
            a = a.wrapping_add(b);
            c = c.wrapping_add(d);
            b = b.rotate_left(13) ^ a;
            d = d.rotate_left(16) ^ c;
            a = a.rotate_left(32).wrapping_add(d);
            c = c.wrapping_add(b);
            b = b.rotate_left(17) ^ c;
            d = d.rotate_left(21) ^ a;
            c = c.rotate_left(32);
        }
        a ^= word;
    }
    a ^ b ^ c ^ d
}

#[cfg(test)]
mod tests {
    use super::*;
    use siphasher::sip::SipHasher24;

    #[test]
    fn the_hash_is_siphash_2_4() {
        let mut state = 3;
        let bytes: Vec<u8> = (0..300).map(|_| split_mix(&mut state) as u8).collect();
        let key: [u8; 16] = bytes[..16].try_into().unwrap();
        let hasher = SipHasher24::new_with_key(&key);
        for end in 0..bytes.len() {
            assert_eq!(
                hash(&key, &bytes[..end]),
                hasher.hash(&bytes[..end]),
                "{end} bytes"
            );
        }
    }

    #[test]
    fn a_long_name_is_hashed_as_a_short_one_is() {
        let hasher = SipHasher24::new_with_key(&ENCODER_KEY);
        for length in [1, 40, 59, 60, 200] {
            let name = "n".repeat(length);
            let all = [&(length as u32).to_le_bytes(), name.as_bytes(), &[7], b"value"].concat();
            assert_eq!(token(&name, 7, b"value"), hasher.hash(&all), "{length} bytes");
        }
    }
}
