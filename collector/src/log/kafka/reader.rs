//! A topic as its readers see it: a source a partition.
//!
//! The sources that are handed out together share one consumer, which starts with the first read. A thread takes what comes
//! and lays it ready, so that reading waits for nobody; a partition that is not read is not fetched further either.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use tokio::sync::watch;

use super::{
    Options, Shared,
    client::{Connection, Consumer, Kind, Read, Trouble},
};
use crate::log::{LogError, Record, Source, Sources};

/// Laid ready of one partition before fetching it pauses.
const READY_BYTES: usize = 4 << 20;
/// The longest that the thread looks away from whether anybody still reads.
const LOOK: Duration = Duration::from_millis(50);

/// All partitions, to be read by somebody new.
pub(super) fn sources(options: &Arc<Options>, shared: &Arc<Shared>) -> Sources {
    let partitions = options.kafka.partitions;
    let feed = Arc::new(Feed {
        options: options.clone(),
        shared: shared.clone(),
        ready: (0..partitions).map(|_| Mutex::default()).collect(),
        started: Mutex::new(false),
    });
    let partition = |partition| {
        Arc::new(Partition {
            partition,
            feed: feed.clone(),
        }) as Arc<dyn Source>
    };
    Sources {
        topic: options.topic(),
        partitions: (0..partitions).map(partition).collect(),
    }
}

struct Partition {
    partition: usize,
    feed: Arc<Feed>,
}

struct Feed {
    options: Arc<Options>,
    shared: Arc<Shared>,
    ready: Vec<Mutex<Ready>>,
    started: Mutex<bool>,
}

/// What lies ready of a partition.
#[derive(Default)]
struct Ready {
    records: VecDeque<Record>,
    bytes: usize,
    /// From here on it can be read: nothing before it lies ready, or will come.
    floor: u64,
    /// The offset after the last that came.
    next: u64,
    fetch: Fetch,
    /// Nothing has come since the fetch began.
    fresh: bool,
    trouble: Option<LogError>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Fetch {
    /// Nobody has read it yet.
    #[default]
    Off,
    /// To be begun at `floor`.
    Wanted,
    On,
    /// Enough lies ready.
    Held,
}

impl Source for Partition {
    fn end(&self) -> watch::Receiver<u64> {
        self.feed.shared.end(self.partition)
    }

    fn first(&self) -> u64 {
        self.feed.shared.first(self.partition)
    }

    fn read_from(&self, offset: u64, max_bytes: usize) -> Result<Vec<Record>, LogError> {
        self.feed.start()?;
        let Some(mut ready) = self.feed.ready(self.partition) else {
            return Ok(Vec::new());
        };
        if let Some(trouble) = ready.trouble.take() {
            return Err(trouble);
        }
        Ok(ready.read(offset, max_bytes))
    }

    fn trim_below(&self, _offset: u64) {
        // The topic's own retention decides.
    }

    fn bytes(&self) -> u64 {
        0
    }
}

impl Ready {
    fn read(&mut self, offset: u64, max_bytes: usize) -> Vec<Record> {
        if self.fetch == Fetch::Off || !(self.floor..=self.next).contains(&offset) {
            self.begin(offset);
            return Vec::new();
        }
        while self.records.front().is_some_and(|record| record.offset < offset) {
            self.bytes -= self.records.pop_front().map_or(0, |record| record.bytes().len());
        }
        self.floor = offset;
        let mut bytes = 0;
        let chosen = self.records.iter().take_while(|record| {
            let fits = bytes < max_bytes;
            bytes += record.bytes().len();
            fits
        });
        chosen.cloned().collect()
    }

    fn begin(&mut self, offset: u64) {
        self.records.clear();
        self.bytes = 0;
        (self.floor, self.next) = (offset, offset);
        self.fetch = Fetch::Wanted;
        self.fresh = true;
    }

    /// Takes what came; what was asked for before is not wanted any more. Offsets may leave holes, where Kafka keeps marks of
    /// its own.
    fn put(&mut self, offset: u64, record: Vec<u8>) {
        if matches!(self.fetch, Fetch::On | Fetch::Held) && offset >= self.next {
            self.bytes += record.len();
            self.records.push_back(Record::plain(offset, record));
            self.next = offset + 1;
        }
    }
}

impl Feed {
    fn ready(&self, partition: usize) -> Option<MutexGuard<'_, Ready>> {
        let ready = self.ready.get(partition)?;
        Some(ready.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts the thread with the first read.
    fn start(self: &Arc<Self>) -> Result<(), LogError> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if *started {
            return Ok(());
        }
        let consumer = Connection::of(&self.options.kafka, "tiltwise-reader")
            .and_then(|connection| Consumer::start(&connection, &self.options.topic()))
            .map_err(unreadable)?;
        let feed = Arc::downgrade(self);
        thread::Builder::new()
            .name("kafka-reader".to_owned())
            .spawn(move || run(&consumer, &feed))
            .map_err(|error| LogError::closed(format!("no thread to read with: {error}")))?;
        *started = true;
        Ok(())
    }

