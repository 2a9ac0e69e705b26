//! The experiments as the file has them, what was done to them and what was imported for them: what the plan of the site
//! follows from.
//!
//! Shared by the desk, where people act, and by the trainer, where guardrails do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    cluster::Company,
    experiments::{Action, ActionError, ActionStore, Experiments, Standing, Watcher},
    history::Shelf,
    trainer::{Plan, Steward},
};

/// How often an action is decided on anew when somebody else has acted meanwhile.
const TRIES: usize = 3;

pub(super) struct Standings {
    watcher: Mutex<Watcher>,
    pub(super) actions: Arc<dyn ActionStore>,
    shelf: Mutex<Shelf>,
    gpc_limits: bool,
    /// Where there are other collectors, the experiments are theirs too, and the file is one voice among several.
    company: Option<Arc<dyn Company>>,
}

impl Standings {
    pub(super) fn new(
        watcher: Watcher,
        actions: Arc<dyn ActionStore>,
        shelf: Shelf,
        gpc_limits: bool,
        company: Option<Arc<dyn Company>>,
    ) -> Self {
        Self {
            watcher: Mutex::new(watcher),
            actions,
            shelf: Mutex::new(shelf),
            gpc_limits,
            company,
        }
    }

    pub(super) fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is held together with the watcher, the watcher comes first.
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The experiments that hold.
    pub(super) fn experiments(&self) -> Arc<Experiments> {
        self.experiments_by(&self.watcher())
    }

    fn experiments_by(&self, watcher: &Watcher) -> Arc<Experiments> {
        match &self.company {
            Some(company) => company.experiments(),
            None => Arc::new(watcher.experiments().clone()),
        }
    }

    pub(super) fn plan(&self) -> Plan {
        self.plan_of(&self.watcher())
    }

    /// Hands over the plan while nobody else can, so that none is ever replaced by an older one.
    pub(super) fn with_plan(&self, hand_over: impl FnOnce(Plan)) {
        let watcher = self.watcher();
        hand_over(self.plan_of(&watcher));
    }

    /// Keeps an action, if it makes sense now.
    pub(super) fn keep(&self, action: &Action) -> Result<(), ActionError> {
        let mut tries = 1;
        loop {
            let all = self.actions.all();
            self.experiments().check_action(&all, action)?;
            match self.actions.append(action, all.len()) {
                Err(ActionError::Overtaken(_)) if tries < TRIES => tries += 1,
                kept => return kept,
            }
        }
    }

    fn plan_of(&self, watcher: &Watcher) -> Plan {
        // First how far was read: what is read meanwhile is in the plan as well, and is handed over once more.
        let heard = self.company.as_ref().map_or(0, |company| company.heard());
        let experiments = self.experiments_by(watcher);
        let plan = Plan::of(&experiments, &self.actions.all(), self.gpc_limits);
        Plan { heard, ..plan }.with(self.shelf().kept())
    }
}

impl Steward for Standings {
    fn act(&self, actions: Vec<Action>) -> Result<Plan, String> {
        for action in actions {
            let all = self.actions.all();
            // What a person has just done may leave nothing to do.
            if Standing::of(&all, &action.experiment).includes(&action) {
                continue;
            }
            match self.keep(&action) {
                Ok(()) => {}
                Err(ActionError::Refused(_) | ActionError::Overtaken(_)) => continue,
                Err(error) => return Err(error.to_string()),
            }
            tracing::warn!(
                experiment = action.experiment,
                variant = action.variant.as_deref().unwrap_or_default(),
                action = ?action.action,
                reason = action.reason.as_deref().unwrap_or_default(),
                "a guardrail acts"
            );
        }
        Ok(self.plan())
    }
}
