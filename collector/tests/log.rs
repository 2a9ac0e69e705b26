//! The embedded log by its promises: order, durability, one copy, a clock that never goes back, and damage that is named.
// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::TempDir;
use tiltwise_collector::{
    log::{self, EmbeddedLog, EventLog, LogClock, LogError, Options, Part, clock::MAX_STEP_MS, erase},
    metrics::Metrics,
};
use tiltwise_core::event::{Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::id::{Pseudonym, Tier};

/// Some Tuesday in 2023.
const START_MS: u64 = 1_700_000_000_000;

struct Machine {
    directory: TempDir,
    wall: Arc<AtomicU64>,
}

impl Machine {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            wall: Arc::new(AtomicU64::new(START_MS)),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn options(&self) -> Options {
        Options {
            reserve_bytes: 0,
            ..Options::at(self.path())
        }
    }

    fn try_open(&self) -> Result<EmbeddedLog, LogError> {
        let wall = self.wall.clone();
        let clock = LogClock::from_wall(move || wall.load(Ordering::Relaxed));
        EmbeddedLog::open(&self.options(), clock, Arc::new(Metrics::new()))
    }

    fn open(&self) -> EmbeddedLog {
        self.try_open().unwrap()
    }

    fn pass_ms(&self, ms: u64) {
        self.wall.fetch_add(ms, Ordering::Relaxed);
    }
}

fn event(unit: u8, name: &str) -> LoggedEvent {
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

fn part(key: Option<u8>, name: &str) -> Part {
    Part {
        key: key.map(|key| [key; 16]),
        events: log::encode_events(&[event(key.unwrap_or(0), name)]),
    }
}

fn append(log: &EmbeddedLog, parts: Vec<Part>) -> Result<log::Receipt, LogError> {
    log.append(parts)?.blocking_recv().unwrap()
}

fn records(log: &dyn EventLog) -> Vec<LogRecord> {
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

fn names(log: &dyn EventLog) -> Vec<String> {
    let name = |event: &LoggedEvent| match &event.fact {
        Fact::Outcome(outcome) => outcome.name.clone(),
        other => format!("{other:?}"),
    };
    records(log)
        .iter()
        .flat_map(|record| record.events.iter().map(name))
        .collect()
}

#[test]
fn what_was_acknowledged_is_there_in_order_after_a_restart() {
    let machine = Machine::new();
    let log = machine.open();
    for i in 0..50 {
        assert_eq!(
            append(&log, vec![part(None, &format!("n{i}"))]).unwrap().fresh,
            [true]
        );
    }
    drop(log);
    assert_eq!(
        names(&machine.open()),
        (0..50).map(|i| format!("n{i}")).collect::<Vec<_>>()
    );
}

#[test]
fn a_key_that_was_seen_before_is_not_written_again_not_even_after_a_restart() {
    let machine = Machine::new();
    let log = machine.open();
    assert_eq!(
        append(
            &log,
            vec![part(Some(1), "a"), part(Some(1), "b"), part(Some(2), "c")]
        )
        .unwrap()
        .fresh,
        [true, false, true]
    );
    assert_eq!(append(&log, vec![part(Some(2), "d")]).unwrap().fresh, [false]);
    drop(log);
    let log = machine.open();
    assert_eq!(
        append(&log, vec![part(Some(1), "e"), part(Some(3), "f")])
            .unwrap()
            .fresh,
        [false, true]
    );
    assert_eq!(names(&log), ["a", "c", "f"]);
}

#[test]
fn a_key_is_forgotten_after_two_days() {
    let machine = Machine::new();
    let log = machine.open();
    append(&log, vec![part(Some(1), "a")]).unwrap();
    machine.pass_ms(48 * 3_600_000 - 1);
    assert_eq!(append(&log, vec![part(Some(1), "b")]).unwrap().fresh, [false]);
    machine.pass_ms(2);
    assert_eq!(append(&log, vec![part(Some(1), "c")]).unwrap().fresh, [true]);
    assert_eq!(append(&log, vec![part(Some(1), "d")]).unwrap().fresh, [false]);
}

#[test]
fn a_log_that_slept_brings_its_clock_forward_in_small_steps() {
    let machine = Machine::new();
    let log = machine.open();
    append(&log, vec![part(None, "before")]).unwrap();
    drop(log);
    machine.pass_ms(5 * 3_600_000);
    let log = machine.open();
    append(&log, vec![part(None, "after")]).unwrap();
    let clocks: Vec<u64> = records(&log).iter().map(|record| record.clock_ms).collect();
    assert!(
        clocks
            .windows(2)
            .all(|pair| pair[0] <= pair[1] && pair[1] - pair[0] <= MAX_STEP_MS),
        "{clocks:?}"
    );
    assert_eq!(clocks.last(), Some(&(START_MS + 5 * 3_600_000)));
}

#[test]
fn a_clock_that_was_set_back_over_a_restart_stands_still() {
    let machine = Machine::new();
    drop(append(&machine.open(), vec![part(None, "a")]));
    machine.wall.store(START_MS - 3_600_000, Ordering::Relaxed);
    let log = machine.open();
    assert_eq!(log.clock().now_ms(), START_MS);
    append(&log, vec![part(None, "b")]).unwrap();
    assert!(records(&log).iter().all(|record| record.clock_ms == START_MS));
}

#[test]
fn a_log_at_rest_still_tells_the_time() {
    let directory = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(&Options::at(directory.path()), LogClock::system(), Arc::default()).unwrap();
    let mut end = log.end();
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            end.wait_for(|end| *end >= 4).await.unwrap();
        });
    let clocks: Vec<u64> = records(&log).iter().map(|record| record.clock_ms).collect();
    assert!(clocks.windows(2).all(|pair| pair[0] < pair[1]), "{clocks:?}");
}

#[test]
fn trimming_moves_the_start_and_never_takes_the_last_record() {
    let machine = Machine::new();
    let log = machine.open();
    for i in 0..600 {
        append(&log, vec![part(None, &format!("n{i}"))]).unwrap();
    }
    let (before, end) = (log.bytes(), *log.end().borrow());
    log.trim_below(end - 100);
    while log.first() < end - 100 {
        append(&log, vec![part(None, "more")]).unwrap();
    }
    assert!(log.bytes() < before);
    assert!(matches!(
        log.read_from(0, 1),
        Err(LogError::Trimmed { offset: 0, .. })
    ));
    log.trim_below(u64::MAX);
    while log.first() + 1 < *log.end().borrow() {
        append(&log, vec![part(None, "more")]).unwrap();
    }
    let (first, end) = (log.first(), *log.end().borrow());
    drop(log);
    let log = machine.open();
    assert_eq!((log.first(), *log.end().borrow()), (first, end));
}

#[test]
fn a_log_over_its_budget_refuses_and_says_what_to_do() {
    let machine = Machine::new();
    let clock = LogClock::system();
    let log = EmbeddedLog::open(
        &Options {
            max_bytes: 10_000,
            ..machine.options()
        },
        clock,
        Arc::default(),
    )
    .unwrap();
    let refused = loop {
        if let Err(error) = append(&log, vec![part(None, "n")]) {
            break error;
        }
    };
    assert!(
        matches!(refused, LogError::OverBudget { max: 10_000, .. }),
        "{refused}"
    );
    assert!(log.ready().is_err());
    log.trim_below(*log.end().borrow());
    while append(&log, vec![part(None, "again")]).is_err() {}
    assert!(log.ready().is_ok());
}

#[test]
fn a_torn_tail_is_cut_off_and_the_rest_stays() {
    let machine = Machine::new();
    let log = machine.open();
    for i in 0..20 {
        append(&log, vec![part(None, &format!("whole{i}"))]).unwrap();
    }
    drop(log);
    let journal = journal_of(&machine.path());
    let whole = fs::read(&journal).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // The beginning of a batch that never got its end: what a machine leaves that stopped in the middle of a write.
    let start = find(&whole, b"whole19").unwrap();
    let mut torn = whole[..used].to_vec();
    torn.extend_from_slice(&whole[start - 60..start + 3]);
    fs::write(&journal, torn).unwrap();
    let log = machine.open();
    append(&log, vec![part(None, "next")]).unwrap();
    let names = names(&log);
    assert_eq!(
        (names.len(), names[19].as_str(), names[20].as_str()),
        (21, "whole19", "next")
    );
}

#[test]
fn a_journal_that_lost_acknowledged_records_is_not_opened_in_silence() {
    let machine = Machine::new();
    let log = machine.open();
    let mut before = 0;
    for i in 0..20 {
        append(&log, vec![part(None, &format!("whole{i}"))]).unwrap();
        before = before.max(i);
    }
    drop(log);
    let journal = journal_of(&machine.path());
    let whole = fs::read(&journal).unwrap();
    fs::write(&journal, &whole[..find(&whole, b"whole10").unwrap()]).unwrap();
    let error = machine.try_open().map(|_| ()).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Shrunk {
                acknowledged: 20..,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_flipped_byte_in_the_journal_is_noticed_when_it_is_opened() {
    let machine = Machine::new();
    let log = machine.open();
    for i in 0..20 {
        append(&log, vec![part(None, &format!("whole{i}"))]).unwrap();
    }
    drop(log);
    flip(&journal_of(&machine.path()), b"whole7");
    let error = machine.try_open().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn a_flipped_byte_in_a_table_is_noticed_and_its_record_named() {
    let machine = Machine::new();
    let log = machine.open();
    for i in 0..2_000 {
        append(
            &log,
            vec![part(
                None,
                if i == 0 {
                    "gone"
                } else if i == 1_000 {
                    "needle"
                } else {
                    "hay"
                },
            )],
        )
        .unwrap();
    }
    // An erasure merges everything into tables.
    erase::erase_where(
        &log,
        |event| matches!(&event.fact, Fact::Outcome(o) if o.name == "gone"),
    )
    .unwrap();
    drop(log);
    let table = files(&machine.path())
        .into_iter()
        .find(|file| find(&fs::read(file).unwrap(), b"needle").is_some())
        .unwrap();
    flip(&table, b"needle");
    let log = machine.open();
    let error = log.read_from(log.first(), usize::MAX).unwrap_err();
    assert!(matches!(error, LogError::Corrupt { offset: 1.., .. }), "{error}");
}

#[test]
fn an_erased_unit_is_in_no_file_of_the_log() {
    let machine = Machine::new();
    let log = machine.open();
    for i in 0..300u32 {
        let name = if i % 7 == 0 {
            "canary".to_owned()
        } else {
            format!("kept{i}")
        };
        append(&log, vec![part(Some((i % 251) as u8), &name), part(None, &name)]).unwrap();
    }
    let rewritten = erase::erase_where(
        &log,
        |event| matches!(&event.fact, Fact::Outcome(o) if o.name == "canary"),
    )
    .unwrap();
    assert!(rewritten > 0);
    assert!(names(&log).iter().all(|name| name.starts_with("kept")));
    drop(log);
    for file in files(&machine.path()) {
        assert_eq!(
            find(&fs::read(&file).unwrap(), b"canary"),
            None,
            "{}",
            file.display()
        );
    }
    assert!(names(&machine.open()).iter().all(|name| name.starts_with("kept")));
}

#[test]
fn a_full_disk_refuses_and_what_was_acknowledged_stays() {
    let Some(disk) = SmallDisk::mount("24m") else {
        return;
    };
    let options = Options {
        reserve_bytes: 0,
        ..Options::at(disk.0.path().join("log"))
    };
    let open = || EmbeddedLog::open(&options, LogClock::system(), Arc::default());
    let log = open().unwrap();
    let noise: Vec<LoggedEvent> = (0..200).map(|i| event(i, &"x".repeat(64))).collect();
    let mut acknowledged = 0;
    let refused = loop {
        match append(
            &log,
            vec![Part {
                key: None,
                events: log::encode_events(&noise),
            }],
        ) {
            Ok(_) => acknowledged += noise.len(),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, LogError::DiskFull { .. } | LogError::Closed { .. }),
        "{refused}"
    );
    assert!(log.ready().is_err());
    drop(log);
    let log = open().unwrap();
    assert!(
        records(&log)
            .iter()
            .map(|record| record.events.len())
            .sum::<usize>()
            >= acknowledged
    );
}

#[test]
fn a_disk_below_the_reserve_refuses_until_there_is_room_again() {
    let Some(disk) = SmallDisk::mount("64m") else {
        return;
    };
    let options = Options {
        reserve_bytes: 16 << 20,
        ..Options::at(disk.0.path().join("log"))
    };
    let log = EmbeddedLog::open(&options, LogClock::system(), Arc::default()).unwrap();
    append(&log, vec![part(None, "a")]).unwrap();
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![1; 50 << 20]).unwrap();
    let refused = append(&log, vec![part(None, "b")]).unwrap_err();
    assert!(matches!(refused, LogError::DiskFull { .. }), "{refused}");
    fs::remove_file(ballast).unwrap();
    append(&log, vec![part(None, "c")]).unwrap();
    assert_eq!(names(&log), ["a", "c"]);
}

/// A file system of a few megabytes; needs the right to mount, so it is skipped, by name, where there is none.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(directory.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(directory));
        }
        println!(
            "skipped: no permission to mount a tmpfs for {}",
            std::thread::current().name().unwrap_or("this test")
        );
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

fn journal_of(directory: &Path) -> PathBuf {
    files(directory)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "jnl"))
        .max()
        .unwrap()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn flip(file: &Path, at: &[u8]) {
    let mut bytes = fs::read(file).unwrap();
    let position = find(&bytes, at).unwrap();
    bytes[position] ^= 0x20;
    fs::write(file, bytes).unwrap();
}
