//! A machine with a disk and a clock of its own, and what the tests read and write on it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::TempDir;
use tiltwise_collector::{
    log::{self, EmbeddedLog, EventLog, LogClock, LogError, Options, Part, Source},
    metrics::Metrics,
};
use tiltwise_core::event::{Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::id::{Pseudonym, Tier};

/// Some Tuesday in 2023.
pub const START_MS: u64 = 1_700_000_000_000;

pub struct Machine {
    directory: TempDir,
    pub wall: Arc<AtomicU64>,
}

impl Machine {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            wall: Arc::new(AtomicU64::new(START_MS)),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    pub fn options(&self) -> Options {
        Options {
            reserve_bytes: 0,
            ..Options::at(self.path())
        }
    }

    pub fn try_open(&self) -> Result<EmbeddedLog, LogError> {
        let wall = self.wall.clone();
        let clock = LogClock::from_wall(move || wall.load(Ordering::Relaxed));
        EmbeddedLog::open(&self.options(), clock, Arc::new(Metrics::new()))
    }

    pub fn open(&self) -> EmbeddedLog {
        self.try_open().unwrap()
    }

    pub fn pass_ms(&self, ms: u64) {
        self.wall.fetch_add(ms, Ordering::Relaxed);
    }
}

pub fn event(unit: u8, name: &str) -> LoggedEvent {
    LoggedEvent {
        id: [unit; 16],
        unit: Pseudonym([unit; 16]),
        received_ms: START_MS,
        at_ms: START_MS,
        tier: Tier::Page,
        quarantine: Quarantine::None,
        fact: Fact::Outcome(LoggedOutcome::new(name, 1.0, "")),
    }
}

pub fn part(key: Option<u8>, name: &str) -> Part {
    Part {
        key: key.map(|key| [key; 16]),
        events: log::encode_events(&[event(key.unwrap_or(0), name)]),
    }
}

pub fn append(log: &EmbeddedLog, parts: Vec<Part>) -> Result<log::Receipt, LogError> {
    log.append(parts)?.wait()
}

pub fn records(log: &dyn Source) -> Vec<LogRecord> {
    let mut all = Vec::new();
    let mut offset = log.first();
    loop {
        let chunk = log.read_from(offset, 1_000).unwrap();
        let Some(last) = chunk.last() else { return all };
        offset = last.offset + 1;
        all.extend(
            chunk
                .iter()
                .map(|record| LogRecord::decode(record.bytes()).unwrap()),
        );
    }
}

pub fn names(log: &dyn Source) -> Vec<String> {
    let name = |event: &LoggedEvent| match &event.fact {
        Fact::Outcome(outcome) => outcome.name.clone(),
        other => format!("{other:?}"),
    };
    records(log)
        .iter()
        .flat_map(|record| record.events.iter().map(name))
        .collect()
}

pub fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

pub fn journal_of(directory: &Path) -> PathBuf {
    files(directory)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "jnl"))
        .max()
        .unwrap()
}

pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

pub fn flip(file: &Path, at: &[u8]) {
    let mut bytes = fs::read(file).unwrap();
    let position = find(&bytes, at).unwrap();
    bytes[position] ^= 0x20;
    fs::write(file, bytes).unwrap();
}
