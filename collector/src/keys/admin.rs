//! The token that opens the admin listener.

use std::fmt;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::KeysError;
use super::secret::{Secret, read_closed};
use crate::durable;

/// The shortest token that is accepted: 128 bits as base64.
const LEAST_CHARS: usize = 22;

/// A bearer token; compared in constant time, never shown.
pub struct AdminToken(Zeroizing<String>);

impl AdminToken {
    /// Makes the token file unless there is one; true if it was made.
    pub(super) fn init(path: &Path) -> Result<bool, KeysError> {
        let token = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(Secret::random()?.bytes()) + "\n");
        match durable::create(path, token.as_bytes(), durable::PRIVATE) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(KeysError::Io {
                path: path.to_owned(),
                source: error,
            }),
        }
    }

    pub fn open(path: &Path) -> Result<Self, KeysError> {
        if !path.exists() {
            return Err(KeysError::Missing(path.to_owned()));
        }
        let token = Zeroizing::new(read_closed(path)?.trim().to_owned());
        if token.len() < LEAST_CHARS || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeysError::Damaged {
                path: path.to_owned(),
                what: format!("this is no admin token of at least {LEAST_CHARS} printable characters"),
                remedy: "Remove the file and run `tiltwise keys init`, which makes a new one",
            });
        }
        Ok(Self(token))
    }

    /// Whether a request presents this token.
    pub fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// The token itself, for a client of the admin listener.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}
