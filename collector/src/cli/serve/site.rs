//! What people want of the site: its experiments, what was done to them, and the snapshot that follows from both.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};
use tiltwise_core::{acc::Accumulators, id::Pseudonym, revision::Revision, snapshot::Experiment};

use crate::{
    experiments::{Action, ActionStore, Seen, Standing},
    http::admin::Desk,
    hub::Hub,
    log::{Erased, EventLog},
    results::{self, Subject},
    trainer::Trainer,
};

/// A snapshot comes within a second; a person waits a little longer before being told that something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

use super::standings::Standings;

pub(super) struct Site {
    standings: Arc<Standings>,
    trainer: Arc<Trainer>,
    hub: Arc<Hub>,
    log: Arc<dyn EventLog>,
    /// What is wrong with the experiment file as it stands.
    broken: Mutex<Option<String>>,
}

impl Site {
    pub(super) fn new(
        standings: Arc<Standings>,
        trainer: Arc<Trainer>,
        hub: Arc<Hub>,
        log: Arc<dyn EventLog>,
    ) -> Self {
        Self {
            standings,
            trainer,
            hub,
            log,
            broken: Mutex::default(),
        }
    }

    /// Takes up an edit of the experiment file, and what was imported.
    pub(super) fn look(&self) -> anyhow::Result<()> {
        let mut is_new = self.standings.shelf().look();
        let seen = self.standings.watcher().look(&self.standings.actions.all());
        match seen {
            Seen::Same => {}
            Seen::Changed(_) => {
                self.set_broken(None);
                tracing::info!("the experiment file has changed");
                is_new = true;
            }
            Seen::Broken(problems) => {
                tracing::warn!(%problems, "the experiment file is broken; the experiments go on as they were");
                self.set_broken(Some(problems.to_string()));
            }
        }
        if is_new { self.publish() } else { Ok(()) }
    }

    /// Hands the experiments as they stand to the trainer, and waits until it has published them.
    fn publish(&self) -> anyhow::Result<()> {
        self.standings.with_plan(|plan| self.trainer.set_plan(plan));
        ensure!(
            self.trainer.wait_published(PATIENCE),
            "it is kept, but no snapshot says so yet: {}",
            self.warnings().join("; ")
        );
        Ok(())
    }

    /// One experiment with what was summed for it, over all its revisions.
    fn view(&self, experiment: &Experiment) -> Value {
        let revision = &experiment.revision;
        let watcher = self.standings.watcher();
        let (name, values) = match watcher.experiments().find(&revision.key) {
            Some(definition) => (definition.name.clone(), definition.values.clone()),
            None => (revision.key.clone(), BTreeMap::new()),
        };
        drop(watcher);
        let since_ms = Standing::watched_since_ms(&self.standings.actions.all(), &revision.key);
        let view = self.trainer.read(|state| {
            let fold = &state.fold;
            let sums: Vec<(&Revision, &Accumulators)> = fold
                .sums()
                .iter()
                .filter_map(|(id, sums)| Some((fold.revisions().get(id)?, sums)))
                .filter(|(other, _)| other.key == revision.key && other.salt == revision.salt)
                .collect();
            results::view(&Subject {
                experiment,
                name: &name,
                values: &values,
                sums: &sums,
                clock_ms: fold.clock().ms(),
                lateness_ms: fold.params().lateness_ms,
                since_ms,
            })
        });
        let mut view = serde_json::to_value(view).unwrap_or_default();
        let kept = self.standings.shelf().kept();
        let history: Vec<Value> = kept
            .iter()
            .filter(|kept| kept.is_of(revision))
            .map(|kept| kept.view(revision))
            .collect();
        if let (Some(view), false) = (view.as_object_mut(), history.is_empty()) {
            view.insert("history".to_owned(), history.into());
        }
        view
    }

    fn set_broken(&self, what: Option<String>) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

impl Desk for Site {
    fn experiments(&self) -> Value {
        let Some(newest) = self.hub.newest() else {
            return json!([]);
        };
        let views: Vec<Value> = newest
            .content
            .experiments
            .iter()
            .map(|experiment| self.view(experiment))
            .collect();
        views.into()
    }

    fn results(&self) -> Value {
        json!({ "experiments": self.experiments(), "actions": self.standings.actions.all() })
    }

    fn warnings(&self) -> Vec<String> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let imports = self.standings.shelf().warnings().to_vec();
        broken
            .into_iter()
            .chain(imports)
            .chain(self.trainer.warnings())
            .chain(self.log.warnings())
            .collect()
    }

    fn act(&self, action: Value) -> Result<Value, String> {
        let Value::Object(mut action) = action else {
            return Err("an action is a JSON object".to_owned());
        };
        action.insert("atMs".to_owned(), self.log.clock().now_ms().into());
        action.entry("author").or_insert("admin".into());
        let action: Action = serde_json::from_value(action.into()).map_err(|error| error.to_string())?;
        self.standings.keep(&action).map_err(|error| error.to_string())?;
        self.publish().map_err(|error| format!("{error:#}"))?;
        serde_json::to_value(&action).map_err(|error| error.to_string())
    }

    fn erase(&self, unit: Pseudonym, through_ms: u64) -> Result<Erased, String> {
        let erased = self
            .log
            .erase(unit, through_ms)
            .map_err(|error| error.to_string())?;
        self.trainer
            .forget(&*self.log)
            .map_err(|error| error.to_string())?;
        Ok(erased)
    }
}
