//! How wide the time buckets of an experiment are, from the window of its metric.

use tiltwise_core::time::LADDER_MS;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;

/// The finest learning buckets: the widest step of the ladder that is at most a sixteenth of the window, so that the
/// delay correction sees the window in at least sixteen steps.
pub(super) fn fine_ms(window_ms: u64) -> u64 {
    let [finest, ..] = LADDER_MS;
    LADDER_MS
        .iter()
        .copied()
        .filter(|step| *step <= window_ms / 16)
        .max()
        .unwrap_or(finest)
}

/// The inference buckets: a result is read at their ends, over whole buckets. A quarter of the window adds at most a
/// quarter to the wait for matured results; within a minute and a day, as nobody reads more often or can wait longer.
pub(super) fn bucket_ms(window_ms: u64) -> u64 {
    LADDER_MS
        .iter()
        .copied()
        .find(|step| *step >= window_ms / 4)
        .unwrap_or(DAY_MS)
        .clamp(MINUTE_MS, DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_follow_the_window_along_the_ladder() {
        for (window_ms, fine, bucket) in [
            (1_000, 250, MINUTE_MS),
            (10_000, 250, MINUTE_MS),
            (16_000, 1_000, MINUTE_MS),
            (30 * MINUTE_MS, MINUTE_MS, 15 * MINUTE_MS),
            (DAY_MS, 60 * MINUTE_MS, 6 * 60 * MINUTE_MS),
            (7 * DAY_MS, 6 * 60 * MINUTE_MS, DAY_MS),
            (365 * DAY_MS, DAY_MS, DAY_MS),
        ] {
            assert_eq!(
                (fine_ms(window_ms), bucket_ms(window_ms)),
                (fine, bucket),
                "window {window_ms} ms"
            );
        }
    }
}
