//! What the page knows of a visitor, by name.

use alloc::{string::String, vec::Vec};

use crate::features;

/// One attribute's value as the page gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum ContextValue {
    Text(String),
    Number(f64),
    Truth(bool),
}

/// At most so many named values; more are ignored.
const MAX_VALUES: usize = 256;
/// Text is cut (at a character) to so many bytes.
const MAX_TEXT: usize = 256;

/// Named values, in the order in which they were first set. A value that is not a number counts as absent.
///
/// Not sorted: a page knows ten values of a visitor, and looks through them as quickly as it would halve them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    values: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    name: String,
    pub value: ContextValue,
    /// What the encoder calls it, made once for all experiments.
    pub token: u64,
}

impl Context {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets or replaces a value.
    pub fn set(&mut self, name: &str, value: ContextValue) {
        let value = match value {
            ContextValue::Number(n) if n.is_nan() => return self.remove(name),
            ContextValue::Text(text) if text.len() > MAX_TEXT => {
                let mut ends = (0..=MAX_TEXT).rev();
                let cut = ends.find_map(|end| text.get(..end));
                ContextValue::Text(cut.unwrap_or_default().into())
            }
            value => value,
        };
        let token = features::name(name, &value);
        if let Some(entry) = self.values.iter_mut().find(|entry| entry.name == name) {
            entry.value = value;
            entry.token = token;
        } else if self.values.len() < MAX_VALUES {
            let name = name.into();
            self.values.push(Entry { name, value, token });
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.values.retain(|entry| entry.name != name);
    }

    pub fn clear(&mut self) {
        self.values.clear();
    }

    pub fn get(&self, name: &str) -> Option<&ContextValue> {
        self.entry(name).map(|entry| &entry.value)
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.values.iter().find(|entry| entry.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.values
            .iter()
            .map(|entry| (entry.name.as_str(), &entry.value))
    }
}
