//! How accumulators are written down: the message `Accumulators` of `proto/tiltwise.proto`, in its one canonical form.
//!
//! What breaks it: a slot, pair or entry out of order, a pair that names no slot, a width that is not on the ladder, lists
//! whose lengths disagree, an arm or metric that the revision does not have. Zeros are left out when written.

use alloc::{vec, vec::Vec};

use super::Accumulators;
use super::inference::{ArmCell, Bucket, CELLS, ContrastCell};
use super::learning::Bucket as LearningKey;
use super::score::LOGS;
use super::triangle::{ArmSums, DELAY_BINS};
use crate::features::LAST_FINE_SLOT;
use crate::id::RevisionId;
use crate::revision::Revision;
use crate::time::LADDER_MS;
use crate::wire::{Reader, WIRE_VERSION, WireError, Writer, check_version};

/// "TWA1".
pub const ACCUMULATORS_MAGIC: u32 = u32::from_le_bytes(*b"TWA1");
/// Enough for a place among all slots.
const PLACE_BITS: u32 = 23;
const ALL_SLOTS: usize = LAST_FINE_SLOT as usize + 1;
/// Pairs that one arm of one bucket may have: about a gigabyte of them.
const MAX_PAIRS: usize = 1 << 26;

pub(super) fn encode(sums: &Accumulators) -> Vec<u8> {
    let mut w = Writer::new();
    w.fixed32(1, ACCUMULATORS_MAGIC);
    w.uint(2, WIRE_VERSION.into());
    w.fixed64(3, sums.revision.0);
    for (bucket, arms) in sums.learning.buckets() {
        for (arm, sums) in arms.iter().enumerate().filter(|(_, sums)| !sums.is_zero()) {
            w.message(4, |w| write_learning(w, bucket, arm, sums));
        }
    }
    for (start, bucket) in sums.inference.buckets() {
        for (place, cell) in bucket.arms.iter().enumerate().filter(|(_, cell)| !cell.is_zero()) {
            w.message(5, |w| {
                write_head(w, start, place, sums.inference.arms());
                write_arm(w, cell);
            });
        }
    }
    for (start, bucket) in sums.inference.buckets() {
        for (place, cell) in bucket
            .contrasts
            .iter()
            .enumerate()
            .filter(|(_, cell)| !cell.is_zero())
        {
            w.message(6, |w| {
                write_head(w, start, place, sums.inference.arms());
                write_contrast(w, cell);
            });
        }
    }
    w.into_bytes()
}

pub(super) fn decode(bytes: &[u8], revision: &Revision) -> Result<Accumulators, WireError> {
    let (mut magic, mut wire) = (0, 0);
    let mut sums = Accumulators::new(RevisionId(0), revision);
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => magic = r.fixed32(field)?,
            2 => {
                wire = r.u32(field)?;
                check_version(wire)?;
            }
            3 => sums.revision = RevisionId(r.fixed64(field)?),
            4 => read_learning(r.bytes(field)?, &mut sums)?,
            5 => read_arm(r.bytes(field)?, &mut sums)?,
            6 => read_contrast(r.bytes(field)?, &mut sums)?,
            _ => return Err(r.unknown()),
        }
    }
    if magic != ACCUMULATORS_MAGIC {
        return Err(WireError::WrongMagic);
    }
    check_version(wire)?;
    Ok(sums)
}

fn write_learning(w: &mut Writer, bucket: LearningKey, arm: usize, sums: &ArmSums) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    sums.for_each_pair(|low, high, value| a.push(((low, high), value)));
    sums.for_each_b(|slot, value| b.push((slot, value)));
    a.sort_unstable_by_key(|&(pair, _)| pair);
    b.sort_unstable_by_key(|&(slot, _)| slot);
    let mut slots: Vec<u32> = a.iter().flat_map(|&((low, high), _)| [low, high]).collect();
    slots.extend(b.iter().map(|&(slot, _)| slot));
    slots.sort_unstable();
    slots.dedup();
    let position = |slot: u32| slots.binary_search(&slot).unwrap_or(0);
    let mut last = 0;
    let pairs: Vec<u64> = a
        .iter()
        .map(|&((low, high), _)| {
            let pair = (position(low) as u64) << PLACE_BITS | position(high) as u64;
            pair - core::mem::replace(&mut last, pair)
        })
        .collect();
    let mut by_slot = vec![0; slots.len()];
    for (slot, value) in b {
        if let Some(at) = by_slot.get_mut(position(slot)) {
            *at = value;
        }
    }
    w.uint(1, bucket.0);
    w.uint(2, bucket.1);
    w.uint(3, arm as u64);
    w.sint(4, sums.n);
    w.sint(5, sums.sum_r);
    write_wide(w, 6, sums.sum_rr);
    w.packed_u32(7, &slots);
    w.packed_u64(8, pairs.into_iter());
    w.packed_sint(9, a.iter().map(|&(_, value)| value));
    w.packed_sint(10, by_slot.into_iter());
    if sums.delays.iter().any(|&v| v != 0) {
        w.packed_sint(11, sums.delays.iter().copied());
    }
}

