//! The files of a site: where they are and what they say.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Options;

/// The collector file, by the name under which it is found without being named.
const COLLECTOR: &str = "tiltwise.toml";

pub(super) fn diagnostics(folder: &Path) -> PathBuf {
    folder.join("collector.log")
}

pub(super) fn admin_token(folder: &Path) -> PathBuf {
    folder.join("keys").join("admin.token")
}

pub(super) fn write(folder: &Path, options: &Options, http: SocketAddr, admin: SocketAddr) -> Result<()> {
    let origins: Vec<String> = options
        .origins
        .iter()
        .map(|origin| format!("{origin:?}"))
        .collect();
    let text = format!(
        "site = \"demo\"\n\
         http = {{ listen = \"{http}\", allowed_origins = [{}] }}\n\
         admin = {{ listen = \"{admin}\" }}\n\
         {}",
        origins.join(", "),
        options.more,
    );
    for (name, text) in [(COLLECTOR, &text), ("experiments.toml", &options.experiments)] {
        fs::write(folder.join(name), text).with_context(|| format!("writing {name}"))?;
    }
    Ok(())
}

/// A public key, as `tiltwise keys public --json` lists it.
#[derive(Debug, Deserialize)]
pub struct PublicKey {
    pub hex: String,
    /// As a page carries it.
    pub base64: String,
}

pub(super) fn public_keys(printed: &str) -> Result<Vec<PublicKey>> {
    serde_json::from_str(printed).with_context(|| format!("`tiltwise keys public` said {printed}"))
}

/// The key in what `tiltwise keys server add` prints.
pub(super) fn server_key(printed: &str) -> Result<String> {
    let key = printed.trim();
    ensure!(!key.is_empty(), "`tiltwise keys server add` printed no key");
    Ok(key.to_owned())
}
