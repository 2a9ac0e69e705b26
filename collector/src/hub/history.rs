//! Decoded snapshots, for repeating decisions: reading one costs far more than the decision.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tiltwise_core::snapshot::SnapshotContent;

/// A minute of the fastest publication: pages that hear of a version within a minute cost no decoding.
const HELD: usize = 240;

/// The most recently used, newest first.
#[derive(Default)]
pub(super) struct Decoded {
    held: Mutex<VecDeque<(u64, Arc<SnapshotContent>)>>,
}

impl Decoded {
    pub(super) fn get(
        &self,
        version: u64,
        load: impl FnOnce() -> Option<SnapshotContent>,
    ) -> Option<Arc<SnapshotContent>> {
        if let Some((_, content)) = self.lock().iter().find(|(held, _)| *held == version) {
            return Some(content.clone());
        }
        let content = Arc::new(load()?);
        self.put(version, content.clone());
        Some(content)
    }

    pub(super) fn put(&self, version: u64, content: Arc<SnapshotContent>) {
        let mut held = self.lock();
        held.push_front((version, content));
        held.truncate(HELD);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(u64, Arc<SnapshotContent>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
