//! A hub among several: it keeps and shows what it reads where all of them read, in its order, and publishes nothing by itself.

use std::collections::HashSet;
use std::sync::Arc;

use tiltwise_core::snapshot::SealedSnapshot;

use super::{Hub, HubError, Needless, Options, Place};
use crate::{keys::Keys, log::LogClock, metrics::Metrics};

/// Brings what all collectors read.
pub trait Feed: Send + Sync {
    /// Returns once everything that was there at the call was taken; or says in a sentence why that cannot be. Blocks.
    fn catch_up(&self) -> Result<(), String>;
}

impl Hub {
    /// Opens what was read so far. Shows nothing until it is known to be the newest.
    pub fn open_shared(
        options: Options,
        keys: Arc<Keys>,
        clock: LogClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, HubError> {
        Self::open_silent(options, keys, clock, metrics)
    }

    /// Says who brings what all collectors read.
    pub fn fed_by(&self, feed: Arc<dyn Feed>) {
        let _ = self.feed.set(feed);
    }

    /// What brings what all collectors read, where there are several.
    pub fn feed(&self) -> Option<Arc<dyn Feed>> {
        self.feed.get().cloned()
    }

    /// How far it was read.
    pub fn place(&self) -> Result<Place, HubError> {
        Ok(self.store.place()?.unwrap_or_default())
    }

    /// The greatest version that this disk has ever held, of whatever time.
    pub fn greatest_version(&self) -> Result<u64, HubError> {
        Ok(self.store.last()?.map_or(0, |last| last.version))
    }

    /// Keeps what was read. Its content may have been read before.
    pub fn take(
        &self,
        envelope: &SealedSnapshot,
        content: Option<&[u8]>,
        place: Place,
    ) -> Result<(), HubError> {
        self.store.keep_read(place, envelope, content)
    }

    /// Shows a version that was kept, where it is newer than what is shown.
    pub fn show_version(&self, version: u64) -> Result<(), HubError> {
        if self
            .newest()
            .is_some_and(|newest| newest.envelope.version >= version)
        {
            return Ok(());
        }
        let Some(envelope) = self.store.envelope(version)? else {
            return Ok(());
        };
        if let Some(content) = self.store.content(&envelope.hash)? {
            let through_ms = envelope.folded_through_ms;
            self.show(envelope, &content)?;
            self.count(through_ms);
        }
        Ok(())
    }

    /// What neither an exposure nor a roll-back can need any more.
    pub fn needless(&self) -> Result<Needless, HubError> {
        self.store
            .needless(self.clock.now_ms(), self.options.named_for_ms)
    }

    /// Lets go of versions and of contents.
    pub fn forget(&self, versions: Vec<u64>, contents: HashSet<[u8; 32]>) -> Result<(), HubError> {
        let held = self.store.held_as(&contents)?;
        self.store.forget(&Needless {
            versions,
            contents,
            held,
        })
    }
}
