//! From sums to the content of a snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use tiltwise_core::fit::history::History;
use tiltwise_core::fit::{Source, fit_from};
use tiltwise_core::join::Fold;
use tiltwise_core::model::Model;
use tiltwise_core::revision::Revision;
use tiltwise_core::snapshot::{Experiment, SnapshotContent};

use crate::experiments::{Action, Experiments, Standing};
use crate::history::Kept;
use crate::hub::Hub;

/// Which experiments there are, and what people laid over them.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub experiments: Vec<Planned>,
    /// Global Privacy Control denies personalization.
    pub gpc_limits: bool,
    /// What was imported, of whichever experiment.
    pub histories: Arc<Vec<Kept>>,
    /// Where experiments are shared: before where it follows from all that was said of them.
    pub heard: u64,
}

/// One experiment, and where its model comes from.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Without its model.
    pub experiment: Experiment,
    pub source: ModelSource,
    /// Guardrails and sample ratio are watched over buckets that start from here on.
    pub watched_since_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelSource {
    /// Fitted anew.
    Fit,
    /// As it is in the newest snapshot.
    Frozen,
    /// None: every variant gets the same share.
    Even,
    /// As it was in this version.
    Version(u64),
}

impl Plan {
    /// The experiments of a file under the actions that hold.
    pub fn of(experiments: &Experiments, actions: &[Action], gpc_limits: bool) -> Self {
        let experiments = experiments
            .under(actions)
            .into_iter()
            .map(|experiment| {
                let standing = Standing::of(actions, &experiment.revision.key);
                let source = match standing.rolled_back_to {
                    _ if standing.even_split => ModelSource::Even,
                    Some(version) => ModelSource::Version(version),
                    None if standing.frozen => ModelSource::Frozen,
                    None => ModelSource::Fit,
                };
                let watched_since_ms = Standing::watched_since_ms(actions, &experiment.revision.key);
                Planned {
                    experiment,
                    source,
                    watched_since_ms,
                }
            })
            .collect();
        Self {
            experiments,
            gpc_limits,
            histories: Arc::default(),
            heard: 0,
        }
    }

    /// Starting from what was imported.
    #[must_use]
    pub fn with(mut self, histories: Arc<Vec<Kept>>) -> Self {
        self.histories = histories;
        self
    }
}

/// The content of the next snapshot: every experiment of the plan with its model.
pub(super) fn content(plan: &Plan, fold: &Fold, hub: &Hub) -> SnapshotContent {
    let experiments = plan
        .experiments
        .iter()
        .map(|planned| {
            let mut experiment = planned.experiment.clone();
            let kept = match planned.source {
                ModelSource::Fit => None,
                ModelSource::Even => Some(Model::default()),
                ModelSource::Frozen => hub.newest().and_then(|n| model_in(&n.content, &experiment)),
                ModelSource::Version(version) => hub
                    .known(version)
                    .and_then(|known| model_in(&*known.content?, &experiment)),
            };
            experiment.model = kept.unwrap_or_else(|| fitted(&experiment, fold, &plan.histories));
            experiment
        })
        .collect();
    SnapshotContent {
        experiments,
        gpc_limits: plan.gpc_limits,
    }
}

/// The model that a snapshot has for an experiment, where it still fits: the same arms by the same encoder.
fn model_in(content: &SnapshotContent, experiment: &Experiment) -> Option<Model> {
    let found = content.experiments.get(content.find(&experiment.revision.key)?)?;
    let keys = |e: &Experiment| {
        e.revision
            .variants
            .iter()
            .map(|v| v.key.clone())
            .collect::<Vec<_>>()
    };
    let fits = keys(found) == keys(experiment) && found.revision.attributes == experiment.revision.attributes;
    fits.then(|| found.model.clone())
}

/// Fits from the sums of this revision and of every earlier one of the experiment, starting from its history.
pub(super) fn fitted(experiment: &Experiment, fold: &Fold, histories: &[Kept]) -> Model {
    let revision = &experiment.revision;
    let sources = sources(revision, fold);
    let histories: Vec<History<'_>> = histories
        .iter()
        .filter(|kept| kept.is_of(revision))
        .map(Kept::as_history)
        .collect();
    fit_from(
        revision,
        |arm| experiment.is_active(arm),
        &sources,
        &histories,
        fold.clock().ms(),
    )
}

/// The sums of an experiment: of this revision, and of every other that continues or preceded it.
pub fn sources<'a>(revision: &Revision, fold: &'a Fold) -> Vec<Source<'a>> {
    fold.sums()
        .iter()
        .filter_map(|(id, sums)| {
            Some(Source {
                revision: fold.revisions().get(id)?,
                sums,
            })
        })
        .filter(|source| source.revision.key == revision.key && source.revision.salt == revision.salt)
        .collect()
}

/// The keys of experiments that sums are kept of, whether or not they are still declared.
pub fn known_experiments(fold: &Fold) -> BTreeSet<&str> {
    fold.revisions()
        .values()
        .map(|revision| revision.key.as_str())
        .collect()
}
