//! The face for JavaScript.
//!
//! What crosses is numbers, short strings and bytes: an object built through serde costs about 10 µs and 10 KB. Times are
//! milliseconds as JavaScript has them; nothing found is an empty string or no bytes, and a reason is a small number.

use alloc::string::String;
use alloc::vec::Vec;

use tiltwise_core::context::ContextValue;
use tiltwise_core::event::Outcome;
use tiltwise_core::snapshot::SealedSnapshot;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::session::consent::Answer;
use crate::session::{Choice, Fresh, Limits, Session};

/// The version of the rules by which bytes become decisions; snapshots of another one are refused.
#[wasm_bindgen(js_name = specVersion)]
#[must_use]
pub fn spec_version() -> u32 {
    tiltwise_core::SPEC_VERSION
}

/// A part of a sealed snapshot, for its host to verify: 0 the bytes that are signed, 1 the signature, 2 the content,
/// 3 the content's hash, 4 the key's id. No bytes: not a sealed snapshot.
#[wasm_bindgen(js_name = sealedPart)]
#[must_use]
pub fn sealed_part(sealed: &[u8], part: u32) -> Vec<u8> {
    SealedSnapshot::decode(sealed).map_or_else(
        |_| Vec::new(),
        |sealed| match part {
            0 => sealed.signed_bytes(),
            1 => sealed.signature,
            2 => sealed.content,
            3 => sealed.hash.to_vec(),
            _ => sealed.key_id.to_vec(),
        },
    )
}

/// One client.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Edge {
    session: Session,
    /// The last choice and the last batch, whose details are asked for one by one.
    choice: Choice,
    ticket: u32,
}

