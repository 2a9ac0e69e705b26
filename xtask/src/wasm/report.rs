//! How large the modules are, what they ask of their host, and what they may.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{child, repo};

/// Every visitor downloads this one, most of them on a phone: about one round trip on a slow line.
pub const PAGE_BUDGET: u64 = 18_000;

/// What the page's module should weigh.
pub const PAGE_AIM: u64 = 16_000;

/// The files that are measured, relative to the output folder.
const MEASURED: [&str; 5] = [
    "page/tiltwise.wasm",
    "page/hex.js",
    "page/glue.js",
    "inspect/tiltwise.wasm",
    "abi/tiltwise.wasm",
];

/// One measured file.
#[derive(Debug, Default)]
pub struct Measured {
    pub file: String,
    pub raw: u64,
    pub brotli: u64,
    pub imports: Vec<String>,
}

/// Measures what is in the output folder and keeps the result beside it.
pub fn measure(out: &Path) -> Result<()> {
    let mut node = Command::new("node");
    node.arg(repo::root().join(super::TOOLS).join("measure.mjs"));
    node.args(MEASURED.iter().map(|file| out.join(file)));
    let report = child::output(&mut node)?;
    fs::write(out.join("sizes.json"), report).context("writing sizes.json")
}

/// What the last `measure` has found.
pub fn read(out: &Path) -> Result<Vec<Measured>> {
    let path = out.join("sizes.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    parse(&text).with_context(|| format!("reading {}", path.display()))
}

pub fn print(report: &[Measured]) {
    println!("{:<24}{:>10}{:>10}", "", "raw", "brotli");
    for measured in report {
        let note = if is_page(measured) {
            format!(
                "   budget {PAGE_BUDGET}, aim {PAGE_AIM}: {}",
                distance(measured.brotli)
            )
        } else {
            String::new()
        };
        println!(
            "{:<24}{:>10}{:>10}{note}",
            measured.file, measured.raw, measured.brotli
        );
    }
}

/// What must not be so, each as a sentence.
pub fn broken(report: &[Measured]) -> Vec<String> {
    let mut broken = Vec::new();
    for measured in report {
        if is_page(measured) && measured.brotli > PAGE_BUDGET {
            broken.push(format!(
                "{} is {} bytes under brotli, {} over its budget of {PAGE_BUDGET}",
                measured.file,
                measured.brotli,
                measured.brotli - PAGE_BUDGET
            ));
        }
        if measured.file.starts_with("abi/") && !measured.imports.is_empty() {
            broken.push(format!(
                "{} imports {}; the abi face must load in a host that offers nothing",
                measured.file,
                measured.imports.join(", ")
            ));
        }
    }
    broken
}

fn is_page(measured: &Measured) -> bool {
    measured.file == "page/tiltwise.wasm"
}

fn distance(brotli: u64) -> String {
    match brotli.checked_sub(PAGE_AIM) {
        None | Some(0) => format!("{} below the aim", PAGE_AIM - brotli),
        Some(over) => format!("{over} above the aim"),
    }
}

fn parse(text: &str) -> Result<Vec<Measured>> {
    let Value::Array(entries) = serde_json::from_str(text)? else {
        anyhow::bail!("a list was expected");
    };
    Ok(MEASURED
        .iter()
        .zip(&entries)
        .map(|(file, entry)| measured(file, entry))
        .collect())
}

fn measured(file: &str, entry: &Value) -> Measured {
    let number = |name: &str| entry.get(name).and_then(Value::as_u64).unwrap_or_default();
    let imports = entry
        .get("imports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Measured {
        file: file.to_owned(),
        raw: number("raw"),
        brotli: number("brotli"),
        imports: imports.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(file: &str, brotli: u64, imports: &[&str]) -> Measured {
        Measured {
            file: file.to_owned(),
            raw: 3 * brotli,
            brotli,
            imports: imports.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_page_module_over_its_budget_is_told_by_how_much() {
        assert!(broken(&[module("page/tiltwise.wasm", PAGE_BUDGET, &[])]).is_empty());
        let said = broken(&[module("page/tiltwise.wasm", PAGE_BUDGET + 7, &[])]).join("");
        assert!(said.contains("7 over"), "{said}");
    }

    #[test]
    fn an_abi_module_that_imports_anything_is_refused() {
        let said = broken(&[module("abi/tiltwise.wasm", 1, &["env.now"])]).join("");
        assert!(said.contains("env.now"), "{said}");
    }

    #[test]
    fn a_page_module_may_import_its_glue() {
        assert!(
            broken(&[module(
                "page/tiltwise.wasm",
                1,
                &["./tiltwise_bg.js.__wbindgen_throw"]
            )])
            .is_empty()
        );
    }

    #[test]
    fn what_was_measured_is_read_back_in_order() {
        let report = parse(r#"[{"raw":2,"brotli":1,"imports":["a.b"]},{"raw":4,"brotli":3}]"#).unwrap();
        assert_eq!(report.len(), 2);
        assert_eq!(
            (report[0].brotli, report[0].imports.len(), report[1].raw),
            (1, 1, 4)
        );
    }
}
