//! The log tells the time.

/// How far one record may move a clock: a single wrong stamp must not expire everything.
pub const MAX_STEP_MS: u64 = 10 * 60_000;

/// The clock of a partition: the largest stamp so far, moved at most [`MAX_STEP_MS`] by one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    ms: Option<u64>,
}

impl Clock {
    pub fn at(ms: u64) -> Self {
        Self { ms: Some(ms) }
    }

    /// 0 before the first record.
    pub fn ms(self) -> u64 {
        self.ms.unwrap_or(0)
    }

    /// Whether a record has been read.
    pub fn is_set(self) -> bool {
        self.ms.is_some()
    }

    /// The later of two clocks: that of what two partitions hold together.
    pub fn advance_to(&mut self, other: Self) {
        self.ms = self.ms.max(other.ms);
    }

    /// Reads a record's stamp. The first sets the clock.
    pub fn advance(&mut self, stamp_ms: u64) {
        self.ms = Some(match self.ms {
            None => stamp_ms,
            Some(ms) => stamp_ms.clamp(ms, ms.saturating_add(MAX_STEP_MS)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_stamp_moves_the_clock_ten_minutes_and_no_further() {
        let mut clock = Clock::default();
        clock.advance(1_000);
        clock.advance(u64::MAX);
        assert_eq!(clock.ms(), 1_000 + MAX_STEP_MS);
        clock.advance(2_000);
        assert_eq!(clock.ms(), 1_000 + MAX_STEP_MS);
    }
}
