//! What the trainer's thread does: read, fold, at the end of a tick fit and publish, now and then a checkpoint.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tiltwise_core::join::{Counts, Fold, Verdict};

use super::guard::Guard;
use super::intake::{Intake, Next};
use super::lookout::Lookout;
use super::pace::Pace;
use super::{
    CheckpointError, Checkpoints, Command, Options, Parts, Plan, Shared, State, TrainerError, cuts, lock,
    models,
};
use crate::log::{Sources, retention};
use crate::metrics::Reason;

/// How long to wait for a command when the log has nothing new; a record is at most this late.
const NAP: Duration = Duration::from_millis(2);
/// Checkpoints may take a twentieth of the time.
const CHECKPOINT_SHARE: u32 = 20;
/// How soon after an erasure the checkpoints are replaced where it came through another collector: many come at once.
const ERASED: Duration = Duration::from_secs(1);

/// Where the older checkpoint stands, and how long writing took.
type Written = Result<(u64, Duration), CheckpointError>;

pub(super) struct Worker {
    parts: Parts,
    sources: Sources,
    intake: Intake,
    options: Options,
    checkpoints: Arc<Checkpoints>,
    /// Writes a checkpoint beside the folding.
    writer: Option<JoinHandle<Written>>,
    shared: Arc<Shared>,
    pace: Pace,
    /// The term in which this trainer publishes.
    term: Option<u64>,
    /// The edition of the plan whose revisions are all kept.
    known_edition: u64,
    /// The edition of the revisions that the state knows.
    learned: u64,
    /// What was read names a revision that may be known elsewhere.
    met_unknown: bool,
    /// What was published last.
    content: Vec<u8>,
    published: Option<Instant>,
    checkpointed: Instant,
    checkpoint_took: Duration,
    counted: Counts,
    guard: Guard,
    lookout: Lookout,
    /// The checkpoints hold what was erased through another collector since.
    erased: bool,
}

impl Worker {
    pub(super) fn new(parts: Parts, options: Options, checkpoints: Checkpoints, shared: Arc<Shared>) -> Self {
        let sources = parts.log.sources();
        let state = lock(&shared.state);
        let counted = counts(&state);
        let intake = Intake::new(&sources, &state);
        drop(state);
        Self {
            parts,
            sources,
            intake,
            options,
            checkpoints: Arc::new(checkpoints),
            writer: None,
            shared,
            pace: Pace::new(),
            term: None,
            known_edition: 0,
            learned: 0,
            met_unknown: false,
            content: Vec::new(),
            published: None,
            checkpointed: Instant::now(),
            checkpoint_took: Duration::ZERO,
            counted,
            guard: Guard::default(),
            lookout: Lookout::default(),
            erased: false,
        }
    }

