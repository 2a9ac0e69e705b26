//! The plain topics `exposures` and `outcomes`: one event a record, JSON, under its unit's pseudonym; for Kafka Connect, ksqlDB
//! and Flink SQL, which read no records of many events.
//!
//! A thread beside the log rewrites `events` into them, so that no sender waits for it and nothing that was acknowledged is left
//! out, whichever collector took it. Collectors share this work as members of one consumer group: each partition of `events` is
//! rewritten by one of them, in its order. How far it is done is committed only after all replicas in sync have what was
//! written, so every event is there at least once; after a failure those since the last commit come again, and a reader tells
//! them by `event_id`.
//!
//! [`line`](self::line) says what becomes of an event.

mod line;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use tiltwise_core::{event::LogRecord, id::RevisionId, revision::Revision};

use self::line::plain;
use super::{
    Options,
    client::{Connection, Keyed, Kind, Member, Read, Trouble},
};
use crate::{log::LogError, metrics::Metrics};

/// The longest that the thread looks away from whether it should stop.
const LOOK: Duration = Duration::from_millis(200);
/// Records that are rewritten with one commit.
const BATCH: usize = 1_000;
/// Clock records alone are committed so often: they need not be read again after a restart.
const IDLE: Duration = Duration::from_secs(5);
/// Between two attempts.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a collector that stops waits for what is under way; what is not committed then comes again.
const FAREWELL: Duration = Duration::from_secs(2);

/// The topics' names, behind the prefix.
pub const EXPOSURES: &str = "exposures";
pub const OUTCOMES: &str = "outcomes";

/// What is known of a revision.
pub type Known = dyn Fn(RevisionId) -> Option<Arc<Revision>> + Send;

/// The thread; ends with it.
pub struct Plain {
    stop: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Plain {
    pub fn start(options: &Options, known: Box<Known>, metrics: Arc<Metrics>) -> Result<Self, LogError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, ended) = channel();
        let work = Work {
            options: options.clone(),
            known,
            metrics,
            stop: stop.clone(),
        };
        thread::Builder::new()
            .name("kafka-plain".to_owned())
            .spawn(move || {
                work.run();
                let _ = tell.send(());
            })
            .map_err(|error| LogError::closed(format!("no thread for the plain topics: {error}")))?;
        Ok(Self { stop, ended })
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.ended.recv_timeout(FAREWELL);
    }
}

struct Work {
    options: Options,
    known: Box<Known>,
    metrics: Arc<Metrics>,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn run(&self) {
        let mut said = String::new();
        while !self.stops() {
            let Err(trouble) = self.rewrite() else { return };
            let what = trouble.to_string();
            // Once, however often it is tried.
            if what != said {
                tracing::warn!(%trouble, "the plain topics wait; what is missing there follows");
                said = what;
            }
            let began = Instant::now();
            while began.elapsed() < AGAIN && !self.stops() {
                thread::sleep(LOOK);
            }
        }
    }

    fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Until it is told to stop.
    fn rewrite(&self) -> Result<(), Trouble> {
        let kafka = &self.options.kafka;
        let connection = Connection::of(kafka, "tiltwise-plain")?;
        let member = Member::join(&connection, &self.options.topic(), &kafka.topic("plain"))?;
        let mut producer = Keyed::start(&connection, kafka.compression)?;
        let mut committed = Instant::now();
        let mut events = 0;
        while !self.stops() {
            let mut within = LOOK;
            for _ in 0..BATCH {
                match member.next(within) {
                    Read::Record {
                        partition,
                        offset,
                        record,
                        ..
                    } => events += self.put(&mut producer, (partition, offset), &record)?,
                    Read::Trouble(trouble) if trouble.kind != Kind::Passing => return Err(trouble),
                    Read::Nothing | Read::Trouble(_) => break,
                }
                within = Duration::ZERO;
            }
            if events > 0 || committed.elapsed() > IDLE {
                let never = producer.settle()?;
                member.commit()?;
                self.metrics.kafka_plain.inc_by(events - never);
                committed = Instant::now();
                events = 0;
            }
        }
        Ok(())
    }

    /// Puts the events of a record on their way, and says how many.
    fn put(&self, producer: &mut Keyed, at: (usize, u64), record: &[u8]) -> Result<u64, Trouble> {
        let record = LogRecord::decode(record).map_err(|error| Trouble {
            what: format!("record {} of partition {}: {error}", at.1, at.0),
            remedy: "Where it is not ours, something else writes to this topic; nothing is skipped",
            kind: Kind::Standing,
        })?;
        let mut sent = 0;
        for event in &record.events {
            let key = hex::encode(event.unit.0);
            for (topic, line) in plain(event, &*self.known) {
                let topic = self.options.kafka.topic(topic);
                producer.send(&topic, &key, record.clock_ms, &line.to_string())?;
                sent += 1;
            }
        }
        Ok(sent)
    }
}
