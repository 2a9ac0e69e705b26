//! The collector's secrets: what it signs with, what it makes pseudonyms with, and whom it believes.
//!
//! One folder (0700) holds them, one file (0600) each:
//!
//! | file | what it is |
//! |---|---|
//! | `signing.key`, `signing.next.key`, `signing.previous.pub` | signs snapshots; see [`signing`] for the rotation |
//! | `weeks/2951.key`, `weeks/2950.forgotten` | makes pseudonyms of the visitors minted in that week; see [`pseudonyms`] |
//! | `account.key` | makes pseudonyms of accounts |
//! | `ids.key` | makes event ids, and masks draws in the log |
//! | `servers.json` | names and SHA-256 of the keys of back ends and workers; see [`servers`] |
//! | `admin.token` | opens the admin listener (the collector file may put it elsewhere) |
//!
//! Secrets have no `Display`, their `Debug` says nothing, and they are wiped from memory when dropped.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

mod admin;
mod ids;
mod mac;
pub mod pseudonyms;
mod secret;
pub mod servers;
pub mod signing;

pub use self::admin::AdminToken;
pub use self::ids::{BatchId, Masks};
pub use self::pseudonyms::{PseudonymError, Pseudonyms};
pub use self::servers::{ServerKey, ServerKeys};
pub use self::signing::{KeyId, Signer};

use crate::config::{Place, Problem};

/// Why the secrets are not usable.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("{0}: nothing is here. Make what is missing with `tiltwise keys init`")]
    Missing(PathBuf),
    #[error(
        "{0}: there are keys here already. They stay as they are; to start anew, move the folder away first"
    )]
    Exists(PathBuf),
    #[error("{path}: {source}. Check that the collector's user owns the keys folder and what is in it")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: mode {mode:o} lets others read this secret. Close it with `chmod {wanted:o} {path}`")]
    Open { path: PathBuf, mode: u32, wanted: u32 },
    #[error("{path}: {what}. {remedy}")]
    Damaged {
        path: PathBuf,
        what: String,
        remedy: &'static str,
    },
    #[error("{what}. {remedy}")]
    Refused { what: String, remedy: String },
    #[error("the operating system gave no random bytes: {0}. Try again; without them no key can be made")]
    NoChance(getrandom::Error),
}

impl KeysError {
    /// The error as one of several problems. Every text above reads "place: what. Remedy".
    pub fn as_problem(&self) -> Problem {
        let text = self.to_string();
        let (place, rest) = text.split_once(": ").unwrap_or(("keys", &text));
        let (what, remedy) = rest.split_once(". ").unwrap_or((rest, ""));
        Problem {
            at: Place::File { file: place.into() },
            setting: String::new(),
            value: None,
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// All secrets of one collector, opened.
#[derive(Debug)]
pub struct Keys {
    pub signer: Signer,
    pub pseudonyms: Pseudonyms,
    pub servers: ServerKeys,
    pub admin: AdminToken,
}

impl Keys {
    /// Makes a new folder of secrets, or the admin token alone where only that is missing. What exists stays as it is.
    pub fn init(folder: &Path, admin_token_file: &Path) -> Result<(), KeysError> {
        if signing::exists(folder) {
            return if AdminToken::init(admin_token_file)? {
                Ok(())
            } else {
                Err(KeysError::Exists(folder.to_owned()))
            };
        }
        make_folder(folder)?;
        pseudonyms::init(folder)?;
        servers::init(folder)?;
        AdminToken::init(admin_token_file)?;
        // Last: its presence says that the folder is complete, so that an interrupted `init` can be run again.
        signing::init(folder)
    }

    /// Opens the folder; `visitor_lifetime_ms` is how long a week's visitors keep their pseudonym.
    pub fn open(folder: &Path, admin_token_file: &Path, visitor_lifetime_ms: u64) -> Result<Self, KeysError> {
        if !signing::exists(folder) {
            return Err(KeysError::Missing(folder.to_owned()));
        }
        check_closed(folder, 0o700)?;
        Ok(Self {
            signer: Signer::open(folder)?,
            pseudonyms: Pseudonyms::open(folder, visitor_lifetime_ms)?,
            servers: ServerKeys::open(folder)?,
            admin: AdminToken::open(admin_token_file)?,
        })
    }

    /// Takes up what `tiltwise keys …` has changed in the folder since: forgotten weeks, new and revoked server keys.
    /// Cheap enough for every second. A new signing key is taken up at the next start.
    pub fn refresh(&self, now_ms: u64) -> Result<(), KeysError> {
        self.pseudonyms.refresh(now_ms)?;
        self.servers.refresh()
    }
}

fn make_folder(folder: &Path) -> Result<(), KeysError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| KeysError::Io {
            path: folder.to_owned(),
            source,
        })
}

/// Refuses a secret that the group or others could read or change.
fn check_closed(path: &Path, wanted: u32) -> Result<(), KeysError> {
    let metadata = std::fs::metadata(path).map_err(|source| KeysError::Io {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        Ok(())
    } else {
        Err(KeysError::Open {
            path: path.to_owned(),
            mode,
            wanted,
        })
    }
}

#[cfg(test)]
mod tests;
