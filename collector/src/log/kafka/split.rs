//! Which events go to which partition.
//!
//! Events come encoded, as elements of a record that has no head yet. They stay so: only the unit of each is looked at.

use tiltwise_core::{
    id::Pseudonym,
    join::shard_of,
    wire::{Reader, WireError, Writer},
};

/// The fields of a record that hold its clock and its events, and the field of an event that holds its unit.
const CLOCK: u32 = 2;
const EVENTS: u32 = 3;
const UNIT: u32 = 2;

/// Where a record is closed and the next begun: one read of the trainer, and any broker, holds it with ease.
const RECORD_BYTES: usize = 256 << 10;

/// The events of a group, on their way to records of one partition each.
pub(super) struct Splitter {
    open: Vec<Vec<u8>>,
    /// Closed because they were large enough.
    full: Vec<(usize, Vec<u8>)>,
}

impl Splitter {
    pub(super) fn new(partitions: usize) -> Self {
        Self {
            open: vec![Vec::new(); partitions],
            full: Vec::new(),
        }
    }

    /// Adds events in their order.
    pub(super) fn add(&mut self, events: &[u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(events);
        while let Some((number, field)) = reader.next()? {
            if number != EVENTS {
                return Err(reader.unknown());
            }
            let event = reader.bytes(field)?;
            let partition = partition_of(&unit(event)?, self.open.len());
            let Some(open) = self.open.get_mut(partition) else {
                continue;
            };
            if !open.is_empty() && open.len() + event.len() > RECORD_BYTES {
                self.full.push((partition, std::mem::take(open)));
            }
            let mut writer = Writer::new();
            writer.bytes(EVENTS, event);
            open.extend(writer.into_bytes());
        }
        Ok(())
    }

    /// The events of every record that comes out, with its partition; a partition's in their order.
    pub(super) fn finish(self) -> Vec<(usize, Vec<u8>)> {
        let open = (0..).zip(self.open).filter(|(_, events)| !events.is_empty());
        self.full.into_iter().chain(open).collect()
    }
}

/// The partition of a unit: what Kafka's own partitioner finds for the same key.
pub fn partition_of(unit: &Pseudonym, partitions: usize) -> usize {
    shard_of(unit) % partitions.max(1)
}

/// The clock in the head of a record.
pub(super) fn stamp(record: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(record);
    while let Ok(Some((number, field))) = reader.next() {
        if number == CLOCK {
            return reader.u64(field).ok();
        }
    }
    None
}

fn unit(event: &[u8]) -> Result<Pseudonym, WireError> {
    let mut reader = Reader::new(event);
    while let Some((number, field)) = reader.next()? {
        if number == UNIT {
            return Ok(Pseudonym(reader.exactly(field, "pseudonym (16 bytes)")?));
        }
    }
    Err(WireError::Missing("pseudonym"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{encode_events, record::head};
    use tiltwise_core::{
        event::{Fact, LogRecord, LoggedEvent, Quarantine},
        id::Tier,
    };

    fn event(unit: u8) -> LoggedEvent {
        LoggedEvent {
            id: [unit; 16],
            unit: Pseudonym([unit; 16]),
            received_ms: 5,
            at_ms: 4,
            tier: Tier::Page,
            quarantine: Quarantine::None,
            fact: Fact::Erasure,
        }
    }

    #[test]
    fn every_event_goes_to_the_partition_of_its_unit_and_keeps_its_bytes_and_its_place() {
        let events: Vec<LoggedEvent> = (0..200).map(|at| event(at % 50)).collect();
        let mut splitter = Splitter::new(8);
        splitter.add(&encode_events(&events)).unwrap();
        let mut found = 0;
        for (partition, bytes) in splitter.finish() {
            let mut record = head(7);
            record.extend(bytes);
            assert_eq!(stamp(&record), Some(7));
            let decoded = LogRecord::decode(&record).unwrap().events;
            let expected: Vec<_> = events
                .iter()
                .filter(|event| partition_of(&event.unit, 8) == partition)
                .cloned()
                .collect();
            assert_eq!(decoded, expected);
            found += decoded.len();
        }
        assert_eq!(found, 200);
    }

    #[test]
    fn no_record_is_much_larger_than_its_bound() {
        let mut splitter = Splitter::new(1);
        let events = encode_events(&vec![event(1); 1_000]);
        for _ in 0..10 {
            splitter.add(&events).unwrap();
        }
        let records = splitter.finish();
        assert!(records.len() > 1);
        assert!(
            records
                .iter()
                .all(|(_, record)| record.len() <= RECORD_BYTES + 1_000)
        );
    }

    /// From Kafka's own `Utils.murmur2`, with the sign bit cleared, as its partitioner does.
    #[test]
    fn a_partition_is_the_one_that_kafka_finds() {
        use tiltwise_core::join::murmur2;
        assert_eq!(murmur2(b"21").cast_signed(), -973_932_308);
        assert_eq!(murmur2(b"foobar").cast_signed(), -790_332_482);
    }
}
