//! Reads one table: takes the entries it knows, and calls the rest unknown.
//!
//! Every `take` notes its key, so that the list of known keys (for "did you mean") is the code that reads them and can
//! never lag behind it.

use std::path::{Path, PathBuf};

use super::document::{Node, Table, Value};
use super::problems::{Place, Problem, Problems};
use super::setting::{Misfit, Setting};

/// A table that is being read.
pub struct Section {
    /// The dotted path up to here; empty at the top.
    path: String,
    /// Where the table starts: what is missing is reported here.
    pub at: Place,
    entries: Table,
    known: Vec<&'static str>,
    /// False where nobody wrote it.
    there: bool,
}

/// A value that was read, with its place for checks that come later.
#[derive(Debug, Clone)]
pub struct Found<T> {
    pub value: T,
    pub node: Node,
    /// The dotted path of the setting.
    pub setting: String,
}

impl Section {
    /// Opens `node` as a table; something else is a problem and reads as an empty table.
    pub fn open(problems: &mut Problems, path: impl Into<String>, node: Node) -> Self {
        let (path, at) = (path.into(), node.at.clone());
        let entries = if let Value::Table(entries) = node.value {
            entries
        } else {
            let misfit = Misfit::new("is no table", format!("Write it like `{path} = {{ key = … }}`"));
            problems.push(misfit.of(&path, &node));
            Table::new()
        };
        Self {
            path,
            at,
            entries,
            known: Vec::new(),
            there: true,
        }
    }

    /// Opens the table `key` in this one, or an empty one if it is absent.
    #[must_use]
    pub fn section(&mut self, problems: &mut Problems, key: &'static str) -> Self {
        let path = self.setting(key);
        match self.take(key) {
            Some(node) => Self::open(problems, path, node),
            None => Self {
                path,
                at: self.at.clone(),
                entries: Table::new(),
                known: Vec::new(),
                there: false,
            },
        }
    }

    /// Whether somebody wrote this table.
    pub fn is_there(&self) -> bool {
        self.there
    }

    /// The raw entry, for settings that have several forms.
    pub fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// The entry with its place, if it is there and has the right form.
    pub fn found<T: Setting>(&mut self, problems: &mut Problems, key: &'static str) -> Option<Found<T>> {
        let setting = self.setting(key);
        let node = self.take(key)?;
        match T::read(&node) {
            Ok(value) => Some(Found { value, node, setting }),
            Err(misfit) => {
                problems.push(misfit.of(&setting, &node));
                None
            }
        }
    }

    /// The items of the list `key`, each with a path of its own; an absent list has none.
    pub fn list(&mut self, problems: &mut Problems, key: &'static str) -> Vec<(String, Node)> {
        let path = self.setting(key);
        let Some(node) = self.take(key) else {
            return Vec::new();
        };
        if let Value::List(items) = node.value {
            return items
                .into_iter()
                .enumerate()
                .map(|(index, item)| (format!("{path}[{index}]"), item))
                .collect();
        }
        problems.push(Misfit::new("is no list", format!("Put it in brackets: [{node}]")).of(&path, &node));
        Vec::new()
    }

    /// The entry, if it is there and has the right form.
    pub fn get<T: Setting>(&mut self, problems: &mut Problems, key: &'static str) -> Option<T> {
        self.found(problems, key).map(|found| found.value)
    }

    /// The entry, or what stands for it when it is absent.
    pub fn get_or<T: Setting>(&mut self, problems: &mut Problems, key: &'static str, default: T) -> T {
        self.get(problems, key).unwrap_or(default)
    }

    /// A path: in the file relative to the file's folder, from a flag or a variable relative to where the command runs.
    pub fn path(&mut self, problems: &mut Problems, key: &'static str, folder: &Path) -> Option<PathBuf> {
        let found = self.found::<PathBuf>(problems, key)?;
        match found.node.at {
            Place::Environment { .. } | Place::Flag { .. } => Some(found.value),
            Place::Line { .. } | Place::File { .. } => Some(folder.join(found.value)),
        }
    }

    /// The entry; its absence is a problem.
    pub fn need<T: Setting>(
        &mut self,
        problems: &mut Problems,
        key: &'static str,
        remedy: &str,
    ) -> Option<Found<T>> {
        if !self.entries.contains_key(key) {
            self.known.push(key);
            problems.push(self.problem(key, "is missing", remedy));
            return None;
        }
        self.found(problems, key)
    }

    /// The dotted path of an entry.
    pub fn setting(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A problem of an entry that has no value of its own to blame.
    pub fn problem(&self, key: &str, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        let setting = if key.is_empty() {
            self.path.clone()
        } else {
            self.setting(key)
        };
        Problem {
            at: self.at.clone(),
            setting,
            value: None,
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Ends the reading: every entry that nobody took is unknown.
    pub fn finish(self, problems: &mut Problems) {
        for (key, node) in &self.entries {
            let remedy = match closest(key, &self.known) {
                Some(known) => format!("Did you mean `{known}`?"),
                None => format!("Known here: {}", self.known.join(", ")),
            };
            problems.push(Problem {
                at: node.at.clone(),
                setting: self.setting(key),
                value: None,
                what: "is no setting".into(),
                remedy,
            });
        }
    }
}

impl<T> Found<T> {
    /// Notes that the value, though of the right form, will not do.
    pub fn reject(&self, problems: &mut Problems, what: impl Into<String>, remedy: impl Into<String>) {
        problems.push(Misfit::new(what, remedy).of(&self.setting, &self.node));
    }
}

/// The known word that was most likely meant; none where nothing is close.
pub fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    /// Jaro-Winkler similarity above which a slip of the finger is likelier than another word; clap uses 0.7 for
    /// subcommands, which are shorter.
    const CLOSE: f64 = 0.8;
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .filter(|(similarity, _)| *similarity >= CLOSE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
