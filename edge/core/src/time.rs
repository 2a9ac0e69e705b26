//! Times and the ladder of bucket widths. The core has no clock: every time is an argument.

/// Widths of buckets, each a divisor of the next: a bucket lies in one bucket of every coarser width.
pub const LADDER_MS: [u64; 10] = [
    250, 1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000,
];

/// The start of the bucket of this width in which a time lies.
pub fn bucket_start(at_ms: u64, width_ms: u64) -> u64 {
    at_ms - at_ms % width_ms.max(1)
}
