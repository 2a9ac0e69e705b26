//! The face for JavaScript.
//!
//! What crosses is numbers. Texts and bytes lie on a desk that both sides reach: the host asks for room, lays its arguments
//! down one behind the other and passes their lengths; an answer is its length, and lies where room is given. So the module
//! needs no glue and imports nothing. (An object built through serde costs about 10 µs and 10 KB; a text through
//! wasm-bindgen's glue, a block of memory and a call of the host's encoder.)
//!
//! Times are milliseconds as JavaScript has them; nothing found is an answer of length 0, and a reason is a small number.
//! `client` is the number that [`open`] gave. Truth is 0 or another number.
#![allow(unsafe_code)] // Exported names are one space for all of a module: each stands once, here or in wasm-pkg's loader.

mod clients;

use tiltwise_core::context::ContextValue;
use tiltwise_core::event::Outcome;

use crate::session::consent::Answer;
use crate::session::{Fresh, Limits, Offer, Session};
use clients::{Desk, with};

/// The version of the rules by which bytes become decisions; snapshots of another one are refused.
#[cfg_attr(target_family = "wasm", unsafe(export_name = "specVersion"))]
#[must_use]
pub extern "C" fn spec_version() -> u32 {
    tiltwise_core::SPEC_VERSION
}

/// The address of room for so many bytes. What was laid down before stays; the address may be another at every call.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn desk(bytes: usize) -> usize {
    clients::desk().room(bytes)
}

/// A new client. On the desk: 40 random bytes, here and wherever a new person may begin.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn open(now: f64, max_events: u32, flush_count: u32, flush_interval: f64) -> usize {
    let limits = Limits {
        events: max_events as usize,
        flush_count: flush_count as usize,
        flush_interval_ms: flush_interval as u64,
    };
    clients::open(Session::new(&random(clients::desk()), now as u64, limits))
}

/// Ends a client and gives its memory back.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn close(client: usize) {
    clients::close(client);
}

/// Takes a snapshot out of its verified envelope. On the desk: the site and the content. 0: it is in use; otherwise the
/// number of a `Refusal`.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn offer(
    client: usize,
    site: usize,
    content: usize,
    version: u64,
    expires: f64,
    bootstrap: u32,
    now: f64,
) -> u32 {
    with(client, |c, desk| {
        let offer = Offer {
            site: desk.text(0, site),
            version,
            expires_ms: expires as u64,
            content: desk.bytes(site, content),
            bootstrap: bootstrap != 0,
        };
        c.session
            .offer(offer, now as u64)
            .map_or_else(|refusal| refusal as u32, |()| 0)
    })
}

/// The version in use; 0: none.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn version(client: usize) -> u64 {
    with(client, |c, _| c.session.version())
}

/// The place in the snapshot in use of the experiment whose key is on the desk; -1: it is not there.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn find(client: usize, key: usize) -> i32 {
    with(client, |c, desk| {
        c.session.find(desk.text(0, key)).map_or(-1, |at| at as i32)
    })
}

/// Lays down the key of a variant, or its value as JSON text.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn variant(client: usize, at: usize, arm: u32, value: u32) -> usize {
    with(client, |c, desk| {
        let variant = c.session.variant(at, arm);
        desk.lay(variant.map(|(key, json)| if value != 0 { json } else { key }.into()))
    })
}

/// Bits 0 to 2: the number of a `Source`. Bit 3: an exposure was made. From bit 8: the arm plus one; 0 is the fallback.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn choose(client: usize, at: usize, now: f64) -> u32 {
    with(client, |c, _| {
        c.choice = c.session.choose(at, now as u64);
        let arm = c.choice.arm.map_or(0, |arm| arm + 1);
        c.choice.source as u32 | u32::from(c.choice.exposed) << 3 | arm << 8
    })
}

/// Of the last choice, in parts of 2^30; 0 where nothing was drawn.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn propensity(client: usize) -> u32 {
    with(client, |c, _| c.choice.propensity_q30)
}

/// The version that made the last choice; 0: none did.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn model(client: usize) -> u64 {
    with(client, |c, _| c.choice.model)
}

/// Draws without showing, remembering or sending anything: the arm plus one; 0: none.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn peek(client: usize, at: usize, now: f64) -> u32 {
    with(client, |c, _| {
        c.session.peek(at, now as u64).map_or(0, |arm| arm + 1)
    })
}

/// Shows a variant. On the desk: the keys of experiment and variant; an empty one: what would be shown anyway.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn force(client: usize, experiment: usize, variant: usize) {
    with(client, |c, desk| {
        let key = Some(desk.text(experiment, variant)).filter(|v| !v.is_empty());
        c.session.force(desk.text(0, experiment), key);
    });
}

/// On the desk: name, currency and id. 0, or the number of what became of it (`Tracked`).
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn track(client: usize, name: usize, currency: usize, id: usize, value: f64, now: f64) -> u32 {
    with(client, |c, desk| {
        let outcome = Outcome {
            name: desk.text(0, name),
            value,
            currency: desk.text(name, currency),
            id: desk.text(name + currency, id),
        };
        c.session.track(outcome, now as u64) as u32
    })
}

