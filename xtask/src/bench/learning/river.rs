//! One table through encoder, policy, join, fold and fit.

use indicatif::ProgressBar;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tiltwise_core::decide::prepare;
use tiltwise_core::event::{Exposure, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
use tiltwise_core::fit::{Source, cuts, fit};
use tiltwise_core::id::{Pseudonym, RevisionId, Tier, UnitKind};
use tiltwise_core::join::{Fold, Params};
use tiltwise_core::model::Model;
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::Revision;
use tiltwise_core::snapshot::{Experiment, Phase};

use super::Encoding;
use super::definition::{self, RIGHT};
use crate::feed::table::{Row, Table};

/// A row a second, so that a half-life in rows is one in time.
pub const ROW_MS: u64 = 1_000;
const START_MS: u64 = 1_700_000_000_000;
const ID: RevisionId = RevisionId(1);

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub batch: usize,
    pub encoding: Encoding,
    pub half_life_events: Option<u64>,
    pub floor: f64,
}

/// What came of a table.
#[derive(Clone, Debug)]
pub struct Score {
    pub file: String,
    pub batch: usize,
    pub encoding: &'static str,
    pub events: usize,
    pub mean_reward: f64,
    /// Of this thread, for everything but reading the file.
    pub cpu_seconds: f64,
    /// Another floor, and the mean reward with it.
    pub floored: Option<(f64, f64)>,
}

impl Score {
    pub fn json(&self) -> Value {
        let mut row = json!({
            "file": self.file,
            "batch": self.batch,
            "encoding": self.encoding,
            "events": self.events,
            "mean_reward": self.mean_reward,
            "cpu_seconds": self.cpu_seconds,
        });
        if let (Some((floor, mean_reward)), Some(row)) = (self.floored, row.as_object_mut()) {
            row.insert("floor".into(), floor.into());
            row.insert("mean_reward_floored".into(), mean_reward.into());
        }
        row
    }
}

pub fn run(file: &str, table: &Table, settings: &Settings, bar: &ProgressBar) -> Score {
    let began = cpu_seconds();
    let mut river = River::new(definition::revision(table, settings));
    let mut rewarded = 0;
    for (place, row) in table.rows.iter().enumerate() {
        if place.is_multiple_of(settings.batch) {
            river.fit();
        }
        rewarded += usize::from(river.visit(place, table, row));
        bar.inc(1);
    }
    Score {
        file: file.to_owned(),
        batch: settings.batch,
        encoding: settings.encoding.name(),
        events: table.rows.len(),
        mean_reward: rewarded as f64 / table.rows.len().max(1) as f64,
        cpu_seconds: cpu_seconds() - began,
        floored: None,
    }
}

struct River {
    fold: Fold,
    experiment: Experiment,
}

impl River {
    fn new(revision: Revision) -> Self {
        let mut fold = Fold::new(Params::default());
        fold.add_revision(ID, revision.clone());
        let experiment = Experiment {
            revision_id: ID,
            revision,
            stopped: Vec::new(),
            phase: Phase::Running,
            model: Model::default(),
        };
        Self { fold, experiment }
    }

    fn fit(&mut self) {
        self.fold.roll_up();
        if let Some(cut) = cuts::choose(&self.experiment.revision, &sources(&self.fold)) {
            self.experiment.revision_id.0 += 1;
            self.fold.add_revision(self.experiment.revision_id, cut.clone());
            self.experiment.revision = cut;
        }
        let clock_ms = self.fold.clock().ms();
        self.experiment.model = fit(
            &self.experiment.revision,
            |_| true,
            &sources(&self.fold),
            clock_ms,
        );
    }

    /// Decides a row, learns what came of it, and says whether it was rewarded.
    fn visit(&mut self, place: usize, table: &Table, row: &Row) -> bool {
        let prepared = prepare(&self.experiment, &table.context(row), true);
        let arm = arm_at(row.uniform, &prepared.distribution.propensities_q30);
        let right = arm == row.label;
        let at_ms = START_MS + place as u64 * ROW_MS;
        let exposure = Exposure {
            revision: self.experiment.revision_id,
            model: 1,
            episode: 0,
            arm: arm as u32,
            draw: 0,
            slots: prepared.features.slots,
            values_q10: prepared.features.values_q10,
            propensities_q30: prepared.distribution.propensities_q30,
            predictions_micros: prepared.distribution.predictions_micros,
            variances_micros: prepared.distribution.variances_micros,
            flags: 0,
            unit_kind: UnitKind::Visitor,
        };
        let mut events = vec![event(place, 0, at_ms, Fact::Exposure(exposure))];
        if right {
            events.push(event(
                place,
                1,
                at_ms,
                Fact::Outcome(LoggedOutcome::new(RIGHT, 0.0, "")),
            ));
        }
        self.fold.apply(LogRecord {
            clock_ms: at_ms,
            events,
        });
        // The next row's time: this one's window has closed.
        self.fold.apply(LogRecord {
            clock_ms: at_ms + ROW_MS,
            events: Vec::new(),
        });
        right
    }
}

/// The sums of every revision so far.
fn sources(fold: &Fold) -> Vec<Source<'_>> {
    let source = |(id, sums)| {
        Some(Source {
            revision: fold.revisions().get(id)?,
            sums,
        })
    };
    fold.sums().iter().filter_map(source).collect()
}

/// The first arm whose cumulative probability exceeds the row's number.
fn arm_at(uniform: f64, propensities_q30: &[u32]) -> usize {
    let mut end = 0.0;
    for (arm, &p) in propensities_q30.iter().enumerate() {
        end += f64::from(p) / f64::from(ONE_Q30);
        if end > uniform {
            return arm;
        }
    }
    propensities_q30.len().saturating_sub(1)
}

fn event(place: usize, kind: u8, received_ms: u64, fact: Fact) -> LoggedEvent {
    LoggedEvent {
        id: [kind; 16],
        unit: Pseudonym((place as u128).to_le_bytes()),
        received_ms,
        at_ms: received_ms,
        tier: Tier::Page,
        quarantine: Quarantine::None,
        fact,
    }
}

fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arm_is_the_first_whose_cumulative_probability_exceeds_the_number() {
        let p = [ONE_Q30 / 4, ONE_Q30 / 4, ONE_Q30 / 2];
        let arms: Vec<usize> = [0.0, 0.2499, 0.25, 0.49, 0.5, 0.9999]
            .map(|u| arm_at(u, &p))
            .into();
        assert_eq!(arms, [0, 0, 1, 1, 2, 2]);
    }
}
