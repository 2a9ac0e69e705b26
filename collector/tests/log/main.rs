//! The embedded log by its promises: order, durability, one copy, a clock that never goes back, and damage that is named.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod kept;
mod machine;
mod order;
mod room;
