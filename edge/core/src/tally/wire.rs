//! How a tally is written down: the message `Tally` of `proto/fold.proto`, sorted and without zeros.

use alloc::vec::Vec;

use super::{Kind, Row, Tally, Verdicts};
use crate::acc::Accumulators;
use crate::id::RevisionId;
use crate::join::{Revisions, Verdict};
use crate::wire::{Reader, WIRE_VERSION, WireError, Writer, check_version};

impl Tally {
    pub fn encode(&self, minute: u64, revision: RevisionId) -> Vec<u8> {
        let mut w = Writer::new();
        w.uint(1, WIRE_VERSION.into());
        w.uint(2, minute);
        w.fixed64(3, revision.0);
        for (&(arm, slot), row) in self.rows.iter().filter(|(_, row)| !row.is_zero()) {
            w.message(4, |w| write_row(w, arm, slot, row));
        }
        for (&(arm, metric), &micros) in self.rewards.iter().filter(|(_, micros)| **micros != 0) {
            w.message(5, |w| {
                w.uint(1, arm.into());
                w.uint(2, metric.into());
                w.sint(3, micros);
            });
        }
        for (&kind, verdicts) in &self.facts {
            w.message(6, |w| {
                w.uint(1, kind as u64);
                write_verdicts(w, 2, verdicts);
            });
        }
        if let Some(shown) = &self.shown {
            w.bytes(7, &shown.encode());
        }
        w.into_bytes()
    }

    /// Reads a tally, with its minute and revision. Nothing in the place of the tally where the revision is not known.
    pub fn decode(bytes: &[u8], revisions: &Revisions) -> Result<(u64, RevisionId, Option<Self>), WireError> {
        let (mut wire, mut minute, mut id) = (0, 0, RevisionId(0));
        let mut tally = Self::default();
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => wire = r.u32(field)?,
                2 => minute = r.u64(field)?,
                3 => id = RevisionId(r.fixed64(field)?),
                4 => {
                    let (key, row) = read_row(r.bytes(field)?)?;
                    tally.rows.entry(key).or_default().add(&row);
                }
                5 => {
                    let (key, micros) = read_reward(r.bytes(field)?)?;
                    *tally.rewards.entry(key).or_default() += micros;
                }
                6 => {
                    let (kind, verdicts) = read_facts(r.bytes(field)?)?;
                    super::add(tally.facts.entry(kind).or_default(), &verdicts);
                }
                7 => match revisions.get(&id) {
                    Some(revision) => {
                        tally.shown = Some(Accumulators::decode(r.bytes(field)?, revision)?);
                    }
                    None => return Ok((minute, id, None)),
                },
                _ => return Err(r.unknown()),
            }
        }
        check_version(wire)?;
        Ok((minute, id, Some(tally)))
    }
}

fn write_row(w: &mut Writer, arm: u32, slot: u32, row: &Row) {
    w.uint(1, arm.into());
    w.uint(2, slot.into());
    w.sint(3, row.units);
    w.sint(4, row.reward_micros);
    write_verdicts(w, 5, &row.exposures);
}

fn write_verdicts(w: &mut Writer, field: u32, verdicts: &Verdicts) {
    if verdicts.iter().any(|&count| count > 0) {
        w.packed_u64(field, verdicts.iter().copied());
    }
}

fn read_row(bytes: &[u8]) -> Result<((u32, u32), Row), WireError> {
    let (mut arm, mut slot, mut row) = (0, 0, Row::default());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => arm = r.u32(field)?,
            2 => slot = r.u32(field)?,
            3 => row.units = r.sint64(field)?,
            4 => row.reward_micros = r.sint64(field)?,
            5 => row.exposures = read_verdicts(&r, field)?,
            _ => return Err(r.unknown()),
        }
    }
    Ok(((arm, slot), row))
}

fn read_reward(bytes: &[u8]) -> Result<((u32, u32), i64), WireError> {
    let (mut arm, mut metric, mut micros) = (0, 0, 0);
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => arm = r.u32(field)?,
            2 => metric = r.u32(field)?,
            3 => micros = r.sint64(field)?,
            _ => return Err(r.unknown()),
        }
    }
    Ok(((arm, metric), micros))
}

fn read_facts(bytes: &[u8]) -> Result<(Kind, Verdicts), WireError> {
    let (mut kind, mut verdicts) = (0, Verdicts::default());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => kind = r.u32(field)? as usize,
            2 => verdicts = read_verdicts(&r, field)?,
            _ => return Err(r.unknown()),
        }
    }
    let kind = Kind::ALL
        .get(kind)
        .ok_or(WireError::OutOfRange("kind of a fact"))?;
    Ok((*kind, verdicts))
}

fn read_verdicts(r: &Reader<'_>, field: crate::wire::Field<'_>) -> Result<Verdicts, WireError> {
    let mut read = Vec::new();
    r.repeated_u64(field, &mut read, Verdict::ALL.len(), "verdicts")?;
    let mut verdicts = Verdicts::default();
    verdicts
        .iter_mut()
        .zip(read)
        .for_each(|(into, count)| *into = count);
    Ok(verdicts)
}
