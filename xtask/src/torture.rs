//! `cargo xtask torture`: the promises about what is kept, tried for longer than an ordinary test may take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::Value;

use crate::{child, kafka, repo};

/// The test that does it; with its defaults it is a part of `cargo xtask test`.
const EMBEDDED: &str =
    "kills::after_kill_9_every_acknowledged_event_is_there_once_and_the_sums_are_the_clients_own";

/// The same for a log in Kafka.
const KAFKA: &str =
    "kills::after_kills_of_collector_and_broker_every_acknowledged_event_is_in_the_topic_and_counts_once";

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
    /// kill -9 of a collector and of the Kafka that it writes to, in random order, with pauses of the broker and cuts of the
    /// network in between.
    ///
    /// The same clients and books. Afterwards Apache's own client reads the topic, in a program of its own: no acknowledged
    /// event is missing, and the sums are the clients' own.
    Kafka(Kafka),
}

#[derive(clap::Args)]
struct Kafka {
    /// How often the collector is killed.
    #[arg(long, value_name = "N", default_value_t = 50)]
    collector_kills: u32,
    /// How often the broker is.
    #[arg(long, value_name = "M", default_value_t = 10)]
    broker_kills: u32,
    /// Spreads the kills over so many minutes; without it they follow each other.
    #[arg(long, value_name = "T")]
    minutes: Option<f64>,
    /// Write the figures to this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
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
    match &args.what {
        What::Embedded(embedded) => {
            let mut cargo = repo::cargo();
            cargo.args(["test", "--package", "tiltwise-collector", "--test", "audit"]);
            cargo.args(["--", "--exact", EMBEDDED, "--nocapture"]);
            cargo.env("TORTURE_KILLS", embedded.kills.to_string());
            reported(cargo, embedded.report.as_deref())
        }
        What::Kafka(with_kafka) => {
            let mut cargo = kafka::tests()?;
            cargo.args(["--", "--exact", KAFKA, "--nocapture"]);
            cargo.env("TORTURE_COLLECTOR_KILLS", with_kafka.collector_kills.to_string());
            cargo.env("TORTURE_BROKER_KILLS", with_kafka.broker_kills.to_string());
            if let Some(minutes) = with_kafka.minutes {
                cargo.env("TORTURE_MINUTES", minutes.to_string());
            }
            reported(cargo, with_kafka.report.as_deref())
        }
    }
}

/// Runs the test, and says where its figures are.
fn reported(mut cargo: Command, report: Option<&Path>) -> Result<ExitCode> {
    if let Some(report) = report {
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
    if let Some(report) = report {
        let text =
            fs::read_to_string(report).with_context(|| format!("{}: no test ran", report.display()))?;
        let figures: Value = serde_json::from_str(&text)?;
        println!(
            "{} of {} acknowledged events are missing, {} counted twice; the figures are in {}",
            figures["missing"],
            figures["acknowledged"],
            figures["counted_twice"],
            report.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
