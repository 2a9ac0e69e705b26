//! What the collectors of a site share of its experiments, as each of them sees it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tiltwise_core::{id::RevisionId, revision::Revision};

use super::{
    Cluster, Company, Offer,
    board::{Board, News},
    lock,
    notes::{self, Acted, Filed},
    random,
    reader::{Reader, Taker},
};
use crate::{
    experiments::{Action, ActionError, ActionStore, Experiments, GUARDRAIL, revisions::Shared},
    log::kafka::{
        self,
        client::{Clerk, Connection, Note, PATIENCE},
        topics,
    },
};

impl Company for Cluster {
    fn experiments(&self) -> Arc<Experiments> {
        lock(&self.board).experiments.clone()
    }

    fn heard(&self) -> u64 {
        lock(&self.board).said
    }

    fn offer(&self, text: &str, is_edit: bool) -> Result<Offer, String> {
        {
            let board = lock(&self.board);
            match &board.file {
                None => return Ok(Offer::Waits),
                Some(filed) if filed.text == text => return Ok(Offer::Holds),
                Some(_) if !is_edit && board.knows_text(text) => return Ok(Offer::Older),
                Some(_) => {}
            }
        }
        let filed = Filed {
            at_ms: self.clock.now_ms(),
            by: self.options.collector.clone(),
            text: text.to_owned(),
        };
        self.write(&notes::file(&self.experiments_topic(), &filed))?;
        Ok(Offer::Taken)
    }

    fn share_imports(&self, before: Option<&BTreeSet<String>>) -> Result<BTreeSet<String>, String> {
        if before.is_none() {
            self.experiments.catch_up(PATIENCE)?;
        }
        let histories = &self.options.histories;
        let (topic, me) = (self.experiments_topic(), &self.options.collector);
        let here = histories.names().map_err(|error| error.to_string())?;
        let shared = lock(&self.board).imports.clone();
        let nothing = BTreeSet::new();
        for name in here.difference(before.unwrap_or(&nothing)) {
            match shared.get(name) {
                Some(0) if before.is_none() => {
                    histories.remove(name).map_err(|error| error.to_string())?;
                }
                None | Some(0) => {
                    let bytes = histories.bytes(name).map_err(|error| error.to_string())?;
                    self.write(&notes::import(&topic, name, &bytes, me))?;
                }
                Some(_) => {}
            }
        }
        for name in before.unwrap_or(&nothing).difference(&here) {
            if let Some(pieces @ 1..) = shared.get(name) {
                self.write(&notes::forget_import(&topic, name, *pieces, me))?;
            }
        }
        histories.names().map_err(|error| error.to_string())
    }

    fn wait_served(&self, patience: Duration) -> bool {
        let said = self.heard();
        self.models.wait_until(patience, || {
            let lease = lock(&self.seat).lease.clone();
            lease.is_some_and(|lease| lease.heard >= said)
        })
    }

    fn warnings(&self) -> Vec<String> {
        let troubles = [self.models.trouble(), self.experiments.trouble()];
        let mut warnings: Vec<String> = troubles.into_iter().flatten().collect();
        warnings.dedup();
        warnings.extend(lock(&self.board).unreadable.clone());
        let seat = lock(&self.seat);
        let silence = seat.silence(Instant::now());
        if silence > Duration::from_secs(10) {
            warnings.push(format!(
                "No leader was heard for {} seconds: the newest snapshot goes on being served, and nothing new is published.",
                silence.as_secs()
            ));
        }
        warnings
    }

