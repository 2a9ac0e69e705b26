//! A second witness of how far the log was acknowledged.
//!
//! The storage recovers a torn tail by cutting it off, which is right for a write that never finished and silent for a
//! journal that was damaged in its middle. This small file names an end that had been synced before the file was
//! written; a log that is shorter has lost acknowledged events and must say so. It is written about once a second and
//! not synced: it may lag, it never runs ahead.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How often the mark is moved.
pub(super) const INTERVAL_MS: u64 = 1_000;

pub(super) struct Mark {
    path: PathBuf,
}

impl Mark {
    pub(super) fn beside(directory: &Path) -> Self {
        Self {
            path: directory.join("acknowledged"),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The marked end; 0 where there is none.
    pub(super) fn read(&self) -> u64 {
        fs::read_to_string(&self.path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Written beside and renamed, so that it is never half written.
    pub(super) fn write(&self, end: u64) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        fs::write(&beside, format!("{end}\n"))?;
        fs::rename(&beside, &self.path)
    }
}
