//! One decision, from the bytes of a `DecideRequest` to those of a `DecideAnswer`.

use alloc::string::String;
use alloc::vec::Vec;

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::{Held, decide, prepare};
use tiltwise_core::event::{Exposure, MAX_ID};
use tiltwise_core::hash::Unit;
use tiltwise_core::id::Visitor;
use tiltwise_core::revision::MAX_KEY;
use tiltwise_core::snapshot::SnapshotContent;
use tiltwise_core::sticky::episode;
use tiltwise_core::wire::{Message, WIRE_VERSION, WireError, Writer};

/// What came of a call. Part of the contract of the exports: numbers are added and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Code {
    /// An arm was drawn, and the answer has its exposure; or whatever else was asked for is done.
    Drawn = 0,
    /// Not targeted, out of traffic, or without an active arm: the caller's fallback.
    Ineligible = 1,
    /// Everybody gets the answer's arm, the control.
    Paused = 2,
    /// Everybody gets the answer's arm, the winner.
    Decided = 3,
    /// The bytes are not the message they should be.
    Unreadable = 16,
    /// Written by a newer release: upgrade this part first.
    Upgrade = 17,
    /// No snapshot has been loaded.
    NoSnapshot = 18,
    /// The snapshot does not have this experiment.
    NoExperiment = 19,
    /// The request names another kind of unit than the experiment randomises.
    WrongUnit = 20,
    /// No fold has been opened.
    NoFold = 21,
    /// An exposure, or sums, name a revision that was not added.
    UnknownRevision = 22,
}

#[derive(Default)]
struct Request {
    experiment: String,
    visitor: Option<Visitor>,
    account: Option<String>,
    now_ms: u64,
    session: u64,
    unpersonalized: bool,
    context: Context,
}

/// Never fails: what is wrong is the code, and then the answer holds nothing else.
pub(super) fn answer(snapshot: Option<&(u64, SnapshotContent)>, request: &[u8]) -> (Code, Vec<u8>) {
    let (code, arm, exposure) = match draw(snapshot, request) {
        Ok(Ok(exposure)) => (Code::Drawn, exposure.arm, Some(exposure)),
        Ok(Err(Held::Ineligible)) => (Code::Ineligible, 0, None),
        Ok(Err(Held::Paused { arm })) => (Code::Paused, arm, None),
        Ok(Err(Held::Decided { arm })) => (Code::Decided, arm, None),
        Err(code) => (code, 0, None),
    };
    let mut w = Writer::new();
    w.uint(1, WIRE_VERSION.into());
    w.uint(2, code as u64);
    w.uint(3, arm.into());
    if let Some(exposure) = exposure {
        w.message(4, |w| exposure.write(w));
    }
    (code, w.into_bytes())
}

fn draw(snapshot: Option<&(u64, SnapshotContent)>, request: &[u8]) -> Result<Result<Exposure, Held>, Code> {
    let request = Message::read(request, Request::read).map_err(|error| match error {
        WireError::Newer { .. } => Code::Upgrade,
        _ => Code::Unreadable,
    })?;
    let (version, content) = snapshot.ok_or(Code::NoSnapshot)?;
    let at = content.find(&request.experiment).ok_or(Code::NoExperiment)?;
    let experiment = content.experiments.get(at).ok_or(Code::NoExperiment)?;
    let unit = match (&request.visitor, &request.account) {
        (Some(visitor), None) => Unit::Visitor(visitor),
        (None, Some(account)) => Unit::Account(account),
        _ => return Err(Code::WrongUnit),
    };
    if unit.kind() != experiment.revision.unit {
        return Err(Code::WrongUnit);
    }
    let prepared = prepare(experiment, &request.context, !request.unpersonalized);
    let episode = episode(&experiment.revision, request.now_ms, request.session);
    Ok(decide(experiment, &prepared, *version, unit, episode))
}

impl Request {
    fn read(m: &mut Message<'_>) -> Self {
        let mut request = Self::default();
        let mut wire = 0;
        while let Some(number) = m.next_field() {
            match number {
                1 => wire = m.wire(),
                2 => request.experiment = m.text(MAX_KEY, "experiment key"),
                3 => request.visitor = Some(Visitor(m.exactly("visitor (18 bytes)"))),
                4 => request.account = Some(m.text(MAX_ID, "account")),
                5 => request.now_ms = m.u64(),
                6 => request.session = m.fixed64(),
                7 => request.unpersonalized = m.bool(),
                8 => {
                    let (name, value) = m.nested(named);
                    if let Some(value) = value {
                        request.context.set(&name, value);
                    }
                }
                _ => m.unknown(),
            }
        }
        m.need(wire == WIRE_VERSION, "wire version");
        request
    }
}

fn named(m: &mut Message<'_>) -> (String, Option<ContextValue>) {
    let (mut name, mut value) = (String::new(), None);
    while let Some(number) = m.next_field() {
        match number {
            1 => name = m.text(MAX_KEY, "attribute name"),
            // A text is cut by the context, at a character; this bound only keeps a request small.
            2 => value = Some(ContextValue::Text(m.text(4_096, "text of an attribute"))),
            3 => value = Some(ContextValue::Number(m.f64())),
            4 => value = Some(ContextValue::Truth(m.bool())),
            _ => m.unknown(),
        }
    }
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_a_code_and_never_a_panic() {
        for request in [&b""[..], b"\xff", b"\x08\x01\x12\x05hello", &[0x12; 400]] {
            let (code, answer) = answer(None, request);
            assert_ne!(code, Code::Drawn);
            assert!(!answer.is_empty());
        }
        assert_eq!(answer(None, b"\x08\x02").0, Code::Upgrade);
        assert_eq!(answer(None, b"\x08\x01").0, Code::NoSnapshot);
    }
}
