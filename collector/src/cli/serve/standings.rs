//! The experiments as the file has them, what was done to them and what was imported for them: what the plan of the site
//! follows from.
//!
//! Shared by the desk, where people act, and by the trainer, where guardrails do.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    experiments::{Action, ActionError, ActionStore, FileActions, Standing, Watcher},
    history::Shelf,
    trainer::{Plan, Steward},
};

pub(super) struct Standings {
    watcher: Mutex<Watcher>,
    pub(super) actions: FileActions,
    shelf: Mutex<Shelf>,
    gpc_limits: bool,
}

impl Standings {
    pub(super) fn new(watcher: Watcher, actions: FileActions, shelf: Shelf, gpc_limits: bool) -> Self {
        Self {
            watcher: Mutex::new(watcher),
            actions,
            shelf: Mutex::new(shelf),
            gpc_limits,
        }
    }

    pub(super) fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is held together with the watcher, the watcher comes first.
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plan(&self) -> Plan {
        self.plan_of(&self.watcher())
    }

    /// Hands over the plan while nobody can change what it follows from, so that none is ever replaced by an older one.
    pub(super) fn with_plan(&self, hand_over: impl FnOnce(Plan)) {
        let watcher = self.watcher();
        hand_over(self.plan_of(&watcher));
    }

    /// Keeps an action, if it makes sense now.
    pub(super) fn keep(&self, action: &Action) -> Result<(), ActionError> {
        // Held over both, so that two people cannot each stop the other's last variant.
        let watcher = self.watcher();
        watcher.experiments().check_action(&self.actions.all(), action)?;
        self.actions.append(action)
    }

    fn plan_of(&self, watcher: &Watcher) -> Plan {
        Plan::of(watcher.experiments(), &self.actions.all(), self.gpc_limits).with(self.shelf().kept())
    }
}

impl Steward for Standings {
    fn act(&self, actions: Vec<Action>) -> Result<Plan, String> {
        let watcher = self.watcher();
        for action in actions {
            let all = self.actions.all();
            // What a person has just done may leave nothing to do.
            if Standing::of(&all, &action.experiment).includes(&action)
                || watcher.experiments().check_action(&all, &action).is_err()
            {
                continue;
            }
            tracing::warn!(
                experiment = action.experiment,
                variant = action.variant.as_deref().unwrap_or_default(),
                action = ?action.action,
                reason = action.reason.as_deref().unwrap_or_default(),
                "a guardrail acts"
            );
            self.actions.append(&action).map_err(|error| error.to_string())?;
        }
        Ok(self.plan_of(&watcher))
    }
}
