//! Events on both sides of admit.
//!
//! Left of it: [`EventBatch`] with [`Event`]s as their sender wrote them. Right of it: [`LogRecord`] with [`LoggedEvent`]s,
//! stamped and under a pseudonym. Both read from bytes that somebody else wrote, so every list and text has a bound.

mod batch;
mod exposure;
mod logged;

pub use batch::{
    BATCH_MAGIC, Body, Event, EventBatch, MAX_BATCH_EVENTS, MAX_EVENT_BYTES, MAX_ID, MAX_NAME, Outcome,
    exposed, happened,
};
pub use exposure::{Exposure, FLAG_COMPARISON, FLAG_OVERRIDE, MAX_SLOTS};
pub use logged::{Fact, LogRecord, LoggedEvent, LoggedOutcome, Quarantine};

/// A prediction where the model has none, in micro-units. Any that is known beforehand keeps a score unbiased; with one half most
/// units, which bring nothing, would score as far from zero as a conversion does, and the first hundred be mostly noise.
pub const DEFAULT_PREDICTION_MICROS: u32 = 0;
/// A variance where the model has none: that of a fair coin, in micro-units.
pub const DEFAULT_VARIANCE_MICROS: u32 = 250_000;
