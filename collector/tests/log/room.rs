//! A disk that is too small refuses, and never acknowledges what it could not keep.

use std::{fs, process::Command, sync::Arc};

use tempfile::TempDir;
use tiltwise_collector::log::{self, EmbeddedLog, EventLog, LogClock, LogError, Options, Part, Source};
use tiltwise_core::event::LoggedEvent;

use crate::machine::*;

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
