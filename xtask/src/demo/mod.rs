//! `cargo xtask demo`: the whole river on this machine, with visitors in it.
//!
//! [`crate::make`] builds; [`stage`](self::live) starts the collector, the shop and the visitors on free loopback ports
//! and watches them; [`figures`] is what `--report` writes. Everything that was started ends with this command.

mod browser;
mod experiments;
mod figures;
mod live;
mod log;
mod shop;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

pub use self::experiments::text as experiments;
use crate::kafka::{self, Cluster};
use crate::{child, make, tools};

/// Shows everything at once: a shop, its visitors, the collector, the dashboard.
///
/// Checks the tools, builds what has changed, and starts a collector with a fresh folder and fresh keys, the sample shop,
/// a real Chromium that clicks through the shop, and simulated visitors who decide with the same core and send over the
/// same door. What works for whom is declared, so that the status line can say what an even split would have earned.
/// Everything listens on free loopback ports and ends with this command; nothing is left behind.
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Args {
    /// Ends after so many minutes; without it, at Ctrl-C.
    #[arg(long, value_name = "N")]
    minutes: Option<f64>,
    /// Shows no window: the Chromium that clicks through the shop has none.
    #[arg(long)]
    headless: bool,
    /// Events a second that the simulated visitors send.
    #[arg(long, default_value_t = 1_000.0, value_name = "N")]
    rate: f64,
    /// Half-way, or after a minute where no end is set, another variant becomes the best in every segment.
    #[arg(long)]
    drift: bool,
    /// Keeps the log in a real Kafka, which is started too. Needs Java and Maven, and builds librdkafka once.
    #[arg(long)]
    kafka: bool,
    /// Opens the shop and the dashboard in this machine's browser.
    #[arg(long)]
    open: bool,
    /// Writes the figures as JSON when it ends.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let started = Instant::now();
    ensure!(
        args.rate > 0.0 && args.rate <= 100_000.0,
        "--rate {}: between 1 and 100000 events a second",
        args.rate
    );
    if let Some(minutes) = args.minutes {
        ensure!(
            minutes > 0.0 && minutes <= 100_000.0,
            "--minutes {minutes}: more than 0"
        );
    }
    child::end_with_us()?;
    println!("Building what has changed:");
    if args.kafka {
        tools::need(&[&kafka::JAVA, &kafka::MAVEN])?;
    }
    let made = make::everything(args.kafka)?;
    let built_s = made.anew.then(|| started.elapsed().as_secs_f64());
    let show = live::Show {
        made,
        started,
        first_build_s: built_s,
        lasts: args
            .minutes
            .map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
        rate: args.rate,
        drift: args.drift,
        headless: args.headless,
        open: args.open,
        report: args.report.clone(),
        kafka: args
            .kafka
            .then(|| Cluster::start(1, None, false, &[]))
            .transpose()?,
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(show.run())
}