/// On the desk: the name, and here the value behind it.
#[cfg_attr(target_family = "wasm", unsafe(export_name = "setText"))]
pub extern "C" fn set_text(client: usize, name: usize, value: usize) {
    with(client, |c, desk| {
        let value = ContextValue::Text(desk.text(name, value).into());
        c.session.set_context(desk.text(0, name), value);
    });
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "setNumber"))]
pub extern "C" fn set_number(client: usize, name: usize, value: f64) {
    with(client, |c, desk| {
        c.session
            .set_context(desk.text(0, name), ContextValue::Number(value));
    });
}

/// The value of this name is not known any more.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn unset(client: usize, name: usize) {
    with(client, |c, desk| c.session.unset_context(desk.text(0, name)));
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "setTruth"))]
pub extern "C" fn set_truth(client: usize, name: usize, value: u32) {
    with(client, |c, desk| {
        c.session
            .set_context(desk.text(0, name), ContextValue::Truth(value != 0));
    });
}

/// Answers: 0 pending, 1 granted, 2 denied. On the desk: 40 random bytes.
#[cfg_attr(target_family = "wasm", unsafe(export_name = "setConsent"))]
pub extern "C" fn set_consent(client: usize, measurement: u32, personalization: u32, now: f64) {
    let answers = (answer(measurement), answer(personalization));
    with(client, |c, desk| {
        c.session
            .set_consent(answers.0, answers.1, &random(desk), now as u64);
    });
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "setGpc"))]
pub extern "C" fn set_gpc(client: usize, gpc: u32) {
    with(client, |c, _| c.session.set_gpc(gpc != 0));
}

/// False: the account is too long.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn identify(client: usize, account: usize) -> u32 {
    with(client, |c, desk| c.session.identify(desk.text(0, account)).into())
}

/// On the desk: 40 random bytes.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn reset(client: usize, now: f64) {
    with(client, |c, desk| c.session.reset(&random(desk), now as u64));
}

/// Lays down 18 bytes, or none where there may be no visitor id.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn visitor(client: usize) -> usize {
    with(client, |c, desk| desk.lay(c.session.visitor().map(Into::into)))
}

/// The session's name to experiments that hold for a session.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn tag(client: usize) -> u64 {
    with(client, |c, _| c.session.tag())
}

/// Lays down the choices to store; no bytes where nothing may be stored.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn remembered(client: usize, now: f64) -> usize {
    with(client, |c, desk| desk.lay(c.session.memory(now as u64)))
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "restoreVisitor"))]
#[must_use]
pub extern "C" fn restore_visitor(client: usize, id: usize) -> u32 {
    with(client, |c, desk| {
        c.session.restore_visitor(desk.bytes(0, id)).into()
    })
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "restoreTag"))]
#[must_use]
pub extern "C" fn restore_tag(client: usize, tag: u64) -> u32 {
    with(client, |c, _| c.session.restore_tag(tag).into())
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "restoreMemory"))]
#[must_use]
pub extern "C" fn restore_memory(client: usize, memory: usize) -> u32 {
    with(client, |c, desk| {
        c.session.restore_memory(desk.bytes(0, memory)).into()
    })
}

/// When to ask for a batch; infinity: not before something happens.
#[cfg_attr(target_family = "wasm", unsafe(export_name = "nextSendAt"))]
#[must_use]
pub extern "C" fn next_send_at(client: usize, now: f64) -> f64 {
    with(client, |c, _| {
        c.session
            .next_send_at(now as u64)
            .map_or(f64::INFINITY, |at| at as f64)
    })
}

/// Lays down the next batch, or no bytes. Its ticket is then [`ticket`].
#[cfg_attr(target_family = "wasm", unsafe(export_name = "nextBatch"))]
#[must_use]
pub extern "C" fn next_batch(client: usize, now: f64, all: u32) -> usize {
    with(client, |c, desk| {
        let batch = c.session.next_batch(now as u64, all != 0);
        desk.lay(batch.map(|(ticket, bytes)| {
            c.ticket = ticket;
            bytes
        }))
    })
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[must_use]
pub extern "C" fn ticket(client: usize) -> u32 {
    with(client, |c, _| c.ticket)
}

/// What became of a batch: 0 it is on disk, 1 it is refused for good, 2 it must be sent again, not before `asked`
/// milliseconds have passed.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn report(client: usize, ticket: u32, outcome: u32, now: f64, asked: f64) {
    with(client, |c, _| match outcome {
        0 => c.session.acknowledged(ticket),
        1 => c.session.refused(ticket),
        _ => c.session.failed(ticket, now as u64, asked as u64),
    });
}

/// What is under way may be lost, and is sent again.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn interrupted(client: usize) {
    with(client, |c, _| c.session.interrupted());
}

fn random(desk: &Desk) -> Fresh {
    let fresh = desk.bytes(0, Fresh::BYTES).first_chunk();
    Fresh(fresh.copied().unwrap_or([0; Fresh::BYTES]))
}

fn answer(code: u32) -> Answer {
    match code {
        0 => Answer::Pending,
        1 => Answer::Granted,
        _ => Answer::Denied,
    }
}
