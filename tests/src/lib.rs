//! Tests that need more than one crate, or a host other than native code.
//!
//! Each lives in a file of `tests/`, named for the one behaviour it shows. Nobody imports this crate.
