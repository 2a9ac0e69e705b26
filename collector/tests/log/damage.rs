//! Damage is named, and what was erased is gone.

use std::fs;

use tiltwise_collector::log::{LogError, Source, erase};
use tiltwise_core::event::Fact;

use crate::machine::*;

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
