//! The log in a topic of Kafka, with a spool on this machine for when Kafka does not answer.
//!
//! * [`KafkaLog`] is the handle; [`writer`] is its thread, [`way`] what that thread hands to the producer. [`ledger`] knows what is under way, [`spool`] keeps what is not
//!   delivered, [`split`] says which event goes to which partition, [`link`] finds the cluster, [`rejected`] is for what
//!   nobody will ever take.
//! * [`reader`] is a topic as the trainer reads it.
//! * [`plain`] rewrites the topic for readers of one event a record.
//! * [`topics`] is which topics there are, and what is asked of a cluster before it is used.
//! * [`client`] is everything that is said to librdkafka, and nothing else names it.
//!
//! # What is in the topic
//!
//! A record of `events` holds what a record of the embedded log holds (`LogRecord` in `proto/tiltwise.proto`): the clock of
//! the collector that wrote it, and events of units of this one partition. The partition of a unit is Kafka's own: murmur2 of
//! the pseudonym, modulo the number of partitions. Records have no key, since they hold many units. Their timestamp is their
//! clock. Two headers say whose record it is: `tiltwise-collector`, and `tiltwise-number`, decimal, which no two records of a
//! collector share: a record that comes twice with the same two was sent twice. A record without events and without headers
//! tells the time; each partition has one at least every 250 ms, from every collector that reaches it.
//!
//! # Why no transactions
//!
//! A transaction would make the records of an append appear together, and costs two more round trips an append, while its
//! readers wait. An append's sender sends again what was not acknowledged, and every reader must know a resent event
//! anyway, since it may come through another collector: events count once by their ids. So an idempotent producer is enough. What a
//! leader publishes is written in transactions, by which Kafka tells leaders apart ([`crate::cluster`]).

pub mod client;
mod ledger;
mod link;
mod plain;
mod reader;
mod rejected;
mod split;
mod spool;
pub mod topics;
mod way;
mod writer;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tiltwise_core::id::Pseudonym;
use tokio::sync::watch;

use self::{
    client::{Connection, Consumer, Trouble},
    ledger::Ledger,
    rejected::Rejected,
    spool::Spool,
    way::Way,
    writer::{Command, Writer},
};
use super::{Erased, EventLog, LogClock, LogError, Part, Pending, Sources, answer, settle, tables::Tables};
use crate::{
    config::{Ack, Config, Kafka},
    metrics::Metrics,
};

pub use self::plain::Plain;
pub use self::split::partition_of;

/// Appends that wait for the writer: more than the doors let in at a time.
const QUEUE: usize = 1_024;
/// How long an erasure waits until Kafka has its mark.
const ERASURE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub struct Options {
    pub kafka: Kafka,
    pub spool: PathBuf,
    /// How much the spool may take.
    pub spool_bytes: u64,
    /// How long a broker is waited for.
    pub patience: Duration,
    /// How long the topic keeps its records.
    pub retention_ms: u64,
}

impl Options {
    pub fn of(config: &Config) -> Self {
        let kafka = config.kafka.clone();
        let patience = match (kafka.ack_timeout, kafka.ack) {
            (Some(patience), _) => patience.duration(),
            (None, Ack::Broker) => Duration::from_secs(10),
            (None, Ack::BrokerThenSpool | Ack::Spool) => Duration::from_millis(100),
        };
        Self {
            kafka,
            spool: config.spool_folder(),
            spool_bytes: config.kafka.spool_max_bytes.bytes(),
            patience,
            retention_ms: config.log.retention.ms(),
        }
    }

    /// The topic of events.
    pub fn topic(&self) -> String {
        self.kafka.topic(topics::EVENTS)
    }
}

pub struct KafkaLog {
    options: Arc<Options>,
    collector: String,
    shared: Arc<Shared>,
    commands: Mutex<Sender<Command>>,
    queued: Arc<AtomicUsize>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// The spool's.
    tables: Arc<Tables>,
}

