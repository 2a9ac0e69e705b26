//! The visitors' own record: what was sent, what became of it, and what it earned.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::edge::send::{Answer, Verdict};

/// How the events of one run ended.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    pub visitors: u64,
    /// Distinct events that were handed to the door, resent copies not counted again.
    pub sent: u64,
    /// Distinct events that the collector has accepted.
    pub acknowledged: u64,
    /// Events in whole batches that were sent a second time on purpose.
    pub sent_twice: u64,
    /// Events that the collector knew already.
    pub duplicates: u64,
    /// New events that the collector took for others. There must be none.
    pub mistaken: u64,
    /// Events that were given up after many tries.
    pub dropped: u64,
    /// By the code of the reason.
    pub rejected: BTreeMap<u8, u64>,
}

/// What one arm was shown and what came of it, by the visitors' own record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Arm {
    pub shown: u64,
    /// Sum of the rewards, each between 0 and 1.
    pub reward: f64,
}

/// Reward per visitor, summed over the experiments.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Reward {
    /// Of the arms that were shown, in expectation.
    pub tiltwise: f64,
    pub even_split: f64,
    pub best_possible: f64,
    /// What was really earned.
    pub earned: f64,
}

/// What the truth says of one decision.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    pub experiment: &'a str,
    pub segment: &'a str,
    pub variant: &'a str,
    pub arm: usize,
    /// Expected reward of every arm.
    pub expected: &'a [f64],
    /// Whether the experiment's policy moves traffic at all.
    pub learns: bool,
}

/// How many visitors in a row make up one reading of the traffic's share.
const READING: u64 = 500;

/// Shares of the best variant, in readings of [`READING`] decisions a segment.
#[derive(Clone, Debug, Default)]
struct Share {
    decisions: u64,
    best: u64,
    last: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub counts: Counts,
    pub arms: BTreeMap<String, BTreeMap<String, Arm>>,
    sums: Reward,
    shares: BTreeMap<String, BTreeMap<String, Share>>,
}

impl Tally {
    /// Notes a decision.
    pub fn shown(&mut self, shown: &Shown<'_>) {
        let arms = shown.expected.len().max(1) as f64;
        let best = shown.expected.iter().copied().fold(0.0, f64::max);
        let expected = shown.expected.get(shown.arm).copied().unwrap_or(0.0);
        self.sums.tiltwise += expected;
        self.sums.even_split += shown.expected.iter().sum::<f64>() / arms;
        self.sums.best_possible += best;
        self.arm(shown.experiment, shown.variant).shown += 1;
        if !shown.learns {
            return;
        }
        let segments = self.shares.entry(shown.experiment.to_owned()).or_default();
        let share = segments.entry(shown.segment.to_owned()).or_default();
        share.note(expected >= best);
    }

    /// Notes an outcome that was acknowledged.
    pub fn earned(&mut self, experiment: &str, variant: &str, reward: f64) {
        self.arm(experiment, variant).reward += reward;
        self.sums.earned += reward;
    }

    /// Notes the verdicts on a batch that was sent until it was answered.
    pub fn answered(&mut self, answer: &Answer) {
        for verdict in &answer.verdicts {
            match verdict {
                Verdict::Accepted => self.counts.acknowledged += 1,
                // An earlier copy had arrived although its answer did not: the event is in the log, and it is there once.
                Verdict::Duplicate if answer.copies > 1 => self.counts.acknowledged += 1,
                Verdict::Duplicate => self.counts.mistaken += 1,
                Verdict::Rejected { code } => *self.counts.rejected.entry(*code).or_default() += 1,
            }
        }
    }

    /// Notes the verdicts on a batch that was sent again on purpose.
    pub fn answered_again(&mut self, verdicts: &[Verdict]) {
        self.counts.sent_twice += verdicts.len() as u64;
        self.counts.duplicates += verdicts.iter().filter(|v| **v == Verdict::Duplicate).count() as u64;
    }

    /// Reward per visitor so far.
    pub fn reward(&self) -> Reward {
        let visitors = self.counts.visitors.max(1) as f64;
        Reward {
            tiltwise: self.sums.tiltwise / visitors,
            even_split: self.sums.even_split / visitors,
            best_possible: self.sums.best_possible / visitors,
            earned: self.sums.earned / visitors,
        }
    }

    /// The share of the traffic that the truth's best variant has now, by learning experiment and segment: over the last whole
    /// reading, or over what there is before the first.
    pub fn best_arm_shares(&self) -> BTreeMap<String, BTreeMap<String, f64>> {
        let of = |segments: &BTreeMap<String, Share>| {
            segments
                .iter()
                .map(|(segment, share)| (segment.clone(), share.now()))
                .collect()
        };
        self.shares
            .iter()
            .map(|(experiment, segments)| (experiment.clone(), of(segments)))
            .collect()
    }

    fn arm(&mut self, experiment: &str, variant: &str) -> &mut Arm {
        self.arms
            .entry(experiment.to_owned())
            .or_default()
            .entry(variant.to_owned())
            .or_default()
    }
}

impl Share {
    fn note(&mut self, is_best: bool) {
        self.decisions += 1;
        self.best += u64::from(is_best);
        if self.decisions == READING {
            self.last = Some(self.part());
            (self.decisions, self.best) = (0, 0);
        }
    }

    fn now(&self) -> f64 {
        self.last.unwrap_or_else(|| self.part())
    }

    fn part(&self) -> f64 {
        self.best as f64 / self.decisions.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shown(arm: usize) -> Shown<'static> {
        Shown {
            experiment: "hero",
            segment: "mobile",
            variant: "bold",
            arm,
            expected: &[0.1, 0.3, 0.2],
            learns: true,
        }
    }

    #[test]
    fn what_was_shown_is_compared_with_an_even_split_and_with_the_best() {
        let mut tally = Tally::default();
        tally.counts.visitors = 2;
        tally.shown(&shown(1));
        tally.shown(&shown(0));
        let reward = tally.reward();
        assert!((reward.tiltwise - 0.2).abs() < 1e-12);
        assert!((reward.even_split - 0.2).abs() < 1e-12);
        assert!((reward.best_possible - 0.3).abs() < 1e-12);
    }

    fn shares(mobile: f64) -> BTreeMap<String, BTreeMap<String, f64>> {
        BTreeMap::from([("hero".into(), BTreeMap::from([("mobile".into(), mobile)]))])
    }

    #[test]
    fn the_share_of_the_best_variant_is_that_of_the_newest_reading() {
        let mut tally = Tally::default();
        (0..READING).for_each(|_| tally.shown(&shown(0)));
        assert_eq!(tally.best_arm_shares(), shares(0.0));
        (0..READING).for_each(|_| tally.shown(&shown(1)));
        assert_eq!(tally.best_arm_shares(), shares(1.0));
    }

    #[test]
    fn an_event_counts_as_acknowledged_once_however_often_its_batch_was_sent() {
        let answer = |copies, verdict| Answer {
            received_ms: 1,
            verdicts: vec![verdict],
            sent_at: Instant::now(),
            copies,
        };
        let mut tally = Tally::default();
        tally.answered(&answer(1, Verdict::Accepted));
        tally.answered_again(&[Verdict::Duplicate]);
        tally.answered(&answer(2, Verdict::Duplicate));
        tally.answered(&answer(1, Verdict::Duplicate));
        let Counts {
            acknowledged,
            duplicates,
            sent_twice,
            mistaken,
            ..
        } = tally.counts;
        assert_eq!((acknowledged, duplicates, sent_twice, mistaken), (2, 1, 1, 1));
    }
}
