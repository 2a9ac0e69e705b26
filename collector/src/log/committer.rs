//! The one thread that writes. It takes what has arrived while the last sync ran as one group, writes the group in one
//! atomic batch, syncs it, and only then answers. There is no timer: under load the next sync starts when the last ends,
//! so groups grow by themselves; at rest a clock record goes out every [`BEAT_MS`].

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use fjall::OwnedWriteBatch;
use tokio::sync::{oneshot, watch};

use super::{
    LogClock, LogError, Part, Receipt,
    answer::{self, Reply, Told},
    clock::{BEAT_MS, bridge},
    frame::{self, Frame},
    mark::{self, Mark},
    record::head,
    seen::Seen,
    settle,
    space::Space,
    tables::{Tables, explain},
};
use crate::metrics::Metrics;

/// Where a record is closed and the next begun: one read of the trainer, and one Kafka message, holds it with ease.
const RECORD_BYTES: usize = 256 << 10;

/// Where a group is closed although more is waiting, so that the first of it does not wait for a giant's sync.
const GROUP_BYTES: usize = 4 << 20;

/// Records let go with one commit.
const TRIM_AT_ONCE: u64 = 256;

pub(super) enum Command {
    Append {
        parts: Vec<Part>,
        /// Empty, with room for an answer to each part.
        fresh: Vec<bool>,
        reply: Reply,
    },
    /// Puts other bytes in the place of records.
    Replace {
        records: Vec<(u64, Vec<u8>)>,
        reply: oneshot::Sender<Result<(), LogError>>,
    },
    Stop,
}

/// What the committer shares with those who read and ask.
pub(super) struct Shared {
    pub(super) tables: Tables,
    pub(super) clock: LogClock,
    pub(super) first: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) trim_to: AtomicU64,
    pub(super) end: watch::Sender<u64>,
    refusal: Mutex<Option<LogError>>,
}

impl Shared {
    pub(super) fn new(tables: Tables, clock: LogClock, first: u64, end: u64, bytes: u64) -> Self {
        Self {
            tables,
            clock,
            first: first.into(),
            bytes: bytes.into(),
            trim_to: first.into(),
            end: watch::Sender::new(end),
            refusal: Mutex::new(None),
        }
    }

    /// Why appends are refused at present.
    pub(super) fn refusal(&self) -> Option<LogError> {
        self.refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_refusal(&self, refusal: Option<LogError>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }
}

pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) space: Space,
    pub(super) mark: Mark,
    pub(super) max_bytes: u64,
    /// The clock of the last record.
    pub(super) recorded_ms: u64,
    pub(super) seen: Seen,
    pub(super) marked_ms: u64,
}

/// What a commit will have changed once it is on disk.
struct Draft {
    batch: OwnedWriteBatch,
    now_ms: u64,
    end: u64,
    first: u64,
    bytes: u64,
    recorded_ms: u64,
}

