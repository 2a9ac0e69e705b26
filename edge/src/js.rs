//! The face for JavaScript.
//!
//! What crosses is numbers, short strings and bytes: an object built through serde costs about 10 µs and 10 KB. Times are
//! milliseconds as JavaScript has them; nothing found is an empty string or no bytes, and a reason is a small number.
//! `client` is the number that [`open`] gave.

mod clients;

use alloc::string::String;
use alloc::vec::Vec;

use tiltwise_core::context::ContextValue;
use tiltwise_core::event::Outcome;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::session::consent::Answer;
use crate::session::{Fresh, Limits, Offer, Session};
use clients::with;

/// The version of the rules by which bytes become decisions; snapshots of another one are refused.
#[wasm_bindgen(js_name = specVersion)]
#[must_use]
pub fn spec_version() -> u32 {
    tiltwise_core::SPEC_VERSION
}

/// A new client. `fresh` is 40 random bytes, here and wherever a new person may begin.
#[wasm_bindgen]
#[must_use]
pub fn open(fresh: &[u8], now: f64, max_events: u32, flush_count: u32, flush_interval: f64) -> usize {
    let limits = Limits {
        events: max_events as usize,
        flush_count: flush_count as usize,
        flush_interval_ms: flush_interval as u64,
    };
    clients::open(Session::new(&random(fresh), now as u64, limits))
}

/// Ends a client and gives its memory back.
#[wasm_bindgen]
pub fn close(client: usize) {
    clients::close(client);
}

/// Takes a snapshot out of its verified envelope. 0: it is in use; otherwise the number of a `Refusal`.
#[wasm_bindgen]
#[must_use]
pub fn offer(
    client: usize,
    site: &str,
    version: u64,
    expires: f64,
    content: &[u8],
    bootstrap: bool,
    now: f64,
) -> u32 {
    let offer = Offer {
        site,
        version,
        expires_ms: expires as u64,
        content,
        bootstrap,
    };
    with(client, |c| {
        c.session
            .offer(offer, now as u64)
            .map_or_else(|refusal| refusal as u32, |()| 0)
    })
}

/// The version in use; 0: none.
#[wasm_bindgen]
#[must_use]
pub fn version(client: usize) -> u64 {
    with(client, |c| c.session.version())
}

/// The place of an experiment in the snapshot in use; -1: it is not there.
#[wasm_bindgen]
#[must_use]
pub fn find(client: usize, key: &str) -> i32 {
    with(client, |c| c.session.find(key).map_or(-1, |at| at as i32))
}

/// The key of a variant, or its value as JSON text.
#[wasm_bindgen]
#[must_use]
pub fn variant(client: usize, at: usize, arm: u32, value: bool) -> String {
    with(client, |c| {
        let variant = c.session.variant(at, arm);
        variant.map_or_else(String::new, |(key, json)| if value { json } else { key }.into())
    })
}

/// Bits 0 to 2: the number of a `Source`. Bit 3: an exposure was made. From bit 8: the arm plus one; 0 is the fallback.
#[wasm_bindgen]
#[must_use]
pub fn choose(client: usize, at: usize, now: f64) -> u32 {
    with(client, |c| {
        c.choice = c.session.choose(at, now as u64);
        let arm = c.choice.arm.map_or(0, |arm| arm + 1);
        c.choice.source as u32 | u32::from(c.choice.exposed) << 3 | arm << 8
    })
}

/// Of the last choice, in parts of 2^30; 0 where nothing was drawn.
#[wasm_bindgen]
#[must_use]
pub fn propensity(client: usize) -> u32 {
    with(client, |c| c.choice.propensity_q30)
}

/// The version that made the last choice; 0: none did.
#[wasm_bindgen]
#[must_use]
pub fn model(client: usize) -> u64 {
    with(client, |c| c.choice.model)
}

/// Draws without showing, remembering or sending anything: the arm plus one; 0: none.
#[wasm_bindgen]
#[must_use]
pub fn peek(client: usize, at: usize, now: f64) -> u32 {
    with(client, |c| {
        c.session.peek(at, now as u64).map_or(0, |arm| arm + 1)
    })
}

/// The exposure that holds for an experiment.
#[wasm_bindgen]
#[must_use]
pub fn exposure(client: usize, at: usize, now: f64) -> Vec<u8> {
    with(client, |c| c.session.exposure(at, now as u64).unwrap_or_default())
}

/// Shows a variant; the empty string: what would be shown anyway.
#[wasm_bindgen]
pub fn force(client: usize, experiment: &str, variant: &str) {
    with(client, |c| {
        c.session
            .force(experiment, Some(variant).filter(|v| !v.is_empty()));
    });
}

/// 0, or the number of what became of it (`Tracked`).
#[wasm_bindgen]
#[must_use]
pub fn track(client: usize, name: &str, value: f64, currency: &str, id: &str, now: f64) -> u32 {
    let outcome = Outcome {
        name,
        value,
        currency,
        id,
    };
    with(client, |c| c.session.track(outcome, now as u64) as u32)
}

