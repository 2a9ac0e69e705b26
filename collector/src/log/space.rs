//! Asks the file system for room before the log does.
//!
//! A write that fails half-way closes the storage until it is restarted, because nobody can tell what reached the disk.
//! So the committer stops short of that: under the reserve it refuses, and goes on when there is room again.

use std::path::{Path, PathBuf};

use super::LogError;

/// What is kept free unless the options say otherwise: one journal of the storage.
pub(super) const DEFAULT_RESERVE: u64 = 64 << 20;

pub(super) struct Space {
    path: PathBuf,
    reserve: u64,
}

impl Space {
    pub(super) fn new(path: &Path, reserve: u64) -> Self {
        Self {
            path: path.to_owned(),
            reserve,
        }
    }

    /// Whether `bytes` can be written and the reserve stays. A file system that cannot say is taken at its next error.
    pub(super) fn for_bytes(&self, bytes: u64) -> Result<(), LogError> {
        let Ok(stat) = rustix::fs::statvfs(&self.path) else {
            return Ok(());
        };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free < self.reserve.saturating_add(bytes) {
            return Err(LogError::DiskFull {
                path: self.path.clone(),
                free,
                reserve: self.reserve,
            });
        }
        Ok(())
    }
}
