//! Keyed hashes: the only source of chance, and the encoder's names for values.
//!
//! SipHash-2-4 with the experiment's salt as key. Traffic share, comparison group, arm and the order of arms use separately
//! keyed hashes (a purpose byte), so that knowing one says nothing of another.

use core::hash::Hasher;
use siphasher::sip::SipHasher24;

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
    // The hash sees one run of bytes; put together here, since each write costs as much as eight of them.
    let mut bytes = [0; HEAD + VISITOR_BYTES];
    let (head, tail) = bytes.split_at_mut(HEAD);
    for (to, from) in head.iter_mut().zip(
        [purpose as u8, unit.kind() as u8]
            .into_iter()
            .chain(episode.to_le_bytes()),
    ) {
        *to = from;
    }
    let mut h = SipHasher24::new_with_key(salt);
    match unit {
        Unit::Visitor(visitor) => {
            tail.copy_from_slice(&visitor.0);
            h.write(&bytes);
        }
        Unit::Account(account) => {
            h.write(head);
            h.write(account.as_bytes());
        }
    }
    h.finish()
}

/// The upper 30 bits of a hash: a number below 2^30, uniform.
pub fn draw_q30(hash: u64) -> u32 {
    (hash >> 34) as u32 & (ONE_Q30 - 1)
}

/// The encoder's key: not a secret, only a constant that never changes within a spec version.
const ENCODER_KEY: [u8; 16] = *b"tiltwise-slots-1";

/// Most names with their values are shorter.
const SHORT: usize = 64;

/// Names a value of an attribute. `kind` keeps a text, a number, a bin and an absence apart.
pub(crate) fn token(name: &str, kind: u8, value: &[u8]) -> u64 {
    let mut h = SipHasher24::new_with_key(&ENCODER_KEY);
    let length = (name.len() as u32).to_le_bytes();
    let mut bytes = [0; SHORT];
    let all = length.iter().chain(name.as_bytes()).chain([&kind]).chain(value);
    let total = length.len() + name.len() + 1 + value.len();
    if total <= SHORT {
        // One run of bytes, as in `unit_hash`.
        bytes.iter_mut().zip(all).for_each(|(to, &from)| *to = from);
        h.write(bytes.get(..total).unwrap_or_default());
    } else {
        h.write(&length);
        h.write(name.as_bytes());
        h.write(&[kind]);
        h.write(value);
    }
    h.finish()
}

/// Names a combination of values.
pub(crate) fn combine(name: &str, tokens: impl Iterator<Item = u64>) -> u64 {
    let mut h = SipHasher24::new_with_key(&ENCODER_KEY);
    h.write(name.as_bytes());
    for token in tokens {
        h.write(&token.to_le_bytes());
    }
    h.finish()
}
