//! Guardrails and sample ratio, looked at before each snapshot.
//!
//! Says what is to be done and does nothing: an action is somebody else's to record ([`Steward`]), because it holds until a
//! person lifts it, whatever becomes of the numbers.

use std::collections::BTreeMap;

use tiltwise_core::fit::Source;
use tiltwise_core::infer::evaluate::allocation;
use tiltwise_core::infer::guardrail::{Look, Standing};
use tiltwise_core::join::Fold;
use tiltwise_core::revision::{OnBreach, PolicyKind};
use tiltwise_core::snapshot::Phase;

use super::models::{ModelSource, Plan, Planned, sources};
use crate::experiments::{Action, GUARDRAIL, Verb};

/// The sample ratio is looked at in steps of the log's clock: it changes slowly, and reads every bucket there is.
const ALLOCATION_EVERY_MS: u64 = 10_000;

/// Keeps the record of what was done to experiments.
pub trait Steward: Send + Sync {
    /// Records actions, leaving out what holds already, and answers with the plan that follows.
    fn act(&self, actions: Vec<Action>) -> Result<Plan, String>;
}

/// What a look has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub actions: Vec<Action>,
    /// For what nothing is done about.
    pub warnings: Vec<String>,
}

/// Remembers which early looks were taken.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// By experiment, the number of the last early look of each metric.
    looks: BTreeMap<String, Vec<u64>>,
    /// By experiment, the step of the clock at which the sample ratio was looked at.
    allocations: BTreeMap<String, u64>,
}

impl Guard {
    pub(super) fn look(&mut self, plan: &Plan, fold: &Fold) -> Found {
        let mut found = Found::default();
        let running = plan
            .experiments
            .iter()
            .filter(|planned| planned.experiment.phase == Phase::Running);
        for planned in running {
            let sources = sources(&planned.experiment.revision, fold);
            if sources.is_empty() {
                continue;
            }
            self.guardrails(planned, &sources, fold, &mut found);
            self.sample_ratio(planned, &sources, fold, &mut found);
        }
        found
    }

    fn guardrails(&mut self, planned: &Planned, sources: &[Source<'_>], fold: &Fold, found: &mut Found) {
        let experiment = &planned.experiment;
        let revision = &experiment.revision;
        if revision.metrics.iter().all(|metric| metric.margin_micros() == 0) {
            return;
        }
        let look = Look {
            today: revision,
            sources,
            clock_ms: fold.clock().ms(),
            lateness_ms: fold.params().lateness_ms,
            since_ms: planned.watched_since_ms,
        };
        let mut standings = look.matured();
        // An early look is paid for by its number, so it is taken once.
        let numbers: Vec<u64> = (0..revision.metrics.len())
            .map(|metric| look.number(metric))
            .collect();
        let last = self
            .looks
            .insert(revision.key.clone(), numbers.clone())
            .unwrap_or_default();
        let is_new = |standing: &Standing| numbers.get(standing.metric) != last.get(standing.metric);
        if numbers != last {
            standings.extend(look.early().into_iter().filter(is_new));
        }
        for breach in standings.iter().filter(|standing| standing.is_breached()) {
            let (Some(metric), Some(variant)) = (
                revision.metrics.get(breach.metric),
                revision.variants.get(breach.arm),
            ) else {
                continue;
            };
            let reason = format!(
                "\"{}\" brings more {} than the guardrail allows",
                variant.key, metric.event
            );
            match metric.on_breach {
                OnBreach::StopVariant if experiment.is_active(breach.arm) => {
                    let stop = action(planned, fold, Verb::StopVariant, reason);
                    found.actions.push(Action {
                        variant: Some(variant.key.clone()),
                        ..stop
                    });
                }
                OnBreach::StopVariant => {}
                OnBreach::Pause => found.actions.push(action(planned, fold, Verb::Pause, reason)),
                OnBreach::Notify => found.warnings.push(format!("{}: {reason}", revision.key)),
            }
        }
    }

    /// What does not arrive as it was drawn must not be learned from: tilting ends until somebody has found the cause.
    fn sample_ratio(&mut self, planned: &Planned, sources: &[Source<'_>], fold: &Fold, found: &mut Found) {
        let revision = &planned.experiment.revision;
        let step = fold.clock().ms() / ALLOCATION_EVERY_MS;
        if self.allocations.insert(revision.key.clone(), step) == Some(step) {
            return;
        }
        if planned.source == ModelSource::Even
            || !allocation(revision, sources, planned.watched_since_ms).is_breached
        {
            return;
        }
        let reason =
            "variants were not shown as often as they were drawn: units are lost or forged".to_owned();
        if revision.policy.kind == PolicyKind::Fixed {
            found.warnings.push(format!("{}: {reason}", revision.key));
        } else {
            found.actions.push(action(planned, fold, Verb::EvenSplit, reason));
        }
    }
}

fn action(planned: &Planned, fold: &Fold, verb: Verb, reason: String) -> Action {
    Action {
        at_ms: fold.clock().ms(),
        author: GUARDRAIL.to_owned(),
        action: verb,
        experiment: planned.experiment.revision.key.clone(),
        variant: None,
        version: None,
        lifts: None,
        reason: Some(reason),
    }
}
