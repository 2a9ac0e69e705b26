//! A topic as somebody else reads it: with Apache's own client, in a program of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use tiltwise_core::{event::LogRecord, join::murmur2};

use crate::broker::lib;

pub struct Topic {
    /// The records with events, each as it came first.
    pub records: Vec<LogRecord>,
    /// Records that came a second time with the same collector and number.
    pub sent_twice: u64,
    /// Events in another partition than Kafka's own partitioner would find for their unit.
    pub misplaced: u64,
    /// The longest time between two stamps of a partition, by their clocks.
    pub longest_silence_ms: u64,
}

/// Reads all of it.
pub fn read(address: &str, topic: &str) -> Topic {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/Reader.java");
    let output = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-cp"])
        .arg(lib().join("*"))
        .arg(program)
        .args([address, topic])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut found = Topic {
        records: Vec::new(),
        sent_twice: 0,
        misplaced: 0,
        longest_silence_ms: 0,
    };
    let (mut names, mut clocks) = (BTreeSet::new(), BTreeMap::new());
    let partitions = lines.lines().map(partition_of).max().map_or(1, |last| last + 1);
    for line in lines.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let record = LogRecord::decode(&hex::decode(words[4]).unwrap()).unwrap();
        let clock: &mut u64 = clocks.entry(words[0]).or_insert(record.clock_ms);
        found.longest_silence_ms = found
            .longest_silence_ms
            .max(record.clock_ms.saturating_sub(*clock));
        *clock = record.clock_ms.max(*clock);
        let has_name = words[3] != "-";
        assert_eq!(has_name, !record.events.is_empty(), "{line}");
        let is_first = !has_name || names.insert((words[2], words[3]));
        found.sent_twice += u64::from(!is_first);
        let place = |unit: &[u8; 16]| (murmur2(unit) & 0x7fff_ffff) as usize % partitions;
        let misplaced =
            |event: &&tiltwise_core::event::LoggedEvent| place(&event.unit.0) != partition_of(line);
        found.misplaced += record.events.iter().filter(misplaced).count() as u64;
        if has_name && is_first {
            found.records.push(record);
        }
    }
    found
}

fn partition_of(line: &str) -> usize {
    line.split(' ').next().unwrap().parse().unwrap()
}
