//! `cargo xtask wasm`: from the edge crate to the files that the npm package and the other hosts load.
//!
//! cargo builds a module, wasm-bindgen's library makes glue for the one that objects enter, wasm-opt makes it small, and a
//! page's module is written into JavaScript so that a client can start without a request. Everything lands in [`OUT`], which git ignores; the
//! npm package is packed around it.

mod build;
mod flavour;
mod inline;
pub mod report;

use std::process::ExitCode;
use std::{fs, io};

use anyhow::{Context, Result};

use crate::{child, npm, repo, stamp};
use flavour::FLAVOURS;
use report::{ENTRY, MODULES, Measured};

/// Where everything that is made here goes, relative to the root.
pub const OUT: &str = "wasm-pkg/wasm";

/// Holds the digest of the inputs that the modules were made from.
pub const MARK: &str = ".inputs";

/// The package whose lock file pins wasm-opt.
const TOOLS: &str = "xtask/npm";

/// What the result depends on, beside the crates: the compiler, the profile, the pinned tools and this command.
const INPUTS: [&str; 8] = [
    "edge/",
    "xtask/bindgen/",
    "xtask/npm/",
    "xtask/src/wasm",
    "Cargo.lock",
    "Cargo.toml",
    "rust-toolchain.toml",
    ".cargo/",
];

/// Build the wasm modules and say how large they are.
///
/// Three of them, each in its folder under wasm-pkg/wasm/:
///
///   page     what a page downloads: the module, and the module as hex in a JavaScript file; it imports nothing
///   inspect  whole objects in and out, for devtools and Node, with glue
///   abi      plain exports and no imports, for every other host
///
/// Does nothing when no input has changed. Fails when the page's module or the package's entry is over its goal (18 and 26 kB
/// under brotli; the distances are printed), or when the page's or the abi module imports anything.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Build even when nothing has changed.
    #[arg(long)]
    force: bool,
    /// Build and pack the npm package around the modules too: wasm-pkg/tiltwise.tgz, as the registry would have it.
    #[arg(long)]
    package: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    child::end_with_us()?;
    let mut report = make(args.force)?;
    if args.package {
        report.extend(make_package()?);
    }
    report::print(&report);
    report::check(&report)?;
    Ok(ExitCode::SUCCESS)
}

/// Packs the npm package around the modules and measures what a page loads of it.
pub fn make_package() -> Result<Vec<Measured>> {
    npm::pack()?;
    report::measure(repo::root(), &[ENTRY])
}

/// Builds what is out of date and returns how large everything is.
pub fn make(force: bool) -> Result<Vec<Measured>> {
    let out = repo::root().join(OUT);
    let mark = out.join(MARK);
    let digest = stamp::of(&inputs()?)?;
    if force || !stamp::holds(&mark, &digest) {
        match fs::remove_dir_all(&out) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("emptying {OUT}"));
            }
            _ => {}
        }
        let modules = npm::install(TOOLS)?;
        for flavour in &FLAVOURS {
            build::build(flavour, &modules, &out)?;
        }
        report::keep(&out, &report::measure(&out, &MODULES)?)?;
        fs::write(&mark, digest).with_context(|| format!("writing {}", mark.display()))?;
    }
    report::read(&out)
}

fn inputs() -> Result<Vec<String>> {
    let mut files = repo::files()?;
    files.retain(|path| INPUTS.iter().any(|input| path.starts_with(input)) && !path.contains("/tests/"));
    Ok(files)
}
