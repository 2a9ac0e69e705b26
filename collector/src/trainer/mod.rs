//! The trainer: reads the log from its own offset, folds it, fits models, publishes snapshots.
//!
//! * [`Trainer`] is the thread and the handle on it; [`worker`] is what the thread does.
//! * [`intake`] reads the partitions of a log tick by tick: a tick is over when every partition has passed it.
//! * [`pace`] says when a fit is due, [`models`] turns sums and the [`Plan`] into the content of a snapshot.
//! * [`guard`] says which experiment does harm, before each snapshot; somebody else keeps the record of what is done.
//! * [`cuts`] takes up what the fitter chooses once: where numbers are cut into ranges.
//! * [`checkpoint`] keeps state and offset together, in one file that is whole or absent; what of the log no checkpoint
//!   needs any more may go.
//! * [`replay`] does without a running collector what the thread does: for `tiltwise rebuild`.
//!
//! What holds: the state at an offset is a pure function of the log below it and of the revisions, which are kept for good.
//! A model is fitted at the boundary of a tick, so what is published is the sum over all records up to that tick. Nothing
//! here looks at a clock to decide what is counted; the machine's clock only paces fits and checkpoints. Of several trainers of one
//! log each folds all of it, and one at a time publishes.
//!
//! The trainer does not know the doors: it knows the log, and the hub.

pub mod checkpoint;
mod cuts;
pub mod guard;
mod intake;
mod lookout;
pub mod models;
mod pace;
pub mod replay;
mod state;
#[cfg(test)]
mod tests;
mod worker;

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tiltwise_core::join::Params;
use tokio::sync::watch;

use crate::experiments::Revisions;
use crate::hub::{Hub, Press};
use crate::log::retention::Retention;
use crate::log::{EventLog, LogError};
use crate::metrics::Metrics;

pub use checkpoint::{CheckpointError, Checkpoints};
pub use guard::Steward;
pub use models::Plan;
pub use state::{Partition, State};

pub use tiltwise_core::join::TICK_MS;

#[derive(Debug, Clone)]
pub struct Options {
    /// Where checkpoints are kept.
    pub folder: PathBuf,
    pub params: Params,
    /// How much of the log is kept, where that is decided here.
    pub retention: Option<Retention>,
    /// The least time between two checkpoints.
    pub checkpoint_every: Duration,
}

impl Options {
    /// A checkpoint every half minute at most: that much of the log is read again after a crash, which takes a second or
    /// two at ten thousand events a second.
    pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);
}

/// What the trainer works with.
#[derive(Clone)]
pub struct Parts {
    pub log: Arc<dyn EventLog>,
    pub hub: Arc<Hub>,
    /// Says whether this trainer fits and publishes; all of them fold.
    pub press: Arc<dyn Press>,
    pub metrics: Arc<Metrics>,
    pub revisions: Arc<Revisions>,
    /// Keeps what guardrails do; without one they are only warned of.
    pub steward: Option<Arc<dyn Steward>>,
}

#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "record {offset} of the log cannot be read: {what}. Where it is newer, upgrade this collector first; where it is \
         damaged, restore the data folder from a backup"
    )]
    Record { offset: u64, what: String },
    #[error(
        "record {offset} of partition {partition} cannot be read: {what}. Where it is newer, upgrade this collector first; \
         where it is not ours, something else writes to this topic: stop that, and go on with a topic that only collectors \
         write to"
    )]
    Foreign {
        partition: usize,
        offset: u64,
        what: String,
    },
    #[error("the trainer's thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("the trainer has stopped: {0}")]
    Stopped(String),
}

/// The running trainer.
pub struct Trainer {
    shared: Arc<Shared>,
    commands: SyncSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and its handle share.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    pub(crate) plan: Mutex<Wanted>,
    pub(crate) warnings: Mutex<Vec<String>>,
    /// The edition of the plan that was published last.
    pub(crate) published: watch::Sender<u64>,
    pub(crate) failed: Mutex<Option<String>>,
}

