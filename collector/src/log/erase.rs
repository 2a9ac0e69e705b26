//! Erasure: the events of one unit leave the records that hold them.
//!
//! The record keeps its offset and its clock, so nobody who has read past it notices. What it was rewritten from lies in
//! older files of the storage until those are merged, which [`erase_where`] does before it returns.

use tiltwise_core::{
    event::{Fact, LogRecord, LoggedEvent},
    id::Pseudonym,
};

use super::{EmbeddedLog, LogError, Source, settle};

/// Read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Takes everything of a unit that was received up to `through_ms` out of the log; the marks of its erasures stay. Returns
/// how many records it was in.
///
/// What the unit does afterwards is not touched: the trainer counts it, and so must whoever counts the log again.
pub fn erase_unit(log: &EmbeddedLog, unit: Pseudonym, through_ms: u64) -> Result<u64, LogError> {
    erase_where(log, |event| {
        event.unit == unit && event.received_ms <= through_ms && event.fact != Fact::Erasure
    })
}

/// Takes every event out of the log for which `gone` says so.
pub fn erase_where(log: &EmbeddedLog, gone: impl Fn(&LoggedEvent) -> bool) -> Result<u64, LogError> {
    let change = |bytes: &[u8]| {
        let mut record = LogRecord::decode(bytes).ok()?;
        let before = record.events.len();
        record.events.retain(|event| !gone(event));
        (record.events.len() < before).then(|| record.encode())
    };
    let (mut from, mut rewritten) = (log.first(), 0);
    loop {
        let end = *log.end().borrow();
        let now = rewrite(log, from, end, change)?;
        if now == 0 && settle::is_settled(&log.shared().tables)? {
            return Ok(rewritten);
        }
        settle::settle(&log.shared().tables)?;
        // A batch that was received just before may have been written meanwhile.
        (from, rewritten) = (end, rewritten + now);
    }
}

/// Puts `change(record)` in the place of every record of these offsets for which it gives one. Returns how many were
/// rewritten.
///
/// Works in chunks beside the appends, which go on. Blocks for as long as reading the whole log takes.
fn rewrite(
    log: &EmbeddedLog,
    from: u64,
    end: u64,
    change: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<u64, LogError> {
    let mut offset = from;
    let mut rewritten = 0;
    while offset < end {
        let records = match log.read_from(offset, CHUNK_BYTES) {
            Err(LogError::Trimmed { first, .. }) => {
                offset = first;
                continue;
            }
            records => records?,
        };
        let Some(last) = records.last() else { break };
        offset = last.offset + 1;
        let changed: Vec<_> = records
            .iter()
            .filter_map(|record| Some((record.offset, change(record.bytes())?)))
            .collect();
        if !changed.is_empty() {
            rewritten += changed.len() as u64;
            log.replace(changed)?;
        }
    }
    Ok(rewritten)
}
