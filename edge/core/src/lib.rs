//! The pure domain of Tiltwise: decide, join, fold, fit.
//!
//! # The parts
//!
//! * [`wire`] reads and writes Protocol Buffers; [`revision`], [`event`] and [`snapshot`] are the messages that travel.
//! * [`context`], [`features`] and [`targeting`] turn what a page knows into active slots and an answer to "eligible?".
//! * [`join`] says which exposures and outcomes count, [`acc`] holds the sums, [`fit`] turns sums into a
//!   model.
//! * [`hash`] and [`propensity`] are chance: keyed hashes, and probabilities as the integers that are sampled from.
//! * [`policy`] is the rule from (features, model) to a probability for every arm; [`decide`] puts it all together, and
//!   [`sticky`] remembers it for as long as its episode lasts.
//! * [`infer`] reads what the sums say, safe to read at any time.
//! * [`tally`] says what a minute of the log has brought, by arm and by the kinds of visitors that [`segments`] can name.
//! * [`check`] repeats a decision that somebody claims to have made.
//!
//! # What this crate does not do
//!
//! It has no clock, no randomness of its own, no I/O and no threads: time and chance are arguments, effects are returned
//! values. It runs the same in a browser, a worker, wasmtime, the JVM and natively: transcendental functions come from
//! `libm` only, sums that travel are integers, and no hash map is iterated. It does no cryptography: hosts do.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod acc;
pub mod check;
pub mod context;
pub mod decide;
pub mod event;
pub mod features;
pub mod fit;
pub mod hash;
pub mod id;
pub mod infer;
pub mod join;
pub mod model;
mod number;
pub mod policy;
pub mod propensity;
pub mod revision;
pub mod segments;
pub mod snapshot;
pub mod sticky;
pub mod tally;
pub mod targeting;
pub mod time;
pub mod wire;

pub use wire::SPEC_VERSION;
