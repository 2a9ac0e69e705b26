//! What a minute of the log has brought, beside the fold: counted as events are joined, and named when the minute is over.
//!
//! Nothing is defined here: that is `tiltwise_core::tally`. Between calls an instance holds what nobody has taken yet.

use alloc::{borrow::ToOwned, collections::BTreeMap, vec::Vec};

use tiltwise_core::acc::Accumulators;
use tiltwise_core::event::{Fact, LoggedEvent};
use tiltwise_core::id::RevisionId;
use tiltwise_core::infer::evaluate::Allocation;
use tiltwise_core::join::{Revisions, Verdict};
use tiltwise_core::revision::{MAX_KEY, Revision};
use tiltwise_core::segments::Listed;
use tiltwise_core::tally::minute::{Counts, Line, Minute, minute};
use tiltwise_core::tally::{Kind, Named, Tally, minute_of, over_at};
use tiltwise_core::wire::{Reader, WIRE_VERSION, WireError, Writer};

use super::Code;
use super::fold::{Answer, version, wrong};

/// What is of no revision is counted under this one.
const LOG: RevisionId = RevisionId(0);

#[derive(Default)]
pub(super) struct Minutes {
    values: Listed,
    named: BTreeMap<RevisionId, Named>,
    tallies: BTreeMap<(u64, RevisionId), Tally>,
}

/// What is remembered of an event while it is joined.
pub(super) struct Seen {
    kind: Kind,
    exposure: Option<(RevisionId, u32, Vec<u32>)>,
}

impl Minutes {
    /// Adds an encoded `ListedValues`.
    pub(super) fn list(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let (mut attribute, mut values) = ("", Vec::new());
        let mut r = Reader::new(bytes);
        while let Some((number, field)) = r.next()? {
            match number {
                1 => attribute = r.text(field, MAX_KEY, "attribute")?,
                2 => values.push(r.text(field, usize::MAX, "value")?.to_owned()),
                _ => return Err(r.unknown()),
            }
        }
        self.values
            .entry(attribute.to_owned())
            .or_default()
            .extend(values);
        Ok(())
    }

    pub(super) fn see(&mut self, event: &LoggedEvent, revisions: &Revisions) -> Seen {
        let exposure = match &event.fact {
            Fact::Exposure(exposure) => revisions
                .get(&exposure.revision)
                .filter(|revision| (exposure.arm as usize) < revision.arms())
                .map(|revision| {
                    let slots = self.named(exposure.revision, revision).slots_of(exposure);
                    (exposure.revision, exposure.arm, slots)
                }),
            _ => None,
        };
        Seen {
            kind: Kind::of(&event.fact),
            exposure,
        }
    }

    pub(super) fn count(&mut self, tick: u64, seen: Seen, verdict: Verdict) {
        let minute = minute_of(tick);
        self.tally(minute, LOG).count(seen.kind, verdict);
        if let Some((id, arm, slots)) = seen.exposure {
            self.tally(minute, id).count_exposure(arm, &slots, verdict);
        }
    }

    /// What the sums of a revision have changed by in a tick.
    pub(super) fn add_sums(&mut self, tick: u64, sums: &Accumulators, revisions: &Revisions) {
        let id = sums.revision();
        if let Some(revision) = revisions.get(&id) {
            let named = named(&mut self.named, &self.values, id, revision);
            self.tallies
                .entry((minute_of(tick), id))
                .or_default()
                .add_sums(sums, named);
        }
    }

    /// The tallies of all minutes that are over at the end of this tick, which are no longer held: `Tallies`.
    pub(super) fn take(&mut self, through_tick: u64) -> Vec<u8> {
        let mut w = Writer::new();
        w.uint(1, WIRE_VERSION.into());
        if let Some(over) = over_at(through_tick) {
            let later = self.tallies.split_off(&(over.saturating_add(1), LOG));
            for ((minute, id), tally) in core::mem::replace(&mut self.tallies, later) {
                w.element(2, &tally.encode(minute, id));
            }
        }
        w.into_bytes()
    }

    fn tally(&mut self, minute: u64, id: RevisionId) -> &mut Tally {
        self.tallies.entry((minute, id)).or_default()
    }

    fn named(&mut self, id: RevisionId, revision: &Revision) -> &Named {
        named(&mut self.named, &self.values, id, revision)
    }

