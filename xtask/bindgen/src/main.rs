//! Makes the JavaScript glue of one wasm module: `tiltwise-bindgen IN.wasm OUT-FOLDER NAME`.
//!
//! It is what the command-line tool `wasm-bindgen` does, as a library pinned by the workspace's lock file, so that
//! nobody installs a tool whose version must match to the digit. `cargo xtask wasm` runs it as a program of its own:
//! its dependencies take a minute to build, and the other commands should not wait for them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [input, out, name] = args.as_slice() else {
        bail!("usage: tiltwise-bindgen IN.wasm OUT-FOLDER NAME");
    };
    // `bundler` is the shape that leaves the loading to us: it takes the exports of an instance that somebody else
    // made. The others bring `fetch` and a URL, which an inlined module never uses and which bundlers stumble over.
    Bindgen::new()
        .input_path(PathBuf::from(input))
        .out_name(name)
        .bundler(true)
        .context("choosing the shape of the glue")?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out)
        .with_context(|| format!("making the glue of {input}"))
}
