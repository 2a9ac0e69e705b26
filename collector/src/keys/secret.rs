//! 32 secret bytes: born of chance, read from a closed file, wiped when dropped.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeysError, check_closed};
use crate::durable;

/// 256 bits: HMAC-SHA256 and Ed25519 both take keys of this length.
pub(super) const SECRET_BYTES: usize = 32;

#[derive(Clone)]
pub(super) struct Secret(Zeroizing<[u8; SECRET_BYTES]>);

impl Secret {
    pub(super) fn random() -> Result<Self, KeysError> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(KeysError::NoChance)?;
        Ok(Self(bytes))
    }

    #[cfg(test)]
    pub(super) fn known(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// Reads a file that [`Secret::keep`] wrote.
    pub(super) fn read(path: &Path) -> Result<Self, KeysError> {
        let text = read_closed(path)?;
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).map_err(|_| KeysError::Damaged {
            path: path.to_owned(),
            what: "this is no key of 64 hexadecimal digits".into(),
            remedy: "Put the file back from a backup; a new key cannot read what the old one made",
        })?;
        Ok(Self(bytes))
    }

    /// Writes the secret to a new closed file.
    pub(super) fn keep(&self, path: &Path) -> Result<(), KeysError> {
        self.try_keep(path).map_err(|source| KeysError::Io {
            path: path.to_owned(),
            source,
        })
    }

    /// The secret in `path`, made there if there is none.
    pub(super) fn read_or_make(path: &Path) -> Result<Self, KeysError> {
        match Self::random()?.try_keep(path) {
            // Another process may have made it at this moment: whoever is first is right.
            Ok(()) => Self::read(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            Err(source) => Err(KeysError::Io {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn try_keep(&self, path: &Path) -> io::Result<()> {
        let text = Zeroizing::new(hex::encode(self.bytes()) + "\n");
        durable::create(path, text.as_bytes(), durable::PRIVATE)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The text of a file that only its owner may read.
pub(super) fn read_closed(path: &Path) -> Result<Zeroizing<String>, KeysError> {
    let io = |source| KeysError::Io {
        path: PathBuf::from(path),
        source,
    };
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(io)?);
    check_closed(path, durable::PRIVATE)?;
    Ok(text)
}