/// What the writer shares with those who read and ask.
struct Shared {
    clock: LogClock,
    partitions: Vec<Reach>,
    refusal: Mutex<Option<LogError>>,
    trouble: Mutex<Option<String>>,
    /// Of the spool.
    waiting_bytes: AtomicU64,
    /// Everything that was taken on is in Kafka.
    settled: AtomicBool,
}

/// How far a partition goes, as far as it is known here.
struct Reach {
    first: AtomicU64,
    end: watch::Sender<u64>,
}

impl Shared {
    fn new(clock: LogClock, partitions: usize) -> Self {
        let reach = |_| Reach {
            first: AtomicU64::new(0),
            end: watch::Sender::new(0),
        };
        Self {
            clock,
            partitions: (0..partitions).map(reach).collect(),
            refusal: Mutex::default(),
            trouble: Mutex::default(),
            waiting_bytes: AtomicU64::new(0),
            settled: AtomicBool::new(true),
        }
    }

    fn end(&self, partition: usize) -> watch::Receiver<u64> {
        match self.partitions.get(partition) {
            Some(reach) => reach.end.subscribe(),
            None => watch::Sender::new(0).subscribe(),
        }
    }

    fn first(&self, partition: usize) -> u64 {
        let reach = self.partitions.get(partition);
        reach.map_or(0, |reach| reach.first.load(Ordering::Acquire))
    }

    fn starts(&self, partition: usize, first: u64) {
        if let Some(reach) = self.partitions.get(partition) {
            reach.first.fetch_max(first, Ordering::AcqRel);
        }
    }

    fn reached(&self, partition: usize, end: u64) {
        if let Some(reach) = self.partitions.get(partition) {
            reach.end.send_if_modified(|known| {
                let further = end > *known;
                *known = end.max(*known);
                further
            });
        }
    }

