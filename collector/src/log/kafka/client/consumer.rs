//! The one who reads: partitions by number and offset, without a group and without committing anything.

use std::time::{Duration, Instant};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    message::BorrowedMessage,
};

use super::{Connection, Context, Kind, PATIENCE, Trouble};

/// Long enough for a handshake that fails.
const LISTEN: Duration = Duration::from_secs(2);

impl ConsumerContext for Context {}

pub struct Consumer {
    inner: BaseConsumer<Context>,
    connection: Connection,
    topic: String,
}

/// What came.
#[derive(Debug)]
pub enum Read {
    Record {
        partition: usize,
        offset: u64,
        /// When it was made or, where the topic says so, when the broker got it.
        stamp_ms: i64,
        record: Vec<u8>,
    },
    Nothing,
    Trouble(Trouble),
}

impl Consumer {
    pub fn start(connection: &Connection, topic: &str) -> Result<Self, Trouble> {
        let mut config = connection.config.clone();
        let mut default = |name: &str, value: &str| {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        };
        // Named, because the library insists; never joined and never committed to.
        default("group.id", "tiltwise");
        default("queued.max.messages.kbytes", "16384");
        default("fetch.error.backoff.ms", "50");
        default("fetch.queue.backoff.ms", "20");
        default("check.crcs", "true");
        config
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // Where what was asked for is not there, the oldest comes instead, and the reader sees that it is another.
            .set("auto.offset.reset", "earliest");
        let inner = BaseConsumer::from_config_and_context(&config, connection.context())
            .map_err(|error| connection.trouble(&error, topic))?;
        Ok(Self {
            inner,
            connection: connection.clone(),
            topic: topic.to_owned(),
        })
    }

    /// Reads a partition from this offset on, whatever was read of it before.
    pub fn read_on(&self, partition: usize, offset: u64) -> Result<(), Trouble> {
        let mut list = TopicPartitionList::new();
        // One that is not read yet cannot be left, and need not be.
        list.add_partition(&self.topic, partition as i32);
        let _ = self.inner.incremental_unassign(&list);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(
            &self.topic,
            partition as i32,
            Offset::Offset(offset.cast_signed()),
        )
        .and_then(|()| self.inner.incremental_assign(&list))
        .map_err(|error| self.trouble(&error))
    }

    /// Fetches nothing of a partition for the time being, or goes on.
    pub fn hold(&self, partition: usize, hold: bool) -> Result<(), Trouble> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition as i32);
        let done = if hold {
            self.inner.pause(&list)
        } else {
            self.inner.resume(&list)
        };
        done.map_err(|error| self.trouble(&error))
    }

    /// What comes next, of any partition, within this time.
    pub fn next(&self, within: Duration) -> Read {
        read(self.inner.poll(within), |error| self.trouble(error))
    }

    /// The oldest offset of a partition, and the one after its newest.
    pub fn bounds(&self, partition: usize) -> Result<(u64, u64), Trouble> {
        let (first, end) = self
            .inner
            .fetch_watermarks(&self.topic, partition as i32, PATIENCE)
            .map_err(|error| self.trouble(&error))?;
        Ok((
            u64::try_from(first).unwrap_or_default(),
            u64::try_from(end).unwrap_or_default(),
        ))
    }

    /// What brokers say when they hang up, if anybody does.
    pub(super) fn listen(&self) -> Option<Trouble> {
        // Asking for something makes it connect.
        let _ = self.inner.fetch_metadata(Some("tiltwise"), LISTEN);
        let began = Instant::now();
        while began.elapsed() < LISTEN {
            if let Read::Trouble(trouble) = self.next(LISTEN / 10)
                && trouble.kind != Kind::Passing
            {
                return Some(trouble);
            }
        }
        None
    }

    fn trouble(&self, error: &KafkaError) -> Trouble {
        self.connection.trouble(error, &self.topic)
    }
}

/// What a poll brought, in types that are ours.
pub(super) fn read(
    polled: Option<Result<BorrowedMessage<'_>, KafkaError>>,
    trouble: impl FnOnce(&KafkaError) -> Trouble,
) -> Read {
    match polled {
        None | Some(Err(KafkaError::PartitionEOF(_))) => Read::Nothing,
        Some(Ok(message)) => Read::Record {
            partition: usize::try_from(message.partition()).unwrap_or_default(),
            offset: u64::try_from(message.offset()).unwrap_or_default(),
            stamp_ms: message.timestamp().to_millis().unwrap_or(0),
            record: message.payload().unwrap_or_default().to_vec(),
        },
        Some(Err(error)) => Read::Trouble(trouble(&error)),
    }
}