fn read_learning(bytes: &[u8], into: &mut Accumulators) -> Result<(), WireError> {
    let (mut start, mut width, mut arm, mut read) = (0, 0, 0, ArmSums::default());
    let (mut slots, mut pairs, mut a) = (Vec::new(), Vec::new(), Vec::new());
    let (mut b, mut delays) = (Vec::new(), Vec::new());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => start = r.u64(field)?,
            2 => width = r.u64(field)?,
            3 => arm = r.u32(field)?,
            4 => read.n = r.sint64(field)?,
            5 => read.sum_r = r.sint64(field)?,
            6 => read.sum_rr = wide(&r, field)?,
            7 => r.repeated_u32(field, &mut slots, ALL_SLOTS, "slots of a bucket")?,
            8 => r.repeated_u64(field, &mut pairs, MAX_PAIRS, "pairs of a bucket")?,
            9 => r.repeated_sint64(field, &mut a, MAX_PAIRS, "pair sums of a bucket")?,
            10 => r.repeated_sint64(field, &mut b, ALL_SLOTS, "reward sums of a bucket")?,
            11 => r.repeated_sint64(field, &mut delays, DELAY_BINS, "delays of a bucket")?,
            _ => return Err(r.unknown()),
        }
    }
    if !LADDER_MS.contains(&width) || !start.is_multiple_of(width) || start.checked_add(width).is_none() {
        return Err(WireError::OutOfRange("start or width of a bucket"));
    }
    let ascending = slots.iter().zip(slots.iter().skip(1)).all(|(x, y)| x < y);
    if !ascending || slots.last().is_some_and(|&slot| slot > LAST_FINE_SLOT) {
        return Err(WireError::OutOfRange("slots of a bucket (ascending)"));
    }
    if pairs.len() != a.len() || b.len() != slots.len() || !matches!(delays.len(), 0 | DELAY_BINS) {
        return Err(WireError::OutOfRange("lists of a bucket (parallel)"));
    }
    let slot = |i: u64| {
        let i = usize::try_from(i).ok();
        i.and_then(|i| slots.get(i))
            .copied()
            .ok_or(WireError::OutOfRange("pair of a bucket"))
    };
    // Every slot gets its place in ascending order.
    for (&slot, &value) in slots.iter().zip(&b) {
        read.add_b(slot, value);
    }
    let mut pair = 0u64;
    for (i, (&step, &value)) in pairs.iter().zip(&a).enumerate() {
        pair = pair.checked_add(step).ok_or(WireError::Overlong)?;
        let (low, high) = (pair >> PLACE_BITS, pair & ((1 << PLACE_BITS) - 1));
        if low > high || (step == 0 && i > 0) {
            return Err(WireError::OutOfRange("pair of a bucket"));
        }
        read.add_a(slot(low)?, slot(high)?, value);
    }
    for (into, value) in read.delays.iter_mut().zip(delays) {
        *into = value;
    }
    let arms = into.learning.arms();
    if arm as usize >= arms {
        return Err(WireError::OutOfRange("arm of a bucket"));
    }
    if let Some(sums) = into.learning.arm_mut((start, width), arm as usize) {
        sums.merge(&read);
    }
    Ok(())
}

fn write_head(w: &mut Writer, start: u64, place: usize, arms: usize) {
    let (group, arm) = (place / arms, place % arms);
    w.uint(1, start);
    w.uint(2, (group / CELLS) as u64);
    w.uint(3, (group % CELLS) as u64);
    w.uint(4, arm as u64);
}

fn write_arm(w: &mut Writer, cell: &ArmCell) {
    w.sint(5, cell.n);
    w.sint(6, cell.sum_r);
    write_wide(w, 7, cell.sum_rr);
    w.sint(8, cell.sum_p_q30);
    w.sint(9, cell.sum_inverse_p_micros);
    w.sint(10, cell.predicted);
    w.sint(11, cell.sum_predicted_r);
    w.sint(12, cell.sum_prediction_micros);
    w.sint(13, cell.possible);
    w.sint(14, cell.sum_weighed_r_micros);
    write_wide(w, 15, cell.sum_weighed_r_squared);
    write_wide(w, 16, cell.sum_weight_squared);
    write_wide(w, 17, cell.sum_weight_weighed_r);
    w.sint(18, cell.sum_psi_micros);
    write_wide(w, 19, cell.sum_psi_squared);
}

