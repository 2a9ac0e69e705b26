//! How large the results are, what they ask of their host, and what they may.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{child, repo};

/// The results in the output folder that are measured.
pub const MODULES: [&str; 4] = [PAGE, "page/hex.js", "inspect/tiltwise.wasm", "abi/tiltwise.wasm"];

/// What a page loads of the npm package, module included.
pub const ENTRY: &str = "wasm-pkg/dist/index.js";

const PAGE: &str = "page/tiltwise.wasm";

/// What every visitor downloads, most of them on a phone: together less than a small picture. In bytes under brotli.
///
/// What is larger fails; how far it still is to the aim, every report says.
const BUDGETS: [Budget; 2] = [
    Budget {
        file: PAGE,
        goal: 18_000,
        aim: 16_000,
    },
    Budget {
        file: ENTRY,
        goal: 26_000,
        aim: 22_000,
    },
];

struct Budget {
    file: &'static str,
    goal: u64,
    aim: u64,
}

/// One measured file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub file: String,
    pub raw: u64,
    pub brotli: u64,
    pub imports: Vec<String>,
}

/// Measures these files under `folder`.
pub fn measure(folder: &Path, files: &[&str]) -> Result<Vec<Measured>> {
    let mut node = Command::new("node");
    node.arg(repo::root().join(super::TOOLS).join("measure.mjs"));
    node.args(files.iter().map(|file| folder.join(file)));
    let told: Value =
        serde_json::from_str(&child::output(&mut node)?).context("reading what measure.mjs says")?;
    let entries = told.as_array().into_iter().flatten();
    Ok(files
        .iter()
        .zip(entries)
        .map(|(file, entry)| measured(file, entry))
        .collect())
}

/// Keeps a report in the output folder, for runs that find nothing to build.
pub fn keep(out: &Path, report: &[Measured]) -> Result<()> {
    let entries: Vec<_> = report
        .iter()
        .map(|m| json!({ "file": m.file, "raw": m.raw, "brotli": m.brotli, "imports": m.imports }))
        .collect();
    fs::write(out.join("sizes.json"), Value::from(entries).to_string()).context("writing sizes.json")
}

/// The report that was kept.
pub fn read(out: &Path) -> Result<Vec<Measured>> {
    let path = out.join("sizes.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let kept: Value = serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let entries = kept.as_array().into_iter().flatten();
    Ok(entries
        .map(|entry| {
            measured(
                entry.get("file").and_then(Value::as_str).unwrap_or_default(),
                entry,
            )
        })
        .collect())
}

pub fn print(report: &[Measured]) {
    println!("{:<24}{:>10}{:>10}", "", "raw", "brotli");
    for measured in report {
        let note = budget(measured)
            .map(|budget| told(measured.brotli, budget))
            .unwrap_or_default();
        println!(
            "{:<24}{:>10}{:>10}{note}",
            measured.file, measured.raw, measured.brotli
        );
    }
}

/// Fails where something is over its goal or imports what it must not.
///
/// Building goes on without this check, so that work on other things is not held up by a module that has grown; the
/// command and the test stage that are named for it fail.
pub fn check(report: &[Measured]) -> Result<()> {
    let broken = broken(report);
    ensure!(broken.is_empty(), "{}", broken.join("; "));
    Ok(())
}

/// What must not be so, each as a sentence.
fn broken(report: &[Measured]) -> Vec<String> {
    let mut broken = Vec::new();
    for measured in report {
        if let Some(budget) = budget(measured).filter(|budget| measured.brotli > budget.goal) {
            broken.push(format!(
                "{} is {} bytes under brotli, {} over its goal of {}",
                measured.file,
                measured.brotli,
                measured.brotli - budget.goal,
                budget.goal
            ));
        }
        let alone = measured.file == PAGE || measured.file.starts_with("abi/");
        if alone && !measured.imports.is_empty() {
            broken.push(format!(
                "{} imports {}; it must load in a host that offers nothing",
                measured.file,
                measured.imports.join(", ")
            ));
        }
    }
    broken
}

fn budget(measured: &Measured) -> Option<&'static Budget> {
    BUDGETS.iter().find(|budget| budget.file == measured.file)
}

fn told(brotli: u64, budget: &Budget) -> String {
    let distance = |bound: u64| match brotli.checked_sub(bound) {
        None | Some(0) => format!("{} below", bound - brotli),
        Some(over) => format!("{over} above"),
    };
    format!(
        "   goal {}: {}; aim {}: {}",
        budget.goal,
        distance(budget.goal),
        budget.aim,
        distance(budget.aim)
    )
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
    fn what_is_over_its_goal_is_told_by_how_much() {
        for budget in &BUDGETS {
            assert!(broken(&[module(budget.file, budget.goal, &[])]).is_empty());
            let said = broken(&[module(budget.file, budget.goal + 7, &[])]).join("");
            assert!(said.contains("7 over"), "{said}");
        }
    }

    #[test]
    fn a_module_of_a_page_or_of_any_host_that_imports_anything_is_refused() {
        for file in [PAGE, "abi/tiltwise.wasm"] {
            let said = broken(&[module(file, 1, &["env.now"])]).join("");
            assert!(said.contains("env.now"), "{said}");
        }
    }

    #[test]
    fn the_module_for_tools_may_import_its_glue() {
        let glue = "./tiltwise_bg.js.__wbindgen_throw";
        assert!(broken(&[module("inspect/tiltwise.wasm", 1, &[glue])]).is_empty());
    }

    #[test]
    fn a_report_is_read_back_as_it_was_kept() {
        let folder = std::env::temp_dir().join(format!("tiltwise-report-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let report = vec![module(PAGE, 100, &["a.b"]), module("abi/tiltwise.wasm", 50, &[])];
        keep(&folder, &report).unwrap();
        assert_eq!(read(&folder).unwrap(), report);
        fs::remove_dir_all(&folder).unwrap();
    }
}
