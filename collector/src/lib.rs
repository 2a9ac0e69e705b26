//! The collector: events come in and are kept, a model learns from them, new weights go out.
pub use tiltwise_core::SPEC_VERSION;
