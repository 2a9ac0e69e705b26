//! Who leads, as far as it was heard here, and when it is time to lead instead.
//!
//! There is no lock to hold and no clock to agree on. A leader says twice a second that it leads; who has heard nothing for a
//! while by its own clock tries to lead itself. That two do so at once, or that one only sleeps, harms nobody: Kafka takes records
//! from the last who began, and from nobody before.

use std::time::{Duration, Instant};

use super::notes::Lease;

/// A leader says so at least so often.
pub(super) const BEAT: Duration = Duration::from_millis(500);
/// Three beats: one that is late is not missed.
const SILENCE: Duration = Duration::from_millis(1_500);
/// Up to so much longer, by chance, so that two seldom try at once. With the second that beginning takes on a busy machine, a leader
/// is replaced well within five.
const SPREAD: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) lease: Option<Lease>,
    heard: Instant,
    /// The greatest that anybody has had.
    pub(super) epoch: u64,
}

impl Seat {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            lease: None,
            heard: now,
            epoch: 0,
        }
    }

    pub(super) fn hears(&mut self, lease: Lease, now: Instant) {
        self.epoch = self.epoch.max(lease.epoch);
        self.lease = Some(lease);
        self.heard = now;
    }

    /// A version that was published.
    pub(super) fn sees(&mut self, version: u64) {
        self.epoch = self.epoch.max(version >> 32);
    }

    /// Since when nothing was heard of a leader.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.heard)
    }

    /// Whether it is time to lead. `chance` is between 0 and 1; `former` says that the leader was this very collector before it
    /// was started again, and so leads no longer.
    pub(super) fn is_free(&self, now: Instant, chance: f64, former: bool) -> bool {
        let silence = self.silence(now);
        match &self.lease {
            // Nobody has ever led, or who did has said that it is over.
            None => silence >= SPREAD.mul_f64(chance / 4.0),
            Some(lease) if lease.over || former => silence >= SPREAD.mul_f64(chance / 4.0),
            Some(_) => silence >= SILENCE + SPREAD.mul_f64(chance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(over: bool) -> Lease {
        Lease {
            epoch: 3,
            leader: "a".into(),
            heard: 0,
            over,
        }
    }

    #[test]
    fn nobody_tries_to_lead_while_a_leader_is_heard_and_somebody_does_soon_after_it() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut seat = Seat::new(start);
        seat.hears(lease(false), at(0));
        for ms in (0..10_000).step_by(500) {
            seat.hears(lease(false), at(ms));
            assert!(!seat.is_free(at(ms + 1_499), 0.0, false));
        }
        assert!(seat.is_free(at(9_500 + 2_500), 1.0, false));
        assert!(
            !seat.is_free(at(9_500 + 1_900), 0.5, false),
            "chance keeps two apart"
        );
    }

    #[test]
    fn who_says_that_it_is_over_or_was_this_collector_is_replaced_at_once() {
        let start = Instant::now();
        let soon = start + Duration::from_millis(250);
        let mut seat = Seat::new(start);
        assert!(seat.is_free(soon, 1.0, false), "nobody has ever led");
        seat.hears(lease(false), start);
        assert!(seat.is_free(soon, 1.0, true) && !seat.is_free(soon, 1.0, false));
        seat.hears(lease(true), start);
        assert!(seat.is_free(soon, 1.0, false));
    }

    #[test]
    fn the_epoch_that_was_heard_of_never_falls() {
        let mut seat = Seat::new(Instant::now());
        seat.sees((7 << 32) + 9);
        seat.hears(lease(false), Instant::now());
        assert_eq!(seat.epoch, 7);
    }
}
