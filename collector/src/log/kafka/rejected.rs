//! What the topic of events will never take: it goes to the topic `rejected`, or where that will not have it either, into a
//! folder beside the spool. It is counted, and it holds up nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Options,
    client::{Connection, Outgoing, Producer, Report, Trouble},
};
use crate::durable;

pub(super) struct Rejected {
    options: Arc<Options>,
    collector: String,
    producer: Option<Producer>,
    kept: Kept,
}

/// What is under way to the topic, in case it does not arrive.
#[derive(Clone)]
struct Kept {
    folder: PathBuf,
    records: Arc<Mutex<BTreeMap<u64, Vec<u8>>>>,
}

impl Rejected {
    pub(super) fn new(options: Arc<Options>, collector: String) -> Self {
        let kept = Kept {
            folder: options.spool.join("rejected"),
            records: Arc::default(),
        };
        Self {
            options,
            collector,
            producer: None,
            kept,
        }
    }

    pub(super) fn put(&mut self, number: u64, record: &[u8], trouble: &Trouble) {
        tracing::error!(%trouble, number, "a record was rejected");
        self.kept.hold(number, record);
        let outgoing = Outgoing {
            number,
            partition: 0,
            stamp_ms: 0,
            record,
            reason: Some(&trouble.what),
        };
        let sent = match self.producer() {
            Ok(producer) => producer.send(outgoing).unwrap_or(false),
            Err(trouble) => {
                tracing::error!(%trouble, "the topic of rejected records is out of reach");
                false
            }
        };
        if !sent {
            self.kept.keep_here(number);
        }
    }

    fn producer(&mut self) -> Result<&Producer, Trouble> {
        if self.producer.is_none() {
            let connection = Connection::of(&self.options.kafka, &self.collector)?;
            let topic = self.options.kafka.topic("rejected");
            let (kept, compression) = (self.kept.clone(), self.options.kafka.compression);
            let report = move |report| match report {
                Report::Delivered { number, .. } => drop(kept.let_go(number)),
                Report::Failed { number, .. } => kept.keep_here(number),
            };
            self.producer = Some(Producer::start(
                &connection,
                &topic,
                &self.collector,
                compression,
                report,
            )?);
        }
        self.producer
            .as_ref()
            .ok_or_else(|| Trouble::no_topic(&self.options.kafka.topic("rejected")))
    }
}

impl Kept {
    fn hold(&self, number: u64, record: &[u8]) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.insert(number, record.to_vec());
    }

    fn let_go(&self, number: u64) -> Option<Vec<u8>> {
        self.records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number)
    }

    fn keep_here(&self, number: u64) {
        let Some(record) = self.let_go(number) else { return };
        let file = self.folder.join(format!("{number:020}.record"));
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| durable::replace(&file, &record, durable::PRIVATE));
        if let Err(error) = written {
            tracing::error!(%error, file = %file.display(), "a rejected record could not be kept");
        }
    }
}
