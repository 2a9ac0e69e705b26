//! What an episode is worth, by every metric of its revision.

use alloc::{vec, vec::Vec};

use super::Params;
use super::outcomes::{Copy, Outcomes};
use crate::id::Tier;
use crate::revision::{Metric, Revision};

/// More distinct outcomes than this void an episode: no person makes them.
pub const MAX_OUTCOMES: usize = 1_000;
/// Steps of the window by which receive delays are told apart; the bin after them holds everything later. They widen with the
/// cube: step `j` begins at `(j / 16)³` of the window. Of a window of half an hour the first ends after half a second and the
/// fifth after a minute, so that delays are known while all that there is is young.
pub const DELAY_STEPS: u64 = 16;
/// One, in micro-units.
pub const ONE_MICROS: u32 = 1_000_000;

/// What a counted episode adds to the sums, besides its exposure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// For every metric the scaled reward, 0 to 1,000,000.
    pub rewards_micros: Vec<u32>,
    /// When the optimised metric's reward came in: (bin, micros), by bin.
    pub delays: Vec<(u8, u32)>,
}

impl Worth {
    /// The reward by a metric.
    pub fn reward(&self, metric: usize) -> u32 {
        self.rewards_micros.get(metric).copied().unwrap_or(0)
    }
}

/// Sums up what counts for an episode decided at this time; nothing where the episode is void.
pub fn worth(revision: &Revision, params: &Params, decided_at_ms: u64, outcomes: &Outcomes) -> Option<Worth> {
    let mut worth = Worth {
        rewards_micros: vec![0; revision.metrics.len()],
        delays: Vec::new(),
    };
    if outcomes.is_empty() {
        return Some(worth);
    }
    let window = |metric| Window {
        metric,
        decided_at_ms,
        lateness_ms: params.lateness_ms,
    };
    if outcomes.len() > MAX_OUTCOMES {
        let counts = |copy: &&Copy| revision.metrics.iter().any(|metric| window(metric).counts(copy));
        let ids = outcomes.standing(params.dedupe_ms, Tier::Page).filter(counts);
        if distinct(ids).count() > MAX_OUTCOMES {
            return None;
        }
    }
    for (m, metric) in revision.metrics.iter().enumerate() {
        let window = window(metric);
        let qualifying = outcomes
            .standing(params.dedupe_ms, metric.min_tier)
            .filter(|copy| window.counts(copy));
        // Each to its place, of a thousand at most: a sort would be the largest function of the module, too large for the JVM.
        let mut counted: Vec<&Copy> = Vec::new();
        for copy in distinct(qualifying) {
            let place =
                counted.partition_point(|other| (other.received_ms, other.id) <= (copy.received_ms, copy.id));
            counted.insert(place, copy);
        }
        let mut total = 0u128;
        let mut reward = 0;
        for copy in counted {
            total += u128::from(copy.outcome.value_micros.max(0).cast_unsigned());
            let now = scaled(metric, total);
            if m == 0 && now > reward {
                add_delay(
                    &mut worth.delays,
                    window.delay_bin(copy.received_ms),
                    now - reward,
                );
            }
            reward = now;
        }
        if let Some(slot) = worth.rewards_micros.get_mut(m) {
            *slot = reward;
        }
    }
    Some(worth)
}

/// One for each id: the first, which was received first.
fn distinct<'a>(copies: impl Iterator<Item = &'a Copy>) -> impl Iterator<Item = &'a Copy> {
    let mut last = None;
    copies.filter(move |copy| last.replace(copy.id) != Some(copy.id))
}

/// The reward after outcomes of this total value, one at least.
fn scaled(metric: &Metric, total_micros: u128) -> u32 {
    match u128::from(metric.cap_micros) {
        0 => ONE_MICROS,
        cap => ((total_micros.min(cap) * u128::from(ONE_MICROS) + cap / 2) / cap) as u32,
    }
}

fn add_delay(delays: &mut Vec<(u8, u32)>, bin: u8, micros: u32) {
    match delays.last_mut() {
        Some((last, sum)) if *last == bin => *sum += micros,
        // Outcomes come by the time of receipt, so bins ascend.
        _ => delays.push((bin, micros)),
    }
}

struct Window<'a> {
    metric: &'a Metric,
    decided_at_ms: u64,
    lateness_ms: u64,
}

impl Window<'_> {
    fn counts(&self, copy: &Copy) -> bool {
        let end = self.decided_at_ms.saturating_add(self.metric.window_ms);
        copy.at_ms >= self.decided_at_ms
            && copy.at_ms <= end
            && copy.received_ms <= end.saturating_add(self.lateness_ms)
            && self
                .metric
                .counts(&copy.outcome.name, &copy.outcome.currency, copy.tier)
    }

    fn delay_bin(&self, received_ms: u64) -> u8 {
        let delay = received_ms.saturating_sub(self.decided_at_ms);
        steps_within(delay, self.metric.window_ms) as u8
    }
}

/// How many whole steps of the window lie within an age.
pub fn steps_within(age_ms: u64, window_ms: u64) -> u64 {
    let (age, window) = (u128::from(age_ms), u128::from(window_ms.max(1)));
    let cube = |j: u64| u128::from(j * j * j);
    (1..=DELAY_STEPS)
        .rfind(|&j| age * cube(DELAY_STEPS) >= window * cube(j))
        .unwrap_or(0)
}
