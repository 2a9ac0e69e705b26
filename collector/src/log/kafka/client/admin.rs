//! The one who looks after topics.

use std::{
    pin::pin,
    sync::Arc,
    task::{self, Poll, Wake},
    thread::{self, Thread},
};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    config::FromClientConfigAndContext,
    error::{KafkaError, RDKafkaErrorCode},
    types::RDKafkaRespErr,
};

use super::{Connection, Context, PATIENCE, Trouble};

/// A topic as it should be.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    pub partitions: usize,
    pub replication: u64,
    pub settings: Vec<(&'static str, String)>,
}

/// A topic as it is.
#[derive(Debug, Clone)]
pub struct Found {
    pub partitions: usize,
    /// Of the partition with the fewest.
    pub replicas: usize,
    pub in_sync: usize,
    /// Partitions that nobody leads at present.
    pub leaderless: usize,
}

pub struct Admin {
    inner: AdminClient<Context>,
    connection: Connection,
}

impl Admin {
    pub fn start(connection: &Connection) -> Result<Self, Trouble> {
        let inner = AdminClient::from_config_and_context(&connection.config, connection.context())
            .map_err(|error| connection.trouble(&error, ""))?;
        Ok(Self {
            inner,
            connection: connection.clone(),
        })
    }

    /// The cluster's id, and how many brokers it has.
    pub fn cluster(&self) -> Result<(String, usize), Trouble> {
        let metadata = self
            .inner
            .inner()
            .fetch_metadata(Some("__tiltwise-is-there-anybody"), PATIENCE)
            .map_err(|error| self.connection.trouble(&error, ""))?;
        let brokers = metadata.brokers().len();
        let id = self.inner.inner().fetch_cluster_id(PATIENCE).unwrap_or_default();
        Ok((id, brokers))
    }

    /// The topic, where it exists.
    pub fn find(&self, topic: &str) -> Result<Option<Found>, Trouble> {
        let trouble = |error: &KafkaError| self.connection.trouble(error, topic);
        let metadata = self
            .inner
            .inner()
            .fetch_metadata(Some(topic), PATIENCE)
            .map_err(|error| trouble(&error))?;
        let Some(found) = metadata.topics().first() else {
            return Ok(None);
        };
        match found.error() {
            None => {}
            Some(
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                | RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            ) => return Ok(None),
            Some(code) => return Err(trouble(&KafkaError::MetadataFetch(code.into()))),
        }
        let partitions = found.partitions();
        let least = |count: fn(&rdkafka::metadata::MetadataPartition) -> usize| {
            partitions.iter().map(count).min().unwrap_or(0)
        };
        Ok(Some(Found {
            partitions: partitions.len(),
            replicas: least(|partition| partition.replicas().len()),
            in_sync: least(|partition| partition.isr().len()),
            leaderless: partitions
                .iter()
                .filter(|partition| partition.leader() < 0)
                .count(),
        }))
    }

    /// The value of one of a topic's settings.
    pub fn setting(&self, topic: &str, name: &str) -> Result<Option<String>, Trouble> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let found = block(self.inner.describe_configs(&asked, &options()))
            .map_err(|error| self.connection.trouble(&error, topic))?;
        match found.into_iter().next() {
            Some(Ok(resource)) => Ok(resource.get(name).and_then(|entry| entry.value.clone())),
            Some(Err(code)) => Err(self.connection.trouble(&KafkaError::AdminOp(code), topic)),
            None => Ok(None),
        }
    }

    /// Creates a topic; false where it exists.
    pub fn create(&self, topic: &Topic) -> Result<bool, Trouble> {
        let replication = TopicReplication::Fixed(topic.replication as i32);
        let mut new = NewTopic::new(&topic.name, topic.partitions as i32, replication);
        for (name, value) in &topic.settings {
            new = new.set(name, value);
        }
        let trouble = |error: &KafkaError| self.connection.trouble(error, &topic.name);
        let created = block(self.inner.create_topics([&new], &options())).map_err(|error| trouble(&error))?;
        match created.into_iter().next() {
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
            Some(Err((_, code))) => Err(trouble(&KafkaError::AdminOp(code))),
            Some(Ok(_)) | None => Ok(true),
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}

/// Waits for an answer that librdkafka's own threads bring.
pub(super) fn block<T>(work: impl Future<Output = T>) -> T {
    let parked = thread::current();
    let waker = Arc::new(Unpark(parked)).into();
    let mut context = task::Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
