//! Tiltwise where the decision is made: in a page or a worker.
//!
//! The domain is `tiltwise-core`; this crate only gives it a face that a host can call.
pub use tiltwise_core::SPEC_VERSION;
