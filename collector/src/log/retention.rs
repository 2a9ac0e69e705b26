//! How much of the log is kept: what is younger than the retention, as much as the size limit allows, and never less than a
//! kept checkpoint needs.

use tiltwise_core::event::LogRecord;

use super::{LogError, Source};

/// Trimming starts at nine tenths of the limit and goes down to eight: room is made before it is needed, and not with
/// every record.
const START_TENTHS: u64 = 9;
const AIM_TENTHS: u64 = 8;

#[derive(Debug, Clone, Copy)]
pub struct Retention {
    pub keep_ms: u64,
    pub max_bytes: u64,
}

/// Lets go of what need not be kept. `needed` is the oldest offset that a kept checkpoint still reads from.
pub fn apply(log: &dyn Source, retention: Retention, now_ms: u64, needed: u64) -> Result<(), LogError> {
    let end = *log.end().borrow();
    let first = log.first();
    let too_old = first_since(log, now_ms.saturating_sub(retention.keep_ms), first, end)?;
    let cut = too_old.max(too_much(log.bytes(), retention.max_bytes, first, end));
    log.trim_below(cut.min(needed));
    Ok(())
}

/// The first record that is not older than `since_ms`. Clocks never go backwards, so halving finds it.
fn first_since(log: &dyn Source, since_ms: u64, first: u64, end: u64) -> Result<u64, LogError> {
    let (mut low, mut high) = (first, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let clock_ms = match log.read_from(middle, 1)?.first() {
            Some(record) => LogRecord::decode(record.bytes()).map_or(u64::MAX, |record| record.clock_ms),
            None => u64::MAX,
        };
        if clock_ms < since_ms {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Where the log must start to be within its size; as if all records were equally large, which the next look corrects.
fn too_much(bytes: u64, max_bytes: u64, first: u64, end: u64) -> u64 {
    if bytes / START_TENTHS < max_bytes / 10 {
        return first;
    }
    let excess = bytes.saturating_sub(max_bytes / 10 * AIM_TENTHS);
    let records = u128::from(end - first) * u128::from(excess) / u128::from(bytes.max(1));
    first + records as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_within_its_size_is_left_alone_and_a_larger_one_is_cut_in_proportion() {
        assert_eq!(too_much(800, 1_000, 10, 110), 10);
        assert_eq!(too_much(1_000, 1_000, 10, 110), 30);
        assert_eq!(too_much(0, 0, 10, 110), 10);
    }
}
