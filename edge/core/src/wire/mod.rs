//! The wire: Protocol Buffers, read and written by hand.
//!
//! The whole format is `proto/tiltwise.proto`. This reader is small enough for a web page, borrows from its input, checks
//! every bound, and is strict: an unknown field is an error, because a newer writer has a newer wire version and a reader
//! that skipped what it does not know would quietly disagree with one that knows it.

mod message;
mod reader;
pub(crate) mod shape;
mod writer;

pub use message::Message;
pub use reader::{Field, Reader, WireError};
pub(crate) use shape::Fields;
pub use writer::Writer;

/// The wire version that this build reads and writes.
pub const WIRE_VERSION: u32 = 1;

/// How bytes become decisions: hash, encoder, quantisation. A change here moves visitors, so it is a version of its own.
pub const SPEC_VERSION: u32 = 1;

/// Checks the wire version of a message: missing or newer is an error that says which part to upgrade.
pub(crate) fn check_version(wire: u32) -> Result<(), WireError> {
    match wire {
        WIRE_VERSION => Ok(()),
        0 => Err(WireError::Missing("wire version")),
        newer => Err(WireError::Newer { found: newer }),
    }
}
