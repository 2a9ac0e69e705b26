//! What people did to running experiments: records that hold until they are lifted, whatever the file says.
//!
//! One line of JSON an action, appended and synced before it is answered. Nothing is ever rewritten: the record is also
//! the history of who did what.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::durable;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    pub at_ms: u64,
    /// Who did it: an operator's name, or [`GUARDRAIL`].
    pub author: String,
    pub action: Verb,
    /// The experiment's key.
    pub experiment: String,
    /// The variant's key, for what concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// For `roll-back`: the snapshot version whose model is to be served again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// For `lift`: what is lifted; everything that holds where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifts: Option<Verb>,
    /// Why, in a sentence, where a guardrail did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The author of what happens by itself, when a guardrail is breached or the sample ratio is.
pub const GUARDRAIL: &str = "guardrail";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Everybody gets the control, and nothing is counted.
    Pause,
    /// Ends a pause.
    Resume,
    /// Nobody gets the variant any more.
    StopVariant,
    /// Ends the stop of a variant.
    StartVariant,
    /// Everybody gets the variant, and nothing is counted.
    DeclareWinner,
    /// The model stays as it is.
    Freeze,
    /// Tilting ends: the model is set aside, and every variant gets the same share.
    EvenSplit,
    /// The model of an earlier snapshot is served again, and stays.
    RollBack,
    /// Ends what `lifts` names.
    Lift,
}

/// Why an action was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    #[error(
        "{path}: {source}. Nothing was changed; free the disk or mend the folder's rights, then do it again"
    )]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}:{line}: this is no action: {reason}. Mend the line; what was done must not be guessed")]
    Damaged {
        path: PathBuf,
        line: usize,
        reason: String,
    },
    #[error("{0}")]
    Refused(String),
    #[error(
        "somebody else has acted on \"{0}\" at the same time. Look at what holds now, and do it again if it is still wanted"
    )]
    Overtaken(String),
    #[error("the other collectors cannot be told of it: {0}")]
    Untold(String),
}

/// Where actions are kept.
pub trait ActionStore: Send + Sync {
    /// Keeps an action that makes sense after the first `known` of all actions; when this returns, a crash no longer loses it.
    /// Where another on the same experiment has come since, it is [`ActionError::Overtaken`], so that two people cannot each stop
    /// the other's last variant.
    fn append(&self, action: &Action, known: usize) -> Result<(), ActionError>;
    /// All actions, oldest first.
    fn all(&self) -> Vec<Action>;
}

/// Actions in a file of JSON lines.
#[derive(Debug)]
pub struct FileActions {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// The length of the whole lines: what a failed append left behind lies after it and is overwritten.
    len: u64,
    actions: Vec<Action>,
}

impl FileActions {
    /// Opens the file, or makes it. A last line without its end is an append that was never answered: it is dropped.
    pub fn open(path: &Path) -> Result<Self, ActionError> {
        let io = |source| ActionError::Io {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(durable::PRIVATE)
            .open(path)
            .map_err(io)?;
        durable::sync_folder(path).map_err(io)?;
        let (actions, len) = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State { file, len, actions }),
        })
    }

    /// The actions in a file, without opening it for more; one that does not exist has none.
    pub fn read(path: &Path) -> Result<Vec<Action>, ActionError> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        read(path).map(|(actions, _)| actions)
    }
}

/// Whether an action that was decided on after the first `known` is still about what holds.
pub fn is_overtaken(actions: &[Action], action: &Action, known: usize) -> bool {
    let mut since = actions.iter().skip(known);
    since.any(|other| other.experiment == action.experiment)
}

impl ActionStore for FileActions {
    fn append(&self, action: &Action, known: usize) -> Result<(), ActionError> {
        let io = |source| ActionError::Io {
            path: self.path.clone(),
            source,
        };
        let mut line = serde_json::to_vec(action).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if is_overtaken(&state.actions, action, known) {
            return Err(ActionError::Overtaken(action.experiment.clone()));
        }
        let len = state.len;
        state.file.set_len(len).map_err(io)?;
        state.file.seek(SeekFrom::Start(len)).map_err(io)?;
        state.file.write_all(&line).map_err(io)?;
        state.file.sync_data().map_err(io)?;
        state.len += line.len() as u64;
        state.actions.push(action.clone());
        Ok(())
    }

    fn all(&self) -> Vec<Action> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .actions
            .clone()
    }
}

/// The whole lines of a file, and their length.
fn read(path: &Path) -> Result<(Vec<Action>, u64), ActionError> {
    let bytes = std::fs::read(path).map_err(|source| ActionError::Io {
        path: path.to_owned(),
        source,
    })?;
    let len = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut actions = Vec::new();
    let lines = bytes.split_at(len).0.split(|byte| *byte == b'\n');
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        actions.push(
            serde_json::from_slice(line).map_err(|error| ActionError::Damaged {
                path: path.to_owned(),
                line: index + 1,
                reason: error.to_string(),
            })?,
        );
    }
    Ok((actions, len as u64))
}
