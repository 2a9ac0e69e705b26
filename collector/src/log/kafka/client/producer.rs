//! The one who writes: idempotent, acknowledged by all in-sync replicas, and never giving up by itself.

use rdkafka::{
    ClientContext, Message,
    client::OAuthToken,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};

use super::{Connection, Context, Trouble, spelled};
use crate::config::Compression;

/// Says in the headers who wrote a record.
pub const COLLECTOR: &str = "tiltwise-collector";
/// Says in the headers which of the collector's records it is: a resent one has the same number.
pub const NUMBER: &str = "tiltwise-number";

/// Says in the headers why a record was rejected.
pub const REASON: &str = "tiltwise-reason";

/// A record on its way.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// 0 for a clock record, which nobody waits for.
    pub number: u64,
    pub partition: usize,
    pub stamp_ms: u64,
    pub record: &'a [u8],
    /// Why it is where it is, in the headers; for what was rejected.
    pub reason: Option<&'a str>,
}

/// What became of a record.
#[derive(Debug)]
pub enum Report {
    Delivered {
        number: u64,
        partition: usize,
        offset: u64,
    },
    Failed {
        number: u64,
        trouble: Trouble,
    },
}

pub struct Producer {
    inner: ThreadedProducer<Reporter>,
    connection: Connection,
    topic: String,
    collector: String,
}

impl Producer {
    /// Starts one. `report` is called on a thread of its own, and must not block.
    pub fn start(
        connection: &Connection,
        topic: &str,
        collector: &str,
        compression: Compression,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Result<Self, Trouble> {
        let mut config = connection.config.clone();
        let mut default = |name: &str, value: &str| {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        };
        default("compression.type", spelled(compression));
        // A few milliseconds let records of one partition travel together.
        default("linger.ms", "2");
        default("socket.timeout.ms", "15000");
        default("queue.buffering.max.kbytes", "65536");
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // Whoever waits is answered by our own clock; what is under way stays so until a broker has it.
            .set("message.timeout.ms", "0");
        let context = Reporter {
            context: connection.context(),
            servers: connection.servers.clone(),
            topic: topic.to_owned(),
            report: Box::new(report),
        };
        let inner = ThreadedProducer::from_config_and_context(&config, context)
            .map_err(|error| connection.trouble(&error, topic))?;
        Ok(Self {
            inner,
            connection: connection.clone(),
            topic: topic.to_owned(),
            collector: collector.to_owned(),
        })
    }

    /// Puts a record on its way; false where too much is on its way already.
    pub fn send(&self, outgoing: Outgoing<'_>) -> Result<bool, Trouble> {
        let mut record: BaseRecord<'_, [u8], [u8], usize> =
            BaseRecord::with_opaque_to(&self.topic, outgoing.number as usize)
                .partition(outgoing.partition as i32)
                .timestamp(outgoing.stamp_ms.cast_signed())
                .payload(outgoing.record);
        if outgoing.number != 0 {
            let number = outgoing.number.to_string();
            let mut headers = OwnedHeaders::new_with_capacity(2)
                .insert(Header {
                    key: COLLECTOR,
                    value: Some(&self.collector),
                })
                .insert(Header {
                    key: NUMBER,
                    value: Some(&number),
                });
            if let Some(reason) = outgoing.reason {
                headers = headers.insert(Header {
                    key: REASON,
                    value: Some(reason),
                });
            }
            record = record.headers(headers);
        }
        match self.inner.send(record) {
            Ok(()) => Ok(true),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(false),
            Err((error, _)) => Err(self.connection.trouble(&error, &self.topic)),
        }
    }

    /// Why nothing will ever be delivered by this producer again.
    pub fn fatal(&self) -> Option<String> {
        self.inner.client().fatal_error().map(|(_, why)| why)
    }
}

struct Reporter {
    context: Context,
    servers: String,
    topic: String,
    report: Box<dyn Fn(Report) + Send + Sync>,
}

impl ClientContext for Reporter {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn generate_oauth_token(
        &self,
        configuration: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.context.generate_oauth_token(configuration)
    }
}

impl ProducerContext for Reporter {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let number = number as u64;
        (self.report)(match result {
            Ok(message) => Report::Delivered {
                number,
                partition: usize::try_from(message.partition()).unwrap_or_default(),
                offset: u64::try_from(message.offset()).unwrap_or_default(),
            },
            Err((error, _)) => Report::Failed {
                number,
                trouble: Trouble::of(error, &self.topic, &self.servers),
            },
        });
    }
}
