//! What is watched of running experiments and nobody acts on by itself: whether what comes is what was predicted.

use std::collections::{BTreeMap, BTreeSet};

use tiltwise_core::infer;
use tiltwise_core::join::Fold;

use super::models::{Plan, sources};
use crate::metrics::{Metrics, Shown};

/// Looks are taken in steps of the log's clock: what is watched changes slowly, and reads every bucket there is.
const EVERY_MS: u64 = 10_000;

/// Remembers when it looked, and what it has said.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    /// By experiment, the step of the clock at which it was looked at.
    looks: BTreeMap<String, u64>,
    shown: BTreeSet<Shown>,
}

impl Lookout {
    pub(super) fn look(&mut self, plan: &Plan, fold: &Fold, metrics: &Metrics) {
        let clock_ms = fold.clock().ms();
        for planned in &plan.experiments {
            let revision = &planned.experiment.revision;
            let step = clock_ms / EVERY_MS;
            if self.looks.insert(revision.key.clone(), step) == Some(step) {
                continue;
            }
            let sources = sources(revision, fold);
            let found = infer::calibration(revision, &sources, clock_ms, fold.params().lateness_ms);
            self.show(metrics, &revision.key, "", found.newest_whole().ratio());
            for (variant, arm) in revision.variants.iter().zip(&found.newest) {
                self.show(metrics, &revision.key, &variant.key, arm.ratio());
            }
        }
        self.forget(plan, metrics);
    }

    fn show(&mut self, metrics: &Metrics, experiment: &str, variant: &str, ratio: Option<f64>) {
        let shown = Shown {
            experiment: experiment.to_owned(),
            variant: variant.to_owned(),
        };
        if let Some(ratio) = ratio {
            metrics.calibration.get_or_create(&shown).set(ratio);
            self.shown.insert(shown);
        }
    }

    /// What is said of experiments that are gone.
    fn forget(&mut self, plan: &Plan, metrics: &Metrics) {
        let keys: BTreeSet<&str> = plan
            .experiments
            .iter()
            .map(|p| p.experiment.revision.key.as_str())
            .collect();
        self.looks.retain(|key, _| keys.contains(key.as_str()));
        self.shown.retain(|shown| {
            let stays = keys.contains(shown.experiment.as_str());
            if !stays {
                metrics.calibration.remove(shown);
            }
            stays
        });
    }
}
