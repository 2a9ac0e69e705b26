//! The wasm modules under test, as `cargo xtask wasm` has built them.

use std::path::PathBuf;

/// The module with plain exports.
///
/// # Panics
/// Where it has not been built.
pub fn abi() -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../wasm-pkg/wasm/abi/tiltwise.wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask wasm`", path.display()))
}
