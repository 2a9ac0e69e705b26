//! The ordered, durable record of everything that was admitted: the truth from which all else can be rebuilt.
//!
//! * [`EventLog`] is the seam for those who write, [`Source`] for those who read. [`embedded`] keeps the log in one
//!   directory of this machine; [`kafka`], where this was built with that feature, in a topic of partitions.
//! * [`Append`] goes in: parts that are written together or, where their key was seen before, left out.
//! * [`Record`]s come out, by offset, and only after they are on disk.
//!
//! What holds, whatever the storage: offsets count up from 0 without a gap; a record is visible only when it is synced;
//! an acknowledgement is sent only when it is visible; the clock of the records never goes backwards and moves by at
//! most [`clock::MAX_STEP_MS`] a record; deduplication and data are one atomic write.

mod answer;
pub mod clock;
mod committer;
pub mod embedded;
pub mod erase;
mod error;
mod frame;
#[cfg(feature = "kafka")]
pub mod kafka;
mod lines;
mod mark;
mod record;
pub mod retention;
mod seen;
mod settle;
mod space;
mod tables;

pub use answer::Pending;
pub use clock::LogClock;
pub use embedded::{EmbeddedLog, Options};
pub use error::LogError;
pub use lines::lines;
pub use record::{EventsWriter, encode_events};
pub use seen::SeenKey;

use std::sync::Arc;

use fjall::Slice;
use tiltwise_core::id::Pseudonym;
use tokio::sync::watch;

/// What the rest of the collector asks of a log.
pub trait EventLog: Send + Sync + 'static {
    /// The clock that stamps what is received and what is recorded.
    fn clock(&self) -> &LogClock;

    /// Hands parts over to be written. The receipt comes when they are on disk, and not before.
    fn append(&self, parts: Vec<Part>) -> Result<Pending, LogError>;

    /// What was written, to be read.
    fn sources(&self) -> Sources;

    /// Takes what a unit did up to `through_ms` out of the log, as far as this log can: the answer says how far. The mark of
    /// the erasure is in the log already.
    fn erase(&self, unit: Pseudonym, through_ms: u64) -> Result<Erased, LogError>;

    /// The bytes that it takes on this machine.
    fn bytes_here(&self) -> u64;

    /// Whether appends can succeed, and if not why.
    fn ready(&self) -> Result<(), LogError>;

    /// What a person should know now, in sentences.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Writes what is waiting and stops. Appends that come later are refused.
    fn close(&self);
}

/// A log as its readers see it.
#[derive(Clone)]
pub struct Sources {
    /// The topic whose partitions these are; empty where the log is in one piece, which is then the only one.
    pub topic: String,
    pub partitions: Vec<Arc<dyn Source>>,
}

impl Sources {
    /// Where they end now.
    pub fn ends(&self) -> Vec<u64> {
        self.partitions
            .iter()
            .map(|source| *source.end().borrow())
            .collect()
    }
}

/// What the readers of a log, or of one partition of it, ask.
pub trait Source: Send + Sync + 'static {
    /// The end: the offset that the next record will get, as far as it is known here. Changes when records have become
    /// visible.
    fn end(&self) -> watch::Receiver<u64>;

    /// The oldest offset that is still kept.
    fn first(&self) -> u64;

    /// Records from `offset` on, in order, and about `max_bytes` at most. At least one where there is one, unless it is
    /// still on its way here.
    fn read_from(&self, offset: u64, max_bytes: usize) -> Result<Vec<Record>, LogError>;

    /// Lets everything below `offset` go, a little with every write. Call it only with an offset that no kept
    /// checkpoint needs.
    fn trim_below(&self, offset: u64);

    /// The bytes that the kept records take, before compression.
    fn bytes(&self) -> u64;
}

/// What an erasure did to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// In how many records the unit was.
    pub rewritten: u64,
    /// When the log will have let go of the last of it: now, where it can be rewritten.
    pub gone_by_ms: u64,
}

/// Waits for an append to be on disk.
pub async fn append(log: &dyn EventLog, parts: Vec<Part>) -> Result<Receipt, LogError> {
    log.append(parts)?.await
}

/// Events that stand or fall together: a whole batch of an edge, or a single event that names its own id.
#[derive(Debug, Clone)]
pub struct Part {
    /// By which a second copy is known; without one the part is always written.
    pub key: Option<SeenKey>,
    /// What [`encode_events`] made of them.
    pub events: Vec<u8>,
}

/// The answer to an append: it is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// For every part whether it was written now; false: it was there before.
    pub fresh: Vec<bool>,
    /// The offset after the last record of this append.
    pub end: u64,
}

/// One record as it was written.
#[derive(Debug, Clone)]
pub struct Record {
    pub offset: u64,
    /// How many bytes stand before the record's own.
    head: usize,
    framed: Slice,
}

impl Record {
    /// A record that came as it is.
    pub fn plain(offset: u64, bytes: Vec<u8>) -> Self {
        Self {
            offset,
            head: 0,
            framed: bytes.into(),
        }
    }

    /// An encoded `LogRecord`.
    pub fn bytes(&self) -> &[u8] {
        self.framed.get(self.head..).unwrap_or_default()
    }
}