    fn refuse(&self, refusal: Option<LogError>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    fn refusal(&self) -> Option<LogError> {
        self.refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Says what is wrong with Kafka, or that nothing is. True where that is news.
    fn set_trouble(&self, trouble: Option<String>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *known != trouble;
        *known = trouble;
        news
    }

    fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn unsettle(&self) {
        self.settled.store(false, Ordering::Release);
    }

    fn observe(&self, spool: &Spool, nothing_under_way: bool) {
        self.waiting_bytes.store(spool.bytes(), Ordering::Release);
        let nothing_here = spool.is_empty() && spool.swept_in() == 0;
        self.settled
            .store(nothing_here && nothing_under_way, Ordering::Release);
    }
}

impl KafkaLog {
    /// Opens the spool and starts the writer. A cluster that does not answer is waited for meanwhile; one that answers and
    /// is not what the collector file says is an error.
    pub fn open(options: &Options, clock: LogClock, metrics: Arc<Metrics>) -> Result<Self, LogError> {
        let options = Arc::new(options.clone());
        let (spool, next_number) = Spool::open(&options.spool, options.spool_bytes)?;
        let collector = match &options.kafka.collector {
            Some(name) => name.clone(),
            None => spool.name()?,
        };
        clock.at_least(spool.clock_ms()?);
        let shared = Arc::new(Shared::new(clock, options.kafka.partitions));
        if let Err(trouble) = topics::look(&options) {
            if trouble.kind != client::Kind::Passing {
                return Err(unusable(&trouble));
            }
            tracing::warn!(%trouble, "Kafka takes no records");
            shared.set_trouble(Some(trouble.to_string()));
        }
        let (commands, inbox) = channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let tables = spool.tables();
        let writer = Writer {
            collector: collector.clone(),
            shared: shared.clone(),
            metrics,
            commands: commands.clone(),
            queued: queued.clone(),
            spool,
            ledger: Ledger::default(),
            rejected: Rejected::new(options.clone(), collector.clone()),
            next_number,
            link: Way::unknown(options.kafka.partitions),
            options: options.clone(),
        };
        let thread = thread::Builder::new()
            .name("kafka-writer".to_owned())
            .spawn(move || writer.run(&inbox))
            .map_err(|error| LogError::Open {
                path: options.spool.clone(),
                what: format!("no thread for it: {error}").into(),
            })?;
        let log = Self {
            options,
            collector,
            shared,
            commands: Mutex::new(commands),
            queued,
            writer: Mutex::new(Some(thread)),
            tables,
        };
        log.wait_for_the_ends();
        Ok(log)
    }

    /// The name of this collector.
    pub fn collector(&self) -> &str {
        &self.collector
    }

    /// Until it is known how far the partitions go, or that this is not to be known now. The writer is asking.
    fn wait_for_the_ends(&self) {
        let began = Instant::now();
        let known = || {
            let mut all = self.shared.partitions.iter();
            all.any(|reach| *reach.end.borrow() > 0)
        };
        while self.shared.trouble().is_none() && !known() && began.elapsed() < client::PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn send(&self, command: Command) -> Result<(), LogError> {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.send(command).map_err(|_| {
            self.shared
                .refusal()
                .unwrap_or_else(|| LogError::closed("the writer has stopped"))
        })
    }
}

impl EventLog for KafkaLog {
    fn clock(&self) -> &LogClock {
        &self.shared.clock
    }

    fn append(&self, parts: Vec<Part>) -> Result<Pending, LogError> {
        if self.queued.fetch_add(1, Ordering::AcqRel) >= QUEUE {
            self.queued.fetch_sub(1, Ordering::AcqRel);
            return Err(LogError::Busy);
        }
        let (reply, pending) = answer::pending();
        self.send(Command::Append { parts, reply })?;
        Ok(pending)
    }

    fn sources(&self) -> Sources {
        reader::sources(&self.options, &self.shared)
    }

    /// A topic cannot be rewritten: it forgets when its retention has passed. Returns once Kafka has the mark of the erasure,
    /// by which every reader forgets at once, and the files of the spool hold nothing any more of what went through it.
    fn erase(&self, _unit: Pseudonym, through_ms: u64) -> Result<Erased, LogError> {
        let began = Instant::now();
        while !self.shared.settled.load(Ordering::Acquire) {
            if began.elapsed() > ERASURE {
                let why = "the mark of the erasure waits in the spool; once a broker answers it holds by itself. Ask again then";
                return Err(LogError::Kafka { why: why.into() });
            }
            thread::sleep(Duration::from_millis(5));
        }
        if !settle::is_settled(&self.tables)? {
            settle::settle(&self.tables)?;
        }
        Ok(Erased {
            rewritten: 0,
            gone_by_ms: through_ms
                + self.options.retention_ms
                + topics::segment_ms(self.options.retention_ms),
        })
    }

    fn bytes_here(&self) -> u64 {
        self.shared.waiting_bytes.load(Ordering::Acquire)
    }

    fn ready(&self) -> Result<(), LogError> {
        self.shared.refusal().map_or(Ok(()), Err)
    }

    fn warnings(&self) -> Vec<String> {
        let waiting = self.shared.waiting_bytes.load(Ordering::Acquire);
        let trouble = self.shared.trouble();
        let spooled = trouble.is_some().then(|| {
            format!(
                "The spool holds {waiting} bytes of at most {}.",
                self.options.spool_bytes
            )
        });
        trouble
            .map(|trouble| format!("Kafka: {trouble}"))
            .into_iter()
            .chain(spooled)
            .collect()
    }

    fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = self.send(Command::Stop);
            let _ = writer.join();
        }
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// The topic, for a command that only reads; its ends are those of now.
pub fn read(options: &Options) -> Result<Sources, LogError> {
    let options = Arc::new(options.clone());
    let shared = Arc::new(Shared::new(LogClock::system(), options.kafka.partitions));
    let edges = topics::look(&options).and_then(|()| {
        let connection = Connection::of(&options.kafka, "tiltwise-reader")?;
        link::edges(
            &Consumer::start(&connection, &options.topic())?,
            options.kafka.partitions,
        )
    });
    for (partition, bounds) in edges.map_err(|trouble| unusable(&trouble))?.iter().enumerate() {
        shared.starts(partition, bounds.first);
        shared.reached(partition, bounds.end);
    }
    Ok(reader::sources(&options, &shared))
}

fn unusable(trouble: &Trouble) -> LogError {
    LogError::Kafka {
        why: trouble.to_string().into(),
    }
}
