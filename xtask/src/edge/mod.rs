//! An edge without a page: what a browser or worker does, done natively and many times over.
//!
//! It follows the stream and verifies each snapshot before use ([`follow`], [`trust`]), decides with the same core as a
//! page ([`decide`]), sends batches and resends them until they are acknowledged ([`send`]), all through the one public
//! door ([`door`]); and it measures how long an outcome takes to come back as new weights ([`latency`]).
//!
//! The simulated visitors, the feed and the benches are built from these parts. Nothing here knows the collector's code:
//! what is measured went through HTTP.

pub mod decide;
pub mod door;
pub mod follow;
pub mod latency;
pub mod send;
pub mod trust;

use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
