//! The pure domain of Tiltwise: what a decision is, what an event says, what is learnt from it.
//!
//! It has no clock, no source of chance, no I/O and no unsafe code. Time and chance are arguments, effects are
//! returned values, and so the same inputs give the same bytes in a page, a worker, the JVM and native code.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

/// The version of the rules by which bytes become decisions.
///
/// Two parts that disagree on it must not exchange snapshots or events: the same unit could get another arm.
pub const SPEC_VERSION: u32 = 1;