#[wasm_bindgen(js_name = setText)]
pub fn set_text(client: usize, name: &str, value: String) {
    with(client, |c| c.session.set_context(name, ContextValue::Text(value)));
}

#[wasm_bindgen(js_name = setNumber)]
pub fn set_number(client: usize, name: &str, value: f64) {
    with(client, |c| {
        c.session.set_context(name, ContextValue::Number(value));
    });
}

#[wasm_bindgen(js_name = setTruth)]
pub fn set_truth(client: usize, name: &str, value: bool) {
    with(client, |c| {
        c.session.set_context(name, ContextValue::Truth(value));
    });
}

#[wasm_bindgen(js_name = clearContext)]
pub fn clear_context(client: usize) {
    with(client, |c| c.session.clear_context());
}

/// Answers: 0 pending, 1 granted, 2 denied.
#[wasm_bindgen(js_name = setConsent)]
pub fn set_consent(client: usize, measurement: u32, personalization: u32, fresh: &[u8], now: f64) {
    let answers = (answer(measurement), answer(personalization));
    with(client, |c| {
        c.session
            .set_consent(answers.0, answers.1, &random(fresh), now as u64);
    });
}

#[wasm_bindgen(js_name = setGpc)]
pub fn set_gpc(client: usize, gpc: bool) {
    with(client, |c| c.session.set_gpc(gpc));
}

/// False: the account is too long.
#[wasm_bindgen]
#[must_use]
pub fn identify(client: usize, account: &str) -> bool {
    with(client, |c| c.session.identify(account))
}

#[wasm_bindgen]
pub fn reset(client: usize, fresh: &[u8], now: f64) {
    with(client, |c| c.session.reset(&random(fresh), now as u64));
}

/// 18 bytes, or none where there may be no visitor id.
#[wasm_bindgen]
#[must_use]
pub fn visitor(client: usize) -> Vec<u8> {
    with(client, |c| c.session.visitor().unwrap_or_default().to_vec())
}

/// The session's name to experiments that hold for a session.
#[wasm_bindgen]
#[must_use]
pub fn tag(client: usize) -> u64 {
    with(client, |c| c.session.tag())
}

/// The choices to store; no bytes where nothing may be stored.
#[wasm_bindgen]
#[must_use]
pub fn remembered(client: usize, now: f64) -> Vec<u8> {
    with(client, |c| c.session.memory(now as u64).unwrap_or_default())
}

#[wasm_bindgen(js_name = restoreVisitor)]
#[must_use]
pub fn restore_visitor(client: usize, id: &[u8]) -> bool {
    with(client, |c| c.session.restore_visitor(id))
}

#[wasm_bindgen(js_name = restoreTag)]
#[must_use]
pub fn restore_tag(client: usize, tag: u64) -> bool {
    with(client, |c| c.session.restore_tag(tag))
}

#[wasm_bindgen(js_name = restoreMemory)]
#[must_use]
pub fn restore_memory(client: usize, bytes: &[u8]) -> bool {
    with(client, |c| c.session.restore_memory(bytes))
}

/// When to ask for a batch; infinity: not before something happens.
#[wasm_bindgen(js_name = nextSendAt)]
#[must_use]
pub fn next_send_at(client: usize, now: f64) -> f64 {
    with(client, |c| {
        c.session
            .next_send_at(now as u64)
            .map_or(f64::INFINITY, |at| at as f64)
    })
}

/// The next batch, or no bytes. Its ticket is then [`ticket`].
#[wasm_bindgen(js_name = nextBatch)]
#[must_use]
pub fn next_batch(client: usize, now: f64, all: bool) -> Vec<u8> {
    with(client, |c| {
        let (ticket, bytes) = c.session.next_batch(now as u64, all)?;
        c.ticket = ticket;
        Some(bytes)
    })
    .unwrap_or_default()
}

#[wasm_bindgen]
#[must_use]
pub fn ticket(client: usize) -> u32 {
    with(client, |c| c.ticket)
}

/// What became of a batch: 0 it is on disk, 1 it is refused for good, 2 it must be sent again, not before `asked`
/// milliseconds have passed.
#[wasm_bindgen]
pub fn report(client: usize, ticket: u32, outcome: u32, now: f64, asked: f64) {
    with(client, |c| match outcome {
        0 => c.session.acknowledged(ticket),
        1 => c.session.refused(ticket),
        _ => c.session.failed(ticket, now as u64, asked as u64),
    });
}

/// What is under way may be lost, and is sent again.
#[wasm_bindgen]
pub fn interrupted(client: usize) {
    with(client, |c| c.session.interrupted());
}

fn random(bytes: &[u8]) -> Fresh {
    let mut fresh = [0; Fresh::BYTES];
    fresh.iter_mut().zip(bytes).for_each(|(to, &from)| *to = from);
    Fresh(fresh)
}

fn answer(code: u32) -> Answer {
    match code {
        0 => Answer::Pending,
        1 => Answer::Granted,
        _ => Answer::Denied,
    }
}
