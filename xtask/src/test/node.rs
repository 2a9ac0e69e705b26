//! The stages that npm runs.

use anyhow::{Result, ensure};

use super::rust::count;
use crate::count::Counts;
use crate::{child, npm, repo, tools, wasm};

/// The tests that need Chromium. Their script is not called `test`, since they need a collector too.
const BROWSER: &str = "tests/browser";

/// The sample shop.
const SHOP: &str = "web-demo";

/// The tests of every npm package in the repository whose package.json has a script `test`, each after its build.
pub fn test() -> Result<Counts> {
    let mut sum = Counts::default();
    let packages = packages()?;
    ensure!(!packages.is_empty(), "no package.json has a script 'test'");
    for package in packages {
        println!("-- {package}");
        match test_one(&package) {
            Ok(counts) => sum.add(counts),
            // The other packages are tested all the same.
            Err(error) => {
                println!("{package}: {error:#}");
                sum.failed += 1;
            }
        }
    }
    Ok(sum)
}

/// The packed package and the shop in a real browser, against the collector as `cargo build` makes it.
pub fn test_in_a_browser() -> Result<Counts> {
    npm::pack()?;
    npm::build(SHOP)?;
    npm::install(BROWSER)?;
    child::run(repo::cargo().args(["build", "--quiet", "--package", "tiltwise-collector"]))?;
    let mut tests = npm::npm(BROWSER);
    tests.args(["run", "--silent", "browser"]);
    tests.env("COLLECTOR_BIN", repo::target_dir().join("debug/tiltwise"));
    if let Some(chromium) = tools::CHROMIUM.path() {
        tests.env("CHROMIUM", chromium);
    }
    count(&mut tests)
}

fn test_one(package: &str) -> Result<Counts> {
    let mut report = Vec::new();
    if package == npm::CLIENT {
        report = wasm::make_package()?;
        wasm::report::print(&report);
    } else {
        npm::build(package)?;
    }
    let mut counts = count(npm::npm(package).args(["test", "--silent"]))?;
    if let Err(error) = wasm::report::check(&report) {
        println!("{error:#}");
        counts.failed += 1;
    }
    Ok(counts)
}

/// Folders relative to the root, sorted, but the client first: the others install what is packed of it.
fn packages() -> Result<Vec<String>> {
    let mut packages = Vec::new();
    for path in repo::files()? {
        if let Some(folder) = path.strip_suffix("/package.json")
            && npm::has_script(folder, "test")?
        {
            packages.push(folder.to_owned());
        }
    }
    packages.sort_by_key(|package| (package != npm::CLIENT, package.clone()));
    Ok(packages)
}