    fn view(&self) -> Value {
        let seat = lock(&self.seat);
        let lease = seat.lease.clone().filter(|lease| !lease.over);
        let silence_ms = seat.silence(Instant::now()).as_millis() as u64;
        drop(seat);
        let leads = self.office.is_held();
        let me = &self.options.collector;
        let sentence = match &lease {
            _ if leads => format!("This collector ({me}) leads: it fits and publishes for all."),
            Some(lease) => format!(
                "{} leads, and was heard {:.1} seconds ago. This collector ({me}) counts as well, and takes over if that one \
                 falls silent.",
                lease.leader,
                silence_ms as f64 / 1_000.0
            ),
            None => format!("Nobody leads yet. This collector ({me}) counts, and stands by."),
        };
        json!({
            "collector": me,
            "role": if leads { "leader" } else { "standby" },
            "leader": lease.as_ref().map(|lease| &lease.leader),
            "epoch": lease.as_ref().map(|lease| lease.epoch),
            "silenceMs": silence_ms,
            "sentence": sentence,
        })
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

impl Cluster {
    /// Writes what everybody may write, and waits until it has come back.
    fn write(&self, said: &[Note]) -> Result<u64, String> {
        let mut clerk = lock(&self.clerk);
        if clerk.is_none() {
            let compression = self.options.kafka.kafka.compression;
            let started = Clerk::start(&self.connection, None, compression);
            *clerk = Some(started.map_err(|trouble| trouble.to_string())?);
        }
        let written = clerk.as_ref().map(|clerk| clerk.write(said, PATIENCE));
        let offsets = match written {
            Some(Ok(offsets)) => offsets,
            Some(Err(unwritten)) => {
                if unwritten.is_over {
                    *clerk = None;
                }
                return Err(unwritten.trouble.to_string());
            }
            None => Vec::new(),
        };
        drop(clerk);
        self.comes_back(&offsets)
    }

    /// Waits until what was written to `experiments` was read.
    fn comes_back(&self, offsets: &[u64]) -> Result<u64, String> {
        let last = offsets.last().copied().unwrap_or(0);
        if self.experiments.wait_for(last, 2 * PATIENCE) {
            return Ok(last);
        }
        let trouble = self.experiments.trouble();
        Err(trouble.unwrap_or_else(|| "what was written to experiments does not come back".to_owned()))
    }
}

impl ActionStore for Cluster {
    fn append(&self, action: &Action, known: usize) -> Result<(), ActionError> {
        let acted = Acted {
            known,
            action: action.clone(),
        };
        let note = notes::action(&self.experiments_topic(), &acted, random());
        // What happens by itself is the leader's to do; what people do any collector takes.
        let written = if action.author == GUARDRAIL {
            let offsets = self.office.write(vec![note]);
            offsets.and_then(|offsets| self.comes_back(&offsets))
        } else {
            self.write(&[note])
        };
        let offset = written.map_err(ActionError::Untold)?;
        if lock(&self.board).has_refused(offset) {
            return Err(ActionError::Overtaken(action.experiment.clone()));
        }
        Ok(())
    }

    fn all(&self) -> Vec<Action> {
        lock(&self.board).actions.to_vec()
    }
}

impl Shared for Cluster {
    fn keep(&self, id: RevisionId, revision: &Revision, is_cut: bool) -> Result<(), String> {
        let is_there = {
            let board = lock(&self.board);
            let known = if is_cut { &board.cuts } else { &board.revisions };
            known.contains(&id)
        };
        if is_there {
            return Ok(());
        }
        let note = notes::revision(&self.experiments_topic(), id, revision, is_cut);
        let offsets = self.office.write(vec![note])?;
        self.comes_back(&offsets).map(|_| ())
    }

    fn catch_up(&self) -> Result<(), String> {
        self.experiments.catch_up(PATIENCE)
    }
}

/// All revisions that the topic has, for a command that only reads.
pub fn revisions_of(options: &kafka::Options, site: &str) -> Result<Vec<Revision>, String> {
    struct All(Board, Arc<Mutex<Vec<Revision>>>);
    impl Taker for All {
        fn take(&mut self, offset: u64, key: &str, value: Option<Vec<u8>>) -> Result<(), String> {
            if let News::Revision(revision) | News::Cut(revision) =
                self.0.take(offset, key, value.as_deref())?
            {
                lock(&self.1).push(*revision);
            }
            Ok(())
        }

        fn end(&mut self) -> Result<(), String> {
            Ok(())
        }
    }
    let found = Arc::default();
    let taker = All(Board::new(site), Arc::clone(&found));
    let topic = options.kafka.topic(topics::EXPERIMENTS);
    let reader = Connection::of(&options.kafka, "tiltwise-reader")
        .and_then(|connection| Reader::start(&connection, &topic, 0, taker))
        .map_err(|trouble| trouble.to_string())?;
    reader.catch_up(4 * PATIENCE)?;
    let found = std::mem::take(&mut *lock(&found));
    Ok(found)
}
