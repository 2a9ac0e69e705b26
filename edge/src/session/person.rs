//! Whose events these are.

use alloc::string::String;

use tiltwise_core::id::Visitor;

/// Random bytes from the host: what a new session needs of chance, once.
#[derive(Clone, Copy)]
pub struct Fresh(pub [u8; Fresh::BYTES]);

/// As an event names its sender. A new one is made when it changes, so events that were made before keep theirs.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub visitor: Visitor,
    pub account: Option<String>,
    /// The session id of batches: events of two persons never share one.
    pub session: [u8; 16],
}

impl Fresh {
    /// 16 for the visitor, 16 for the session id, 8 for the session's tag.
    pub const BYTES: usize = 40;

    pub(super) fn tag(&self) -> u64 {
        u64::from_le_bytes(self.part(32))
    }

    /// Seeds the jitter: it needs no secrecy, only to differ from page to page.
    pub(super) fn seed(&self) -> u64 {
        u64::from_le_bytes(self.part(24))
    }

    fn part<const N: usize>(&self, from: usize) -> [u8; N] {
        let part = self.0.get(from..).and_then(<[u8]>::first_chunk);
        part.copied().unwrap_or([0; N])
    }
}

impl Person {
    pub(super) fn new(fresh: &Fresh, now_ms: u64) -> Self {
        Self {
            visitor: Visitor::mint(now_ms, fresh.part(0)),
            account: None,
            session: fresh.part(16),
        }
    }
}
