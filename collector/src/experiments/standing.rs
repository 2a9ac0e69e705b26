//! What holds of an experiment after all actions: they are laid over the file, and no edit undoes one.

use std::collections::BTreeSet;

use serde::Serialize;
use tiltwise_core::model::Model;
use tiltwise_core::snapshot::{Experiment, Phase};

use super::actions::{Action, ActionError, Verb};
use super::{Definition, Experiments};
use crate::config::{Problem, Problems};

/// What actions have made of one experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub paused: bool,
    /// Keys of the variants that nobody gets.
    pub stopped: BTreeSet<String>,
    /// Key of the variant that everybody gets.
    pub winner: Option<String>,
    /// The model stays as it is.
    pub frozen: bool,
    /// Every variant gets the same share, whatever was learned.
    pub even_split: bool,
    /// The model of this snapshot version is served.
    pub rolled_back_to: Option<u64>,
}

impl Standing {
    /// Replays the actions on one experiment, oldest first.
    pub fn of(actions: &[Action], experiment: &str) -> Self {
        let mut standing = Self::default();
        for action in actions.iter().filter(|action| action.experiment == experiment) {
            standing.take(action);
        }
        standing
    }

    /// Since when guardrails are watched: since somebody last ended what held. What that person has looked at is not held
    /// against a variant again; what comes after it is.
    pub fn watched_since_ms(actions: &[Action], experiment: &str) -> u64 {
        let ends = |verb| matches!(verb, Verb::Lift | Verb::Resume | Verb::StartVariant);
        let of_it = actions.iter().filter(|action| action.experiment == experiment);
        of_it
            .filter(|action| ends(action.action))
            .map(|action| action.at_ms)
            .max()
            .unwrap_or(0)
    }

    /// Whether an action would change nothing.
    pub fn includes(&self, action: &Action) -> bool {
        let mut after = self.clone();
        after.take(action);
        after == *self
    }

    fn take(&mut self, action: &Action) {
        let variant = action.variant.clone();
        match action.action {
            Verb::Pause => self.paused = true,
            Verb::Resume => self.paused = false,
            Verb::StopVariant => self.stopped.extend(variant),
            Verb::StartVariant => self.stopped.retain(|key| Some(key) != variant.as_ref()),
            Verb::DeclareWinner => self.winner = variant,
            Verb::Freeze => self.frozen = true,
            Verb::EvenSplit => self.even_split = true,
            Verb::RollBack => self.rolled_back_to = action.version,
            Verb::Lift => self.lift(action.lifts, variant.as_deref()),
        }
    }

    fn lift(&mut self, lifted: Option<Verb>, variant: Option<&str>) {
        match lifted {
            None => *self = Self::default(),
            Some(Verb::Pause) => self.paused = false,
            Some(Verb::StopVariant) => self
                .stopped
                .retain(|key| variant.is_some_and(|variant| variant != key)),
            Some(Verb::DeclareWinner) => self.winner = None,
            Some(Verb::Freeze) => self.frozen = false,
            Some(Verb::EvenSplit) => self.even_split = false,
            Some(Verb::RollBack) => self.rolled_back_to = None,
            // These end others and leave nothing that could be lifted.
            Some(Verb::Resume | Verb::StartVariant | Verb::Lift) => {}
        }
    }

    fn over(&self, definition: &Definition) -> Experiment {
        let variants = &definition.revision.variants;
        let stopped: Vec<bool> = variants
            .iter()
            .map(|variant| self.stopped.contains(&variant.key))
            .collect();
        let phase =
            match &self.winner {
                // A winner that the file no longer has: the control is the safe answer (`check_edit` refuses such an edit).
                Some(winner) => variants.iter().position(|variant| variant.key == *winner).map_or(
                    Phase::Paused,
                    |winner| Phase::Decided {
                        winner: winner as u32,
                    },
                ),
                None if self.paused || stopped.iter().all(|stopped| *stopped) => Phase::Paused,
                None => Phase::Running,
            };
        Experiment {
            revision_id: definition.id,
            revision: definition.revision.clone(),
            stopped: if stopped.contains(&true) {
                stopped
            } else {
                Vec::new()
            },
            phase,
            model: Model::default(),
        }
    }
}

impl Experiments {
    /// The experiments as a snapshot carries them, still without their models.
    pub fn under(&self, actions: &[Action]) -> Vec<Experiment> {
        self.definitions
            .iter()
            .map(|definition| Standing::of(actions, &definition.revision.key).over(definition))
            .collect()
    }

    /// Whether an action makes sense now; checked before it is kept.
    pub fn check_action(&self, actions: &[Action], action: &Action) -> Result<(), ActionError> {
        let refuse = |what: String| Err(ActionError::Refused(what));
        let Some(definition) = self.find(&action.experiment) else {
            return refuse(format!(
                "there is no experiment \"{}\". See the keys with `tiltwise status`",
                action.experiment
            ));
        };
        let variants = &definition.revision.variants;
        let needs_variant = matches!(
            action.action,
            Verb::StopVariant | Verb::StartVariant | Verb::DeclareWinner
        );
        match &action.variant {
            None if needs_variant => {
                return refuse("no variant is named. Add \"variant\": \"its key\"".into());
            }
            Some(key) if !variants.iter().any(|variant| variant.key == *key) => {
                let remedy = super::variants::unknown_variant(key, variants);
                return refuse(format!(
                    "\"{key}\" is no variant of \"{}\". {remedy}",
                    action.experiment
                ));
            }
            _ => {}
        }
        if action.action == Verb::RollBack && action.version.is_none() {
            return refuse("no snapshot version is named. Add \"version\": the one to go back to".into());
        }
        if action.action == Verb::StopVariant {
            let mut after = Standing::of(actions, &action.experiment);
            after.take(action);
            if variants
                .iter()
                .all(|variant| after.stopped.contains(&variant.key))
            {
                return refuse("this is the last variant that is shown. Pause the experiment instead".into());
            }
        }
        Ok(())
    }

    /// What an edited file would undo: a declared winner stays until it is lifted.
    pub fn check_edit(&self, actions: &[Action]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for definition in &self.definitions {
            let key = &definition.revision.key;
            let Some(winner) = Standing::of(actions, key).winner else {
                continue;
            };
            if !definition
                .revision
                .variants
                .iter()
                .any(|variant| variant.key == winner)
            {
                problems.push(Problem {
                    at: definition.at.clone(),
                    setting: format!("experiment.{key}.variants"),
                    value: None,
                    what: format!(
                        "leaves out \"{winner}\", which was declared the winner and is what everybody gets"
                    ),
                    remedy: "Put it back, or lift the decision first".into(),
                });
            }
        }
        problems.none_or(())
    }
}
