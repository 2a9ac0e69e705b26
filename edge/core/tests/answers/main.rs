//! What is read from the sums besides comparisons, in worlds whose truth is known.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod calibration;
mod drift;
mod value;
mod world;
