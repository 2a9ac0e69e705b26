//! The experiment file: what is asked of visitors, written by people, checked, and compiled for the core.
//!
//! [`Experiments::check`] reads the text into one [`Definition`] an experiment, each with the core's immutable
//! [`Revision`]. The readers are siblings: [`variants`], [`policy`], [`attributes`], [`metrics`], [`condition`]. Beside
//! them: [`widths`] derives the bucket widths, [`identity`] names revisions and salts, [`diff`] says what an edit changes,
//! [`watch`] reads the file again when it changes, [`revisions`] keeps every revision that was ever published, and
//! [`actions`] lays what people did (pause, stop, declare a winner) over what the file says.
//!
//! This module does not: publish snapshots, know models, or look at a clock.

use std::collections::BTreeMap;
use std::path::Path;

use tiltwise_core::id::RevisionId;
use tiltwise_core::revision::Revision;
use tiltwise_core::snapshot::MAX_EXPERIMENTS;

pub mod actions;
mod attributes;
mod condition;
mod definition;
pub mod diff;
mod facts;
pub mod identity;
mod metrics;
mod policy;
pub mod revisions;
pub mod standing;
mod variants;
pub mod watch;
mod widths;

pub use self::actions::{Action, ActionError, ActionStore, FileActions, GUARDRAIL, Verb, is_overtaken};
pub use self::diff::Difference;
pub use self::revisions::Revisions;
pub use self::standing::Standing;
pub use self::watch::{Seen, Watcher};

use crate::config::document::{self, Value};
use crate::config::section::Section;
use crate::config::{Place, Problem, Problems};

/// By attribute.
pub type Values = BTreeMap<String, Vec<String>>;

/// One checked experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What people call it; the key where the file gives no name. No part of the revision: renaming changes nothing.
    pub name: String,
    /// Values of attributes by which people want to see the results: no part of the revision either.
    pub values: Values,
    /// Where the file declares it.
    pub at: Place,
    pub id: RevisionId,
    pub revision: Revision,
}

/// All experiments of a file, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experiments {
    pub definitions: Vec<Definition>,
}

impl Definition {
    /// Its settings as (setting, value) pairs, in the words of the file.
    pub fn facts(&self) -> Vec<(String, String)> {
        facts::of(self)
    }
}

impl Experiments {
    /// Reads and checks a file. One that does not exist declares nothing.
    pub fn load(path: &Path, site: &str) -> Result<Self, Problems> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::check(&path.display().to_string(), &text, site),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => {
                let mut problems = Problems::default();
                problems.push(Problem {
                    at: Place::File {
                        file: path.display().to_string().into(),
                    },
                    setting: String::new(),
                    value: None,
                    what: format!("the experiment file cannot be read: {error}"),
                    remedy:
                        "Name the right one in the collector file (experiments = \"…\") or with --experiments"
                            .into(),
                });
                Err(problems)
            }
        }
    }

    /// Checks the text of an experiment file.
    pub fn check(file: &str, text: &str, site: &str) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let document = document::parse(&mut problems, file, text);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut top = Section::open(&mut problems, "", document);
        let mut definitions = Vec::new();
        let nodes = top.list(&mut problems, "experiment");
        if let Some((_, node)) = nodes.get(MAX_EXPERIMENTS) {
            problems.push(Problem {
                at: node.at.clone(),
                setting: "experiment".into(),
                value: None,
                what: format!("is one more than the {MAX_EXPERIMENTS} that a site can serve"),
                remedy: "Remove the experiments that have been decided".into(),
            });
        }
        for (path, node) in nodes {
            let path = match &node.value {
                Value::Table(entries) => match entries.get("key").map(|key| &key.value) {
                    Some(Value::Text(key)) => format!("experiment.{key}"),
                    _ => path,
                },
                _ => path,
            };
            let section = Section::open(&mut problems, path, node);
            definitions.extend(definition::read(&mut problems, section, site));
        }
        top.finish(&mut problems);
        check_unique(&mut problems, &definitions);
        problems.none_or(Self { definitions })
    }

    pub fn find(&self, key: &str) -> Option<&Definition> {
        self.definitions
            .iter()
            .find(|definition| definition.revision.key == key)
    }
}

fn check_unique(problems: &mut Problems, definitions: &[Definition]) {
    for (index, definition) in definitions.iter().enumerate() {
        let key = &definition.revision.key;
        let first = definitions
            .iter()
            .take(index)
            .find(|earlier| earlier.revision.key == *key);
        if let Some(first) = first {
            problems.push(Problem {
                at: definition.at.clone(),
                setting: format!("experiment.{key}.key"),
                value: Some(format!("{key:?}")),
                what: format!("is taken by the experiment at {}", first.at),
                remedy: "Give every experiment a key of its own".into(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
