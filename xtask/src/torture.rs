//! `cargo xtask torture`: the promises about what is kept, tried for longer than an ordinary test may take.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::Value;

use crate::{child, repo};

/// The test that does it; with its defaults it is a part of `cargo xtask test`.
const EMBEDDED: &str =
    "kills::after_kill_9_every_acknowledged_event_is_there_once_and_the_sums_are_the_clients_own";

/// Kill what must not lose anything, again and again.
///
/// Exits with 0 only when no acknowledged event is missing, none is counted twice, and the sums are the clients' own.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// kill -9 of a collector with the embedded log: under load, while it starts, and while it stops.
    ///
    /// Four clients decide with the newest snapshots, send exposures and outcomes, send again what was not acknowledged,
    /// and keep books of their own. Afterwards the ids in the log, and every arm's n and sum of rewards in the
    /// accumulators, are compared with those.
    Embedded(Embedded),
}

#[derive(clap::Args)]
struct Embedded {
    /// How often.
    #[arg(long, value_name = "N", default_value_t = 50)]
    kills: u32,
    /// Write the figures to this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    child::end_with_us()?;
    let What::Embedded(embedded) = &args.what;
    let mut cargo = repo::cargo();
    cargo.args(["test", "--package", "tiltwise-collector", "--test", "audit"]);
    cargo.args(["--", "--exact", EMBEDDED, "--nocapture"]);
    cargo.env("TORTURE_KILLS", embedded.kills.to_string());
    if let Some(report) = &embedded.report {
        // The test runs in the collector's folder, and a report of an earlier run must not pass for this one's.
        let report = std::path::absolute(report)?;
        match fs::remove_file(&report) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| report.display().to_string());
            }
            _ => cargo.env("TORTURE_REPORT", &report),
        };
    }
    child::run(&mut cargo)?;
    if let Some(report) = &embedded.report {
        let text =
            fs::read_to_string(report).with_context(|| format!("{}: no test ran", report.display()))?;
        let figures: Value = serde_json::from_str(&text)?;
        println!(
            "{} kills, the figures are in {}",
            figures["kills"],
            report.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
