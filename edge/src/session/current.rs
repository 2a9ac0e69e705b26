//! The snapshot in use: replaced whole, by a newer one only.

use alloc::string::String;
use alloc::vec::Vec;

use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};
use tiltwise_core::wire::WireError;

use super::Session;

#[derive(Debug)]
pub(super) struct Current {
    pub content: SnapshotContent,
    pub site: String,
    pub version: u64,
    /// It came with the page.
    pub bootstrap: bool,
}

/// Why a snapshot was not taken. The one in use stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Refusal {
    /// Not newer than the one in use: nothing to do.
    NotNewer = 1,
    /// Past its expiry, which bars adoption and never stops the one in use.
    Expired = 2,
    /// Not a snapshot, or a damaged one.
    Unreadable = 3,
    /// Written by a newer release: upgrade this part first.
    Upgrade = 4,
    /// Another site's.
    Site = 5,
}

impl Session {
    /// Takes a sealed snapshot, whole. Its signature and hash are for the host to verify, since they need cryptography.
    ///
    /// What is shown already stays as it is: a new snapshot is for choices that are not made yet.
    pub fn offer(&mut self, sealed: &[u8], now_ms: u64, bootstrap: bool) -> Result<(), Refusal> {
        let sealed = SealedSnapshot::decode(sealed).map_err(unreadable)?;
        if let Some(current) = &self.current {
            if current.site != sealed.site {
                return Err(Refusal::Site);
            }
            if sealed.version <= current.version {
                return Err(Refusal::NotNewer);
            }
        }
        if now_ms >= sealed.expires_ms {
            return Err(Refusal::Expired);
        }
        let content = SnapshotContent::decode(&sealed.content).map_err(unreadable)?;
        let gpc_limits = content.gpc_limits;
        self.current = Some(Current {
            content,
            site: sealed.site,
            version: sealed.version,
            bootstrap,
        });
        self.prepared.clear();
        self.limit_by_gpc(gpc_limits);
        Ok(())
    }

    /// The version in use; 0: none.
    pub fn version(&self) -> u64 {
        self.current.as_ref().map_or(0, |c| c.version)
    }

    /// The place of an experiment in the snapshot in use.
    pub fn find(&self, key: &str) -> Option<usize> {
        self.current.as_ref()?.content.find(key)
    }

    /// Key and JSON value of a variant.
    pub fn variant(&self, experiment: usize, arm: u32) -> Option<(&str, &str)> {
        let experiment = self.current.as_ref()?.content.experiments.get(experiment)?;
        let variant = experiment.revision.variants.get(arm as usize)?;
        Some((&variant.key, &variant.value))
    }

    /// Wraps content that was fetched by its hash into the envelope that announced it, under the site in use.
    pub fn seal(&self, mut announced: SealedSnapshot) -> Option<Vec<u8>> {
        announced.site.clone_from(&self.current.as_ref()?.site);
        Some(announced.encode())
    }
}

fn unreadable(error: WireError) -> Refusal {
    match error {
        WireError::Newer { .. } => Refusal::Upgrade,
        _ => Refusal::Unreadable,
    }
}
