//! Decoded snapshots, for repeating decisions: reading one costs far more than the decision.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use tiltwise_core::snapshot::SnapshotContent;

use super::Version;

/// A minute of the fastest publication: pages that hear of a version within a minute cost no decoding.
const HELD: usize = 240;

/// The most recently shown or loaded, newest first.
#[derive(Default)]
pub(super) struct Decoded {
    held: RwLock<VecDeque<(Version, Arc<SnapshotContent>)>>,
}

impl Decoded {
    pub(super) fn get(&self, version: u64) -> Option<(Version, Arc<SnapshotContent>)> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.iter()
            .find(|(held, _)| held.version == version)
            .map(|(version, content)| (*version, content.clone()))
    }

    pub(super) fn put(&self, version: Version, content: Arc<SnapshotContent>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.push_front((version, content));
        held.truncate(HELD);
    }
}
