//! Join and fold, held against what they promise: order, parts, restarts and erasures make no difference, to the byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod decoders;
mod limits;
mod order;
mod plain;
mod river;
