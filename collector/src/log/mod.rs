//! The ordered, durable record of everything that was admitted: the truth from which all else can be rebuilt.
//!
//! * [`EventLog`] is the seam; [`embedded`] keeps it in one directory of this machine.
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

use fjall::Slice;
use tokio::sync::watch;

/// What the rest of the collector asks of a log.
pub trait EventLog: Send + Sync + 'static {
    /// The clock that stamps what is received and what is recorded.
    fn clock(&self) -> &LogClock;

    /// Hands parts over to be written. The receipt comes when they are on disk, and not before.
    fn append(&self, parts: Vec<Part>) -> Result<Pending, LogError>;

    /// The committed end: the offset that the next record will get. Changes when records have become visible.
    fn end(&self) -> watch::Receiver<u64>;

    /// The oldest offset that is still kept.
    fn first(&self) -> u64;

    /// Records from `offset` on, in order, at least one if there is one, and about `max_bytes` at most.
    fn read_from(&self, offset: u64, max_bytes: usize) -> Result<Vec<Record>, LogError>;

    /// Lets everything below `offset` go, a little with every write. Call it only with an offset that no kept
    /// checkpoint needs.
    fn trim_below(&self, offset: u64);

    /// The bytes that the kept records take, before compression.
    fn bytes(&self) -> u64;

    /// Whether appends can succeed, and if not why.
    fn ready(&self) -> Result<(), LogError>;
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
    framed: Slice,
}

impl Record {
    /// An encoded `LogRecord`.
    pub fn bytes(&self) -> &[u8] {
        self.framed.get(frame::HEAD..).unwrap_or_default()
    }
}
