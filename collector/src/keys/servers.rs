//! The keys of back ends, apps, ad platforms and workers: who may send events of a higher tier.
//!
//! A key is shown once, when it is made; only its SHA-256 is kept. (A slow password hash would add nothing: a key is 256
//! random bits, which nobody guesses.) A revoked key stops counting within a second.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tiltwise_core::id::Tier;
use zeroize::Zeroizing;

use super::KeysError;
use super::secret::{Secret, read_closed};
use crate::durable;

const FILE: &str = "servers.json";

/// Starts every key, so that a scanner for leaked secrets knows one when it sees it.
const MARK: &str = "tws_";

/// One key's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerKey {
    pub name: String,
    pub kind: Kind,
    /// SHA-256 of the key, in hexadecimal digits.
    sha256: String,
    pub made_ms: u64,
}

/// What the holder of a key is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Worker,
    Server,
}

impl Kind {
    pub fn tier(self) -> Tier {
        match self {
            Self::Worker => Tier::Worker,
            Self::Server => Tier::Server,
        }
    }
}

/// The keys that count now.
#[derive(Debug)]
pub struct ServerKeys {
    path: PathBuf,
    state: RwLock<State>,
}

type Stamp = (SystemTime, u64);

#[derive(Debug)]
struct State {
    stamp: Option<Stamp>,
    keys: Vec<ServerKey>,
}

impl ServerKeys {
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let path = folder.join(FILE);
        let state = State {
            stamp: stamp(&path),
            keys: read(&path)?,
        };
        Ok(Self {
            path,
            state: RwLock::new(state),
        })
    }

    /// The record of the key that a request presents. Every known key is compared in constant time.
    pub fn check(&self, presented: &str) -> Option<ServerKey> {
        let presented = Sha256::digest(presented.as_bytes());
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for key in &state.keys {
            let known = hex::decode(&key.sha256).unwrap_or_default();
            if bool::from(known.ct_eq(presented.as_slice())) {
                found = Some(key);
            }
        }
        found.cloned()
    }

    /// The records, as they were added.
    pub fn list(&self) -> Vec<ServerKey> {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .clone()
    }

    /// Makes a key for `name` and returns it: the only time that it is seen.
    pub fn add(&self, name: &str, kind: Kind, now_ms: u64) -> Result<Zeroizing<String>, KeysError> {
        check_name(name)?;
        let mut keys = read(&self.path)?;
        if keys.iter().any(|key| key.name == name) {
            return Err(KeysError::Refused {
                what: format!("a key named \"{name}\" is there already"),
                remedy: format!(
                    "Take another name, or revoke it first: `tiltwise keys server revoke {name}`"
                ),
            });
        }
        let key = Zeroizing::new(MARK.to_owned() + &BASE64_URL_SAFE_NO_PAD.encode(Secret::random()?.bytes()));
        let sha256 = hex::encode(Sha256::digest(key.as_bytes()));
        keys.push(ServerKey {
            name: name.to_owned(),
            kind,
            sha256,
            made_ms: now_ms,
        });
        self.keep(keys)?;
        Ok(key)
    }

    /// Removes the key named `name`.
    pub fn revoke(&self, name: &str) -> Result<(), KeysError> {
        let mut keys = read(&self.path)?;
        let before = keys.len();
        keys.retain(|key| key.name != name);
        if keys.len() == before {
            return Err(KeysError::Refused {
                what: format!("there is no key named \"{name}\""),
                remedy: "See the names with `tiltwise keys list`".into(),
            });
        }
        self.keep(keys)
    }

    /// Takes up a file that another process has changed.
    pub fn refresh(&self) -> Result<(), KeysError> {
        let now = stamp(&self.path);
        if self.state.read().unwrap_or_else(PoisonError::into_inner).stamp == now {
            return Ok(());
        }
        let keys = read(&self.path)?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State { stamp: now, keys };
        Ok(())
    }

    fn keep(&self, keys: Vec<ServerKey>) -> Result<(), KeysError> {
        write(&self.path, &keys)?;
        let stamp = stamp(&self.path);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State { stamp, keys };
        Ok(())
    }
}

pub(super) fn init(folder: &Path) -> Result<(), KeysError> {
    let path = folder.join(FILE);
    if path.exists() { Ok(()) } else { write(&path, &[]) }
}

fn check_name(name: &str) -> Result<(), KeysError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(KeysError::Refused {
        what: format!("{name:?} is no name for a key"),
        remedy: "Use 1 to 64 letters, digits, dots, hyphens or underscores".into(),
    })
}

fn read(path: &Path) -> Result<Vec<ServerKey>, KeysError> {
    serde_json::from_str(&read_closed(path)?).map_err(|error| KeysError::Damaged {
        path: path.to_owned(),
        what: format!("this is no list of server keys: {error}"),
        remedy: "Put the file back from a backup, or write [] into it and make new keys",
    })
}

fn write(path: &Path, keys: &[ServerKey]) -> Result<(), KeysError> {
    let io = |source| KeysError::Io {
        path: path.to_owned(),
        source,
    };
    let mut text = serde_json::to_string_pretty(keys).map_err(|error| io(error.into()))?;
    text.push('\n');
    durable::replace(path, text.as_bytes(), durable::PRIVATE).map_err(io)
}

/// Tells one content from the next: a change is a rename of a new file, which has another time or another inode.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.ino()))
}
