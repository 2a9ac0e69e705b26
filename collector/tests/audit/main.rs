//! The promises about what is kept, told by clients that keep books of their own: a real `tiltwise serve` is killed, asked
//! to forget and counted again, and what is found afterwards is compared with what its clients wrote down.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod books;
mod canary;
mod claims;
mod client;
mod erasure;
mod exported;
mod inspection;
mod kills;
mod rebuild;
mod sender;
mod site;
mod visits;
