//! One collector among the others: it reads what all of them read, and leads where nobody else does.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    board::Board,
    lock, notes,
    notes::Filed,
    office::Office,
    random,
    reader::{Reader, START},
    seat::Seat,
    takers::{self, Models},
};
use crate::{
    experiments::{Action, Revisions},
    history::Histories,
    hub::{Feed, Hub, Press},
    log::{
        LogClock,
        kafka::{
            self,
            client::{Clerk, Connection, PATIENCE, Trouble},
            topics,
        },
    },
    metrics::Metrics,
};

/// How often it is looked at who leads.
const LOOK: Duration = Duration::from_millis(50);
/// Who has just tried in vain to lead lets others try.
const AGAIN: Duration = Duration::from_secs(1);
/// A trainer counts ten ticks a second. One that has counted none for so long is not fit to lead, and after the longer time one
/// that leads makes room: it may be the only one that has stopped.
const FIT: Duration = Duration::from_secs(2);
const UNFIT: Duration = Duration::from_secs(10);

/// What a collector brings along.
pub struct Options {
    pub kafka: kafka::Options,
    pub site: String,
    /// The name of this collector.
    pub collector: String,
    /// What it has kept by itself. A site that nobody has led yet starts with what its first leader has.
    pub text: String,
    pub actions: Vec<Action>,
    /// Where imports are kept here.
    pub histories: Histories,
}

/// Hands the trainer what holds now.
pub type Replan = Box<dyn Fn() + Send + Sync>;

/// This collector among the others.
pub struct Cluster {
    pub(super) options: Options,
    pub(super) connection: Connection,
    pub(super) clock: LogClock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) hub: Arc<Hub>,
    pub(super) revisions: Arc<Revisions>,
    pub(super) office: Arc<Office>,
    pub(super) seat: Arc<Mutex<Seat>>,
    pub(super) board: Arc<Mutex<Board>>,
    pub(super) edition: watch::Receiver<u64>,
    pub(super) models: Arc<Reader>,
    pub(super) experiments: Arc<Reader>,
    /// Writes what everybody may.
    pub(super) clerk: Mutex<Option<Clerk>>,
    pub(super) stopping: AtomicBool,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
    pub(super) replan: OnceLock<Replan>,
}

impl Cluster {
    /// Starts to read, and returns once the newest snapshot is served; where Kafka is out of reach for so long, the last that was
    /// read.
    pub fn start(
        options: Options,
        hub: &Arc<Hub>,
        revisions: &Arc<Revisions>,
        clock: LogClock,
        metrics: &Arc<Metrics>,
        patience: Duration,
    ) -> Result<Arc<Self>, String> {
        let said = |trouble: Trouble| trouble.to_string();
        let place = hub.place().map_err(|error| error.to_string())?;
        let connection =
            Connection::of(&options.kafka.kafka, &format!("tiltwise-{}", options.collector)).map_err(said)?;
        let models_topic = options.kafka.kafka.topic(topics::MODELS);
        let experiments_topic = options.kafka.kafka.topic(topics::EXPERIMENTS);
        let seat = Arc::new(Mutex::new(Seat::new(Instant::now())));
        lock(&seat).sees(place.newest);
        let board = Arc::new(Mutex::new(Board::new(&options.site)));
        let (edition, changed) = watch::channel(0);
        let experiments = Reader::start(
            &connection,
            &experiments_topic,
            0,
            takers::Experiments {
                board: board.clone(),
                revisions: revisions.clone(),
                histories: options.histories.clone(),
                edition,
            },
        )
        .map_err(said)?;
        let taker = Models {
            site: options.site.clone(),
            hub: hub.clone(),
            seat: seat.clone(),
            place,
            pieces: HashMap::new(),
            ended: (Vec::new(), HashSet::new()),
            is_live: false,
        };
        let models = Reader::start(&connection, &models_topic, place.next, taker).map_err(said)?;
        let office = Office::new(
            options.collector.clone(),
            models_topic,
            hub.clone(),
            metrics.clone(),
        );
        let cluster = Arc::new(Self {
            connection,
            clock,
            metrics: metrics.clone(),
            hub: hub.clone(),
            revisions: revisions.clone(),
            office: Arc::new(office),
            seat,
            board,
            edition: changed,
            models,
            experiments,
            clerk: Mutex::default(),
            stopping: AtomicBool::new(false),
            thread: Mutex::default(),
            replan: OnceLock::new(),
            options,
        });
        hub.fed_by(cluster.clone());
        cluster.look_around(place.newest, patience)?;
        revisions.share(cluster.clone());
        Ok(cluster)
    }

