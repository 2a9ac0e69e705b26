//! The face for JavaScript.
//!
//! What crosses is numbers and short strings: an object built through serde costs about 10 µs and 10 KB.

use wasm_bindgen::prelude::wasm_bindgen;

/// The version of the rules by which bytes become decisions; snapshots of another one are refused.
#[wasm_bindgen(js_name = specVersion)]
#[must_use]
pub fn spec_version() -> u32 {
    tiltwise_core::SPEC_VERSION
}