#[wasm_bindgen]
impl Edge {
    /// `fresh` is 40 random bytes, here and wherever a new person may begin.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(fresh: &[u8], now: f64, max_events: u32, flush_count: u32, flush_interval: f64) -> Self {
        let limits = Limits {
            events: max_events as usize,
            flush_count: flush_count as usize,
            flush_interval_ms: flush_interval as u64,
        };
        Self {
            session: Session::new(&random(fresh), now as u64, limits),
            choice: Choice::default(),
            ticket: 0,
        }
    }

    /// Takes a sealed snapshot. 0: it is in use; otherwise the number of a `Refusal`.
    pub fn offer(&mut self, sealed: &[u8], now: f64, bootstrap: bool) -> u32 {
        match self.session.offer(sealed, now as u64, bootstrap) {
            Ok(()) => 0,
            Err(refusal) => refusal as u32,
        }
    }

    /// The version in use; 0: none.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.session.version()
    }

    /// Content that was fetched by its hash, in the envelope that announced it. `sealed_as` is the hash (32 bytes), the
    /// key's id (8) and the signature (64), one after the other.
    #[must_use]
    pub fn seal(
        &self,
        version: u64,
        published: f64,
        expires: f64,
        folded_through: f64,
        sealed_as: &[u8],
        content: &[u8],
    ) -> Vec<u8> {
        let mut announced = SealedSnapshot {
            version,
            published_ms: published as u64,
            expires_ms: expires as u64,
            folded_through_ms: folded_through as u64,
            signature: sealed_as.get(40..).unwrap_or_default().to_vec(),
            content: content.to_vec(),
            ..SealedSnapshot::default()
        };
        let names = announced.hash.iter_mut().chain(&mut announced.key_id);
        names.zip(sealed_as).for_each(|(to, &from)| *to = from);
        self.session.seal(announced).unwrap_or_default()
    }

    /// The place of an experiment in the snapshot in use; -1: it is not there.
    #[must_use]
    pub fn find(&self, key: &str) -> i32 {
        self.session.find(key).map_or(-1, |at| at as i32)
    }

    #[wasm_bindgen(js_name = variantKey)]
    #[must_use]
    pub fn variant_key(&self, at: usize, arm: u32) -> String {
        self.session
            .variant(at, arm)
            .map_or_else(String::new, |v| v.0.into())
    }

    /// JSON text.
    #[wasm_bindgen(js_name = variantValue)]
    #[must_use]
    pub fn variant_value(&self, at: usize, arm: u32) -> String {
        self.session
            .variant(at, arm)
            .map_or_else(String::new, |v| v.1.into())
    }

    /// Bits 0 to 2: the number of a `Source`. Bit 3: an exposure was made. From bit 8: the arm plus one; 0 is the fallback.
    pub fn choose(&mut self, at: usize, now: f64) -> u32 {
        self.choice = self.session.choose(at, now as u64);
        let arm = self.choice.arm.map_or(0, |arm| arm + 1);
        self.choice.source as u32 | u32::from(self.choice.exposed) << 3 | arm << 8
    }

    /// Of the last choice; 0 where nothing was drawn.
    #[must_use]
    pub fn propensity(&self) -> f64 {
        f64::from(self.choice.propensity_q30) / f64::from(tiltwise_core::propensity::ONE_Q30)
    }

    /// The version that made the last choice; 0: none did.
    #[must_use]
    pub fn model(&self) -> u64 {
        self.choice.model
    }

    /// Draws without showing, remembering or sending anything: the arm plus one; 0: none.
    pub fn peek(&mut self, at: usize, now: f64) -> u32 {
        self.session.peek(at, now as u64).map_or(0, |arm| arm + 1)
    }

    /// The exposure that holds for an experiment.
    #[must_use]
    pub fn exposure(&self, at: usize, now: f64) -> Vec<u8> {
        self.session.exposure(at, now as u64).unwrap_or_default()
    }

    /// Shows a variant; the empty string: what would be shown anyway.
    pub fn force(&mut self, experiment: &str, variant: &str) {
        self.session
            .force(experiment, Some(variant).filter(|v| !v.is_empty()));
    }

    /// 0, or the number of what became of it (`Tracked`).
    pub fn track(&mut self, name: &str, value: f64, currency: &str, id: &str, now: f64) -> u32 {
        let outcome = Outcome {
            name,
            value,
            currency,
            id,
        };
        self.session.track(outcome, now as u64) as u32
    }

    #[wasm_bindgen(js_name = setText)]
    pub fn set_text(&mut self, name: &str, value: String) {
        self.session.set_context(name, Some(ContextValue::Text(value)));
    }

    #[wasm_bindgen(js_name = setNumber)]
    pub fn set_number(&mut self, name: &str, value: f64) {
        self.session.set_context(name, Some(ContextValue::Number(value)));
    }

    #[wasm_bindgen(js_name = setTruth)]
    pub fn set_truth(&mut self, name: &str, value: bool) {
        self.session.set_context(name, Some(ContextValue::Truth(value)));
    }

    #[wasm_bindgen(js_name = clearContext)]
    pub fn clear_context(&mut self) {
        self.session.clear_context();
    }

    /// Answers: 0 pending, 1 granted, 2 denied.
    #[wasm_bindgen(js_name = setConsent)]
    pub fn set_consent(&mut self, measurement: u32, personalization: u32, fresh: &[u8], now: f64) {
        self.session.set_consent(
            answer(measurement),
            answer(personalization),
            &random(fresh),
            now as u64,
        );
    }

    #[wasm_bindgen(js_name = setGpc)]
    pub fn set_gpc(&mut self, gpc: bool) {
        self.session.set_gpc(gpc);
    }

    /// False: the account is too long.
    pub fn identify(&mut self, account: &str) -> bool {
        self.session.identify(account)
    }

    pub fn reset(&mut self, fresh: &[u8], now: f64) {
        self.session.reset(&random(fresh), now as u64);
    }

    /// 18 bytes, or none where there may be no visitor id.
    #[must_use]
    pub fn visitor(&self) -> Vec<u8> {
        self.session.visitor().unwrap_or_default().to_vec()
    }

    #[wasm_bindgen(js_name = restoreVisitor)]
    pub fn restore_visitor(&mut self, id: &[u8]) -> bool {
        self.session.restore_visitor(id)
    }

    #[wasm_bindgen(js_name = restoreTag)]
    pub fn restore_tag(&mut self, tag: u64) -> bool {
        self.session.restore_tag(tag)
    }

    #[wasm_bindgen(js_name = restoreMemory)]
    pub fn restore_memory(&mut self, bytes: &[u8]) -> bool {
        self.session.restore_memory(bytes)
    }

    /// The session's name to experiments that hold for a session.
    #[must_use]
    pub fn tag(&self) -> u64 {
        self.session.tag()
    }

    /// The choices to store; no bytes where nothing may be stored.
    #[must_use]
    pub fn memory(&self, now: f64) -> Vec<u8> {
        self.session.memory(now as u64).unwrap_or_default()
    }

    /// When to ask for a batch; infinity: not before something happens.
    #[wasm_bindgen(js_name = nextSendAt)]
    #[must_use]
    pub fn next_send_at(&self, now: f64) -> f64 {
        self.session
            .next_send_at(now as u64)
            .map_or(f64::INFINITY, |at| at as f64)
    }

    /// The next batch, or no bytes. Its ticket is then [`Edge::ticket`].
    #[wasm_bindgen(js_name = nextBatch)]
    pub fn next_batch(&mut self, now: f64, all: bool) -> Vec<u8> {
        let Some((ticket, bytes)) = self.session.next_batch(now as u64, all) else {
            return Vec::new();
        };
        self.ticket = ticket;
        bytes
    }

    #[must_use]
    pub fn ticket(&self) -> u32 {
        self.ticket
    }

    /// What became of a batch: 0 it is on disk, 1 it is refused for good, 2 it must be sent again, not before `asked`
    /// milliseconds have passed.
    pub fn report(&mut self, ticket: u32, outcome: u32, now: f64, asked: f64) {
        match outcome {
            0 => self.session.acknowledged(ticket),
            1 => self.session.refused(ticket),
            _ => self.session.failed(ticket, now as u64, asked as u64),
        }
    }

    /// What is under way may be lost, and is sent again.
    pub fn interrupted(&mut self) {
        self.session.interrupted();
    }

    /// Events held, sent and not acknowledged ones included.
    #[must_use]
    pub fn held(&self) -> u32 {
        self.session.held() as u32
    }
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
