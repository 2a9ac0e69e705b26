//! The office of the leader: who holds it writes to the topics what only a leader may.
//!
//! Every write is a transaction under one id that all collectors of the site share, so Kafka itself refuses what comes from
//! somebody who has slept through the end of its term. That is not tried again: the office is left, and what others have
//! written meanwhile is read.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    lock,
    notes::{self, Lease},
    seat::BEAT,
};
use crate::{
    hub::{Hub, HubError, Needless, Press},
    log::kafka::client::{Clerk, Kind, Note},
    metrics::Metrics,
};

/// How often history is thinned, at most.
const THIN_EVERY: Duration = Duration::from_secs(60);
/// An outage of so long is sat out, and the term goes on after it.
const OUTAGE: Duration = Duration::from_secs(10);
/// How long a collector that stops tries to say so.
const FAREWELL: Duration = Duration::from_secs(1);
/// Records that one transaction ends at most.
const ENDED_AT_ONCE: usize = 5_000;

pub(super) struct Office {
    pub(super) me: String,
    /// The topic of models.
    pub(super) models: String,
    pub(super) hub: Arc<Hub>,
    pub(super) metrics: Arc<Metrics>,
    term: Mutex<Option<Term>>,
    /// The epoch in which the trainer may publish; 0 for none.
    open: AtomicU64,
    /// What is in the newest version, of what was said of experiments.
    heard: AtomicU64,
    counted: Mutex<(u64, Instant)>,
}

/// From taking the office to leaving it.
pub(super) struct Term {
    pub(super) clerk: Clerk,
    pub(super) epoch: u64,
    /// Of versions.
    counter: u64,
    beat: Instant,
    thinned: Instant,
    last_hash: Option<[u8; 32]>,
}

impl Office {
    pub(super) fn new(me: String, models: String, hub: Arc<Hub>, metrics: Arc<Metrics>) -> Self {
        Self {
            me,
            models,
            hub,
            metrics,
            term: Mutex::default(),
            open: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            counted: Mutex::new((0, Instant::now())),
        }
    }

    /// Takes the office, says so, and so learns whether somebody else has taken it meanwhile.
    pub(super) fn enter(&self, clerk: Clerk, epoch: u64) -> Result<(), String> {
        let now = Instant::now();
        self.heard.store(0, Ordering::Release);
        *lock(&self.term) = Some(Term {
            clerk,
            epoch,
            counter: 0,
            beat: now,
            thinned: now,
            last_hash: None,
        });
        self.write(Vec::new()).map(|_| ())
    }

    /// From now on the trainer publishes.
    pub(super) fn open(&self) {
        let epoch = lock(&self.term).as_ref().map_or(0, |term| term.epoch);
        self.open.store(epoch, Ordering::Release);
        self.metrics.leads.set(i64::from(epoch > 0));
    }

    pub(super) fn is_held(&self) -> bool {
        lock(&self.term).is_some()
    }

    /// Leaves the office and, where it is still held, says so: the next need not wait.
    pub(super) fn leave(&self) {
        if let Some(term) = lock(&self.term).take() {
            let over = self.lease(term.epoch, true);
            if let Err(unwritten) = term.clerk.write(&[over], FAREWELL) {
                tracing::debug!(trouble = %unwritten.trouble, "the end of the term was not said");
            }
        }
        self.left();
    }

    fn left(&self) {
        self.open.store(0, Ordering::Release);
        self.metrics.leads.set(0);
    }

    /// Writes what only a leader may write, together with its lease. Returns the offsets.
    pub(super) fn write(&self, notes: Vec<Note>) -> Result<Vec<u64>, String> {
        let mut held = lock(&self.term);
        self.write_in(&mut held, notes)
    }