fn write_contrast(w: &mut Writer, cell: &ContrastCell) {
    w.sint(5, cell.n);
    w.sint(6, cell.sum_phi_micros);
    write_wide(w, 7, cell.sum_phi_phi);
    w.sint(8, cell.sum_h_phi_micros);
    w.sint(9, cell.sum_h_micros);
    if cell.log_bets_q32.iter().any(|&v| v != 0) {
        w.packed_sint(10, cell.log_bets_q32.iter().copied());
    }
    write_wide(w, 11, cell.sum_h_phi_squared);
    w.sint(12, cell.sum_v_micros);
}

fn read_arm(bytes: &[u8], into: &mut Accumulators) -> Result<(), WireError> {
    let (mut head, mut cell) = (Head::default(), ArmCell::default());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1..=4 => head.read(number, &r, field)?,
            5 => cell.n = r.sint64(field)?,
            6 => cell.sum_r = r.sint64(field)?,
            7 => cell.sum_rr = wide(&r, field)?,
            8 => cell.sum_p_q30 = r.sint64(field)?,
            9 => cell.sum_inverse_p_micros = r.sint64(field)?,
            10 => cell.predicted = r.sint64(field)?,
            11 => cell.sum_predicted_r = r.sint64(field)?,
            12 => cell.sum_prediction_micros = r.sint64(field)?,
            13 => cell.possible = r.sint64(field)?,
            14 => cell.sum_weighed_r_micros = r.sint64(field)?,
            15 => cell.sum_weighed_r_squared = wide(&r, field)?,
            16 => cell.sum_weight_squared = wide(&r, field)?,
            17 => cell.sum_weight_weighed_r = wide(&r, field)?,
            18 => cell.sum_psi_micros = r.sint64(field)?,
            19 => cell.sum_psi_squared = wide(&r, field)?,
            _ => return Err(r.unknown()),
        }
    }
    let (bucket, place) = head.find(into)?;
    *bucket
        .arms
        .get_mut(place)
        .ok_or(WireError::OutOfRange("arm of a bucket"))? = cell;
    Ok(())
}

fn read_contrast(bytes: &[u8], into: &mut Accumulators) -> Result<(), WireError> {
    let (mut head, mut cell, mut logs) = (Head::default(), ContrastCell::default(), Vec::new());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1..=4 => head.read(number, &r, field)?,
            5 => cell.n = r.sint64(field)?,
            6 => cell.sum_phi_micros = r.sint64(field)?,
            7 => cell.sum_phi_phi = wide(&r, field)?,
            8 => cell.sum_h_phi_micros = r.sint64(field)?,
            9 => cell.sum_h_micros = r.sint64(field)?,
            10 => r.repeated_sint64(field, &mut logs, LOGS, "bets of a contrast")?,
            11 => cell.sum_h_phi_squared = wide(&r, field)?,
            12 => cell.sum_v_micros = r.sint64(field)?,
            _ => return Err(r.unknown()),
        }
    }
    if !matches!(logs.len(), 0 | LOGS) {
        return Err(WireError::OutOfRange("bets of a contrast"));
    }
    for (into, log) in cell.log_bets_q32.iter_mut().zip(logs) {
        *into = log;
    }
    let (bucket, place) = head.find(into)?;
    *bucket
        .contrasts
        .get_mut(place)
        .ok_or(WireError::OutOfRange("arm of a bucket"))? = cell;
    Ok(())
}

/// What an entry of an inference bucket starts with.
#[derive(Default)]
struct Head {
    start: u64,
    metric: u32,
    cell: u32,
    arm: u32,
}

impl Head {
    fn read<'a>(
        &mut self,
        number: u32,
        r: &Reader<'a>,
        field: crate::wire::Field<'a>,
    ) -> Result<(), WireError> {
        match number {
            1 => self.start = r.u64(field)?,
            2 => self.metric = r.u32(field)?,
            3 => self.cell = r.u32(field)?,
            _ => self.arm = r.u32(field)?,
        }
        Ok(())
    }

    fn find<'s>(&self, sums: &'s mut Accumulators) -> Result<(&'s mut Bucket, usize), WireError> {
        let inference = &mut sums.inference;
        let known = (self.metric as usize) < inference.metrics()
            && (self.cell as usize) < CELLS
            && (self.arm as usize) < inference.arms();
        if !known || !self.start.is_multiple_of(inference.bucket_ms()) {
            return Err(WireError::OutOfRange("place of an inference bucket"));
        }
        let place = inference.place(self.metric as usize, self.cell as usize, self.arm as usize);
        Ok((inference.bucket_mut(self.start), place))
    }
}

/// 16 bytes, two's complement, little endian; nothing for 0.
fn write_wide(w: &mut Writer, field: u32, value: i128) {
    if value != 0 {
        w.bytes(field, &value.to_le_bytes());
    }
}

fn wide<'a>(r: &Reader<'a>, field: crate::wire::Field<'a>) -> Result<i128, WireError> {
    r.exactly(field, "a wide sum (16 bytes)").map(i128::from_le_bytes)
}