impl Committer {
    /// Runs until it is told to stop, everybody has gone, or a write failed.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            let first = match commands.recv_timeout(Duration::from_millis(self.until_beat_ms())) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let (group, stop) = gather(first, commands);
            if let Err(error) = self.commit(group) {
                tracing::error!(%error, "the log is closed");
                self.shared.set_refusal(Some(error));
                return;
            }
            if stop {
                break;
            }
        }
        let _ = self.mark.write(*self.shared.end.borrow());
        self.shared
            .set_refusal(Some(LogError::closed("the collector is shutting down")));
    }

    fn until_beat_ms(&self) -> u64 {
        BEAT_MS
            .saturating_sub(self.shared.clock.now_ms().saturating_sub(self.recorded_ms))
            .max(1)
    }

    /// One group. An error returned here is final; what can pass by itself is answered and survived.
    fn commit(&mut self, group: Vec<Command>) -> Result<(), LogError> {
        let wanted = group.iter().map(Command::bytes).sum::<usize>() as u64;
        if let Err(refusal) = self.space.for_bytes(wanted.saturating_mul(2)) {
            self.shared.set_refusal(Some(refusal.clone()));
            for command in group {
                command.refuse(&refusal);
            }
            std::thread::sleep(Duration::from_millis(BEAT_MS));
            return Ok(());
        }
        let held = self.shared.bytes.load(Ordering::Acquire);
        let over = (held.saturating_add(wanted) > self.max_bytes).then_some(LogError::OverBudget {
            bytes: held,
            max: self.max_bytes,
        });
        self.shared.set_refusal(over.clone());

        let started = Instant::now();
        let mut answers = Answers::default();
        let drafted = self.draft(group, over.as_ref(), &mut answers);
        let committed = drafted.and_then(|draft| match draft {
            Some(draft) => self.write(draft),
            None => Ok(()),
        });
        if let Err(error) = committed {
            answers.fail(&error);
            return Err(error);
        }
        if !answers.is_empty() {
            self.metrics
                .commit_seconds
                .observe(started.elapsed().as_secs_f64());
        }
        answers.send(*self.shared.end.borrow());
        Ok(())
    }

    /// Everything that the group changes, as one batch; nothing where there is nothing to write.
    fn draft(
        &mut self,
        group: Vec<Command>,
        over: Option<&LogError>,
        answers: &mut Answers,
    ) -> Result<Option<Draft>, LogError> {
        let shared = self.shared.clone();
        let now_ms = shared.clock.now_ms();
        let mut draft = Draft {
            batch: shared.tables.synced_batch(),
            now_ms,
            end: *shared.end.borrow(),
            first: shared.first.load(Ordering::Acquire),
            bytes: shared.bytes.load(Ordering::Acquire),
            recorded_ms: self.recorded_ms,
        };
        for stamp in bridge(self.recorded_ms, now_ms) {
            let mut beat = Frame::with_capacity(0);
            beat.push(&head(stamp));
            draft.seal(&shared.tables, beat, stamp);
        }
        self.seen.begin(now_ms);
        // One record takes them all, most often.
        let wanted = group.iter().map(Command::bytes).sum::<usize>().min(RECORD_BYTES);
        let mut events = draft.events(wanted);
        let mut has_events = false;
        for command in group {
            match command {
                Command::Append {
                    parts,
                    mut fresh,
                    reply,
                } => {
                    if let Some(over) = over {
                        reply.send(Err(over.clone()));
                        continue;
                    }
                    let taken = parts.iter().try_for_each(|part| {
                        let is_fresh = self.seen.admit(part.key, &shared.tables)?;
                        fresh.push(is_fresh);
                        if is_fresh {
                            if has_events && events.len() + part.events.len() > RECORD_BYTES {
                                let next = draft.events(part.events.len());
                                draft.seal(&shared.tables, mem::replace(&mut events, next), now_ms);
                            }
                            events.push(&part.events);
                            has_events = true;
                        }
                        Ok(())
                    });
                    answers.appends.push(Taken { reply, fresh, parts });
                    taken?;
                }
                Command::Replace { records, reply } => {
                    answers.replacements.push(reply);
                    for (offset, record) in records {
                        draft.replace(&shared.tables, offset, &record)?;
                    }
                    settle::owe(&shared.tables, &mut draft.batch)?;
                }
                Command::Stop => {}
            }
        }
        if has_events || now_ms.saturating_sub(draft.recorded_ms) >= BEAT_MS {
            draft.seal(&shared.tables, events, now_ms);
        }
        draft.trim(&shared)?;
        self.seen.write(&shared.tables, &mut draft.batch)?;
        Ok((!draft.batch.is_empty()).then_some(draft))
    }

    /// To disk, then to everybody's eyes.
    fn write(&mut self, mut draft: Draft) -> Result<(), LogError> {
        let shared = &self.shared;
        shared.tables.set_number("bytes", draft.bytes, &mut draft.batch);
        shared
            .tables
            .set_number("clock", draft.recorded_ms, &mut draft.batch);
        // Readers must never find a record missing that they were not told is gone.
        shared.first.store(draft.first, Ordering::Release);
        draft.batch.commit().map_err(|e| LogError::closed(explain(&e)))?;
        self.seen.committed(&shared.tables)?;
        self.recorded_ms = draft.recorded_ms;
        shared.bytes.store(draft.bytes, Ordering::Release);
        shared.end.send_replace(draft.end);
        if draft.now_ms.saturating_sub(self.marked_ms) >= mark::INTERVAL_MS {
            self.marked_ms = draft.now_ms;
            if let Err(error) = self.mark.write(draft.end) {
                tracing::warn!(%error, "the mark beside the log could not be moved; it only lags");
            }
        }
        Ok(())
    }
}

