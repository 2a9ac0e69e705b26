//! The one who writes records that have keys, and waits until a broker has them.
//!
//! With an id of transactions what is written together appears together or not at all, and whoever starts later under the same
//! id takes the right to write away from everybody before: the broker refuses them from then on.

use std::{
    sync::mpsc::{self, Sender},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    client::OAuthToken,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};

use super::{Connection, Context, Kind, PATIENCE, Trouble, spelled};
use crate::config::Compression;

/// How long a transaction may be open before the broker ends it: readers of the topic wait for that long for one whose writer
/// died and whose place nobody takes.
const TRANSACTION: Duration = Duration::from_secs(60);

/// A record with a key, or the end of one.
#[derive(Debug, Clone)]
pub struct Note {
    pub topic: String,
    pub key: String,
    /// None: what the topic holds under this key may go.
    pub value: Option<Vec<u8>>,
}

/// What was not written.
#[derive(Debug)]
pub struct Unwritten {
    pub trouble: Trouble,
    /// Nothing will ever be written by this clerk again.
    pub is_over: bool,
}

pub struct Clerk {
    inner: ThreadedProducer<Bell>,
    connection: Connection,
    in_transactions: bool,
}

impl Clerk {
    /// With an id of transactions this takes the right to write from all earlier ones, and waits until what they had begun is
    /// ended.
    pub fn start(
        connection: &Connection,
        transactions: Option<&str>,
        compression: Compression,
    ) -> Result<Self, Trouble> {
        let mut config = connection.config.clone();
        if config.get("compression.type").is_none() {
            config.set("compression.type", spelled(compression));
        }
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0");
        match transactions {
            // Somebody waits for it: what was not taken by then is not to appear later.
            None => config.set("message.timeout.ms", PATIENCE.as_millis().to_string()),
            Some(id) => config
                .set("transactional.id", id)
                .set("message.timeout.ms", TRANSACTION.as_millis().to_string())
                .set("transaction.timeout.ms", TRANSACTION.as_millis().to_string()),
        };
        let bell = Bell {
            context: connection.context(),
        };
        let inner = ThreadedProducer::from_config_and_context(&config, bell)
            .map_err(|error| connection.trouble(&error, ""))?;
        let clerk = Self {
            inner,
            connection: connection.clone(),
            in_transactions: transactions.is_some(),
        };
        if clerk.in_transactions {
            let began = clerk.inner.init_transactions(PATIENCE);
            began.map_err(|error| clerk.unwritten(&error, "").trouble)?;
        }
        Ok(clerk)
    }

    /// Writes records to the first partition of their topics, in this order, and returns their offsets. A transaction is tried to be
    /// committed for about so long.
    pub fn write(&self, notes: &[Note], patience: Duration) -> Result<Vec<u64>, Unwritten> {
        let topic = notes.first().map_or("", |note| &note.topic);
        if !self.in_transactions {
            return self.deliver(notes);
        }
        self.inner
            .begin_transaction()
            .map_err(|error| self.unwritten(&error, topic))?;
        let committed = self.send(notes).and_then(|offsets| {
            self.commit(topic, patience)?;
            offsets.all()
        });
        committed.map_err(|unwritten| self.abort(unwritten, topic, patience))
    }

    fn deliver(&self, notes: &[Note]) -> Result<Vec<u64>, Unwritten> {
        self.send(notes)?.all()
    }

    fn send(&self, notes: &[Note]) -> Result<Answers<'_>, Unwritten> {
        let (tell, told) = mpsc::channel();
        for (place, note) in notes.iter().enumerate() {
            let ticket = Box::new(Ticket {
                place,
                tell: tell.clone(),
            });
            let mut record: BaseRecord<'_, str, [u8], Box<Ticket>> =
                BaseRecord::with_opaque_to(&note.topic, ticket)
                    .partition(0)
                    .key(note.key.as_str());
            if let Some(value) = &note.value {
                record = record.payload(value);
            }
            self.inner
                .send(record)
                .map_err(|(error, _)| self.unwritten(&error, &note.topic))?;
        }
        Ok(Answers {
            clerk: self,
            topic: notes.first().map(|note| note.topic.clone()).unwrap_or_default(),
            offsets: vec![0; notes.len()],
            told,
        })
    }

    fn commit(&self, topic: &str, patience: Duration) -> Result<(), Unwritten> {
        let until = Instant::now() + patience;
        loop {
            match self.inner.commit_transaction(patience.min(PATIENCE)) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < until => {}
                Err(error) => return Err(self.unwritten(&error, topic)),
            }
        }
    }

    /// Takes back what was begun. Where that cannot be done either, nobody knows what became of it, and this clerk is of no use
    /// any more: whoever takes its place finds out.
    fn abort(&self, unwritten: Unwritten, topic: &str, patience: Duration) -> Unwritten {
        if self.inner.client().fatal_error().is_some() {
            return Unwritten {
                is_over: true,
                ..unwritten
            };
        }
        match self.inner.abort_transaction(patience.min(PATIENCE)) {
            Ok(()) => Unwritten {
                is_over: false,
                ..unwritten
            },
            Err(error) => {
                let worse = self.unwritten(&error, topic);
                let trouble = if worse.trouble.kind == Kind::Fenced {
                    worse.trouble
                } else {
                    unwritten.trouble
                };
                Unwritten {
                    trouble,
                    is_over: true,
                }
            }
        }
    }

    fn unwritten(&self, error: &KafkaError, topic: &str) -> Unwritten {
        let fatal = self.inner.client().fatal_error();
        let trouble = match &fatal {
            Some((code, _)) => self.connection.trouble(&KafkaError::Global(*code), topic),
            None => self.connection.trouble(error, topic),
        };
        let is_over = fatal.is_some() || self.in_transactions;
        Unwritten { trouble, is_over }
    }
}

/// What brokers say of records that are under way.
struct Answers<'a> {
    clerk: &'a Clerk,
    topic: String,
    offsets: Vec<u64>,
    told: mpsc::Receiver<(usize, Result<u64, KafkaError>)>,
}

impl Answers<'_> {
    /// All their offsets, once all of them are there.
    fn all(mut self) -> Result<Vec<u64>, Unwritten> {
        for _ in 0..self.offsets.len() {
            match self.told.recv_timeout(2 * PATIENCE) {
                Ok((place, Ok(offset))) => {
                    if let Some(known) = self.offsets.get_mut(place) {
                        *known = offset;
                    }
                }
                Ok((_, Err(error))) => return Err(self.clerk.unwritten(&error, &self.topic)),
                Err(_) => {
                    return Err(Unwritten {
                        trouble: Trouble::silent(&self.topic),
                        is_over: self.clerk.in_transactions,
                    });
                }
            }
        }
        Ok(self.offsets)
    }
}

/// Who is to be told of a record.
struct Ticket {
    place: usize,
    tell: Sender<(usize, Result<u64, KafkaError>)>,
}

struct Bell {
    context: Context,
}

impl ClientContext for Bell {
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

impl ProducerContext for Bell {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        use rdkafka::Message as _;
        let answer = match result {
            Ok(message) => Ok(u64::try_from(message.offset()).unwrap_or_default()),
            Err((error, _)) => Err(error.clone()),
        };
        // Who has stopped waiting has been told so.
        let _ = ticket.tell.send((ticket.place, answer));
    }
}
