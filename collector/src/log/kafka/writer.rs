//! The one thread that takes appends and sees them into Kafka.
//!
//! An append is split into records of one partition each, numbered, and handed to the producer. Its sender is answered when
//! the in-sync replicas have all of them; where that takes longer than the patience, the records go into the
//! [`Spool`](super::spool) and the sender is answered when that is synced. While the spool holds anything, what arrives goes
//! behind it: a partition sees this collector's records in their order, whichever way they went. What waits in the spool is
//! sent on as fast as the brokers take it, a window at a time, and taken out once they have it.
//!
//! No question to a broker is asked on this thread: it would make everybody wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Options, Shared,
    client::{Kind, Report, Trouble},
    ledger::{Group, Ledger},
    link::Link,
    rejected::Rejected,
    split::Splitter,
    spool::Spool,
    way::{BEAT_MS, Way},
};
use crate::{
    config::Ack,
    log::{
        LogError, Part, Receipt,
        answer::{Reply, Told, tell},
        record::head,
    },
    metrics::Metrics,
};

/// Where a group is closed although more is waiting.
const GROUP_BYTES: usize = 4 << 20;
/// Delivered records are taken out of the spool so many at a time, or when nothing else happens.
const SWEEP: usize = 128;
/// How long a collector that stops waits for what is under way.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) enum Command {
    Append {
        parts: Vec<Part>,
        reply: Reply,
    },
    /// From the producer of this generation.
    Report(u64, Report),
    Linked(Result<Link, Trouble>),
    Stop,
}

pub(super) struct Writer {
    pub(super) options: Arc<Options>,
    pub(super) collector: String,
    pub(super) shared: Arc<Shared>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) commands: Sender<Command>,
    /// Appends that were sent here and not yet taken.
    pub(super) queued: Arc<AtomicUsize>,
    pub(super) spool: Spool,
    pub(super) ledger: Ledger,
    pub(super) rejected: Rejected,
    pub(super) next_number: u64,
    pub(super) link: Way,
}

