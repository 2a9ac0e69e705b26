//! The log in one directory of this machine.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use tiltwise_core::id::Pseudonym;
use tokio::sync::{oneshot, watch};

use super::{
    Erased, EventLog, LogClock, LogError, Part, Pending, Record, Source, Sources, answer,
    committer::{Command, Committer, Shared},
    erase, frame,
    mark::Mark,
    seen::Seen,
    space::{DEFAULT_RESERVE, Space},
    tables::Tables,
};
use crate::metrics::Metrics;

/// Appends that wait for the committer. More than the doors let in at a time; reached only when the disk has stopped.
const QUEUE: usize = 1_024;

#[derive(Debug, Clone)]
pub struct Options {
    pub path: PathBuf,
    /// Above this nothing more is taken until something was trimmed.
    pub max_bytes: u64,
    /// What the file system must keep free.
    pub reserve_bytes: u64,
}

impl Options {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_bytes: u64::MAX,
            reserve_bytes: DEFAULT_RESERVE,
        }
    }
}

pub struct EmbeddedLog {
    shared: Arc<Shared>,
    commands: SyncSender<Command>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedLog {
    /// Opens or creates the log, recovers its tail, brings its clock forward, and starts the committer.
    pub fn open(options: &Options, clock: LogClock, metrics: Arc<Metrics>) -> Result<Self, LogError> {
        let tables = Tables::open(&options.path)?;
        let end = tables.last_offset()?.map_or(0, |last| last + 1);
        let first = tables.first_offset()?.unwrap_or(end);
        let recorded_ms = tables.number("clock")?;
        let bytes = tables.number("bytes")?;
        let mark = Mark::beside(&options.path);
        let acknowledged = mark.read();
        if end < acknowledged {
            let (path, mark) = (options.path.clone(), mark.path().to_owned());
            return Err(LogError::Shrunk {
                path,
                found: end,
                acknowledged,
                mark,
            });
        }
        clock.at_least(recorded_ms);
        let seen = Seen::open(&tables)?;

        let shared = Arc::new(Shared::new(tables, clock, first, end, bytes));
        let committer = Committer {
            shared: shared.clone(),
            metrics,
            space: Space::new(&options.path, options.reserve_bytes),
            mark,
            max_bytes: options.max_bytes,
            recorded_ms,
            seen,
            marked_ms: 0,
        };
        let (commands, inbox) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("log-committer".to_owned())
            .spawn(move || committer.run(&inbox))
            .map_err(|e| LogError::Open {
                path: options.path.clone(),
                what: format!("no thread for it: {e}").into(),
            })?;
        Ok(Self {
            shared,
            commands,
            committer: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn replace(&self, records: Vec<(u64, Vec<u8>)>) -> Result<(), LogError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Replace { records, reply })?;
        answer
            .blocking_recv()
            .unwrap_or_else(|_| Err(LogError::closed("the committer has stopped")))
    }

    fn send(&self, command: Command) -> Result<(), LogError> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => LogError::Busy,
            TrySendError::Disconnected(_) => self
                .shared
                .refusal()
                .unwrap_or_else(|| LogError::closed("the committer has stopped")),
        })
    }
}

impl EventLog for EmbeddedLog {
    fn clock(&self) -> &LogClock {
        &self.shared.clock
    }

    fn append(&self, parts: Vec<Part>) -> Result<Pending, LogError> {
        let (reply, pending) = answer::pending();
        let fresh = Vec::with_capacity(parts.len());
        self.send(Command::Append { parts, fresh, reply })?;
        Ok(pending)
    }

    fn sources(&self) -> Sources {
        Sources {
            topic: String::new(),
            partitions: vec![self.shared.clone()],
        }
    }

    fn erase(&self, unit: Pseudonym, through_ms: u64) -> Result<Erased, LogError> {
        Ok(Erased {
            rewritten: erase::erase_unit(self, unit, through_ms)?,
            gone_by_ms: self.clock().now_ms(),
        })
    }

    fn bytes_here(&self) -> u64 {
        Source::bytes(self)
    }

    fn ready(&self) -> Result<(), LogError> {
        self.shared.refusal().map_or(Ok(()), Err)
    }

    /// Commits what is queued and stops.
    fn close(&self) {
        let thread = self
            .committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = self.commands.send(Command::Stop);
            let _ = thread.join();
        }
    }
}

impl Source for Shared {
    fn end(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    fn first(&self) -> u64 {
        self.first.load(Ordering::Acquire)
    }

    fn read_from(&self, offset: u64, max_bytes: usize) -> Result<Vec<Record>, LogError> {
        let first = Source::first(self);
        if offset < first {
            return Err(LogError::Trimmed { offset, first });
        }
        let tables = &self.tables;
        let damaged = |offset, what: &str| LogError::Corrupt {
            path: tables.path.clone(),
            offset,
            what: what.into(),
        };
        let mut records = Vec::new();
        let (mut expected, mut bytes) = (offset, 0);
        for entry in tables.records.range(offset.to_be_bytes()..) {
            let (key, framed) = entry
                .into_inner()
                .map_err(|e| damaged(expected, &super::tables::explain(&e)))?;
            if *key != expected.to_be_bytes() {
                // Trimmed between the look at the start and the read?
                let first = Source::first(self);
                let trimmed = LogError::Trimmed {
                    offset: expected,
                    first,
                };
                return Err(if expected < first {
                    trimmed
                } else {
                    damaged(expected, "it is missing")
                });
            }
            bytes += frame::open(expected, &framed)
                .map_err(|what| damaged(expected, what))?
                .len();
            records.push(Record {
                offset: expected,
                head: frame::HEAD,
                framed,
            });
            expected += 1;
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(records)
    }

    fn trim_below(&self, offset: u64) {
        self.trim_to.fetch_max(offset, Ordering::AcqRel);
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }
}

/// The log in one piece is its own source.
impl Source for EmbeddedLog {
    fn end(&self) -> watch::Receiver<u64> {
        Source::end(&*self.shared)
    }

    fn first(&self) -> u64 {
        Source::first(&*self.shared)
    }

    fn read_from(&self, offset: u64, max_bytes: usize) -> Result<Vec<Record>, LogError> {
        self.shared.read_from(offset, max_bytes)
    }

    fn trim_below(&self, offset: u64) {
        self.shared.trim_below(offset);
    }

    fn bytes(&self) -> u64 {
        Source::bytes(&*self.shared)
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.close();
    }
}
