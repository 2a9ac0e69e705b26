//! Where the clients of a module live, each under a number, and the desk that they share.
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

/// What both sides lay down for the other.
#[derive(Default)]
pub(super) struct Desk(Vec<u8>);

struct World {
    clients: Vec<Option<Client>>,
    desk: Desk,
}

struct Shared(UnsafeCell<World>);

// SAFETY: this face exists for JavaScript, which has one thread for each instance of a module.
unsafe impl Sync for Shared {}

static WORLD: Shared = Shared(UnsafeCell::new(World {
    clients: Vec::new(),
    desk: Desk(Vec::new()),
}));

impl Desk {
    /// The address of room for so many bytes.
    pub fn room(&mut self, bytes: usize) -> usize {
        self.0.resize(bytes.max(self.0.len()), 0);
        self.0.as_ptr() as usize
    }

    /// So many bytes from there; none where there are not so many.
    pub fn bytes(&self, from: usize, length: usize) -> &[u8] {
        let rest = self.0.get(from..).unwrap_or_default();
        rest.get(..length).unwrap_or_default()
    }

    /// The same as text; empty where it is none.
    #[inline(never)]
    pub fn text(&self, from: usize, length: usize) -> &str {
        core::str::from_utf8(self.bytes(from, length)).unwrap_or_default()
    }

    /// Lays an answer down, and says how long it is.
    #[inline(never)]
    pub fn lay(&mut self, answer: Option<Vec<u8>>) -> usize {
        self.0 = answer.unwrap_or_default();
        self.0.len()
    }
}

/// The desk alone.
pub(super) fn desk() -> &'static mut Desk {
    &mut world().desk
}

/// Takes in a client and says its number.
pub(super) fn open(session: Session) -> usize {
    let clients = &mut world().clients;
    clients.push(Some(Client {
        session,
        choice: Choice::default(),
        ticket: 0,
    }));
    clients.len() - 1
}

/// Ends a client. Its number is not given again.
pub(super) fn close(number: usize) {
    if let Some(client) = world().clients.get_mut(number) {
        *client = None;
    }
}

/// What a client says, given the desk; the default of one that is closed.
pub(super) fn with<T: Default>(number: usize, ask: impl FnOnce(&mut Client, &mut Desk) -> T) -> T {
    get(number).map_or_else(T::default, |(client, desk)| ask(client, desk))
}

#[inline(never)]
fn get(number: usize) -> Option<(&'static mut Client, &'static mut Desk)> {
    let World { clients, desk } = world();
    let client = clients.get_mut(number)?.as_mut()?;
    Some((client, desk))
}

fn world() -> &'static mut World {
    // SAFETY: one thread, and nothing here calls back into JavaScript: each export has its borrow for itself, and drops
    // it before it returns.
    unsafe { &mut *WORLD.0.get() }
}