    /// Reads both topics to their ends.
    fn look_around(&self, newest: u64, patience: Duration) -> Result<(), String> {
        let read = self
            .experiments
            .answer(START, patience)
            .and_then(|()| self.models.answer(START, patience));
        if let Err(why) = read {
            tracing::warn!(why, "what the other collectors have published cannot be read yet");
            self.hub.show_version(newest).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Takes part in who leads. `replan` is called whenever something else holds, and before this collector begins to lead: what
    /// it publishes first says what holds then.
    pub fn join(self: &Arc<Self>, replan: Replan) -> Result<(), String> {
        let _ = self.replan.set(replan);
        let cluster = self.clone();
        let thread = thread::Builder::new()
            .name("cluster".to_owned())
            .spawn(move || cluster.run())
            .map_err(|error| format!("no thread to look after who leads: {error}"))?;
        *lock(&self.thread) = Some(thread);
        Ok(())
    }

    /// What says whether the trainer here publishes.
    pub fn press(&self) -> Arc<dyn Press> {
        self.office.clone()
    }

    fn run(&self) {
        let mut edition = self.edition.clone();
        edition.mark_changed();
        let former = lock(&self.seat).lease.clone();
        let former = former.filter(|lease| lease.leader == self.options.collector);
        let mut again = Instant::now();
        let mut chance = chance();
        while !self.stopping.load(Ordering::Acquire) {
            thread::sleep(LOOK);
            self.observe();
            if edition.has_changed().unwrap_or(false) {
                edition.mark_unchanged();
                self.replan();
            }
            if self.office.is_held() {
                self.lead();
                again = Instant::now() + AGAIN;
                continue;
            }
            let is_free = {
                let seat = lock(&self.seat);
                let is_former = former.is_some() && seat.lease == former;
                seat.is_free(Instant::now(), chance, is_former)
            };
            if is_free && Instant::now() >= again && self.is_fit() {
                chance = self::chance();
                if let Err(why) = self.rise() {
                    tracing::info!(why, "this collector does not lead");
                    again = Instant::now() + AGAIN;
                }
            }
        }
        self.office.leave();
    }

    fn lead(&self) {
        if let Err(why) = self.office.tend() {
            tracing::warn!(why, "what a leader has to say was not written");
        }
        let (_, silence) = self.office.counted();
        if silence > UNFIT || !self.reads_all() {
            tracing::warn!(
                "this collector does not count or read what it has to, and makes room for another leader"
            );
            self.office.leave();
        }
    }

    /// Whether everything that the others say is understood here.
    fn reads_all(&self) -> bool {
        !self.models.is_over() && !self.experiments.is_over() && lock(&self.board).unreadable.is_none()
    }

    /// Whether the trainer here may take over from the one whose snapshots are served.
    fn is_fit(&self) -> bool {
        let (through_ms, silence) = self.office.counted();
        let newest = self.hub.newest();
        let held_ms = newest.map_or(0, |newest| newest.envelope.folded_through_ms);
        silence < FIT && through_ms >= held_ms && self.reads_all()
    }

    /// Takes the office: first the right to write, then everything that was written before, then an epoch of its own.
    fn rise(&self) -> Result<(), String> {
        let before = lock(&self.seat).lease.clone();
        // The silence may be ours alone.
        self.models.catch_up(PATIENCE)?;
        if lock(&self.seat).lease != before {
            return Err("a leader was heard after all".to_owned());
        }
        let id = self.options.kafka.kafka.topic("leader");
        let compression = self.options.kafka.kafka.compression;
        let clerk = Clerk::start(&self.connection, Some(&id), compression)
            .map_err(|trouble| self.connection.look_closer(trouble).to_string())?;
        let (models, experiments) = (self.models.ask(), self.experiments.ask());
        self.models.answer(models, PATIENCE)?;
        self.experiments.answer(experiments, PATIENCE)?;
        let own = self.hub.greatest_version().map_err(|error| error.to_string())? >> 32;
        let epoch = lock(&self.seat).epoch.max(own) + 1;
        self.office.enter(clerk, epoch)?;
        if let Err(why) = self.found() {
            self.office.leave();
            return Err(why);
        }
        self.replan();
        self.office.open();
        tracing::info!(epoch, "this collector leads");
        Ok(())
    }

    /// Says what this collector knows and the topic does not: the revisions that it has published when it was alone and, where
    /// the site was never led, its experiments and what was done to them.
    fn found(&self) -> Result<(), String> {
        let topic = self.experiments_topic();
        let (is_new, known, cuts) = {
            let board = lock(&self.board);
            (board.file.is_none(), board.revisions.clone(), board.cuts.clone())
        };
        let mut said = Vec::new();
        for (id, revision) in self.revisions.all() {
            let is_cut = self.revisions.is_cut(id);
            let is_known = if is_cut {
                cuts.contains(&id)
            } else {
                known.contains(&id)
            };
            if !is_known {
                said.push(notes::revision(&topic, id, &revision, is_cut));
            }
        }
        if is_new {
            for (known, action) in self.options.actions.iter().enumerate() {
                let acted = notes::Acted {
                    known,
                    action: action.clone(),
                };
                said.push(notes::action(&topic, &acted, random()));
            }
            let filed = Filed {
                at_ms: self.clock.now_ms(),
                by: self.options.collector.clone(),
                text: self.options.text.clone(),
            };
            said.extend(notes::file(&topic, &filed));
        }
        if said.is_empty() {
            return Ok(());
        }
        let offsets = self.office.write(said)?;
        let last = offsets.last().copied().unwrap_or(0);
        if self.experiments.wait_for(last, PATIENCE) {
            return Ok(());
        }
        Err("what was written to experiments does not come back".to_owned())
    }

    fn replan(&self) {
        if let Some(replan) = self.replan.get() {
            replan();
        }
    }

    fn observe(&self) {
        let seat = lock(&self.seat);
        let epoch = seat.lease.as_ref().map_or(0, |lease| lease.epoch);
        self.metrics.leader_epoch.set(epoch.cast_signed());
        let silence = seat.silence(Instant::now()).as_secs_f64();
        self.metrics.leader_silence_seconds.set(silence);
    }

    pub(super) fn experiments_topic(&self) -> String {
        self.options.kafka.kafka.topic(topics::EXPERIMENTS)
    }
}

impl Feed for Cluster {
    fn catch_up(&self) -> Result<(), String> {
        self.models.catch_up(PATIENCE)
    }
}

/// Between 0 and 1.
fn chance() -> f64 {
    u64::from_le_bytes(random()) as f64 / u64::MAX as f64
}
