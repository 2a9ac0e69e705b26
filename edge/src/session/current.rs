//! The snapshot in use: replaced whole, by a newer one only.

use alloc::string::String;

use tiltwise_core::snapshot::SnapshotContent;
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

/// A snapshot out of its envelope, whose signature and hash the host has verified: they need cryptography.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub site: &'a str,
    pub version: u64,
    pub expires_ms: u64,
    /// An encoded `SnapshotContent`.
    pub content: &'a [u8],
    /// It came with the page.
    pub bootstrap: bool,
}

impl Session {
    /// Takes a snapshot, whole. What is shown already stays as it is: new models are for choices that are not made yet.
    pub fn offer(&mut self, offer: Offer<'_>, now_ms: u64) -> Result<(), Refusal> {
        if let Some(current) = &self.current {
            if current.site != offer.site {
                return Err(Refusal::Site);
            }
            if offer.version <= current.version {
                return Err(Refusal::NotNewer);
            }
        }
        if now_ms >= offer.expires_ms {
            return Err(Refusal::Expired);
        }
        let content = SnapshotContent::decode(offer.content).map_err(unreadable)?;
        let gpc_limits = content.gpc_limits;
        self.current = Some(Current {
            content,
            site: offer.site.into(),
            version: offer.version,
            bootstrap: offer.bootstrap,
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
}

fn unreadable(error: WireError) -> Refusal {
    match error {
        WireError::Newer { .. } => Refusal::Upgrade,
        _ => Refusal::Unreadable,
    }
}
