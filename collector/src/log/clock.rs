//! The log tells the time. One clock stamps what is received and every record, and it never goes backwards: not when
//! the machine's clock is set back, and not over a restart.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// How far one record may move the clock: ten minutes. State expires by this clock, and a reader that meets a single
/// wrong stamp must not let go of everything.
pub const MAX_STEP_MS: u64 = 10 * 60 * 1_000;

/// A clock record is due when nothing else was written for this long. A tick, the grain of what is published, is as long.
pub const BEAT_MS: u64 = 100;

/// Milliseconds since 1970-01-01 UTC, never less than before.
#[derive(Clone)]
pub struct LogClock {
    latest: Arc<AtomicU64>,
    wall: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl LogClock {
    /// By the machine's clock.
    pub fn system() -> Self {
        Self::from_wall(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }

    /// By another source: time is an argument.
    pub fn from_wall(wall: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            latest: Arc::new(AtomicU64::new(0)),
            wall: Arc::new(wall),
        }
    }

    pub fn now_ms(&self) -> u64 {
        let wall = (self.wall)();
        // Most often it has been told this millisecond before; who only reads takes the clock from nobody else's cache.
        let latest = self.latest.load(Ordering::Acquire);
        if latest >= wall {
            return latest;
        }
        self.latest.fetch_max(wall, Ordering::AcqRel).max(wall)
    }

    /// How far the clock runs ahead of the machine's: above zero after that one was set back.
    pub fn ahead_ms(&self) -> u64 {
        self.latest.load(Ordering::Acquire).saturating_sub((self.wall)())
    }

    /// Never again earlier than this.
    pub(super) fn at_least(&self, ms: u64) {
        self.latest.fetch_max(ms, Ordering::AcqRel);
    }
}

impl fmt::Debug for LogClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogClock")
            .field("latest", &self.latest)
            .finish_non_exhaustive()
    }
}

/// The stamps of the records that bring a clock from `from` to `to` in steps that are allowed; `to` itself is left to
/// the record that follows. A log that has no record yet (`from` 0) starts where it is.
pub(super) fn bridge(from: u64, to: u64) -> impl Iterator<Item = u64> {
    let steps = if from == 0 {
        0
    } else {
        to.saturating_sub(from).saturating_sub(1) / MAX_STEP_MS
    };
    (1..=steps).map(move |step| from + step * MAX_STEP_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let wall = Arc::new(AtomicU64::new(1_000));
        let clock = LogClock::from_wall({
            let wall = wall.clone();
            move || wall.load(Ordering::Relaxed)
        });
        assert_eq!(clock.now_ms(), 1_000);
        wall.store(400, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), 1_000);
        assert_eq!(clock.ahead_ms(), 600);
        wall.store(1_001, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), 1_001);
    }

    #[test]
    fn no_step_of_a_bridge_is_longer_than_allowed() {
        for (from, to) in [
            (5, 5),
            (5, 5 + MAX_STEP_MS),
            (5, 6 + MAX_STEP_MS),
            (7, 7 + 10 * MAX_STEP_MS),
            (0, u64::MAX),
        ] {
            let mut last = from;
            for stamp in bridge(from, to).chain([to]) {
                assert!(
                    from == 0 || stamp - last <= MAX_STEP_MS,
                    "{from} to {to}: {last} to {stamp}"
                );
                last = stamp;
            }
        }
    }
}