    /// What a `MinuteRequest` asks: a `MinuteAnswer`.
    pub(super) fn minute(&mut self, request: &[u8], revisions: &Revisions) -> Answer {
        let (tally, shown) = read_request(request).map_err(wrong)?;
        let (at, id, tally) = Tally::decode(tally, revisions).map_err(wrong)?;
        let mut w = Writer::new();
        w.uint(1, WIRE_VERSION.into());
        w.uint(2, at);
        w.fixed64(3, id.0);
        if id == LOG {
            write_log(&mut w, &tally.ok_or(Code::Unreadable)?);
            return Ok(w.into_bytes());
        }
        let (Some(tally), Some(revision)) = (tally, revisions.get(&id)) else {
            return Err(Code::UnknownRevision);
        };
        let before = match shown {
            [] => None,
            bytes => Some(Accumulators::decode(bytes, revision).map_err(wrong)?),
        };
        let said = minute(id, revision, self.named(id, revision), &tally, before);
        write_minute(&mut w, revision, &said);
        Ok(w.into_bytes())
    }
}

/// The sum of all tallies in `Tallies`, of one minute and one revision: a `Tally`.
pub(super) fn add(request: &[u8], revisions: &Revisions) -> Answer {
    let mut whole: Option<(u64, RevisionId, Tally)> = None;
    for bytes in read_tallies(request).map_err(wrong)? {
        let (minute, id, tally) = Tally::decode(bytes, revisions).map_err(wrong)?;
        let tally = tally.ok_or(Code::UnknownRevision)?;
        match &mut whole {
            None => whole = Some((minute, id, tally)),
            Some((at, of, sum)) if (*at, *of) == (minute, id) => sum.merge(&tally),
            Some(_) => return Err(Code::Unreadable),
        }
    }
    let (minute, id, tally) = whole.ok_or(Code::Unreadable)?;
    Ok(tally.encode(minute, id))
}

fn named<'a>(
    all: &'a mut BTreeMap<RevisionId, Named>,
    values: &Listed,
    id: RevisionId,
    revision: &Revision,
) -> &'a Named {
    all.entry(id).or_insert_with(|| Named::of(revision, values))
}

fn read_tallies(bytes: &[u8]) -> Result<Vec<&[u8]>, WireError> {
    let (mut wire, mut all) = (0, Vec::new());
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => wire = version(r.u32(field)?)?,
            2 => all.push(r.bytes(field)?),
            _ => return Err(r.unknown()),
        }
    }
    version(wire)?;
    Ok(all)
}

fn read_request(bytes: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let (mut wire, mut tally, mut shown) = (0, &[][..], &[][..]);
    let mut r = Reader::new(bytes);
    while let Some((number, field)) = r.next()? {
        match number {
            1 => wire = version(r.u32(field)?)?,
            2 => tally = r.bytes(field)?,
            3 => shown = r.bytes(field)?,
            _ => return Err(r.unknown()),
        }
    }
    version(wire)?;
    Ok((tally, shown))
}

fn write_minute(w: &mut Writer, revision: &Revision, said: &Minute) {
    let Allocation {
        log_e, is_breached, ..
    } = said.allocation;
    w.text(4, &revision.key);
    w.f64(5, log_e);
    w.bool(6, is_breached);
    if !said.shown.is_zero() {
        w.bytes(7, &said.shown.encode());
    }
    for line in &said.lines {
        w.message(8, |w| write_line(w, revision, line));
    }
}

fn write_line(w: &mut Writer, revision: &Revision, line: &Line) {
    let variant = revision.variants.get(line.arm as usize);
    w.uint(1, line.arm.into());
    w.text(2, variant.map_or("", |variant| &variant.key));
    if let Some((group, kind)) = &line.kind {
        w.text(3, group);
        w.text(4, kind);
    }
    w.message(5, |w| write_counts(w, &line.counts));
    w.sint(6, line.units);
    for (metric, &reward) in revision.metrics.iter().zip(&line.rewards) {
        w.message(7, |w| {
            w.text(1, &metric.event);
            w.bool(2, metric.cap_micros > 0);
            w.sint(3, reward);
            w.text(4, &metric.currency);
            w.uint(5, metric.window_ms);
        });
    }
}

/// Of everything in the log, by what it says.
fn write_log(w: &mut Writer, tally: &Tally) {
    for kind in Kind::ALL {
        w.message(9, |w| write_counts(w, &Counts::from(&tally.facts(kind))));
    }
}

fn write_counts(w: &mut Writer, counts: &Counts) {
    w.uint(1, counts.taken);
    w.uint(2, counts.late);
    w.uint(3, counts.duplicate);
    w.uint(4, counts.rejected);
    w.uint(5, counts.erased);
}