impl Draft {
    /// A record of events, still without any; it is a clock record if none comes.
    fn events(&self, bytes: usize) -> Frame {
        let head = head(self.now_ms);
        let mut frame = Frame::with_capacity(head.len() + bytes);
        frame.push(&head);
        frame
    }

    fn seal(&mut self, tables: &Tables, record: Frame, stamp_ms: u64) {
        let framed = record.seal(self.end);
        self.bytes += framed.len() as u64;
        self.batch.insert(&tables.records, self.end.to_be_bytes(), framed);
        self.end += 1;
        self.recorded_ms = stamp_ms;
    }

    fn replace(&mut self, tables: &Tables, offset: u64, record: &[u8]) -> Result<(), LogError> {
        let key = offset.to_be_bytes();
        if let Some(old) = tables.records.size_of(key).map_err(|e| tables.unreadable(&e))? {
            let framed = frame::seal(offset, record);
            self.bytes = (self.bytes + framed.len() as u64).saturating_sub(u64::from(old));
            self.batch.insert(&tables.records, key, framed);
        }
        Ok(())
    }

    /// Never the last record: the offsets go on from it.
    fn trim(&mut self, shared: &Shared) -> Result<(), LogError> {
        let until = shared
            .trim_to
            .load(Ordering::Acquire)
            .min(self.end.saturating_sub(1))
            .min(self.first + TRIM_AT_ONCE);
        for offset in self.first..until {
            let key = offset.to_be_bytes();
            let size = shared
                .tables
                .records
                .size_of(key)
                .map_err(|e| shared.tables.unreadable(&e))?;
            self.bytes = self.bytes.saturating_sub(size.unwrap_or(0).into());
            self.batch.remove(&shared.tables.records, key);
        }
        self.first = self.first.max(until);
        Ok(())
    }
}

/// An append that is in the commit, and which of its parts are new.
struct Taken {
    reply: Reply,
    fresh: Vec<bool>,
    parts: Vec<Part>,
}

/// Who waits for the commit.
#[derive(Default)]
struct Answers {
    appends: Vec<Taken>,
    replacements: Vec<oneshot::Sender<Result<(), LogError>>>,
}

impl Answers {
    fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.replacements.is_empty()
    }

    fn send(self, end: u64) {
        let receipt = |Taken { reply, fresh, parts }| Told {
            reply,
            answer: Ok(Receipt { fresh, end }),
            parts,
        };
        answer::tell(self.appends.into_iter().map(receipt).collect());
        for reply in self.replacements {
            let _ = reply.send(Ok(()));
        }
    }

    fn fail(self, error: &LogError) {
        let refused = |Taken { reply, parts, .. }| Told {
            reply,
            answer: Err(error.clone()),
            parts,
        };
        answer::tell(self.appends.into_iter().map(refused).collect());
        for reply in self.replacements {
            let _ = reply.send(Err(error.clone()));
        }
    }
}

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Self::Append { parts, .. } => parts.iter().map(|part| part.events.len()).sum(),
            Self::Replace { records, .. } => records.iter().map(|(_, record)| record.len()).sum(),
            Self::Stop => 0,
        }
    }

    fn refuse(self, error: &LogError) {
        match self {
            Self::Append { reply, .. } => reply.send(Err(error.clone())),
            Self::Replace { reply, .. } => drop(reply.send(Err(error.clone()))),
            Self::Stop => {}
        }
    }
}

/// Takes what has arrived by now. Says whether the last of it was the order to stop.
fn gather(first: Option<Command>, commands: &Receiver<Command>) -> (Vec<Command>, bool) {
    let mut bytes = 0;
    let mut group = Vec::new();
    let mut next = first;
    while let Some(command) = next {
        if matches!(command, Command::Stop) {
            return (group, true);
        }
        bytes += command.bytes();
        group.push(command);
        next = if bytes < GROUP_BYTES {
            commands.try_recv().ok()
        } else {
            None
        };
    }
    (group, false)
}
