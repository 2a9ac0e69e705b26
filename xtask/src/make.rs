//! Makes what the commands run: the collector, and the pages that it and the shop serve.
//!
//! Each part is made again only when something it is made from has changed, so that a second start takes seconds.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Result, ensure};

use crate::tools::{self, NODE, NPM};
use crate::{child, npm, repo};

const DASHBOARD: &str = "collector/dashboard";
const SHOP: &str = "web-demo";

/// What has been made, and whether anything had to be.
#[derive(Debug)]
pub struct Made {
    /// The program `tiltwise`.
    pub collector: PathBuf,
    /// The folder of the shop's built pages.
    pub shop: PathBuf,
    /// False where everything was there already.
    pub anew: bool,
}

/// Everything that the demo runs; with `kafka`, a collector that can keep its log there.
pub fn everything(kafka: bool) -> Result<Made> {
    tools::need(&[&NODE, &NPM])?;
    let shop = repo::root().join(SHOP).join("dist");
    let dashboard = repo::root().join(DASHBOARD).join("dist");
    let tarball = repo::root().join(npm::CLIENT).join("tiltwise.tgz");
    // The collector serves the dashboard, so that goes first. The shop is made beside the collector: npm and the wasm's
    // optimiser leave a core idle most of the time.
    let has_dashboard = said("dashboard", &dashboard.join("index.html"), || {
        npm::build(DASHBOARD)
    })?;
    let (has_collector, has_shop) = std::thread::scope(|scope| {
        let pages = scope.spawn(|| -> Result<bool> {
            let has_package = said("npm package", &tarball, npm::pack)?;
            let has_shop = said("shop", &shop.join("index.html"), || npm::build(SHOP))?;
            Ok(has_package || has_shop)
        });
        let collector = said("collector", &collector_program(), || {
            let features: &[&str] = if kafka { &["--features", "kafka"] } else { &[] };
            cargo_build("tiltwise-collector", "tiltwise", features)
        });
        (
            collector,
            pages
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    let anew = has_dashboard | has_collector? | has_shop?;
    Ok(Made {
        collector: collector_program(),
        shop,
        anew,
    })
}

/// Builds the collector and returns the program.
pub fn collector() -> Result<PathBuf> {
    cargo_build("tiltwise-collector", "tiltwise", &[])?;
    Ok(collector_program())
}

/// Builds a program as it is deployed, for measuring it.
pub fn optimised(package: &str, program: &str) -> Result<PathBuf> {
    cargo_build(package, program, &["--release"])?;
    Ok(repo::target_dir().join("release").join(program))
}

/// The same, with a feature that is no default.
pub fn optimised_with(package: &str, program: &str, feature: &str) -> Result<PathBuf> {
    cargo_build(package, program, &["--release", "--features", feature])?;
    Ok(repo::target_dir().join("release").join(program))
}

fn collector_program() -> PathBuf {
    repo::target_dir().join("debug").join("tiltwise")
}

fn cargo_build(package: &str, program: &str, more: &[&str]) -> Result<()> {
    let mut cargo = repo::cargo();
    cargo
        .args(["build", "--quiet", "--package", package, "--bin", program])
        .args(more);
    child::run(&mut cargo)
}

/// Makes a part, and says how long it took where its `product` has changed. Returns whether it has.
fn said(part: &str, product: &Path, make: impl FnOnce() -> Result<()>) -> Result<bool> {
    let (started, before) = (Instant::now(), modified(product));
    make()?;
    ensure!(
        product.exists(),
        "building the {part} has made no {}",
        product.display()
    );
    let anew = modified(product) != before;
    if anew {
        println!("  {part}: built in {:.1} s", started.elapsed().as_secs_f64());
    } else {
        println!("  {part}: nothing to do");
    }
    Ok(anew)
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
