//! The way to a cluster: found to be there and to be what the collector file says, before anything is sent.

use std::time::{Duration, Instant};

use super::{
    Options,
    client::{Connection, Consumer, PATIENCE, Producer, Read, Report, Trouble},
    split::stamp,
    topics,
};

/// What a writer needs of a cluster.
pub(super) struct Link {
    pub(super) producer: Producer,
    /// The oldest offset of every partition, the one after its newest, and the stamp of its newest record.
    pub(super) partitions: Vec<Bounds>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) stamp_ms: u64,
}

/// Asks the cluster, and starts a producer. Blocks for some seconds where nobody answers.
pub(super) fn establish(
    options: &Options,
    collector: &str,
    report: impl Fn(Report) + Send + Sync + 'static,
) -> Result<Link, Trouble> {
    let connection = Connection::of(&options.kafka, &format!("tiltwise-{collector}"))?;
    let topic = options.topic();
    topics::look(options)?;
    let partitions = bounds(&connection, options)?;
    let compression = options.kafka.compression;
    let producer = Producer::start(&connection, &topic, collector, compression, report)?;
    Ok(Link { producer, partitions })
}

/// Where the partitions start and end, and what time it is in them.
fn bounds(connection: &Connection, options: &Options) -> Result<Vec<Bounds>, Trouble> {
    let consumer = Consumer::start(connection, &options.topic())?;
    let mut all = edges(&consumer, options.kafka.partitions)?;
    let mut missing = 0;
    for (partition, bounds) in all.iter().enumerate() {
        if bounds.end > bounds.first {
            consumer.read_on(partition, bounds.end - 1)?;
            missing += 1;
        }
    }
    let began = Instant::now();
    while missing > 0 {
        match consumer.next(Duration::from_millis(100)) {
            Read::Record {
                partition,
                offset,
                record,
                ..
            } => {
                if let Some(bounds) = all.get_mut(partition).filter(|bounds| offset + 1 == bounds.end) {
                    bounds.stamp_ms = stamp(&record).unwrap_or(0);
                    missing -= 1;
                }
            }
            Read::Trouble(trouble) => return Err(trouble),
            Read::Nothing => {}
        }
        if began.elapsed() > 2 * PATIENCE {
            return Err(Trouble::silent(&options.topic()));
        }
    }
    Ok(all)
}

/// Where the partitions start and end.
pub(super) fn edges(consumer: &Consumer, partitions: usize) -> Result<Vec<Bounds>, Trouble> {
    (0..partitions)
        .map(|partition| {
            let (first, end) = consumer.bounds(partition)?;
            Ok(Bounds {
                first,
                end,
                stamp_ms: 0,
            })
        })
        .collect()
}
