//! The doors over real sockets: what they take, what they refuse, what they say, and to whom.
// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod client;
mod events;
mod fixture;
mod logs;
mod snapshots;
