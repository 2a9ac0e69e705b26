//! Which snapshots an edge believes: those that a known key has signed, newer than the one in use and not expired.

use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use tiltwise_core::snapshot::SealedSnapshot;

/// The public keys that came with the page.
#[derive(Clone, Debug)]
pub struct Trust(Vec<VerifyingKey>);

impl Trust {
    /// From raw public keys of 32 bytes.
    pub fn new(keys: &[[u8; 32]]) -> Result<Self> {
        let keys = keys
            .iter()
            .map(|key| VerifyingKey::from_bytes(key).context("a public key that is no curve point"));
        Ok(Self(keys.collect::<Result<_>>()?))
    }

    /// Checks everything that stands between a fetched snapshot and its use.
    pub fn check(&self, sealed: &SealedSnapshot, newest: u64, now_ms: u64) -> Result<()> {
        ensure!(
            sealed.version > newest,
            "snapshot {} is not newer than {newest}",
            sealed.version
        );
        ensure!(
            sealed.expires_ms > now_ms,
            "snapshot {} has expired",
            sealed.version
        );
        ensure!(
            Sha256::digest(&sealed.content).as_slice() == sealed.hash,
            "the content of snapshot {} is not what its hash names",
            sealed.version
        );
        let signature = Signature::from_slice(&sealed.signature).context("a signature that is none")?;
        let message = sealed.signed_bytes();
        if !self
            .0
            .iter()
            .any(|key| key.verify_strict(&message, &signature).is_ok())
        {
            bail!("snapshot {} is not signed by a key of this page", sealed.version);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    fn signed(key: &SigningKey) -> SealedSnapshot {
        let content = b"content".to_vec();
        let mut sealed = SealedSnapshot {
            site: "shop".into(),
            version: 7,
            published_ms: 1_000,
            expires_ms: 2_000,
            hash: Sha256::digest(&content).into(),
            content,
            ..SealedSnapshot::default()
        };
        sealed.signature = key.sign(&sealed.signed_bytes()).to_bytes().into();
        sealed
    }

    fn checked(change: impl FnOnce(&mut SealedSnapshot)) -> Result<()> {
        let key = SigningKey::from_bytes(&[1; 32]);
        let mut sealed = signed(&key);
        change(&mut sealed);
        Trust::new(&[key.verifying_key().to_bytes()])?.check(&sealed, 6, 1_500)
    }

    #[test]
    fn a_signed_snapshot_that_is_newer_and_has_not_expired_is_believed() {
        checked(|_| ()).unwrap();
    }

    #[test]
    fn a_flipped_byte_an_older_version_an_expired_one_and_another_key_are_refused() {
        assert!(checked(|s| s.content[0] ^= 1).is_err());
        assert!(checked(|s| s.version = 6).is_err());
        assert!(checked(|s| s.version = 8).is_err(), "the version is signed");
        assert!(checked(|s| s.expires_ms = 1_500).is_err());
        assert!(checked(|s| *s = signed(&SigningKey::from_bytes(&[2; 32]))).is_err());
    }
}
