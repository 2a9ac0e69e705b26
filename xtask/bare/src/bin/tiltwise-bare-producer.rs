//! The measure for `cargo xtask bench kafka`: librdkafka, handing each batch as it was sent to Kafka, a batch a record.
//!
//! It gives the same promise as the collector (idempotent, acknowledged by all replicas in sync, compressed alike) and does nothing
//! else: no HTTP, no checking, no splitting by unit. Its batches are in a file, each behind its length (four bytes, little
//! endian). It says `ready` when it is connected, waits for a line that says how often it is to send all of them and how many may
//! be under way at a time (0: as many as it can), sends, and says `done`; the next line ends it.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

#[derive(Clone, Default)]
struct Counting(Arc<AtomicU64>);

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_ok() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [servers, topic, partitions, file] = arguments.as_slice() else {
        bail!("usage: tiltwise-bare-producer SERVERS TOPIC PARTITIONS FILE");
    };
    let partitions: usize = partitions.parse()?;
    let batches = batches(&std::fs::read(file).with_context(|| file.clone())?)?;
    let counting = Counting::default();
    // As the collector's own producer is configured.
    let producer = BaseProducer::from_config_and_context(
        ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "zstd")
            .set("linger.ms", "2")
            .set("queue.buffering.max.kbytes", "65536"),
        counting.clone(),
    )?;
    producer
        .client()
        .fetch_metadata(Some(topic), Duration::from_secs(30))?;
    let mut lines = std::io::stdin().lock().lines();
    say("ready")?;
    let line = lines.next().context("how often?")??;
    let (rounds, window) = line.split_once(' ').context("ROUNDS WINDOW")?;
    let (rounds, window): (usize, u64) = (rounds.parse()?, window.parse()?);
    let mut sent = 0;
    for _ in 0..rounds {
        for (n, batch) in batches.iter().enumerate() {
            while window > 0 && sent - counting.0.load(Ordering::Relaxed) >= window {
                producer.poll(Duration::from_millis(1));
            }
            sent += 1;
            let mut record: BaseRecord<'_, [u8], [u8], ()> = BaseRecord::to(topic)
                .partition((n % partitions) as i32)
                .payload(batch.as_slice());
            while let Err((error, back)) = producer.send(record) {
                if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                    return Err(error.into());
                }
                record = back;
                producer.poll(Duration::from_millis(1));
            }
            if n % 100 == 0 {
                producer.poll(Duration::ZERO);
            }
        }
    }
    producer.flush(Duration::from_mins(2))?;
    let (wanted, found) = (
        (rounds * batches.len()) as u64,
        counting.0.load(Ordering::Relaxed),
    );
    ensure!(found == wanted, "{found} of {wanted} records were acknowledged");
    say("done")?;
    lines.next();
    Ok(())
}

fn batches(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut batches = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let (batch, rest) = rest.split_at_checked(length).context("the file breaks off")?;
        batches.push(batch.to_vec());
        bytes = rest;
    }
    Ok(batches)
}

fn say(word: &str) -> Result<()> {
    println!("{word}");
    Ok(std::io::stdout().flush()?)
}
