//! What people want of the site: its experiments, what was done to them, and the snapshot that follows from both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use tiltwise_core::{acc::Accumulators, id::Pseudonym, revision::Revision, snapshot::Experiment};

use crate::{
    cluster::{Company, Offer},
    experiments::{Action, Seen, Standing},
    http::admin::Desk,
    hub::Hub,
    log::{Erased, EventLog},
    results::{self, Mix, Subject},
    trainer::Trainer,
};

/// A snapshot comes within a second; a person waits a little longer before being told that something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

use super::standings::Standings;

/// Whether other policies are valued: each reads every bucket there is, too much for once a second.
#[derive(Clone, Copy)]
enum Policies<'a> {
    None,
    With(Option<&'a Mix>),
}

pub(super) struct Site {
    standings: Arc<Standings>,
    trainer: Arc<Trainer>,
    hub: Arc<Hub>,
    log: Arc<dyn EventLog>,
    /// What is wrong with the experiment file as it stands.
    broken: Mutex<Option<String>>,
    company: Option<Arc<dyn Company>>,
    /// What the others have not been told of the experiment file, and whether it was edited or only found.
    untold: Mutex<Option<bool>>,
    imports: Mutex<Imports>,
}

/// What the others know of the imports that lie here.
#[derive(Default)]
struct Imports {
    /// By name; none until they were compared.
    known: Option<BTreeSet<String>>,
    are_untold: bool,
}

impl Site {
    pub(super) fn new(
        standings: Arc<Standings>,
        trainer: Arc<Trainer>,
        hub: Arc<Hub>,
        log: Arc<dyn EventLog>,
        company: Option<Arc<dyn Company>>,
    ) -> Self {
        Self {
            standings,
            trainer,
            hub,
            log,
            broken: Mutex::default(),
            untold: Mutex::new(company.is_some().then_some(false)),
            imports: Mutex::default(),
            company,
        }
    }

    /// Waits for the first snapshot that can be given.
    pub(super) fn wait_first(&self, patience: Duration) -> bool {
        if self.company.is_none() {
            return self.trainer.wait_published(patience);
        }
        let began = Instant::now();
        while self.hub.newest().is_none() && began.elapsed() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        self.hub.newest().is_some()
    }

    /// Hands the experiments as they stand to the trainer.
    pub(super) fn replan(&self) {
        self.standings.with_plan(|plan| self.trainer.set_plan(plan));
    }

    /// Takes up an edit of the experiment file, and what was imported.
    pub(super) fn look(&self) -> anyhow::Result<()> {
        let mut is_new = self.standings.shelf().look();
        self.share_imports(is_new)?;
        let seen = self.standings.watcher().look(&self.standings.actions.all());
        match seen {
            Seen::Same => {}
            Seen::Changed(_) => {
                self.set_broken(None);
                tracing::info!("the experiment file has changed");
                is_new |= self.company.is_none();
                *self.untold() = self.company.is_some().then_some(true);
            }
            Seen::Broken(problems) => {
                tracing::warn!(%problems, "the experiment file is broken; the experiments go on as they were");
                self.set_broken(Some(problems.to_string()));
            }
        }
        is_new |= self.tell()?;
        if is_new { self.publish() } else { Ok(()) }
    }

    /// Tells the others of the experiment file. True where it holds from now on.
    fn tell(&self) -> anyhow::Result<bool> {
        let Some(company) = &self.company else {
            return Ok(false);
        };
        let Some(is_edit) = *self.untold() else {
            return Ok(false);
        };
        let (text, checked) = {
            let watcher = self.standings.watcher();
            let checked = watcher.experiments().check_edit(&self.standings.actions.all());
            (watcher.text().to_owned(), checked)
        };
        if let Err(problems) = checked {
            tracing::warn!(%problems, "the experiment file would undo what was done; the experiments go on as they were");
            self.set_broken(Some(problems.to_string()));
            *self.untold() = None;
            return Ok(false);
        }
        let offer = company
            .offer(&text, is_edit)
            .map_err(|why| anyhow::anyhow!(why))?;
        match offer {
            Offer::Waits => return Ok(false),
            Offer::Taken => tracing::info!("the experiment file holds for all collectors now"),
            Offer::Holds => {}
            Offer::Older => tracing::warn!(
                "the experiment file here is one that has held before; what holds now is another, and goes on. Save the file again, \
                 or `tiltwise apply` it, if it is to hold"
            ),
        }
        *self.untold() = None;
        Ok(offer == Offer::Taken)
    }