    fn write_in(&self, held: &mut Option<Term>, mut notes: Vec<Note>) -> Result<Vec<u64>, String> {
        let Some(term) = held.as_mut() else {
            return Err("another collector leads".to_owned());
        };
        notes.push(self.lease(term.epoch, false));
        match term.clerk.write(&notes, OUTAGE) {
            Ok(mut offsets) => {
                offsets.pop();
                term.beat = Instant::now();
                Ok(offsets)
            }
            Err(unwritten) => {
                let (trouble, epoch) = (unwritten.trouble, term.epoch);
                if unwritten.is_over || trouble.kind == Kind::Fenced {
                    *held = None;
                    self.left();
                    if trouble.kind == Kind::Fenced {
                        self.metrics.fenced.inc();
                    }
                    tracing::warn!(epoch, %trouble, "this collector leads no longer, and stands by");
                }
                Err(trouble.to_string())
            }
        }
    }

    fn lease(&self, epoch: u64, over: bool) -> Note {
        let lease = Lease {
            epoch,
            leader: self.me.clone(),
            heard: self.heard.load(Ordering::Acquire),
            over,
        };
        notes::lease(&self.models, &lease)
    }

    /// Says that it still leads, where that is due, and lets go of what nobody needs any more.
    pub(super) fn tend(&self) -> Result<(), String> {
        let (beats, thins) = {
            let mut held = lock(&self.term);
            let Some(term) = held.as_mut() else { return Ok(()) };
            let thins = term.thinned.elapsed() >= THIN_EVERY;
            if thins {
                term.thinned = Instant::now();
            }
            (term.beat.elapsed() >= BEAT, thins)
        };
        if thins {
            let needless = self.hub.needless().map_err(|error| error.to_string())?;
            self.thin(&needless)?;
        } else if beats {
            self.write(Vec::new())?;
        }
        Ok(())
    }

    fn thin(&self, needless: &Needless) -> Result<(), String> {
        let mut ended = Vec::new();
        for hash in &needless.contents {
            let bytes = self.hub.content_by_hash(hash).map_or(0, |content| content.len());
            ended.extend(notes::without_content(&self.models, hash, bytes));
        }
        let versions = needless.versions.iter();
        ended.extend(versions.map(|version| notes::without_version(&self.models, *version)));
        let mut ended = ended.into_iter();
        loop {
            let some: Vec<Note> = ended.by_ref().take(ENDED_AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.write(some)?;
        }
    }

    /// Up to when everything is counted here, and how long ago that was said.
    pub(super) fn counted(&self) -> (u64, Duration) {
        let (through_ms, said) = *lock(&self.counted);
        (through_ms, said.elapsed())
    }
}

impl Press for Office {
    fn term(&self) -> Option<u64> {
        Some(self.open.load(Ordering::Acquire)).filter(|epoch| *epoch > 0)
    }

    fn publish(&self, content: &[u8], through_ms: u64, heard: u64) -> Result<(), HubError> {
        let mut held = lock(&self.term);
        let Some(term) = held.as_mut() else {
            return Err(HubError::Elsewhere("another collector leads".to_owned()));
        };
        // Whatever becomes of it, no other content ever has this version.
        term.counter += 1;
        let version = (term.epoch << 32) + term.counter;
        let envelope = self.hub.seal(content, version, through_ms)?;
        let hash = envelope.hash;
        let is_there = term.last_hash == Some(hash);
        let notes = notes::snapshot(&self.models, &envelope, (!is_there).then_some(content));
        let before = self.heard.swap(heard, Ordering::AcqRel);
        match self.write_in(&mut held, notes) {
            Ok(_) => {
                if let Some(term) = held.as_mut() {
                    term.last_hash = Some(hash);
                }
                Ok(())
            }
            Err(why) => {
                self.heard.store(before, Ordering::Release);
                Err(HubError::Elsewhere(why))
            }
        }
    }

    fn serves(&self, heard: u64) {
        self.heard.fetch_max(heard, Ordering::AcqRel);
    }

    fn counted(&self, through_ms: u64) {
        *lock(&self.counted) = (through_ms, Instant::now());
    }
}
