//! The way to the cluster: a producer that is made anew when it cannot go on, and what it is given in which order.
//!
//! A partition sees what this collector has taken on in the order of its numbers, and the time with it: before a record goes
//! out, every partition is told its stamp.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    client::{Kind, Outgoing, Producer, Report, Trouble},
    link::{self, Link},
    split::stamp,
    writer::{Command, Writer},
};
use crate::log::{
    LogError,
    clock::{MAX_STEP_MS, bridge},
    record::head,
};

/// A clock record is due in a partition when nothing else was written to it for this long: a tick.
pub(super) const BEAT_MS: u64 = 100;
/// How much of the spool is under way at a time: several requests to every broker, and little to send again.
const WINDOW_BYTES: usize = 8 << 20;
/// Read from the spool at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// How long nobody may acknowledge anything before that is said: far longer than a broker takes to start or to hand over.
const SILENCE: Duration = Duration::from_secs(3);
/// Between two attempts to reach a cluster.
const RELINK: Duration = Duration::from_secs(1);

/// The way to the cluster, as it stands.
pub(super) struct Way {
    pub(super) producer: Option<Producer>,
    pub(super) generation: u64,
    /// When to try again; none while somebody is trying.
    pub(super) again: Option<Instant>,
    /// The number of the last record that this producer was given.
    pub(super) sent: u64,
    /// The latest stamp of this collector's in each partition.
    pub(super) stamped_ms: Vec<u64>,
    /// With ack = "broker": nothing was delivered within the patience.
    pub(super) stalled: bool,
    /// Clock records under way.
    pub(super) beats: usize,
    /// When a broker last acknowledged something, or was found.
    pub(super) heard: Instant,
    /// It was said that nobody does.
    pub(super) silent: bool,
}

impl Way {
    pub(super) fn unknown(partitions: usize) -> Self {
        Self {
            producer: None,
            generation: 0,
            again: Some(Instant::now()),
            sent: 0,
            stamped_ms: vec![0; partitions],
            stalled: false,
            beats: 0,
            heard: Instant::now(),
            silent: false,
        }
    }
}

impl Writer {
    /// The producer cannot go on as it is: another one sends again what this one has not delivered.
    pub(super) fn troubled(&mut self, trouble: &Trouble) {
        let Some(producer) = self.link.producer.take() else {
            return;
        };
        let why = producer.fatal().unwrap_or_else(|| trouble.to_string());
        tracing::warn!(%why, "the producer is made anew");
        self.metrics.kafka_rebuilt.inc();
        self.shared.set_trouble(Some(trouble.to_string()));
        self.link.generation += 1;
        self.link.again = Some(Instant::now() + RELINK);
        // Ending it waits for its threads.
        thread::spawn(move || drop(producer));
    }

    /// Looks for the cluster, on another thread.
    pub(super) fn relink(&mut self) {
        let due = self.link.again.is_some_and(|at| Instant::now() >= at);
        if self.link.producer.is_some() || !due {
            return;
        }
        self.link.again = None;
        self.link.generation += 1;
        let (options, collector) = (self.options.clone(), self.collector.clone());
        let (commands, generation) = (self.commands.clone(), self.link.generation);
        thread::spawn(move || {
            let reports = commands.clone();
            let report = move |report| {
                let _ = reports.send(Command::Report(generation, report));
            };
            let link = link::establish(&options, &collector, report);
            let _ = commands.send(Command::Linked(link));
        });
    }

    pub(super) fn linked(&mut self, link: Result<Link, Trouble>) {
        match link {
            Ok(link) => {
                for (partition, bounds) in link.partitions.iter().enumerate() {
                    self.shared.starts(partition, bounds.first);
                    self.shared.reached(partition, bounds.end);
                    if let Some(stamped) = self.link.stamped_ms.get_mut(partition) {
                        *stamped = bounds.stamp_ms;
                    }
                }
                self.link.producer = Some(link.producer);
                self.link.sent = 0;
                self.link.beats = 0;
                self.link.stalled = false;
                self.heard();
                self.shared.set_trouble(None);
                tracing::info!("Kafka takes records");
            }
            Err(trouble) => {
                if self.shared.set_trouble(Some(trouble.to_string())) {
                    tracing::warn!(%trouble, "Kafka takes no records");
                }
                self.link.again = Some(Instant::now() + RELINK);
            }
        }
    }

    /// A broker has acknowledged something.
    pub(super) fn heard(&mut self) {
        self.link.heard = Instant::now();
        if std::mem::take(&mut self.link.silent) {
            self.shared.set_trouble(None);
            tracing::info!("Kafka acknowledges records again");
        }
    }

