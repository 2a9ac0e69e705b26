//! What the page knows of a visitor, by name.

use alloc::{string::String, vec::Vec};

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

/// Named values, sorted by name. A value that is not a number counts as absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    values: Vec<(String, ContextValue)>,
}

impl Context {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets or replaces a value.
    pub fn set(&mut self, name: &str, value: ContextValue) {
        let value = match value {
            ContextValue::Number(n) if n.is_nan() => return self.remove(name),
            ContextValue::Text(mut text) => {
                let mut end = text.len().min(MAX_TEXT);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.truncate(end);
                ContextValue::Text(text)
            }
            value => value,
        };
        match self.find(name) {
            Ok(at) => {
                if let Some(slot) = self.values.get_mut(at) {
                    slot.1 = value;
                }
            }
            Err(at) if self.values.len() < MAX_VALUES => self.values.insert(at, (name.into(), value)),
            Err(_) => {}
        }
    }

    pub fn remove(&mut self, name: &str) {
        if let Ok(at) = self.find(name) {
            self.values.remove(at);
        }
    }

    pub fn clear(&mut self) {
        self.values.clear();
    }

    pub fn get(&self, name: &str) -> Option<&ContextValue> {
        self.find(name)
            .ok()
            .and_then(|at| self.values.get(at))
            .map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.values.binary_search_by(|(n, _)| n.as_str().cmp(name))
    }
}
