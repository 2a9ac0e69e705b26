//! Decide, expose, reward, fold, fit, decide again: whether the loop finds what is true of a small world.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod cuts;
mod delays;
mod forgets;
mod history;
mod horizon;
mod learns;
mod world;
