//! Keyed hashes: the only source of chance, and the encoder's names for values.
//!
//! SipHash-2-4 with the experiment's salt as key. Traffic share, comparison group, arm and the order of arms use separately
//! keyed hashes (a purpose byte), so that knowing one says nothing of another.

use alloc::vec::Vec;

use crate::id::{UnitKind, Visitor};
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

/// 64 bits for a unit in an experiment. `episode` is 0 for what holds over all episodes (traffic, comparison group).
pub fn unit_hash(salt: &[u8; 16], purpose: Purpose, unit: Unit<'_>, episode: u64) -> u64 {
    let id = match unit {
        Unit::Visitor(visitor) => &visitor.0[..],
        Unit::Account(account) => account.as_bytes(),
    };
    let head = [purpose as u8, unit.kind() as u8];
    hash(salt, &[&head, &episode.to_le_bytes(), id])
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

/// Names a value of an attribute. `kind` keeps a text, a number, a bin and an absence apart.
#[inline(never)]
pub(crate) fn token(name: &str, kind: u8, value: &[u8]) -> u64 {
    let length = (name.len() as u32).to_le_bytes();
    hash(&ENCODER_KEY, &[&length, name.as_bytes(), &[kind], value])
}

/// Names a combination of values.
pub(crate) fn combine(name: &str, tokens: impl Iterator<Item = u64>) -> u64 {
    let mut bytes = Vec::new();
    for token in tokens {
        bytes.extend_from_slice(&token.to_le_bytes());
    }
    hash(&ENCODER_KEY, &[name.as_bytes(), &bytes])
}

/// What is hashed is almost always shorter.
const SHORT: usize = 64;

/// SipHash-2-4 of the parts, one behind the other.
///
/// Not a crate's: written out as one loop it is half of the code, which every page downloads. The tests compare it with a
/// crate's. The parts are put together first, since each would cost as much time as eight bytes do.
#[inline(never)]
fn hash(key: &[u8; 16], parts: &[&[u8]]) -> u64 {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Whole words, of which the last ends with the length.
    let padded = (length | 7) + 1;
    let (mut short, mut long) = ([0; SHORT], Vec::new());
    let bytes = if padded <= SHORT {
        &mut short[..]
    } else {
        long.resize(padded, 0);
        &mut long[..]
    };
    let mut place = bytes.iter_mut();
    for part in parts {
        for (&byte, place) in part.iter().zip(&mut place) {
            *place = byte;
        }
    }
    if let Some(last) = bytes.get_mut(padded - 1) {
        *last = length as u8;
    }
    let [k0, k1] = [0, 8].map(|from| {
        let half = key.get(from..).and_then(<[u8]>::first_chunk);
        half.map_or(0, |&half| u64::from_le_bytes(half))
    });
    let mut a = k0 ^ 0x736f_6d65_7073_6575;
    let mut b = k1 ^ 0x646f_7261_6e64_6f6d;
    let mut c = k0 ^ 0x6c79_6765_6e65_7261;
    let mut d = k1 ^ 0x7465_6462_7974_6573;
    let words = padded / 8;
    // The finalisation is two more rounds of two, with nothing to take in.
    for at in 0..words + 2 {
        let word = bytes.as_chunks().0.get(at).copied();
        let word = u64::from_le_bytes(word.unwrap_or_default());
        if at == words {
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
    fn the_hash_is_siphash_2_4_of_all_the_parts() {
        let mut state = 3;
        let bytes: Vec<u8> = (0..300).map(|_| split_mix(&mut state) as u8).collect();
        let key: [u8; 16] = bytes[..16].try_into().unwrap();
        let hasher = SipHasher24::new_with_key(&key);
        for end in 0..bytes.len() {
            let (first, second) = bytes[..end].split_at(split_mix(&mut state) as usize % (end + 1));
            assert_eq!(
                hash(&key, &[first, &[], second]),
                hasher.hash(&bytes[..end]),
                "{end} bytes"
            );
        }
    }
}
