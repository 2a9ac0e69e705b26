//! The collector: events come in and are kept, a model learns from them, new weights go out.

pub mod admit;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod durable;
pub mod experiments;
pub mod export;
pub mod history;
pub mod http;
pub mod hub;
pub mod keys;
pub mod log;
pub mod metrics;
pub mod results;
pub mod trainer;

pub use tiltwise_core::SPEC_VERSION;
