//! Tiltwise where the decision is made: in a page or a worker.
//!
//! The domain is `tiltwise-core`. This crate only gives it faces that a host can call, each behind a feature, since a
//! host downloads exactly one of them:
//!
//! * [`js`], feature `js`: what the npm package calls in a page. Numbers, and bytes on a desk; no glue.
//! * [`inspect`], feature `inspect`: whole objects, for devtools and Node, glue by wasm-bindgen; a page does not pay for it.
//! * [`abi`], feature `abi`: plain exports and no imports, bytes in and bytes out, for wasmtime and the JVM.
//!
//! Behind the JavaScript faces stands [`session`]: what a client may keep, shows and has still to send.
//!
//! A face translates and nothing else. What it must not hold: a probability, a clock, a source of chance, I/O.
#![no_std]

#[cfg(any(feature = "inspect", not(target_family = "wasm")))]
extern crate std;

extern crate alloc;

#[cfg(feature = "abi")]
pub mod abi;
#[cfg(feature = "inspect")]
pub mod inspect;
#[cfg(feature = "js")]
pub mod js;
pub mod session;
// Objects cross the border through serde, which needs std, which brings an allocator and a panic handler of its own.
#[cfg(all(target_family = "wasm", not(feature = "inspect")))]
mod runtime;
