//! What people want of the site: its experiments, what was done to them, and the snapshot that follows from both.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::{Value, json};
use tiltwise_core::{
    id::Pseudonym,
    model::Model,
    snapshot::{Experiment, SnapshotContent},
};

use crate::{
    experiments::{Action, ActionStore, FileActions, Revisions, Seen, Standing, Watcher},
    http::admin::Desk,
    hub::Hub,
    log::{EmbeddedLog, EventLog, erase},
    results::{self, Subject},
};

pub(super) struct Site {
    watcher: Mutex<Watcher>,
    actions: FileActions,
    revisions: Arc<Revisions>,
    hub: Arc<Hub>,
    log: Arc<EmbeddedLog>,
    gpc_limits: bool,
    lateness_ms: u64,
    /// What is wrong with the experiment file as it stands.
    broken: Mutex<Option<String>>,
}

impl Site {
    pub(super) fn new(
        watcher: Watcher,
        actions: FileActions,
        revisions: Arc<Revisions>,
        hub: Arc<Hub>,
        log: Arc<EmbeddedLog>,
        gpc_limits: bool,
        lateness_ms: u64,
    ) -> Self {
        Self {
            watcher: Mutex::new(watcher),
            actions,
            revisions,
            hub,
            log,
            gpc_limits,
            lateness_ms,
            broken: Mutex::default(),
        }
    }

    /// Takes up an edit of the experiment file.
    pub(super) fn look(&self) -> anyhow::Result<()> {
        let seen = self.watcher().look(&self.actions.all());
        match seen {
            Seen::Same => Ok(()),
            Seen::Changed(_) => {
                self.set_broken(None);
                tracing::info!("the experiment file has changed");
                self.publish()
            }
            Seen::Broken(problems) => {
                tracing::warn!(%problems, "the experiment file is broken; the experiments go on as they were");
                self.set_broken(Some(problems.to_string()));
                Ok(())
            }
        }
    }

    /// Publishes the experiments as they stand, with the models that they have, where that is news.
    pub(super) fn publish(&self) -> anyhow::Result<()> {
        let watcher = self.watcher();
        let content = self.content(&watcher);
        for experiment in &content.experiments {
            self.revisions.keep(&experiment.revision)?;
        }
        let newest = self.hub.newest();
        if newest.as_ref().is_some_and(|newest| *newest.content == content) {
            return Ok(());
        }
        let folded_through_ms = newest.map_or(0, |newest| newest.envelope.folded_through_ms);
        self.hub
            .publish(&content.encode(), folded_through_ms)
            .context("no snapshot could be published")?;
        Ok(())
    }

    fn content(&self, watcher: &Watcher) -> SnapshotContent {
        let actions = self.actions.all();
        let mut experiments = watcher.experiments().under(&actions);
        let newest = self.hub.newest();
        for experiment in &mut experiments {
            let rolled_back_to = Standing::of(&actions, &experiment.revision.key).rolled_back_to;
            let source = match rolled_back_to {
                Some(version) => self.hub.content(version),
                None => newest.as_ref().map(|newest| newest.content.clone()),
            };
            experiment.model = source
                .and_then(|source| model_of(experiment, &source))
                .unwrap_or_default();
        }
        SnapshotContent {
            experiments,
            gpc_limits: self.gpc_limits,
        }
    }

    fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_broken(&self, what: Option<String>) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

/// The model that another snapshot has for the same revision: no other fits.
fn model_of(experiment: &Experiment, source: &SnapshotContent) -> Option<Model> {
    let same = source
        .experiments
        .iter()
        .find(|other| other.revision_id == experiment.revision_id)?;
    Some(same.model.clone())
}

impl Desk for Site {
    fn experiments(&self) -> Value {
        let Some(newest) = self.hub.newest() else {
            return json!([]);
        };
        let watcher = self.watcher();
        let clock_ms = self.log.clock().now_ms();
        let view = |experiment: &Experiment| {
            let key = &experiment.revision.key;
            let name = watcher
                .experiments()
                .find(key)
                .map_or(key, |definition| &definition.name);
            json!(results::view(&Subject {
                experiment,
                name,
                sums: &[],
                clock_ms,
                lateness_ms: self.lateness_ms
            }))
        };
        newest.content.experiments.iter().map(view).collect()
    }

    fn results(&self) -> Value {
        json!({ "experiments": self.experiments(), "actions": self.actions.all() })
    }

    fn warnings(&self) -> Vec<String> {
        self.broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .into_iter()
            .collect()
    }

    fn act(&self, action: Value) -> Result<Value, String> {
        let Value::Object(mut action) = action else {
            return Err("an action is a JSON object".to_owned());
        };
        action.insert("atMs".to_owned(), self.log.clock().now_ms().into());
        action.entry("author").or_insert("admin".into());
        let action: Action = serde_json::from_value(action.into()).map_err(|error| error.to_string())?;
        {
            // Held over both, so that two people cannot each stop the other's last variant.
            let watcher = self.watcher();
            let all = self.actions.all();
            watcher
                .experiments()
                .check_action(&all, &action)
                .map_err(|error| error.to_string())?;
            self.actions.append(&action).map_err(|error| error.to_string())?;
        }
        self.publish().map_err(|error| format!("{error:#}"))?;
        serde_json::to_value(&action).map_err(|error| error.to_string())
    }

    fn erase(&self, unit: Pseudonym) -> Result<u64, String> {
        erase::erase_unit(&self.log, unit).map_err(|error| error.to_string())
    }
}
