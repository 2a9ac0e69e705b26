//! HMAC-SHA256 under a key: how an id becomes another that only the key's holder can match with it.

use std::fmt;

use hmac::digest::{FixedOutput, KeyInit};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::secret::{SECRET_BYTES, Secret};

/// A keyed hash, its key schedule prepared.
#[derive(Clone)]
pub(super) struct Mac(Hmac<Sha256>);

impl Mac {
    pub(super) fn new(secret: &Secret) -> Self {
        // HMAC fills a key up to SHA-256's block of 64 bytes with zeros; doing so here leaves no error to handle.
        let mut block = Zeroizing::new([0; 64]);
        block.split_at_mut(SECRET_BYTES).0.copy_from_slice(secret.bytes());
        Self(Hmac::new((&*block).into()))
    }

    /// The first 128 bits of [`whole`](Self::whole).
    pub(super) fn of(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(self.whole(purpose, parts).split_at(16).0);
        half
    }

    /// All 256 bits over a purpose and parts. Every part is preceded by its length, so that no two lists of parts are the
    /// same bytes.
    pub(super) fn whole(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(purpose.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize_fixed().into()
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(…)")
    }
}
