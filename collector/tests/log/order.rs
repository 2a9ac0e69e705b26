//! Order, one copy of everything, and time.

use std::sync::{Arc, atomic::Ordering};

use tiltwise_collector::log::{
    EmbeddedLog, EventLog, LogClock, LogError, Options, Source, clock::MAX_STEP_MS,
};

use crate::machine::*;

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
