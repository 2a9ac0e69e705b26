//! The key that signs snapshots, and how it is replaced without a page noticing.
//!
//! A page carries up to two public keys. Rotation has two steps with a deployment of the pages between them:
//!
//! 1. `tiltwise keys rotate` makes the next key. Snapshots are still signed with the current one; `tiltwise keys public`
//!    lists both, and the pages are deployed with both.
//! 2. `tiltwise keys rotate --switch` makes the next key the current one and destroys the old secret. The old public key
//!    stays listed, so that pages opened before go on trusting what they hold, until the next rotation.

use std::io;
use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use tiltwise_core::snapshot::SealedSnapshot;

use super::KeysError;
use super::secret::Secret;
use crate::durable;

const CURRENT: &str = "signing.key";
const NEXT: &str = "signing.next.key";
const PREVIOUS: &str = "signing.previous.pub";

/// The first 8 bytes of the SHA-256 of a public key.
pub type KeyId = [u8; 8];

/// Signs snapshots with the current key.
pub struct Signer {
    key: SigningKey,
    id: KeyId,
    other: Option<OtherKey>,
}

/// A public key that pages should know beside the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherKey {
    Next([u8; 32]),
    Previous([u8; 32]),
}

impl Signer {
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let other = if folder.join(NEXT).exists() {
            Some(OtherKey::Next(public(&Secret::read(&folder.join(NEXT))?)))
        } else if folder.join(PREVIOUS).exists() {
            Some(OtherKey::Previous(read_public(&folder.join(PREVIOUS))?))
        } else {
            None
        };
        Ok(Self::of(&Secret::read(&folder.join(CURRENT))?, other))
    }

    fn of(secret: &Secret, other: Option<OtherKey>) -> Self {
        let key = SigningKey::from_bytes(secret.bytes());
        let id = key_id(key.verifying_key().as_bytes());
        Self { key, id, other }
    }

    #[cfg(test)]
    pub(super) fn known(bytes: [u8; 32]) -> Self {
        Self::of(&Secret::known(bytes), None)
    }

    /// Signs what a snapshot's envelope says of it: site, version, expiry, publication and the content's hash.
    pub fn sign(
        &self,
        site: &str,
        version: u64,
        expires_ms: u64,
        published_ms: u64,
        hash: &[u8; 32],
    ) -> (KeyId, [u8; 64]) {
        let envelope = SealedSnapshot {
            site: site.to_owned(),
            version,
            published_ms,
            expires_ms,
            hash: *hash,
            ..SealedSnapshot::default()
        };
        (self.id, self.key.sign(&envelope.signed_bytes()).to_bytes())
    }

    /// The current public key, then the other one if there is one: what a page should carry.
    pub fn public_keys(&self) -> Vec<[u8; 32]> {
        let mut keys = vec![self.key.verifying_key().to_bytes()];
        keys.extend(
            self.other
                .map(|(OtherKey::Next(key) | OtherKey::Previous(key))| key),
        );
        keys
    }

    pub fn key_id(&self) -> KeyId {
        self.id
    }

    pub fn other(&self) -> Option<OtherKey> {
        self.other
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", hex::encode(self.id))
    }
}

pub fn key_id(public: &[u8; 32]) -> KeyId {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(public));
    [a, b, c, d, e, f, g, h]
}

/// Whether the signature is this key's over the snapshot's envelope.
pub fn verify(public: &[u8; 32], snapshot: &SealedSnapshot) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(public) else {
        return false;
    };
    let Ok(signature) = ed25519_dalek::Signature::from_slice(&snapshot.signature) else {
        return false;
    };
    key.verify_strict(&snapshot.signed_bytes(), &signature).is_ok()
}

/// Step 1 of a rotation: makes the next key and returns its public half.
pub fn prepare(folder: &Path) -> Result<[u8; 32], KeysError> {
    let next = folder.join(NEXT);
    if next.exists() {
        return Err(KeysError::Refused {
            what: "a next signing key is there already".into(),
            remedy: "Deploy your pages with what `tiltwise keys public` prints, then run `tiltwise keys rotate --switch`"
                .into(),
        });
    }
    let secret = Secret::random()?;
    secret.keep(&next)?;
    remove(&folder.join(PREVIOUS))?;
    Ok(public(&secret))
}

/// Step 2: makes the next key the current one and returns its public half.
pub fn switch(folder: &Path) -> Result<[u8; 32], KeysError> {
    let (current, next, previous) = (folder.join(CURRENT), folder.join(NEXT), folder.join(PREVIOUS));
    if !next.exists() {
        return Err(KeysError::Refused {
            what: "there is no next signing key".into(),
            remedy:
                "Make it with `tiltwise keys rotate`, deploy your pages with both public keys, then switch"
                    .into(),
        });
    }
    let old = hex::encode(public(&Secret::read(&current)?)) + "\n";
    durable::replace(&previous, old.as_bytes(), durable::PRIVATE).map_err(|source| KeysError::Io {
        path: previous,
        source,
    })?;
    let secret = Secret::read(&next)?;
    std::fs::rename(&next, &current)
        .and_then(|()| durable::sync_folder(&current))
        .map_err(|source| KeysError::Io {
            path: current,
            source,
        })?;
    Ok(public(&secret))
}

pub(super) fn exists(folder: &Path) -> bool {
    folder.join(CURRENT).exists()
}

pub(super) fn init(folder: &Path) -> Result<(), KeysError> {
    Secret::random()?.keep(&folder.join(CURRENT))
}

fn public(secret: &Secret) -> [u8; 32] {
    SigningKey::from_bytes(secret.bytes()).verifying_key().to_bytes()
}

fn read_public(path: &Path) -> Result<[u8; 32], KeysError> {
    let text = std::fs::read_to_string(path).map_err(|source| KeysError::Io {
        path: path.to_owned(),
        source,
    })?;
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| KeysError::Damaged {
        path: path.to_owned(),
        what: "this is no public key of 64 hexadecimal digits".into(),
        remedy: "Remove the file; pages then trust the current key alone",
    })?;
    Ok(key)
}

fn remove(path: &Path) -> Result<(), KeysError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(KeysError::Io {
            path: path.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}
