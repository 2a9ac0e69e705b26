//! The names that come from content: a revision's id, an experiment's salt.

use sha2::{Digest, Sha256};
use tiltwise_core::id::RevisionId;
use tiltwise_core::revision::Revision;

/// The first 8 bytes, little endian, of the SHA-256 of the encoded revision.
pub fn revision_id(revision: &Revision) -> RevisionId {
    id_of_bytes(&revision.encode())
}

/// The same, of bytes that are encoded already.
pub fn id_of_bytes(encoded: &[u8]) -> RevisionId {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(encoded));
    RevisionId(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

/// The first 16 bytes of SHA-256("tiltwise-salt-1" ‖ site ‖ 0 ‖ key). It depends on nothing that an edit can change, so
/// an edit moves nobody; no site name holds a 0, so no two pairs of site and key are the same bytes.
pub fn salt(site: &str, key: &str) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::new()
        .chain_update(b"tiltwise-salt-1")
        .chain_update(site.as_bytes())
        .chain_update([0])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    let mut half = [0; 16];
    half.copy_from_slice(whole.split_at(16).0);
    half
}
