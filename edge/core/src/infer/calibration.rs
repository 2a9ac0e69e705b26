//! Calibration: what came over what was predicted, of units whose window and lateness have passed.
//!
//! Σ reward / Σ prediction is 1 where the models are right on average. The predictions stand in the records, as the deciding
//! models made them before the arm was drawn, so a model is never judged by what it has learned since. One ratio says
//! nothing of single contexts, and of few conversions it says little: its relative error is about 1/√conversions.

use alloc::{vec, vec::Vec};

use super::predicted::{Predicted, Step, steps};
use crate::fit::Source;
use crate::revision::Revision;
use crate::time::bucket_start;

const DAY_MS: u64 = 86_400_000;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// By the day (UTC) of the decision, those that have matured units of which something was predicted.
    pub days: Vec<Day>,
    /// Since the first unit, by arm.
    pub arms: Vec<Predicted>,
    /// The twenty-four hours before the end of the newest matured bucket, by arm.
    pub newest: Vec<Predicted>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    pub start_ms: u64,
    pub predicted: Predicted,
}

impl Calibration {
    /// All arms, since the first unit.
    pub fn whole(&self) -> Predicted {
        sum(&self.arms)
    }

    /// All arms, in the newest day.
    pub fn newest_whole(&self) -> Predicted {
        sum(&self.newest)
    }
}

/// Reads what has matured for the optimised metric at this clock.
pub fn calibration(today: &Revision, sources: &[Source<'_>], clock_ms: u64, lateness_ms: u64) -> Calibration {
    let waits_ms = today.metric().window_ms.saturating_add(lateness_ms);
    let matured: Vec<Step> = steps(today, sources)
        .into_iter()
        .filter(|step| step.end_ms.saturating_add(waits_ms) <= clock_ms)
        .collect();
    let newest_ms = matured
        .last()
        .map_or(0, |step| step.end_ms.saturating_sub(DAY_MS));
    let mut found = Calibration {
        days: Vec::new(),
        arms: vec![Predicted::default(); today.arms()],
        newest: vec![Predicted::default(); today.arms()],
    };
    for step in &matured {
        add(&mut found.arms, &step.arms);
        if step.start_ms >= newest_ms {
            add(&mut found.newest, &step.arms);
        }
        let predicted = step.whole();
        if predicted.units <= 0.0 {
            continue;
        }
        let start_ms = bucket_start(step.start_ms, DAY_MS);
        match found.days.last_mut() {
            Some(day) if day.start_ms == start_ms => day.predicted.add(&predicted),
            _ => found.days.push(Day { start_ms, predicted }),
        }
    }
    found
}

fn add(into: &mut [Predicted], arms: &[Predicted]) {
    into.iter_mut().zip(arms).for_each(|(into, arm)| into.add(arm));
}

fn sum(arms: &[Predicted]) -> Predicted {
    let mut sum = Predicted::default();
    for arm in arms {
        sum.add(arm);
    }
    sum
}
