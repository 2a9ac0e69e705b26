//! What a session promises, a sentence each.

mod buffer;
mod choose;
mod consent;
mod person;
