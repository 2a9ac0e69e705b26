//! `cargo xtask bench`: sizes and speeds, measured and told, never asserted by a timed test.

mod drift;
mod edge;
mod history;
mod inference;
mod ingest;
mod kafka;
pub mod learning;
mod process;
mod snapshot;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

pub use self::edge::prepared_ns;
use crate::{child, report};

/// Measures sizes and speeds on this machine.
///
/// Figures depend on the machine and on what else it does: compare runs, not numbers from elsewhere. Where two programs
/// are compared, both are measured in the same run.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// Writes the figures as JSON.
    #[arg(long, global = true, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    Drift(drift::Args),
    Edge(edge::Args),
    History(history::Args),
    Inference(inference::Args),
    Ingest(ingest::Args),
    Kafka(kafka::Args),
    Learning(learning::Args),
    Stream(stream::Args),
}

pub fn run(args: &Args) -> Result<ExitCode> {
    child::end_with_us()?;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let args_report = args.report.as_deref();
    let figures = match &args.what {
        What::Drift(args) => drift::run(args)?,
        What::Edge(args) => edge::run(args)?,
        What::History(args) => history::run(args)?,
        What::Inference(args) => inference::run(args, args_report)?,
        What::Ingest(args) => runtime()?.block_on(ingest::run(args))?,
        What::Kafka(args) => runtime()?.block_on(kafka::run(args))?,
        What::Learning(args) => learning::run(args)?,
        What::Stream(args) => runtime()?.block_on(stream::run(args))?,
    };
    report::write(args_report, &figures)?;
    Ok(ExitCode::SUCCESS)
}
