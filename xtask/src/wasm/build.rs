//! One flavour, from cargo to the last file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::flavour::Flavour;
use super::inline;
use crate::{child, repo};

const TARGET: &str = "wasm32-unknown-unknown";

/// The cargo profile in the workspace manifest.
const PROFILE: &str = "wasm";

/// What Rust's own target already uses and every engine of the last years has. They are named one by one: with all
/// features allowed, wasm-opt writes modules that Node 20 refuses to load.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
    "--enable-reference-types",
];

/// What LLVM leaves undone. For speed it writes the bodies of loops several times over, and code that is run into both ways
/// of a branch; brotli cannot take it back. The decisions of a page are not slower for it, and the module was a tenth larger.
const LLVM: [&str; 7] = [
    "-unroll-threshold=0",
    "-unroll-runtime=false",
    "-inline-threshold=20",
    "-disable-lsr",
    "-rotation-max-header-size=0",
    "-enable-pre=false",
    "-enable-load-pre=false",
];

/// Makes one flavour in its folder under `out`.
pub fn build(flavour: &Flavour, modules: &Path, out: &Path) -> Result<()> {
    println!("{}: building (features {})", flavour.name, flavour.features);
    let folder = out.join(flavour.name);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let built = compile(flavour)?;
    let optimised = folder.join("tiltwise.wasm");
    let glued = flavour.glue.then(|| glue(&built, flavour)).transpose()?;
    let module = glued.as_deref().map(|glued| glued.join("tiltwise_bg.wasm"));
    optimise(modules, module.as_deref().unwrap_or(&built), &optimised)?;
    if let Some(loader) = flavour.loader {
        inline::write(loader, glued.as_deref(), &optimised, &folder)?;
    }
    Ok(())
}

fn compile(flavour: &Flavour) -> Result<PathBuf> {
    let mut cargo = repo::cargo();
    cargo.args(["build", "--quiet", "--lib", "--package", "tiltwise-edge"]);
    cargo.args([
        "--target",
        TARGET,
        "--profile",
        PROFILE,
        "--features",
        flavour.features,
    ]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rustflags());
    child::run(&mut cargo)?;
    Ok(repo::target_dir()
        .join(TARGET)
        .join(PROFILE)
        .join("tiltwise_edge.wasm"))
}

/// As cargo takes them from its environment: only there can they be for one target and not stand in everybody's way.
fn rustflags() -> String {
    LLVM.map(|flag| format!("-Cllvm-args={flag}")).join("\u{1f}")
}

/// Runs the glue maker, in the folder of build products, and returns the folder that it filled.
fn glue(module: &Path, flavour: &Flavour) -> Result<PathBuf> {
    let folder = repo::target_dir().join("xtask").join(flavour.name);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let mut cargo = repo::cargo();
    cargo.args(["run", "--quiet", "--package", "tiltwise-bindgen", "--"]);
    cargo.arg(module).arg(&folder).arg("tiltwise");
    child::run(&mut cargo)?;
    Ok(folder)
}

fn optimise(modules: &Path, input: &Path, output: &Path) -> Result<()> {
    let mut wasm_opt = Command::new("node");
    wasm_opt.arg(modules.join("binaryen/bin/wasm-opt"));
    // The compiler has inlined what is worth it. More of it, even of what is called once, compresses worse: 3 % of the bytes.
    // Only where the call is longer than what it calls is it inlined still. Branches that were taken apart and put together
    // anew, and one round for speed before that for size, are another 1 %; and addresses may swallow their offsets, since the
    // lowest kilobyte is the end of the stack, where nobody's data lies.
    wasm_opt.args([
        "--flatten",
        "--rereloop",
        "-O2",
        "-Oz",
        "--converge",
        "--one-caller-inline-max-function-size=0",
        "--always-inline-max-function-size=4",
        "--low-memory-unused",
        "--reorder-locals",
        "--strip-debug",
        "--strip-producers",
        "--strip-target-features",
    ]);
    wasm_opt.args(WASM_FEATURES).arg(input).arg("-o").arg(output);
    child::run(&mut wasm_opt)
}
