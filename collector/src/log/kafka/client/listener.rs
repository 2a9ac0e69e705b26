//! The one who reads a topic of a single partition, whose records have keys: what was committed, in its order, up to its end.

use std::time::Duration;

use rdkafka::{
    Message, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};

use super::{Connection, Context, Trouble};

/// How long a broker waits for something new before it says that there is nothing. Whoever asks for the end waits for as long.
const FETCH: Duration = Duration::from_millis(100);

pub struct Listener {
    inner: BaseConsumer<Context>,
    connection: Connection,
    topic: String,
}

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    Note {
        offset: u64,
        key: String,
        value: Option<Vec<u8>>,
    },
    /// There was nothing more, some time after reading began.
    End,
    Nothing,
    Trouble(Trouble),
}

impl Listener {
    pub fn start(connection: &Connection, topic: &str) -> Result<Self, Trouble> {
        let mut config = connection.config.clone();
        config
            // Named, because the library insists; never joined and never committed to.
            .set("group.id", "tiltwise")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("check.crcs", "true")
            .set("fetch.wait.max.ms", FETCH.as_millis().to_string())
            .set("fetch.error.backoff.ms", "50");
        let inner = BaseConsumer::from_config_and_context(&config, connection.context())
            .map_err(|error| connection.trouble(&error, topic))?;
        Ok(Self {
            inner,
            connection: connection.clone(),
            topic: topic.to_owned(),
        })
    }

    /// Reads from this offset on. [`Heard::End`] comes once more, however often it has come before.
    pub fn read_on(&self, offset: u64) -> Result<(), Trouble> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, 0);
        // What is not read yet cannot be left, and need not be.
        let _ = self.inner.incremental_unassign(&list);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, 0, Offset::Offset(offset.cast_signed()))
            .and_then(|()| self.inner.incremental_assign(&list))
            .map_err(|error| self.trouble(&error))
    }

    pub fn next(&self, within: Duration) -> Heard {
        match self.inner.poll(within) {
            None => Heard::Nothing,
            Some(Ok(message)) => Heard::Note {
                offset: u64::try_from(message.offset()).unwrap_or_default(),
                key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                value: message.payload().map(<[u8]>::to_vec),
            },
            Some(Err(KafkaError::PartitionEOF(_))) => Heard::End,
            Some(Err(error)) => Heard::Trouble(self.trouble(&error)),
        }
    }

    fn trouble(&self, error: &KafkaError) -> Trouble {
        self.connection.trouble(error, &self.topic)
    }
}