    /// The library tries again and again without a word: whoever runs the collector should hear of it.
    pub(super) fn mind_the_silence(&mut self) {
        let waits = self.link.beats > 0 || !self.ledger.is_empty() || !self.spool.is_empty();
        let silent = self.link.producer.is_some() && waits && self.link.heard.elapsed() > SILENCE;
        if silent && !std::mem::replace(&mut self.link.silent, true) {
            let what = format!(
                "no broker at {} has acknowledged a record for {} seconds. Is Kafka running, has its disk room (its own log says \
                 so), and is enough of the replicas in sync?",
                self.options.kafka.bootstrap_servers.join(","),
                SILENCE.as_secs()
            );
            tracing::warn!(what, "Kafka takes no records");
            self.shared.set_trouble(Some(what));
        }
    }

    /// Hands the producer what it has not been given yet: what is under way, and then what waits in the spool.
    pub(super) fn pump(&mut self) -> Result<(), LogError> {
        while self.link.producer.is_some() {
            let next = self.ledger.after(self.link.sent);
            if let Some((number, partition, record)) =
                next.map(|(number, open)| (number, open.partition, open.record.clone()))
            {
                if !self.send(number, partition, &record) {
                    return Ok(());
                }
                continue;
            }
            if self.spool.is_empty() || self.ledger.bytes() >= WINDOW_BYTES {
                return Ok(());
            }
            let more = self.spool.after(self.link.sent, CHUNK_BYTES)?;
            if more.is_empty() {
                return Ok(());
            }
            for spooled in more {
                self.ledger
                    .enter_spooled(spooled.number, spooled.partition, spooled.record);
            }
        }
        Ok(())
    }

    /// False where it has to wait.
    fn send(&mut self, number: u64, partition: usize, record: &[u8]) -> bool {
        let stamp_ms = stamp(record).unwrap_or(0);
        // What was spooled hours ago is told at its own time: the clocks of all partitions go with it.
        self.tell_time(stamp_ms);
        let told_ms = self.link.stamped_ms.get(partition).copied().unwrap_or(0);
        if told_ms > 0 && stamp_ms.saturating_sub(told_ms) > MAX_STEP_MS {
            return false;
        }
        let Some(producer) = &self.link.producer else {
            return false;
        };
        let outgoing = Outgoing {
            number,
            partition,
            stamp_ms,
            record,
            reason: None,
        };
        match producer.send(outgoing) {
            Ok(true) => {
                self.link.sent = number;
                self.stamped(partition, stamp_ms);
                true
            }
            Ok(false) => false,
            Err(trouble) if trouble.kind == Kind::Never => {
                self.link.sent = number;
                self.reported(Report::Failed { number, trouble });
                true
            }
            Err(trouble) => {
                self.troubled(&trouble);
                false
            }
        }
    }

    /// A clock record for every partition that has heard nothing for a while, if all that was taken on is told already.
    pub(super) fn beat(&mut self) {
        let all_sent = self.ledger.after(self.link.sent).is_none() && self.spool.is_empty();
        // Where nobody takes them, a few are enough: the next is bridged to.
        let few = self.link.beats < 4 * self.link.stamped_ms.len();
        if self.link.producer.is_some() && all_sent && few && !self.link.stalled {
            self.tell_time(self.shared.clock.now_ms());
        }
    }

    fn tell_time(&mut self, now_ms: u64) {
        for partition in 0..self.link.stamped_ms.len() {
            let last_ms = self.link.stamped_ms.get(partition).copied().unwrap_or(0);
            if now_ms < last_ms.saturating_add(BEAT_MS) {
                continue;
            }
            // A clock moves by so much and no more with a record: a longer silence is bridged.
            let far = now_ms.saturating_sub(last_ms) > MAX_STEP_MS && last_ms > 0;
            let steps: Vec<u64> = if far {
                bridge(last_ms, now_ms).collect()
            } else {
                Vec::new()
            };
            for stamp_ms in steps.into_iter().chain([now_ms]) {
                let record = head(stamp_ms);
                let outgoing = Outgoing {
                    number: 0,
                    partition,
                    stamp_ms,
                    record: &record,
                    reason: None,
                };
                let sent = self
                    .link
                    .producer
                    .as_ref()
                    .is_some_and(|producer| matches!(producer.send(outgoing), Ok(true)));
                if !sent {
                    return;
                }
                self.link.beats += 1;
                self.stamped(partition, stamp_ms);
            }
        }
    }

    fn stamped(&mut self, partition: usize, stamp_ms: u64) {
        if let Some(stamped) = self.link.stamped_ms.get_mut(partition) {
            *stamped = stamp_ms.max(*stamped);
        }
    }
}