/// The plan, and how often it was changed.
pub(crate) struct Wanted {
    pub(crate) plan: Plan,
    pub(crate) edition: u64,
}

pub(crate) enum Command {
    /// Replaces all checkpoints by ones of the present state.
    Checkpoint(SyncSender<Result<(), String>>),
    Stop,
}

impl Trainer {
    /// Loads the newest good checkpoint and goes on from there.
    pub fn start(parts: Parts, options: Options, plan: Plan) -> Result<Self, TrainerError> {
        let checkpoints = Checkpoints::open(&options.folder)?;
        let (mut state, warnings) = replay::load(&checkpoints, &parts.log.sources(), options.params)?;
        for (id, revision) in parts.revisions.all() {
            state.add_revision(id, &revision);
        }
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            plan: Mutex::new(Wanted { plan, edition: 1 }),
            warnings: Mutex::new(warnings),
            published: watch::Sender::new(0),
            failed: Mutex::new(None),
        });
        let (commands, inbox) = sync_channel(16);
        let worker = worker::Worker::new(parts, options, checkpoints, shared.clone());
        let thread = thread::Builder::new()
            .name("trainer".to_owned())
            .spawn(move || worker.run(&inbox))
            .map_err(TrainerError::Thread)?;
        Ok(Self {
            shared,
            commands,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Says which experiments there are and what was laid over them. Published with the next tick.
    pub fn set_plan(&self, plan: Plan) {
        let mut wanted = lock(&self.shared.plan);
        wanted.plan = plan;
        wanted.edition += 1;
    }

    /// Waits until the plan is published; false where that takes longer than it ever should. Blocks.
    pub fn wait_published(&self, patience: Duration) -> bool {
        let edition = lock(&self.shared.plan).edition;
        let began = Instant::now();
        while *self.shared.published.borrow() < edition {
            if began.elapsed() >= patience || self.check_alive().is_err() {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Looks at the state. The trainer waits for as long as this takes.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.shared.state))
    }

    /// What a person should know now, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = lock(&self.shared.warnings).clone();
        warnings.extend(lock(&self.shared.failed).clone());
        warnings
    }

    /// Waits until everything that is in the log now is folded. Blocks.
    pub fn catch_up(&self, log: &dyn EventLog) -> Result<(), TrainerError> {
        let ends = log.sources().ends();
        let is_behind = || {
            let reached = lock(&self.shared.state).offsets();
            reached.iter().zip(&ends).any(|(reached, end)| reached < end)
        };
        while is_behind() {
            self.check_alive()?;
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn check_alive(&self) -> Result<(), TrainerError> {
        if let Some(why) = lock(&self.shared.failed).clone() {
            return Err(TrainerError::Stopped(why));
        }
        match &*lock(&self.thread) {
            Some(thread) if !thread.is_finished() => Ok(()),
            _ => Err(TrainerError::Stopped("it was told to".to_owned())),
        }
    }

    /// After an erasure: waits until it is folded, and replaces the checkpoints, so that none holds what was erased.
    pub fn forget(&self, log: &dyn EventLog) -> Result<(), TrainerError> {
        self.catch_up(log)?;
        let (reply, answer) = sync_channel(1);
        let stopped =
            || TrainerError::Stopped("it takes no commands any more; restart the collector".to_owned());
        self.commands
            .send(Command::Checkpoint(reply))
            .map_err(|_| stopped())?;
        answer
            .recv()
            .map_err(|_| stopped())?
            .map_err(TrainerError::Stopped)
    }

    /// Writes a last checkpoint and ends.
    pub fn stop(&self) {
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _ = self.commands.send(Command::Stop);
            let _ = thread.join();
        }
    }
}

impl Drop for Trainer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whoever panicked while holding one of these left it as it was between two records.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
