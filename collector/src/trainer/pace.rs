//! When a fit is due.

use std::time::{Duration, Instant};

/// At most one snapshot in this time: a quarter of a second is soon for a visitor, and many events for a model.
const LEAST: Duration = Duration::from_millis(250);
/// Time alone moves a model (what is old is forgotten, what is young counts more), so without events too there is one.
const MOST: Duration = Duration::from_secs(10);
/// This far behind the log, folding comes first: a fit a second is enough until it has been caught up with.
const BEHIND_MS: u64 = 2_000;
const WHILE_BEHIND: Duration = Duration::from_secs(1);
/// A fit may take a third of the time, so that folding keeps up however large the models are.
const SHARE: u32 = 2;

#[derive(Debug)]
pub(super) struct Pace {
    last: Option<Instant>,
    took: Duration,
    /// What was folded by then, and under which edition of the plan.
    folded: u64,
    edition: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            took: Duration::ZERO,
            folded: 0,
            edition: 0,
        }
    }

    pub(super) fn is_due(&self, now: Instant, folded: u64, edition: u64, lag_ms: u64) -> bool {
        let Some(last) = self.last else { return true };
        let since = now.saturating_duration_since(last);
        if since < LEAST.max(self.took * SHARE) {
            return false;
        }
        if edition != self.edition || since >= MOST {
            return true;
        }
        folded != self.folded && (lag_ms <= BEHIND_MS || since >= WHILE_BEHIND)
    }

    pub(super) fn fitted(&mut self, began: Instant, ended: Instant, folded: u64, edition: u64) {
        *self = Self {
            last: Some(began),
            took: ended.saturating_duration_since(began),
            folded,
            edition,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_is_due_when_something_changed_and_not_more_than_four_times_a_second() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::new();
        assert!(pace.is_due(start, 0, 1, 0), "the first at once");
        pace.fitted(start, at(5), 7, 1);
        assert!(!pace.is_due(at(249), 8, 1, 0));
        assert!(pace.is_due(at(250), 8, 1, 0));
        assert!(!pace.is_due(at(9_999), 7, 1, 0), "nothing changed");
        assert!(pace.is_due(at(10_000), 7, 1, 0));
        assert!(pace.is_due(at(250), 7, 2, 0), "the plan changed");
        assert!(!pace.is_due(at(999), 8, 1, 60_000), "far behind the log");
        assert!(pace.is_due(at(1_000), 8, 1, 60_000));
        pace.fitted(start, at(1_000), 7, 1);
        assert!(!pace.is_due(at(1_999), 8, 1, 0), "a slow fit leaves time to fold");
        assert!(pace.is_due(at(2_000), 8, 1, 0));
    }
}
