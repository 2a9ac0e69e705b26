//! The promises about what is kept, with the log in a real Kafka: brokers and collectors are killed, stopped and cut off, and
//! an independent reader of the topic says what is there afterwards.
//!
//! `cargo xtask test --only kafka` and `cargo xtask torture kafka` run this: they say where the broker's jars are.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acks;
#[path = "../audit/books.rs"]
mod books;
mod broker;
#[path = "../audit/canary.rs"]
mod canary;
#[path = "../audit/client.rs"]
#[allow(dead_code, reason = "shared with the tests of the embedded log")]
mod client;
mod company;
mod elsewhere;
mod exported;
mod forgotten;
#[path = "../audit/inspection.rs"]
#[allow(dead_code, reason = "shared with the tests of the embedded log")]
mod inspection;
mod kills;
mod outage;
mod plain;
mod proxy;
#[path = "../audit/sender.rs"]
#[allow(dead_code, reason = "shared with the tests of the embedded log")]
mod sender;
#[path = "../audit/site.rs"]
#[allow(dead_code, reason = "shared with the tests of the embedded log")]
mod site;
mod three;
mod topic;
mod trouble;
#[path = "../audit/visits.rs"]
mod visits;
