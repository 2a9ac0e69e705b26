//! What is kept, and for how long.

use tiltwise_collector::log::{
    EventLog, Source,
    retention::{self, Retention},
};

use crate::machine::*;

#[test]
fn retention_lets_go_of_what_is_old_and_never_of_what_a_checkpoint_needs() {
    let machine = Machine::new();
    let log = machine.open();
    for day in 0..10 {
        append(&log, vec![part(None, &format!("day{day}"))]).unwrap();
        machine.pass_ms(24 * 3_600_000);
    }
    let retention = Retention {
        keep_ms: 5 * 24 * 3_600_000,
        max_bytes: u64::MAX,
    };
    let trim = |needed| {
        retention::apply(&log, retention, log.clock().now_ms(), needed).unwrap();
        for _ in 0..20 {
            append(&log, vec![part(None, "now")]).unwrap();
        }
    };
    trim(3);
    assert_eq!(log.first(), 3);
    trim(u64::MAX);
    let kept = names(&log);
    assert!(
        !kept.contains(&"day3".to_owned()) && kept.contains(&"day6".to_owned()),
        "{kept:?}"
    );
}
