//! Reads the experiment file again when it changes, and keeps the last good one when an edit is broken.
//!
//! The file is looked at once a second, not watched through the kernel: editors replace files by renaming, containers
//! mount them over networks and through symbolic links, and a notification that does not come is an edit that is
//! silently ignored. A look is one `stat`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Action, Experiments};
use crate::config::{Place, Problem, Problems};

/// How often to [`Watcher::look`]: soon enough for a person who has just saved.
pub const EVERY: Duration = Duration::from_secs(1);

/// What a look has shown.
#[derive(Debug)]
pub enum Seen {
    /// Nothing new.
    Same,
    /// Another set of experiments, good in itself and with the actions that hold.
    Changed(Experiments),
    /// A broken edit, reported once; the last good set stands.
    Broken(Problems),
}

/// Looks at one experiment file.
#[derive(Debug)]
pub struct Watcher {
    path: PathBuf,
    site: String,
    stamp: Option<Stamp>,
    good: Experiments,
    /// What the last good set was read from.
    text: String,
}

/// A change of any of these is a change of the file: time, length, inode.
type Stamp = (SystemTime, u64, u64);

impl Watcher {
    /// Reads the file for the first time; now a problem is an error.
    pub fn start(path: &Path, site: &str, actions: &[Action]) -> Result<Self, Problems> {
        // The stamp first: an edit between the two is then seen at the next look.
        let stamp = stamp(path);
        let (text, good) = load(path, site)?;
        good.check_edit(actions)?;
        Ok(Self {
            path: path.to_owned(),
            site: site.to_owned(),
            stamp,
            good,
            text,
        })
    }

    /// The text of the last good set, as people wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last good set.
    pub fn experiments(&self) -> &Experiments {
        &self.good
    }

    /// Looks for a change since the last look.
    pub fn look(&mut self, actions: &[Action]) -> Seen {
        let now = stamp(&self.path);
        if now == self.stamp {
            return Seen::Same;
        }
        self.stamp = now;
        if now.is_none() {
            return Seen::Broken(self.gone());
        }
        let read = load(&self.path, &self.site)
            .and_then(|(text, experiments)| experiments.check_edit(actions).map(|()| (text, experiments)));
        match read {
            Ok((_, experiments)) if experiments == self.good => Seen::Same,
            Ok((text, experiments)) => {
                self.good = experiments.clone();
                self.text = text;
                Seen::Changed(experiments)
            }
            Err(problems) => Seen::Broken(problems),
        }
    }

    fn gone(&self) -> Problems {
        let mut problems = Problems::default();
        problems.push(Problem {
            at: Place::File {
                file: self.path.display().to_string().into(),
            },
            setting: String::new(),
            value: None,
            what: "the experiment file is gone; the experiments go on as they were".into(),
            remedy: "Put it back. To end all experiments, leave an empty file".into(),
        });
        problems
    }
}

/// The text and what it says. A file that does not exist declares nothing.
fn load(path: &Path, site: &str) -> Result<(String, Experiments), Problems> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let experiments = Experiments::check(&path.display().to_string(), &text, site)?;
            Ok((text, experiments))
        }
        Err(_) => Experiments::load(path, site).map(|experiments| (String::new(), experiments)),
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}
