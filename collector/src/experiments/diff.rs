//! What an edit changes, in the file's own words, for people and for scripts.

use std::fmt;

use serde::Serialize;

use super::{Definition, Experiments, facts};

/// Everything that differs between two sets of experiments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub experiments: Vec<Changed>,
}

/// One experiment that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    pub key: String,
    pub kind: Kind,
    /// Whether exposures will name another revision than before.
    pub new_revision: bool,
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Added,
    Removed,
    Edited,
}

/// One setting that differs; one side is absent where it was added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub setting: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Difference {
    pub fn between(before: &Experiments, after: &Experiments) -> Self {
        let removed = before
            .definitions
            .iter()
            .filter(|old| after.find(&old.revision.key).is_none())
            .map(|old| Changed {
                key: old.revision.key.clone(),
                kind: Kind::Removed,
                new_revision: false,
                changes: changes(Some(old), None),
            });
        let rest = after.definitions.iter().filter_map(|new| {
            let old = before.find(&new.revision.key);
            let changes = changes(old, Some(new));
            (!changes.is_empty()).then(|| Changed {
                key: new.revision.key.clone(),
                kind: if old.is_some() { Kind::Edited } else { Kind::Added },
                new_revision: old.is_none_or(|old| old.id != new.id),
                changes,
            })
        });
        Self {
            experiments: removed.chain(rest).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.experiments.is_empty()
    }
}

fn changes(before: Option<&Definition>, after: Option<&Definition>) -> Vec<Change> {
    let (old, new) = (
        before.map(facts::of).unwrap_or_default(),
        after.map(facts::of).unwrap_or_default(),
    );
    let value = |facts: &[(String, String)], setting: &str| {
        facts
            .iter()
            .find(|(name, _)| name == setting)
            .map(|(_, value)| value.clone())
    };
    let mut settings: Vec<&String> = old.iter().map(|(setting, _)| setting).collect();
    settings.extend(
        new.iter()
            .map(|(setting, _)| setting)
            .filter(|setting| value(&old, setting).is_none()),
    );
    settings
        .into_iter()
        .map(|setting| Change {
            setting: setting.clone(),
            before: value(&old, setting),
            after: value(&new, setting),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "Nothing changes.");
        }
        for (index, experiment) in self.experiments.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{experiment}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (self.kind, self.new_revision) {
            (Kind::Added, _) => writeln!(f, "+ {key}: a new experiment")?,
            (Kind::Removed, _) => writeln!(f, "- {key}: ends; its pages get their fallback")?,
            (Kind::Edited, true) => writeln!(
                f,
                "~ {key}: a new revision, counted by itself; nobody's draw moves"
            )?,
            (Kind::Edited, false) => writeln!(f, "~ {key}: the same revision goes on")?,
        }
        for change in &self.changes {
            match (&change.before, &change.after) {
                (Some(before), Some(after)) => writeln!(f, "    {}: {before} → {after}", change.setting)?,
                (Some(before), None) if self.kind == Kind::Edited => {
                    writeln!(f, "    {}: {before} → (none)", change.setting)?;
                }
                (None, Some(after)) => writeln!(f, "    {}: {after}", change.setting)?,
                _ => {}
            }
        }
        Ok(())
    }
}
