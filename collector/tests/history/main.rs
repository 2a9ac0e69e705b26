//! `tiltwise import` as people run it: what each tool exports, what is wrong with rows, and what is refused as a whole.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;
mod presets;
mod refusals;
mod rows;
