//! Events that no batch has taken yet.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::person::Person;

/// An event with what decides whether, and with which others, it may be sent.
#[derive(Debug)]
pub(super) struct Entry {
    /// An encoded `Event`.
    pub bytes: Vec<u8>,
    pub person: Rc<Person>,
    pub made_ms: u64,
    /// Attributes of the context shaped it.
    pub attributed: bool,
    /// It was made where personalization was denied.
    pub unpersonalized: bool,
}

#[derive(Debug, Default)]
pub(super) struct Buffer {
    entries: Vec<Entry>,
}

impl Buffer {
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn drop_attributed(&mut self) {
        self.entries.retain(|e| !e.attributed);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Removes and returns, in order, what `take` accepts.
    pub(super) fn take(&mut self, mut take: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for entry in self.entries.drain(..) {
            if take(&entry) {
                taken.push(entry);
            } else {
                left.push(entry);
            }
        }
        self.entries = left;
        taken
    }
}
