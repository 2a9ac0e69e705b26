//! A shard: one 256th of all units, by hash of the pseudonym.

use alloc::collections::BTreeMap;

use super::unit::Unit;
use super::{Params, Revisions, Surroundings, Verdict};
use crate::event::LoggedEvent;
use crate::id::Pseudonym;

/// How many shards there are; part of the log's layout for good.
pub const SHARDS: usize = 256;

/// The shard of a unit. The number of partitions is a power of two up to [`SHARDS`], so `shard mod partitions` is the
/// partition that Kafka's own partitioner finds for the same key, and a shard never spans two.
pub fn shard_of(unit: &Pseudonym) -> usize {
    (murmur2(&unit.0) & 0x7fff_ffff) as usize % SHARDS
}

/// The hash by which Kafka's Java client partitions keys.
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h = 0x9747_b28c ^ data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut four = [0; 4];
        four.copy_from_slice(chunk);
        let mut k = u32::from_le_bytes(four).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (i, &byte) in rest.iter().enumerate() {
            h ^= u32::from(byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ h >> 15
}

/// The join state of the units of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    units: BTreeMap<Pseudonym, Unit>,
}

impl Shard {
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// How many units it remembers.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    pub fn units(&self) -> impl Iterator<Item = (&Pseudonym, &Unit)> {
        self.units.iter()
    }

    pub fn unit(&self, id: &Pseudonym) -> Option<&Unit> {
        self.units.get(id)
    }

    pub(super) fn insert(&mut self, id: Pseudonym, unit: Unit) -> bool {
        self.units.insert(id, unit).is_none()
    }

    /// Joins one event of one of its units, at the clock of the event's position. The differences go into the sums.
    pub fn apply(&mut self, event: LoggedEvent, world: &mut Surroundings<'_>) -> Verdict {
        if event.received_ms.saturating_add(world.params.disorder_ms) < world.clock_ms {
            return Verdict::Stale;
        }
        if event.received_ms > world.clock_ms {
            return Verdict::Ahead;
        }
        let id = event.unit;
        if let Some(unit) = self.units.get_mut(&id) {
            return unit.apply(event, world);
        }
        let mut unit = Unit::default();
        let verdict = unit.apply(event, world);
        if !unit.is_empty() {
            self.units.insert(id, unit);
        }
        verdict
    }

    /// The clock after which trimming once is enough, whatever its units wait for (see [`Unit::rests_after_ms`]).
    pub fn rests_after_ms(&self, params: &Params, revisions: &Revisions) -> Option<u64> {
        let units = self.units.values();
        units
            .filter_map(|unit| unit.rests_after_ms(params, revisions))
            .max()
    }

    /// Forgets what can never matter again. When and how often makes no difference to any sum.
    pub fn trim(&mut self, params: &Params, revisions: &Revisions, clock_ms: u64) {
        self.units.retain(|_, unit| {
            unit.trim(params, revisions, clock_ms);
            !unit.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Apache Kafka's own test (`UtilsTest.testMurmur2`).
    #[test]
    fn the_partitioner_agrees_with_kafka() {
        let cases: [(&[u8], i32); 6] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            (b"abc", 479_470_107),
        ];
        for (key, hash) in cases {
            assert_eq!(murmur2(key).cast_signed(), hash);
        }
    }
}
