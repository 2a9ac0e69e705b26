//! What a caller asks, read from JavaScript objects.

use alloc::collections::BTreeMap;
use alloc::string::String;

use serde::Deserialize;
use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::id::{VISITOR_BYTES, Visitor};
use wasm_bindgen::prelude::JsError;

/// A value of the context; others (null, a list) count as absent.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Given {
    Truth(bool),
    Number(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Question {
    pub key: String,
    context: BTreeMap<String, Given>,
    visitor: String,
    account: Option<String>,
    personalization: String,
    gpc: bool,
    pub now_ms: f64,
    session: String,
    pub shown: Option<String>,
}

/// One row of `tests/golden/decisions.json`.
#[derive(Deserialize)]
pub(super) struct Row {
    pub experiment: String,
    pub context: BTreeMap<String, Given>,
    unit: RowUnit,
    pub personalized: bool,
    pub now_ms: f64,
    pub session: String,
    pub model: String,
}

#[derive(Deserialize)]
struct RowUnit {
    visitor: Option<String>,
    account: Option<String>,
}

/// Who asks.
pub(super) struct Person {
    pub visitor: Option<Visitor>,
    pub account: Option<String>,
}

impl Question {
    pub(super) fn context(&self) -> Context {
        context(&self.context)
    }

    /// As the session has it: only a denial forbids to read attributes in memory.
    pub(super) fn is_personalized(&self, gpc_limits: bool) -> bool {
        self.personalization != "denied" && !(self.gpc && gpc_limits)
    }

    pub(super) fn session(&self) -> Result<u64, JsError> {
        number(&self.session)
    }

    pub(super) fn person(&self) -> Result<Person, JsError> {
        Ok(Person {
            visitor: visitor(&self.visitor)?,
            account: self.account.clone(),
        })
    }
}

impl Row {
    pub(super) fn person(&self) -> Result<Person, JsError> {
        Ok(Person {
            visitor: visitor(self.unit.visitor.as_deref().unwrap_or_default())?,
            account: self.unit.account.clone(),
        })
    }
}

pub(super) fn context(given: &BTreeMap<String, Given>) -> Context {
    let mut context = Context::new();
    for (name, value) in given {
        let value = match value {
            Given::Truth(truth) => ContextValue::Truth(*truth),
            Given::Number(number) => ContextValue::Number(*number),
            Given::Text(text) => ContextValue::Text(text.clone()),
            Given::Other(_) => continue,
        };
        context.set(name, value);
    }
    context
}

/// 64-bit numbers stand as text: JavaScript's numbers end at 2^53.
pub(super) fn number(digits: &str) -> Result<u64, JsError> {
    digits
        .parse()
        .map_err(|_| JsError::new("a 64-bit number in decimal digits was expected"))
}

fn visitor(hex: &str) -> Result<Option<Visitor>, JsError> {
    if hex.is_empty() {
        return Ok(None);
    }
    let wrong = || JsError::new("a visitor id has 36 hexadecimal digits");
    let mut id = [0; VISITOR_BYTES];
    if hex.len() != 2 * id.len() {
        return Err(wrong());
    }
    for (to, digits) in id.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = core::str::from_utf8(digits).map_err(|_| wrong())?;
        *to = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(Some(Visitor(id)))
}
