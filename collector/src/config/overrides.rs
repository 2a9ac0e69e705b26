//! Environment variables and flags, laid over the file before it is checked.
//!
//! `TILTWISE_HTTP_LISTEN` stands for `http.listen`: the part up to the first underscore names the table, the rest the
//! key. A variable without a further underscore names a setting of the top (`TILTWISE_SITE`). Flags win over variables,
//! variables over the file. A misspelt variable is found as an unknown setting, like a misspelt line.

use super::document::{Node, Table, Value};
use super::problems::Place;

/// A setting from outside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The dotted path: `http.listen`.
    pub setting: String,
    pub text: String,
    pub at: Place,
}

const PREFIX: &str = "TILTWISE_";

/// Variables with that prefix that are no settings: the file's own name, and what `tiltwise status` reads.
const NO_SETTINGS: [&str; 2] = ["TILTWISE_CONFIG", "TILTWISE_ADMIN_TOKEN"];

/// The settings among the environment's variables.
pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Vec<Override> {
    let mut found: Vec<Override> = variables
        .into_iter()
        .filter(|(name, _)| !NO_SETTINGS.contains(&name.as_str()))
        .filter_map(|(name, text)| {
            let setting = name
                .strip_prefix(PREFIX)?
                .to_ascii_lowercase()
                .replacen('_', ".", 1);
            Some(Override {
                setting,
                text,
                at: Place::Environment { name },
            })
        })
        .collect();
    // The environment has no order of its own; errors should.
    found.sort_by(|a, b| a.setting.cmp(&b.setting));
    found
}

/// A setting from the flag `name`.
pub fn from_flag(name: &str, setting: &str, text: impl Into<String>) -> Override {
    Override {
        setting: setting.to_owned(),
        text: text.into(),
        at: Place::Flag {
            name: name.to_owned(),
        },
    }
}

/// Lays the overrides over the document, the later over the earlier.
pub fn lay_over(document: &mut Node, overrides: Vec<Override>) {
    for Override { setting, text, at } in overrides {
        let Value::Table(top) = &mut document.value else {
            return;
        };
        let given = Node {
            at: at.clone(),
            value: Value::Given(text),
        };
        match setting.split_once('.') {
            None => {
                top.insert(setting, given);
            }
            Some((table, key)) => {
                let entry = top.entry(table.to_owned()).or_insert_with(|| Node {
                    at,
                    value: Value::Table(Table::new()),
                });
                if let Value::Table(entries) = &mut entry.value {
                    entries.insert(key.to_owned(), given);
                }
            }
        }
    }
}
