//! The dashboard is embedded as it was built last: when its files change, so does the binary.

use std::{env, fs, path::PathBuf};

fn main() {
    let root = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    // Watching a folder that is not there would rebuild the crate every time.
    let _ = fs::create_dir_all(root.join("dashboard/dist"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=dashboard/dist");
}
