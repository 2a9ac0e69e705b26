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

/// Named values, in no order. A value that is not a number counts as absent.
///
/// Not sorted: a page knows ten values of a visitor, and asks for them in the order in which it set them.
#[derive(Clone, Debug, Default)]
pub struct Context {
    values: Vec<Entry>,
    /// Behind the value that was set last: where the next one is, if they are set in the same order again.
    next: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    name: String,
    pub value: ContextValue,
    /// What the encoder calls it, made once for all experiments.
    pub token: u64,
}

impl Entry {
    /// From the end, where names that begin alike differ.
    #[inline(never)]
    fn is(&self, name: &str) -> bool {
        self.name.len() == name.len() && self.name.bytes().rev().eq(name.bytes().rev())
    }
}

impl PartialEq for Context {
    /// The same names have the same values.
    fn eq(&self, other: &Self) -> bool {
        let has = |(name, value)| other.get(name) == Some(value);
        self.values.len() == other.values.len() && self.iter().all(has)
    }
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
        let at = self.find(name, self.next);
        self.next = at + 1;
        if let Some(entry) = self.values.get_mut(at) {
            entry.value = value;
            entry.token = token;
        } else if self.values.len() < MAX_VALUES {
            let name = name.into();
            self.values.push(Entry { name, value, token });
        }
    }

    pub fn remove(&mut self, name: &str) {
        let at = self.find(name, 0);
        if at < self.values.len()
            && let Some(last) = self.values.pop()
            && let Some(entry) = self.values.get_mut(at)
        {
            *entry = last;
        }
    }

    pub fn clear(&mut self) {
        self.values.clear();
    }

    pub fn get(&self, name: &str) -> Option<&ContextValue> {
        self.entry(name, &mut 0).map(|entry| &entry.value)
    }

    /// Looks at place `next` first, and leaves there the place behind the one that it found.
    pub(crate) fn entry(&self, name: &str, next: &mut usize) -> Option<&Entry> {
        let at = self.find(name, *next);
        *next = at + 1;
        self.values.get(at)
    }

    /// The place of a name, or the one behind all places.
    #[inline(never)]
    fn find(&self, name: &str, likely: usize) -> usize {
        if self.values.get(likely).is_some_and(|entry| entry.is(name)) {
            return likely;
        }
        let found = self.values.iter().position(|entry| entry.is(name));
        found.unwrap_or(self.values.len())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.values
            .iter()
            .map(|entry| (entry.name.as_str(), &entry.value))
    }
}
