//! Where the clients of a module live, each under a number.
//!
//! Not a class of wasm-bindgen: borrow flags and a wrapper for each method made a third of the module.
#![allow(unsafe_code)] // Two lines, for a static that only one thread can reach.

use alloc::vec::Vec;
use core::cell::UnsafeCell;

use crate::session::{Choice, Session};

/// A session with the last choice and the last batch, whose details are asked for one by one.
pub(super) struct Client {
    pub session: Session,
    pub choice: Choice,
    pub ticket: u32,
}

struct Clients(UnsafeCell<Vec<Option<Client>>>);

// SAFETY: this face exists for JavaScript, which has one thread for each instance of a module.
unsafe impl Sync for Clients {}

static CLIENTS: Clients = Clients(UnsafeCell::new(Vec::new()));

/// Takes in a client and says its number.
pub(super) fn open(session: Session) -> usize {
    all().push(Some(Client {
        session,
        choice: Choice::default(),
        ticket: 0,
    }));
    all().len() - 1
}

/// Ends a client. Its number is not given again.
pub(super) fn close(number: usize) {
    if let Some(client) = all().get_mut(number) {
        *client = None;
    }
}

/// What a client says; the default of one that is closed.
pub(super) fn with<T: Default>(number: usize, ask: impl FnOnce(&mut Client) -> T) -> T {
    get(number).map_or_else(T::default, ask)
}

#[inline(never)]
fn get(number: usize) -> Option<&'static mut Client> {
    all().get_mut(number).and_then(Option::as_mut)
}

fn all() -> &'static mut Vec<Option<Client>> {
    // SAFETY: one thread, and nothing here calls back into JavaScript: each export has its borrow for itself, and drops
    // it before it returns.
    unsafe { &mut *CLIENTS.0.get() }
}
