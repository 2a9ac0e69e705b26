//! What an edge costs its page: nanoseconds a decision in V8, and bytes to download.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::snapshot;
use crate::tools::{self, NODE, NPM};
use crate::{child, npm, repo, wasm};

/// The package that the scripts below belong to.
const FOLDER: &str = "xtask/npm";

/// The whole entry of a page, as the budgets of this project have it.
const ENTRY_BUDGET: u64 = 26_000;
const ENTRY_AIM: u64 = 22_000;
const WASM_BUDGET: u64 = 18_000;
const WASM_AIM: u64 = 16_000;

/// Nanoseconds a decision in V8, and the bytes that a page downloads.
///
/// The page's own module, called in Node as the package calls it. Prepared: three arms, eight attributes whose features
/// are encoded, a contextual model; one decision after another. One-shot: the same after one attribute has changed, and
/// after all eight have. Then all three again through the package's `setContext` and `variant`, which also show, remember
/// and report what they chose.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Runs, of which the median counts.
    #[arg(long, default_value_t = 9, value_name = "N")]
    runs: u32,
}

/// Nanoseconds a call, a number a run.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Runs {
    prepared: Vec<f64>,
    one_shot: Vec<f64>,
    whole_context: Vec<f64>,
    client_prepared: Vec<f64>,
    client_one_shot: Vec<f64>,
    client_whole_context: Vec<f64>,
}

pub(super) fn run(args: &Args) -> Result<Value> {
    tools::need(&[&NODE, &NPM])?;
    npm::pack()?;
    let runs = decisions(args.runs)?;
    let (prepared, one_shot, whole_context) = (
        median(&runs.prepared),
        median(&runs.one_shot),
        median(&runs.whole_context),
    );
    println!(
        "a prepared decision {prepared:.0} ns (bound 200), median of {} runs",
        args.runs
    );
    println!("one attribute changed {one_shot:.0} ns (bound 1000), all eight changed {whole_context:.0} ns");
    let (client_prepared, client_one_shot, client_whole_context) = (
        median(&runs.client_prepared),
        median(&runs.client_one_shot),
        median(&runs.client_whole_context),
    );
    println!(
        "through the package's client, with exposure: prepared {client_prepared:.0} ns, one attribute changed \
         {client_one_shot:.0} ns, all eight changed {client_whole_context:.0} ns"
    );
    let page = brotli("wasm-pkg/wasm/page/tiltwise.wasm")?;
    let entry = brotli("wasm-pkg/dist/index.js")?;
    for (what, bytes, budget, aim) in [
        ("the page's wasm", page, WASM_BUDGET, WASM_AIM),
        ("the whole entry", entry, ENTRY_BUDGET, ENTRY_AIM),
    ] {
        println!(
            "{what} {bytes} bytes brotli: budget {budget}, aim {aim}, {:+} to the aim",
            aim as i64 - bytes as i64
        );
    }
    Ok(json!({
        "prepared_ns": prepared,
        "one_shot_ns": one_shot,
        "whole_context_ns": whole_context,
        "client_prepared_ns": client_prepared,
        "client_one_shot_ns": client_one_shot,
        "client_whole_context_ns": client_whole_context,
        "runs": { "prepared": runs.prepared, "one_shot": runs.one_shot, "whole_context": runs.whole_context },
        "wasm_brotli_bytes": page,
        "entry_brotli_bytes": entry,
    }))
}

/// Nanoseconds of a prepared decision, the median of a few short runs.
pub fn prepared_ns() -> Result<f64> {
    Ok(median(&decisions(5)?.prepared))
}

fn decisions(runs: u32) -> Result<Runs> {
    let file = tempfile::NamedTempFile::new().context("a file for the snapshot")?;
    std::fs::write(file.path(), snapshot::content()).context("writing the snapshot")?;
    let mut node = Command::new("node");
    node.arg(repo::root().join(FOLDER).join("bench.mjs"));
    node.arg(repo::root().join(wasm::OUT).join("page/index.js"))
        .arg(repo::root().join(wasm::report::ENTRY))
        .arg(file.path())
        .arg(runs.to_string());
    let printed = child::output(&mut node)?;
    serde_json::from_str(&printed).with_context(|| format!("bench.mjs said {printed}"))
}

/// Bytes that a page downloads for this file.
fn brotli(file: &str) -> Result<u64> {
    let mut node = Command::new("node");
    node.arg(repo::root().join(FOLDER).join("measure.mjs"))
        .arg(repo::root().join(file));
    let printed: Value = serde_json::from_str(&child::output(&mut node)?)?;
    printed
        .pointer("/0/brotli")
        .and_then(Value::as_u64)
        .with_context(|| format!("measure.mjs said {printed}"))
}

fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
