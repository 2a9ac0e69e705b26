//! Times and the ladder of bucket widths. The core has no clock: every time is an argument.

use crate::revision::Revision;

/// Widths of buckets, each a divisor of the next: a bucket lies in one bucket of every coarser width.
pub const LADDER_MS: [u64; 10] = [
    250, 1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000,
];

/// A learning bucket is dropped after so many half-lives: what it weighs then, 2^-10, no decision can see.
const KEPT_HALF_LIVES: u64 = 10;
/// No learning bucket is wider than a quarter of the half-life: what is in it is aged as one, so its weight is off by at
/// most 2^(1/8) either way.
const WIDTHS_IN_HALF_LIFE: u64 = 4;

/// The start of the bucket of this width in which a time lies.
pub fn bucket_start(at_ms: u64, width_ms: u64) -> u64 {
    at_ms - at_ms % width_ms.max(1)
}

/// In which learning bucket a decision is counted, as a pure function of its time and the clock.
///
/// Fine while the attribution window is open (the share of rewards that have come in changes from step to step), then the
/// coarsest width whose bucket has closed with its window. Because the widths divide each other, two decisions that share a
/// bucket share one at every later clock: rolling up early, late, or after a merge gives the same sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit belongs in the name")]
pub struct Ladder {
    fine_ms: u64,
    coarsest_ms: u64,
    window_ms: u64,
    /// 0: nothing is ever dropped.
    half_life_ms: u64,
}

impl Ladder {
    pub fn of(revision: &Revision) -> Self {
        let half_life_ms = revision.half_life_ms;
        let widest = match half_life_ms {
            0 => u64::MAX,
            ms => ms / WIDTHS_IN_HALF_LIFE,
        };
        let coarsest = LADDER_MS.iter().copied().rfind(|&width| width <= widest);
        Self {
            fine_ms: revision.fine_ms,
            coarsest_ms: coarsest.unwrap_or(0).max(revision.fine_ms),
            window_ms: revision.metric().window_ms,
            half_life_ms,
        }
    }

    /// Start and width of the bucket of a decision at this clock; nothing where it has been dropped.
    pub fn bucket(&self, decided_at_ms: u64, clock_ms: u64) -> Option<(u64, u64)> {
        let closes = |width| {
            bucket_start(decided_at_ms, width)
                .saturating_add(width)
                .saturating_add(self.window_ms)
        };
        // By the coarsest bucket, which is the same for all finer ones in it: whether something is dropped must not
        // depend on how far it has been rolled up.
        let kept = KEPT_HALF_LIVES.saturating_mul(self.half_life_ms);
        if self.half_life_ms > 0 && closes(self.coarsest_ms).saturating_add(kept) <= clock_ms {
            return None;
        }
        let width = LADDER_MS
            .iter()
            .copied()
            .filter(|width| (self.fine_ms..=self.coarsest_ms).contains(width))
            .rfind(|&width| closes(width) <= clock_ms)
            .unwrap_or(self.fine_ms);
        Some((bucket_start(decided_at_ms, width), width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn ladder(half_life_ms: u64) -> Ladder {
        Ladder {
            fine_ms: 60_000,
            coarsest_ms: HOUR,
            window_ms: 30 * 60_000,
            half_life_ms,
        }
    }

    #[test]
    fn a_decision_is_counted_finely_until_its_window_has_closed() {
        let at = 10 * HOUR + 61_000;
        assert_eq!(ladder(0).bucket(at, at), Some((10 * HOUR + 60_000, 60_000)));
        assert_eq!(
            ladder(0).bucket(at, 11 * HOUR + 30 * 60_000),
            Some((10 * HOUR, HOUR))
        );
    }

    #[test]
    fn decisions_that_share_a_bucket_share_one_at_every_later_clock() {
        let ladder = ladder(4 * HOUR);
        let times: std::vec::Vec<u64> = (0..3 * HOUR).step_by(47_000).collect();
        for (then, now) in [
            (HOUR, 2 * HOUR),
            (2 * HOUR, 40 * HOUR),
            (5 * HOUR, 43 * HOUR),
            (0, 60 * HOUR),
        ] {
            for a in &times {
                for b in &times {
                    if ladder.bucket(*a, then) == ladder.bucket(*b, then) {
                        assert_eq!(
                            ladder.bucket(*a, now),
                            ladder.bucket(*b, now),
                            "{a} {b} {then} {now}"
                        );
                    }
                    // What was dropped stays dropped.
                    assert!(ladder.bucket(*a, then).is_some() || ladder.bucket(*a, now).is_none());
                }
            }
        }
    }
}
