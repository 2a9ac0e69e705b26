//! How one written value becomes a typed one. The types of the settings themselves are siblings: `units`, `network`.

use std::path::PathBuf;

use super::document::{Node, Value};
use super::problems::Problem;

/// A type that a setting can have.
pub trait Setting: Sized {
    /// Proves the value, or says what is wrong with it.
    fn read(node: &Node) -> Result<Self, Misfit>;
}

/// Why a value will not do, and what would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    pub what: String,
    pub remedy: String,
}

impl Misfit {
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// The problem of this setting with this value.
    pub fn of(self, setting: &str, node: &Node) -> Problem {
        Problem {
            at: node.at.clone(),
            setting: setting.to_owned(),
            value: Some(node.to_string()),
            what: self.what,
            remedy: self.remedy,
        }
    }
}

impl Setting for String {
    fn read(node: &Node) -> Result<Self, Misfit> {
        match &node.value {
            Value::Text(text) | Value::Given(text) => Ok(text.clone()),
            _ => Err(Misfit::new("is no text", format!("Put it in quotes: \"{node}\""))),
        }
    }
}

impl Setting for PathBuf {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let text = String::read(node)?;
        if text.is_empty() {
            return Err(Misfit::new(
                "is no path",
                "Name a file or folder, or leave the setting out",
            ));
        }
        Ok(text.into())
    }
}

impl Setting for bool {
    fn read(node: &Node) -> Result<Self, Misfit> {
        match &node.value {
            Value::Truth(truth) => Ok(*truth),
            Value::Given(text) if text == "true" => Ok(true),
            Value::Given(text) if text == "false" => Ok(false),
            _ => Err(Misfit::new(
                "is neither true nor false",
                "Write true or false, without quotes",
            )),
        }
    }
}

impl Setting for f64 {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let number = match &node.value {
            Value::Float(number) => Some(*number),
            Value::Integer(number) => Some(*number as f64),
            Value::Given(text) => text.parse().ok(),
            _ => None,
        };
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| Misfit::new("is no number", "Write a number without quotes, like 0.05"))
    }
}

impl Setting for u64 {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let number = match &node.value {
            Value::Integer(number) => Self::try_from(*number).ok(),
            Value::Given(text) => text.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| {
            Misfit::new(
                "is no whole number of at least 0",
                "Write it without quotes, like 500",
            )
        })
    }
}

impl Setting for usize {
    fn read(node: &Node) -> Result<Self, Misfit> {
        Self::try_from(u64::read(node)?).map_err(|_| Misfit::new("is too large", "Write a smaller number"))
    }
}

/// A list; as text from a flag or an environment variable its items are separated by commas.
impl<T: Setting> Setting for Vec<T> {
    fn read(node: &Node) -> Result<Self, Misfit> {
        match &node.value {
            Value::List(items) => items.iter().map(T::read).collect(),
            Value::Given(text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| {
                    T::read(&Node {
                        at: node.at.clone(),
                        value: Value::Given(item.to_owned()),
                    })
                })
                .collect(),
            _ => Err(Misfit::new("is no list", format!("Put it in brackets: [{node}]"))),
        }
    }
}

/// One of a few words, each with what it stands for.
pub fn one_of<T: Copy>(node: &Node, words: &[(&str, T)]) -> Result<T, Misfit> {
    let all = || {
        let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        quoted.join(", ")
    };
    let text = String::read(node)?;
    words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            match super::section::closest(&text, &known) {
                Some(word) => Misfit::new(
                    "is not known here",
                    format!("Did you mean \"{word}\"? Known: {}", all()),
                ),
                None => Misfit::new("is not known here", format!("Known: {}", all())),
            }
        })
}