impl Writer {
    /// Runs until it is told to stop, or until the spool fails.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        let mut stopping: Option<Instant> = None;
        loop {
            let first = match commands.recv_timeout(self.until_due()) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let idle = first.is_none();
            let (appends, stop) = self.take(first, commands);
            if stop {
                stopping = Some(Instant::now());
                self.shared
                    .refuse(Some(LogError::closed("the collector is shutting down")));
            }
            let appends = if stopping.is_none() {
                appends
            } else {
                for (_, reply) in appends {
                    reply.send(Err(LogError::closed("the collector is shutting down")));
                }
                Vec::new()
            };
            if let Err(error) = self.turn(appends, idle && stopping.is_none()) {
                tracing::error!(%error, "the log is closed");
                self.shared.refuse(Some(error.clone()));
                for (group, _) in self.ledger.take_groups() {
                    answer(group, &Err(error.clone()));
                }
                return;
            }
            if stopping.is_some_and(|since| self.is_done() || since.elapsed() > FAREWELL) {
                break;
            }
        }
        let _ = self.spool.sweep();
    }

    /// Nobody waits any more, and nothing is under way that is not in the spool as well.
    fn is_done(&self) -> bool {
        self.ledger.waits_since().is_none() && self.ledger.unspooled().next().is_none()
    }

    fn turn(&mut self, appends: Vec<(Vec<Part>, Reply)>, idle: bool) -> Result<(), LogError> {
        self.append(appends)?;
        self.mind_the_late()?;
        self.mind_the_silence();
        self.relink();
        self.pump()?;
        self.beat();
        if idle {
            // Whoever asks whether this collector is well is told of now, although nobody sends.
            self.shared.refuse(self.refusal(self.spools(), 0));
        }
        if idle || self.spool.is_empty() || self.spool.swept_in() >= SWEEP {
            self.spool.sweep()?;
        }
        self.shared.observe(&self.spool, self.ledger.is_empty());
        self.metrics.spool_bytes.set(self.spool.bytes().cast_signed());
        self.metrics.spool_records.set(self.spool.count().cast_signed());
        Ok(())
    }

    fn until_due(&self) -> Duration {
        let beat = Duration::from_millis(BEAT_MS / 2);
        let late = self.ledger.waits_since().map_or(beat, |since| {
            self.options.patience.saturating_sub(since.elapsed())
        });
        // More of the spool can be sent at once where the window has room again: a report says so.
        beat.min(late).max(Duration::from_millis(1))
    }

    /// Takes what has arrived. Reports are settled at once, appends are returned as a group.
    fn take(
        &mut self,
        first: Option<Command>,
        commands: &Receiver<Command>,
    ) -> (Vec<(Vec<Part>, Reply)>, bool) {
        let (mut group, mut bytes, mut stop) = (Vec::new(), 0, false);
        let mut next = first;
        while let Some(command) = next {
            match command {
                Command::Append { parts, reply } => {
                    // Before anybody is told that it is kept: an erasure then waits until Kafka has its mark.
                    self.shared.unsettle();
                    self.queued.fetch_sub(1, Ordering::AcqRel);
                    bytes += parts.iter().map(|part| part.events.len()).sum::<usize>();
                    group.push((parts, reply));
                }
                Command::Report(generation, report) if generation == self.link.generation => {
                    self.reported(report);
                }
                Command::Report(..) => {}
                Command::Linked(link) => self.linked(link),
                Command::Stop => stop = true,
            }
            next = if bytes < GROUP_BYTES {
                commands.try_recv().ok()
            } else {
                None
            };
        }
        (group, stop)
    }

    /// Numbers the records of a group, and puts them on the one way or the other.
    fn append(&mut self, appends: Vec<(Vec<Part>, Reply)>) -> Result<(), LogError> {
        if appends.is_empty() {
            return Ok(());
        }
        let now_ms = self.shared.clock.now_ms();
        let began = Instant::now();
        let wanted: usize = appends
            .iter()
            .flat_map(|(parts, _)| parts)
            .map(|part| part.events.len())
            .sum();
        let spools = self.spools();
        let refusal = self.refusal(spools, wanted as u64);
        self.shared.refuse(refusal.clone());
        if let Some(refusal) = refusal {
            for (_, reply) in appends {
                reply.send(Err(refusal.clone()));
            }
            return Ok(());
        }
        let mut group = Group::default();
        let mut splitter = Splitter::new(self.options.kafka.partitions);
        for (parts, reply) in appends {
            let keys = parts.iter().map(|part| part.key);
            let fresh = self.spool.fresh(keys, now_ms, &mut group.keys)?;
            for (part, _) in parts.iter().zip(&fresh).filter(|(_, fresh)| **fresh) {
                splitter
                    .add(&part.events)
                    .map_err(|error| LogError::closed(format!("an event was encoded wrongly: {error}")))?;
            }
            group.waiting.push((reply, fresh));
        }
        let records: Vec<(u64, usize, Bytes)> = splitter
            .finish()
            .into_iter()
            .map(|(partition, events)| {
                let mut record = head(now_ms);
                record.extend_from_slice(&events);
                self.next_number += 1;
                (self.next_number - 1, partition, Bytes::from(record))
            })
            .collect();
        if records.is_empty() {
            answer(group, &Ok(()));
        } else if spools {
            let entries = records
                .iter()
                .map(|(number, partition, record)| (*number, *partition, &**record));
            if let Err(error) = self.spool.write(entries, group.keys.iter().copied(), now_ms) {
                answer(group, &Err(error.clone()));
                return Err(error);
            }
            self.kept(group, began);
        } else {
            self.ledger.enter(group, records, began);
        }
        Ok(())
    }

    /// Whether what arrives now goes into the spool.
    fn spools(&self) -> bool {
        match self.options.kafka.ack {
            Ack::Broker => false,
            Ack::Spool => true,
            Ack::BrokerThenSpool => self.link.producer.is_none() || !self.spool.is_empty(),
        }
    }

    fn refusal(&self, spools: bool, bytes: u64) -> Option<LogError> {
        if spools {
            return self.spool.room_for(bytes).err();
        }
        let unreachable =
            self.options.kafka.ack == Ack::Broker && (self.link.stalled || self.link.producer.is_none());
        unreachable.then(|| LogError::Kafka {
            why: self
                .shared
                .trouble()
                .unwrap_or_else(|| "no broker acknowledges it".into())
                .into(),
        })
    }

    /// Whoever has waited too long for a broker is answered otherwise.
    fn mind_the_late(&mut self) -> Result<(), LogError> {
        let patience = self.options.patience;
        let late = self
            .ledger
            .waits_since()
            .is_some_and(|since| since.elapsed() >= patience);
        if !late {
            return Ok(());
        }
        if self.options.kafka.ack == Ack::Broker {
            self.link.stalled = true;
            let why = "no broker has acknowledged it in time; it may still arrive, and counts once if it is sent again";
            for group in self.ledger.give_up(Instant::now(), patience) {
                answer(group, &Err(LogError::Kafka { why: why.into() }));
            }
            return Ok(());
        }
        let bytes: usize = self.ledger.unspooled().map(|(_, open)| open.record.len()).sum();
        let groups = self.ledger.take_groups();
        if let Err(refusal) = self.spool.room_for(bytes as u64) {
            for (group, _) in groups {
                answer(group, &Err(refusal.clone()));
            }
            return Ok(());
        }
        let keys = groups.iter().flat_map(|(group, _)| group.keys.iter().copied());
        let entries = self
            .ledger
            .unspooled()
            .map(|(number, open)| (number, open.partition, &*open.record));
        let written = self.spool.write(entries, keys, self.shared.clock.now_ms());
        if let Err(error) = written {
            for (group, _) in groups {
                answer(group, &Err(error.clone()));
            }
            return Err(error);
        }
        self.ledger.all_spooled();
        for (group, since) in groups {
            self.kept(group, since);
        }
        Ok(())
    }

    fn kept(&self, group: Group, since: Instant) {
        self.metrics.commit_seconds.observe(since.elapsed().as_secs_f64());
        answer(group, &Ok(()));
    }

    pub(super) fn reported(&mut self, report: Report) {
        match report {
            // A clock record.
            Report::Delivered {
                number: 0,
                partition,
                offset,
            } => {
                self.link.beats = self.link.beats.saturating_sub(1);
                self.link.stalled = false;
                self.heard();
                self.shared.reached(partition, offset + 1);
            }
            Report::Failed { number: 0, trouble } => self.troubled(&trouble),
            Report::Delivered {
                number,
                partition,
                offset,
            } => {
                self.shared.reached(partition, offset + 1);
                self.link.stalled = false;
                self.heard();
                self.metrics.kafka_delivered.inc();
                self.settle(number);
            }
            Report::Failed { number, trouble } if trouble.kind == Kind::Never => {
                self.metrics.kafka_rejected.inc();
                if let Some(open) = self
                    .ledger
                    .after(number - 1)
                    .filter(|(found, _)| *found == number)
                {
                    self.rejected.put(number, &open.1.record, &trouble);
                }
                self.settle(number);
            }
            Report::Failed { trouble, .. } => self.troubled(&trouble),
        }
    }

    fn settle(&mut self, number: u64) {
        let Some(settled) = self.ledger.settle(number) else {
            return;
        };
        if settled.spooled {
            self.spool.delivered(number, settled.open.record.len());
        }
        if let Some((group, since)) = settled.group {
            if let Err(error) = self
                .spool
                .remember(group.keys.iter().copied(), self.shared.clock.now_ms())
            {
                tracing::warn!(%error, "what was sent is not remembered, and counts once all the same");
            }
            self.kept(group, since);
        }
    }
}

fn answer(group: Group, kept: &Result<(), LogError>) {
    let told = |(reply, fresh)| Told {
        reply,
        answer: kept.clone().map(|()| Receipt { fresh, end: 0 }),
        parts: Vec::new(),
    };
    tell(group.waiting.into_iter().map(told).collect());
}