    /// Runs until it is told to stop, or until the log cannot be read.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            let more = match self.fold_some() {
                Ok(more) => more,
                Err(error) => {
                    tracing::error!(%error, "the trainer has stopped; events are still taken");
                    *lock(&self.shared.failed) = Some(format!("Models stand still: {error}"));
                    return;
                }
            };
            let next = if more {
                commands.try_recv().map_err(|error| match error {
                    std::sync::mpsc::TryRecvError::Empty => RecvTimeoutError::Timeout,
                    std::sync::mpsc::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                })
            } else {
                commands.recv_timeout(NAP)
            };
            match next {
                Ok(Command::Checkpoint(reply)) => {
                    let _ = reply.send(self.checkpoint(true).map_err(|error| error.to_string()));
                }
                Err(RecvTimeoutError::Timeout) => self.checkpoint_if_due(),
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err(error) = self.checkpoint(false) {
            tracing::error!(%error, "the last checkpoint failed; the log will be read again from the one before");
        }
    }

    /// Folds what is new, up to a chunk of every partition. Says whether there was anything.
    fn fold_some(&mut self) -> Result<bool, TrainerError> {
        self.take_turn();
        self.keep_revisions();
        self.learn_revisions();
        let any = self.intake.read(&lock(&self.shared.state))?;
        if !self.meet_revisions() {
            return Ok(false);
        }
        loop {
            let mut state = lock(&self.shared.state);
            match self.intake.next(&state) {
                Next::Fold(place) => {
                    if self.parts.hub.feed().is_some() {
                        // Whoever leads must know what exposures name, and every checkpoint what was erased, whichever collector
                        // they came to.
                        let named = self.intake.named(place);
                        named.for_each(|version| self.parts.hub.named(version));
                        self.erased |= self.intake.erases(place);
                    }
                    self.intake.fold(place, &mut state);
                }
                Next::EndsTick => {
                    let counts = state.folds().any(|fold| fold.clock().is_set());
                    drop(state);
                    if counts {
                        self.end_tick();
                    }
                    self.intake.end_tick(&lock(&self.shared.state));
                }
                Next::Waits => return Ok(any),
            }
        }
    }

    /// In a new term everything is published anew.
    fn take_turn(&mut self) {
        let term = self.parts.press.term();
        if term != self.term {
            self.term = term;
            self.pace = Pace::new();
            self.known_edition = 0;
            self.content = Vec::new();
            self.published = None;
            // What could not be published in the term before is no trouble of this one.
            for about in ["guardrails", "cuts", "revisions", "snapshots"] {
                self.warn(about, None);
            }
        }
    }

    /// What others have published is known before it is folded: whoever publishes a revision shares it first, so what was read
    /// can only name what is shared by now. False where that cannot be read yet.
    fn meet_revisions(&mut self) -> bool {
        self.met_unknown |= self.intake.met_unknown();
        if !self.met_unknown {
            return true;
        }
        let caught_up = self.parts.revisions.catch_up();
        self.met_unknown = caught_up.is_err();
        self.warn("unknown revisions", caught_up.err());
        self.learn_revisions();
        !self.met_unknown
    }

    /// Everything of the ticks so far is folded, and nothing else.
    fn end_tick(&mut self) {
        let (folded, lag_ms) = self.observe();
        let (plan, edition) = {
            let wanted = lock(&self.shared.plan);
            (wanted.plan.clone(), wanted.edition)
        };
        if self.term.is_none() || edition != self.known_edition {
            return;
        }
        let began = Instant::now();
        if !self.pace.is_due(began, folded, edition, lag_ms) {
            return;
        }
        // Guardrails and models are about the same sums.
        lock(&self.shared.state).gather();
        let Some((mut plan, edition)) = self.heed_guardrails(plan, edition) else {
            return;
        };
        self.lookout
            .look(&plan, &lock(&self.shared.state).fold, &self.parts.metrics);
        let (content, through_ms) = {
            let mut state = lock(&self.shared.state);
            cuts::recall(&mut plan, &self.parts.revisions);
            let chosen = cuts::choose(&mut plan, &mut state, &self.parts.revisions);
            self.warn("cuts", chosen.err().map(|error| error.to_string()));
            (
                models::content(&plan, &state.fold, &self.parts.hub),
                state.fold.clock().ms(),
            )
        };
        self.parts
            .metrics
            .fit_seconds
            .observe(began.elapsed().as_secs_f64());
        if self.publish(&content.encode(), through_ms, plan.heard) {
            self.shared.published.send_replace(edition);
        }
        self.pace.fitted(began, Instant::now(), folded, edition);
    }

    /// Lets what guardrails ask for be recorded, so that this very snapshot shows it. Returns the plan as it then stands;
    /// nothing where its revisions are not known yet.
    fn heed_guardrails(&mut self, plan: Plan, edition: u64) -> Option<(Plan, u64)> {
        let found = self.guard.look(&plan, &lock(&self.shared.state).fold);
        self.warn(
            "guardrails",
            (!found.warnings.is_empty()).then(|| found.warnings.join("; ")),
        );
        if found.actions.is_empty() {
            return Some((plan, edition));
        }
        let acted = self
            .parts
            .steward
            .as_ref()
            .map(|steward| steward.act(found.actions));
        match acted {
            None => return Some((plan, edition)),
            Some(Err(error)) => {
                tracing::error!(%error, "a guardrail's action could not be kept; it is tried again");
                self.warn("guardrails", Some(error));
                return Some((plan, edition));
            }
            Some(Ok(plan)) => {
                let mut wanted = lock(&self.shared.plan);
                wanted.plan = plan;
                wanted.edition += 1;
            }
        }
        self.keep_revisions();
        let wanted = lock(&self.shared.plan);
        (wanted.edition == self.known_edition).then(|| (wanted.plan.clone(), wanted.edition))
    }

    /// Publishes what is new; and what is not after ten seconds, which says how far the log was read.
    /// False where it could not be published.
    fn publish(&mut self, content: &[u8], through_ms: u64, heard: u64) -> bool {
        let is_new = self.content != content;
        let is_stale = self
            .published
            .is_none_or(|at| at.elapsed() >= Duration::from_secs(10));
        if !is_new && !is_stale {
            self.parts.press.serves(heard);
            return true;
        }
        match self.parts.press.publish(content, through_ms, heard) {
            Ok(()) => {
                self.content = content.to_vec();
                self.published = Some(Instant::now());
                self.warn("snapshots", None);
                true
            }
            Err(error) => {
                self.warn("snapshots", Some(error.to_string()));
                false
            }
        }
    }

    /// The state knows every revision that is known here.
    fn learn_revisions(&mut self) {
        let edition = self.parts.revisions.edition();
        if edition == self.learned {
            return;
        }
        let mut state = lock(&self.shared.state);
        for (id, revision) in self.parts.revisions.all() {
            state.add_revision(id, &revision);
        }
        self.learned = edition;
    }

    /// Revisions are kept before they are published, and known before an exposure can name them.
    fn keep_revisions(&mut self) {
        let wanted = lock(&self.shared.plan);
        if self.term.is_none() || wanted.edition == self.known_edition {
            return;
        }
        let (mut plan, edition): (Plan, u64) = (wanted.plan.clone(), wanted.edition);
        drop(wanted);
        cuts::recall(&mut plan, &self.parts.revisions);
        for planned in &plan.experiments {
            match self.parts.revisions.keep(&planned.experiment.revision) {
                Ok(id) => lock(&self.shared.state).add_revision(id, &planned.experiment.revision),
                Err(error) => {
                    self.warn(
                        "revisions",
                        Some(format!("The new experiments are not published: {error}")),
                    );
                    return;
                }
            }
        }
        self.warn("revisions", None);
        self.known_edition = edition;
    }

    /// Brings the metrics up to date. Returns how many events were ever folded, and the lag.
    fn observe(&mut self) -> (u64, u64) {
        let metrics = &self.parts.metrics;
        let state = lock(&self.shared.state);
        for (verdict, count) in counts(&state) {
            let before = self.counted.insert(verdict, count).unwrap_or(0);
            if count > before {
                let reason = verdict.label();
                metrics
                    .joined
                    .get_or_create(&Reason { reason })
                    .inc_by(count - before);
            }
        }
        let clock_ms = state.folds().map(|fold| fold.clock().ms()).min().unwrap_or(0);
        let lag_ms = self.parts.log.clock().now_ms().saturating_sub(clock_ms);
        metrics.lag_ms.set(lag_ms.cast_signed());
        self.parts.press.counted(clock_ms);
        let bytes: u64 = self.sources.partitions.iter().map(|source| source.bytes()).sum();
        metrics.log_bytes.set(bytes.cast_signed());
        (self.counted.get(&Verdict::Folded).copied().unwrap_or(0), lag_ms)
    }

    /// Collects a checkpoint that was written, or starts the next where it is time.
    fn checkpoint_if_due(&mut self) {
        if let Some(writer) = self.writer.take_if(|writer| writer.is_finished()) {
            self.collect(writer);
        }
        let every = if self.erased {
            ERASED
        } else {
            self.options.checkpoint_every
        };
        let wait = every.max(self.checkpoint_took * CHECKPOINT_SHARE);
        if self.writer.is_some() || self.checkpointed.elapsed() < wait {
            return;
        }
        self.checkpointed = Instant::now();
        let replaces = std::mem::take(&mut self.erased);
        // The clone shares what does not change; folding goes on while it is written.
        let mut state = self.present();
        let checkpoints = self.checkpoints.clone();
        let writer = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || {
                let began = Instant::now();
                let older = if replaces {
                    checkpoints.rewrite(&mut state)?
                } else {
                    checkpoints.write(&mut state)?
                };
                Ok((older, began.elapsed()))
            });
        match writer {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => self.warn("checkpoints", Some(format!("no thread to write them: {error}"))),
        }
    }

    /// Writes a checkpoint (or replaces all) and waits for it.
    fn checkpoint(&mut self, replace: bool) -> Result<(), CheckpointError> {
        if let Some(writer) = self.writer.take() {
            self.collect(writer);
        }
        self.checkpointed = Instant::now();
        let mut state = self.present();
        let older = if replace {
            self.checkpoints.rewrite(&mut state)?
        } else {
            self.checkpoints.write(&mut state)?
        };
        self.written(older, self.checkpointed.elapsed());
        Ok(())
    }

    fn present(&self) -> State {
        lock(&self.shared.state).clone()
    }

    fn collect(&mut self, writer: JoinHandle<Written>) {
        match writer.join() {
            Ok(Ok((older, took))) => {
                self.written(older, took);
                self.warn("checkpoints", None);
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "no checkpoint");
                self.warn("checkpoints", Some(error.to_string()));
            }
            Err(_) => self.warn("checkpoints", Some("writing one was interrupted".to_owned())),
        }
    }

    /// Lets the log go where no checkpoint needs it.
    fn written(&mut self, older: u64, took: Duration) {
        self.checkpoint_took = took;
        self.parts.metrics.checkpoint_seconds.observe(took.as_secs_f64());
        let Some(kept) = self.options.retention else {
            return;
        };
        let now_ms = self.parts.log.clock().now_ms();
        for source in &self.sources.partitions {
            if let Err(error) = retention::apply(&**source, kept, now_ms, older) {
                tracing::warn!(%error, "the log was not trimmed");
            }
        }
    }

    /// Says or takes back one warning.
    fn warn(&self, about: &str, what: Option<String>) {
        let mut warnings = lock(&self.shared.warnings);
        let prefix = format!("{about}: ");
        warnings.retain(|warning| !warning.starts_with(&prefix));
        warnings.extend(what.map(|what| prefix + &what));
    }
}

/// What became of all events so far, over all partitions.
fn counts(state: &State) -> Counts {
    let mut sum = Counts::new();
    for (verdict, count) in state.folds().flat_map(Fold::counts) {
        *sum.entry(*verdict).or_default() += count;
    }
    sum
}
