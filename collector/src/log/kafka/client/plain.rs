//! Who rewrites one topic into others: a [`Member`] of a group, to whose members partitions are dealt out and which remembers
//! how far each was read; and a [`Keyed`] producer.

use std::time::Duration;

use rdkafka::{
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};

use super::{Connection, Context, Kind, Read, Trouble, admin::block, consumer::read, spelled};
use crate::config::Compression;

/// A member that says nothing for so long has its partitions given to others.
const SESSION_MS: &str = "10000";
/// How long a record may be under way before everything that was read since the last commit is done again.
const UNDER_WAY_MS: &str = "30000";
/// Where a producer that is full is asked again.
const FULL: Duration = Duration::from_millis(5);

pub struct Member {
    inner: BaseConsumer<Context>,
    connection: Connection,
    topic: String,
}

impl Member {
    /// Joins the group, which goes on where it committed last, or at the beginning.
    pub fn join(connection: &Connection, topic: &str, group: &str) -> Result<Self, Trouble> {
        let mut config = connection.config.clone();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            // What was handed over is what the next commit covers.
            .set("enable.auto.offset.store", "true")
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", SESSION_MS)
            .set("queued.max.messages.kbytes", "16384");
        let trouble = |error: &KafkaError| connection.trouble(error, topic);
        let inner = BaseConsumer::from_config_and_context(&config, connection.context())
            .map_err(|error| trouble(&error))?;
        inner.subscribe(&[topic]).map_err(|error| trouble(&error))?;
        Ok(Self {
            inner,
            connection: connection.clone(),
            topic: topic.to_owned(),
        })
    }

    /// What comes next, of any partition that is this member's, within this time.
    pub fn next(&self, within: Duration) -> Read {
        read(self.inner.poll(within), |error| {
            self.connection.trouble(error, &self.topic)
        })
    }

    /// Everything that was handed over so far is done.
    pub fn commit(&self) -> Result<(), Trouble> {
        match self.inner.commit_consumer_state(CommitMode::Sync) {
            // Nothing was read since the last time.
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
            Err(error) => Err(self.connection.trouble(&error, &self.topic)),
        }
    }
}

/// Writes records with keys. Kafka's own partitioner finds the partition of each, so that what other programs write under the
/// same keys lies beside it.
pub struct Keyed {
    inner: FutureProducer<Context>,
    connection: Connection,
    under_way: Vec<(DeliveryFuture, String)>,
}

impl Keyed {
    pub fn start(connection: &Connection, compression: Compression) -> Result<Self, Trouble> {
        let mut config = connection.config.clone();
        config
            .set("compression.type", spelled(compression))
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", UNDER_WAY_MS);
        let inner = FutureProducer::from_config_and_context(&config, connection.context())
            .map_err(|error| connection.trouble(&error, ""))?;
        Ok(Self {
            inner,
            connection: connection.clone(),
            under_way: Vec::new(),
        })
    }

    /// Puts a record on its way, and waits where too much is.
    pub fn send(&mut self, topic: &str, key: &str, stamp_ms: u64, value: &str) -> Result<(), Trouble> {
        let mut record = FutureRecord::to(topic)
            .key(key)
            .timestamp(stamp_ms.cast_signed())
            .payload(value);
        loop {
            match self.inner.send_result(record) {
                Ok(delivery) => {
                    self.under_way.push((delivery, topic.to_owned()));
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(FULL);
                }
                Err((error, _)) => return Err(self.connection.trouble(&error, topic)),
            }
        }
    }

    /// Waits until all replicas in sync have everything. What they will never take is counted in the answer, and is behind it.
    pub fn settle(&mut self) -> Result<u64, Trouble> {
        let mut never = 0;
        for (delivery, topic) in self.under_way.drain(..) {
            match block(delivery) {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => {
                    let trouble = self.connection.trouble(&error, &topic);
                    if trouble.kind != Kind::Never {
                        return Err(trouble);
                    }
                    tracing::error!(%trouble, "an event is not in its plain topic");
                    never += 1;
                }
                Err(_) => return Err(Trouble::silent(&topic)),
            }
        }
        Ok(never)
    }
}
