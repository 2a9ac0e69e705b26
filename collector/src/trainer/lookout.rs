//! What is watched of running experiments and nobody acts on by itself: whether what comes is what was predicted, and
//! whether that changes.

use std::collections::{BTreeMap, BTreeSet};

use tiltwise_core::fit::Source;
use tiltwise_core::infer;
use tiltwise_core::join::Fold;
use tiltwise_core::revision::Revision;

use super::models::{Plan, sources};
use crate::metrics::{Metrics, Shown};
use crate::results::drift;

/// Looks are taken in steps of the log's clock: what is watched changes slowly, and reads many buckets.
const EVERY_MS: u64 = 10_000;

/// Remembers when it looked, and what it has said.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    /// By experiment.
    experiments: BTreeMap<String, Looked>,
}

#[derive(Debug, Default)]
struct Looked {
    /// The step of the clock.
    at: Option<u64>,
    shown: BTreeSet<Shown>,
    /// When the last alert that was told was last seen.
    alerted_ms: Option<u64>,
}

impl Lookout {
    pub(super) fn look(&mut self, plan: &Plan, fold: &Fold, metrics: &Metrics) {
        let step = fold.clock().ms() / EVERY_MS;
        let mut gone = std::mem::take(&mut self.experiments);
        for planned in &plan.experiments {
            let revision = &planned.experiment.revision;
            let mut looked = gone.remove(&revision.key).unwrap_or_default();
            if looked.at.replace(step) != Some(step) {
                looked.look(revision, &sources(revision, fold), fold, metrics);
            }
            self.experiments.insert(revision.key.clone(), looked);
        }
        for shown in gone.values().flat_map(|looked| &looked.shown) {
            metrics.calibration.remove(shown);
            metrics.drift.remove(shown);
        }
    }
}

impl Looked {
    fn look(&mut self, revision: &Revision, sources: &[Source<'_>], fold: &Fold, metrics: &Metrics) {
        let (clock_ms, lateness_ms) = (fold.clock().ms(), fold.params().lateness_ms);
        let found = infer::calibration(revision, sources, clock_ms, lateness_ms);
        let everyone = self.shown(revision, "");
        let mut ratios = vec![(everyone.clone(), found.newest_whole())];
        for (variant, arm) in revision.variants.iter().zip(&found.newest) {
            ratios.push((self.shown(revision, &variant.key), *arm));
        }
        for (shown, predicted) in ratios {
            if let Some(ratio) = predicted.ratio() {
                metrics.calibration.get_or_create(&shown).set(ratio);
            }
        }
        let alerts = infer::drift(revision, sources, clock_ms, lateness_ms);
        let newest = alerts.last().filter(|alert| alert.stands(clock_ms));
        metrics
            .drift
            .get_or_create(&everyone)
            .set(i64::from(newest.is_some()));
        let Some(alert) = newest else { return };
        // What began after the last one was last seen is another; what came late may move one by a bucket.
        if self
            .alerted_ms
            .replace(alert.last_ms)
            .is_none_or(|last_ms| alert.since_ms > last_ms)
        {
            metrics.drift_alerts.inc();
            tracing::warn!(
                experiment = revision.key,
                since_ms = alert.since_ms,
                "{}",
                drift::sentence(revision, alert)
            );
        }
    }

    fn shown(&mut self, revision: &Revision, variant: &str) -> Shown {
        let shown = Shown {
            experiment: revision.key.clone(),
            variant: variant.to_owned(),
        };
        self.shown.insert(shown.clone());
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::Experiments;
    use tiltwise_core::event::{Exposure, Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};
    use tiltwise_core::id::{Pseudonym, Tier, UnitKind};
    use tiltwise_core::join::Params;
    use tiltwise_core::propensity::ONE_Q30;

    const FILE: &str = r#"
[[experiment]]
key = "hero"
name = "Hero"
control = "calm"
variants = [{ key = "calm", value = "c" }, { key = "bold", value = "b" }]
policy = { kind = "thompson" }
metric = { event = "signup", window = "1m" }
"#;
    const MINUTE_MS: u64 = 60_000;
    const START_MS: u64 = 1_700_000_000_000 / 86_400_000 * 86_400_000;

    /// A minute of a hundred visitors of whom a fifth was predicted to sign up, and one in so many does.
    fn minute(fold: &mut Fold, plan: &Plan, minute: u64, one_in: u64) {
        let at_ms = START_MS + minute * MINUTE_MS;
        let mut events = Vec::new();
        for visitor in 0..100 {
            let mut unit = [0; 16];
            unit[..8].copy_from_slice(&(minute * 100 + visitor).to_le_bytes());
            let event = |id, fact| LoggedEvent {
                id: [id; 16],
                unit: Pseudonym(unit),
                received_ms: at_ms,
                at_ms,
                tier: Tier::Page,
                quarantine: Quarantine::None,
                fact,
            };
            events.push(event(
                0,
                Fact::Exposure(Exposure {
                    revision: plan.experiments[0].experiment.revision_id,
                    model: 1,
                    episode: 0,
                    arm: u32::from(visitor >= 50),
                    draw: 0,
                    slots: Vec::new(),
                    values_q10: Vec::new(),
                    propensities_q30: vec![ONE_Q30 / 2; 2],
                    predictions_micros: vec![200_000; 2],
                    variances_micros: vec![160_000; 2],
                    flags: 0,
                    unit_kind: UnitKind::Visitor,
                }),
            ));
            if visitor % one_in == 0 {
                events.push(event(1, Fact::Outcome(LoggedOutcome::new("signup", 0.0, ""))));
            }
        }
        fold.apply(LogRecord {
            clock_ms: at_ms,
            events,
        });
    }

    #[test]
    fn what_came_over_what_was_predicted_and_a_change_of_it_can_be_scraped() {
        let experiments = Experiments::check("experiments.toml", FILE, "shop").unwrap();
        let plan = Plan::of(&experiments, &[], false);
        let experiment = &plan.experiments[0].experiment;
        let mut fold = Fold::new(Params {
            lateness_ms: MINUTE_MS,
            ..Params::default()
        });
        fold.add_revision(experiment.revision_id, experiment.revision.clone());
        let (metrics, mut lookout) = (Metrics::new(), Lookout::default());
        let mut run = |minutes: std::ops::Range<u64>, one_in| {
            for at in minutes {
                minute(&mut fold, &plan, at, one_in);
                lookout.look(&plan, &fold, &metrics);
            }
            metrics.exposition()
        };
        let quiet = run(0..60, 5);
        for line in [
            "tiltwise_experiment_calibration{experiment=\"hero\",variant=\"\"} 1.0",
            "tiltwise_experiment_calibration{experiment=\"hero\",variant=\"bold\"} 1.0",
            "tiltwise_experiment_drift{experiment=\"hero\",variant=\"\"} 0",
            "tiltwise_drift_alerts_total 0",
        ] {
            assert!(quiet.contains(line), "{line}\n{quiet}");
        }
        let changed = run(60..120, 20);
        for line in [
            "tiltwise_experiment_drift{experiment=\"hero\",variant=\"\"} 1",
            "tiltwise_drift_alerts_total 1",
        ] {
            assert!(changed.contains(line), "{line}\n{changed}");
        }
        lookout.look(&Plan::default(), &fold, &metrics);
        let gone = metrics.exposition();
        assert!(!gone.contains("experiment=\"hero\""), "{gone}");
    }
}