    /// Does what the readers want of the consumer.
    fn steer(&self, consumer: &Consumer) -> Result<(), Trouble> {
        for partition in 0..self.ready.len() {
            let Some(mut ready) = self.ready(partition) else {
                continue;
            };
            match ready.fetch {
                Fetch::Wanted => {
                    consumer.read_on(partition, ready.floor)?;
                    ready.fetch = Fetch::On;
                }
                Fetch::On if ready.bytes > READY_BYTES => {
                    consumer.hold(partition, true)?;
                    ready.fetch = Fetch::Held;
                }
                Fetch::Held if ready.bytes < READY_BYTES / 2 => {
                    consumer.hold(partition, false)?;
                    ready.fetch = Fetch::On;
                }
                Fetch::Off | Fetch::On | Fetch::Held => {}
            }
        }
        Ok(())
    }

    /// The first record that came is not the one that was asked for: is that one gone?
    fn is_elsewhere(&self, consumer: &Consumer, ready: &mut Ready, partition: usize, came: u64) {
        let Ok((first, end)) = consumer.bounds(partition) else {
            // Asked again with the next record.
            ready.fresh = true;
            return;
        };
        self.shared.starts(partition, first);
        if (first..=end).contains(&ready.floor) && came > ready.floor {
            return;
        }
        ready.trouble = Some(if ready.floor < first {
            LogError::Trimmed {
                offset: ready.floor,
                first,
            }
        } else {
            let topic = self.options.topic();
            LogError::Kafka {
                why: format!(
                    "partition {partition} of {topic} ends at {end}, and record {} was asked for: the topic was made anew. Count \
                     from nothing with `tiltwise rebuild --write`, or use a new data folder",
                    ready.floor
                )
                .into(),
            }
        });
        ready.fetch = Fetch::Off;
    }

    fn take(&self, consumer: &Consumer, read: Read) {
        match read {
            Read::Record {
                partition,
                offset,
                record,
                ..
            } => {
                if let Some(mut ready) = self.ready(partition) {
                    if std::mem::take(&mut ready.fresh) && offset != ready.floor {
                        self.is_elsewhere(consumer, &mut ready, partition, offset);
                    }
                    ready.put(offset, record);
                }
                self.shared.reached(partition, offset + 1);
            }
            Read::Trouble(trouble) if trouble.kind == Kind::Passing => {
                tracing::debug!(%trouble, "reading goes on when it has passed");
            }
            Read::Trouble(trouble) => {
                if self.shared.set_trouble(Some(trouble.to_string())) {
                    tracing::warn!(%trouble, "the topic cannot be read");
                }
            }
            Read::Nothing => {}
        }
    }
}

/// Until nobody is left who reads.
fn run(consumer: &Consumer, feed: &Weak<Feed>) {
    while let Some(feed) = feed.upgrade() {
        if let Err(trouble) = feed.steer(consumer) {
            feed.take(consumer, Read::Trouble(trouble));
            thread::sleep(LOOK);
        }
        let mut within = LOOK;
        // What has already come is taken at once, and looked after now and then.
        for _ in 0..1_000 {
            match consumer.next(within) {
                Read::Nothing => break,
                read => feed.take(consumer, read),
            }
            within = Duration::ZERO;
        }
    }
}

fn unreadable(trouble: Trouble) -> LogError {
    LogError::Kafka {
        why: trouble.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(records: &[Record]) -> Vec<u64> {
        records.iter().map(|record| record.offset).collect()
    }

    #[test]
    fn what_lies_ready_is_read_on_and_read_again_only_from_where_it_was_read_last() {
        let mut ready = Ready::default();
        assert!(ready.read(10, 100).is_empty(), "it has to be fetched first");
        assert_eq!((ready.fetch, ready.floor), (Fetch::Wanted, 10));
        ready.fetch = Fetch::On;
        for offset in [9, 10, 11, 13] {
            ready.put(offset, vec![0; 40]);
        }
        assert_eq!(offsets(&ready.read(10, 100)), [10, 11, 13], "the hole is passed");
        assert_eq!(offsets(&ready.read(10, 50)), [10, 11], "about so many bytes");
        assert_eq!(offsets(&ready.read(12, 100)), [13]);
        assert!(
            ready.read(10, 100).is_empty(),
            "that is gone, and is fetched again"
        );
        assert_eq!(ready.fetch, Fetch::Wanted);
        ready.put(14, vec![0]);
        assert!(
            ready.records.is_empty(),
            "what was on its way belongs to the read before"
        );
    }
}