    /// Shares what was imported or forgotten here; what could not be shared is once it can.
    fn share_imports(&self, has_changed: bool) -> anyhow::Result<()> {
        let Some(company) = &self.company else {
            return Ok(());
        };
        let mut imports = self.imports.lock().unwrap_or_else(PoisonError::into_inner);
        imports.are_untold |= has_changed;
        if imports.are_untold || imports.known.is_none() {
            let shared = company.share_imports(imports.known.as_ref());
            imports.known = Some(shared.map_err(|why| anyhow::anyhow!(why))?);
            imports.are_untold = false;
        }
        Ok(())
    }

    fn untold(&self) -> MutexGuard<'_, Option<bool>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the experiments as they stand to the trainer, and waits until it has published them.
    fn publish(&self) -> anyhow::Result<()> {
        self.replan();
        let is_published = match &self.company {
            Some(company) => company.wait_served(PATIENCE),
            None => self.trainer.wait_published(PATIENCE),
        };
        ensure!(
            is_published,
            "it is kept, but no snapshot says so yet: {}",
            self.warnings().join("; ")
        );
        Ok(())
    }

    /// One experiment with what was summed for it, over all its revisions; with what other policies would have brought
    /// where somebody wants to know.
    fn view(&self, experiment: &Experiment, policies: Policies<'_>) -> Value {
        let revision = &experiment.revision;
        let (name, values) = match self.standings.experiments().find(&revision.key) {
            Some(definition) => (definition.name.clone(), definition.values.clone()),
            None => (revision.key.clone(), BTreeMap::new()),
        };
        let since_ms = Standing::watched_since_ms(&self.standings.actions.all(), &revision.key);
        let (view, policies) = self.trainer.read(|state| {
            let fold = &state.fold;
            let sums: Vec<(&Revision, &Accumulators)> = fold
                .sums()
                .iter()
                .filter_map(|(id, sums)| Some((fold.revisions().get(id)?, sums)))
                .filter(|(other, _)| other.key == revision.key && other.salt == revision.salt)
                .collect();
            let subject = Subject {
                experiment,
                name: &name,
                values: &values,
                sums: &sums,
                clock_ms: fold.clock().ms(),
                lateness_ms: fold.params().lateness_ms,
                since_ms,
            };
            let policies = match policies {
                Policies::None => None,
                Policies::With(asked) => Some(results::policies(&subject, asked)),
            };
            (results::view(&subject), policies)
        });
        let mut view = serde_json::to_value(view).unwrap_or_default();
        if let (Some(view), Some(policies)) = (view.as_object_mut(), policies) {
            let policies = serde_json::to_value(policies).unwrap_or_default();
            view.insert("policies".to_owned(), policies);
        }
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

    fn views(&self, policies: Policies<'_>) -> Value {
        let Some(newest) = self.hub.newest() else {
            return json!([]);
        };
        let views: Vec<Value> = newest
            .content
            .experiments
            .iter()
            .map(|experiment| self.view(experiment, policies))
            .collect();
        views.into()
    }

    fn set_broken(&self, what: Option<String>) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

impl Desk for Site {
    fn experiments(&self) -> Value {
        self.views(Policies::None)
    }

    fn results(&self, policy: Option<&Mix>) -> Value {
        let experiments = self.views(Policies::With(policy));
        json!({ "experiments": experiments, "actions": self.standings.actions.all() })
    }

    fn warnings(&self) -> Vec<String> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let imports = self.standings.shelf().warnings().to_vec();
        broken
            .into_iter()
            .chain(imports)
            .chain(self.company.iter().flat_map(|company| company.warnings()))
            .chain(self.trainer.warnings())
            .chain(self.log.warnings())
            .collect()
    }

    fn company(&self) -> Value {
        self.company
            .as_ref()
            .map_or(Value::Null, |company| company.view())
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
