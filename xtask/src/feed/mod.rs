//! `cargo xtask feed`: a data set through the whole river.

mod experiment;
mod run;
pub mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;

use crate::site::{Options, Site};
use crate::{child, make, report};

use self::table::Table;

/// Ids are random and the same in every run.
const SEED: u64 = 5;

/// Sends data sets through the whole river: decide, expose, outcome, log, join, fit, snapshot.
///
/// Each file is a data set with known answers (label,uniform,<attribute>…): a row is a visitor, the columns are its
/// attributes, the classes are the arms, and the reward is 1 where the arm is the label. Rows go one by one in the file's
/// order through a collector that this command starts, over HTTP, each decided with the newest snapshot that the stream
/// has announced, by a contextual policy that starts knowing nothing.
///
/// A column whose values are all numbers is cut into bins at the inner sixteenths of its first 500 rows; any other is
/// categorical, and so are a few whole numbers without a decimal point. Nothing is tuned to a data set.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The data sets, fed one after the other.
    #[arg(required = true, value_name = "FILE.csv")]
    files: Vec<PathBuf>,
    /// Rows a second. The slower, the more of its past each row's decision knows.
    #[arg(long, default_value_t = 200.0, value_name = "ROWS")]
    rate: f64,
    /// Writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    child::end_with_us()?;
    let tables: Vec<Table> = args
        .files
        .iter()
        .map(|path| Table::read(path))
        .collect::<Result<_>>()?;
    let collector = make::collector()?;
    let options = Options {
        experiments: experiment::file(&tables),
        // Answers come at once and in order, so that nothing needs to wait for a late one.
        more: "trainer = { lateness = \"10s\" }\n".to_owned(),
        ..Options::default()
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut site = Site::start(&collector, &options).await?;
            let edge = site.edge().await?;
            // One source of ids for all data sets: a second one with the same seed would mint the same visitors again.
            let mut chance = StdRng::seed_from_u64(SEED);
            let mut fed = Vec::new();
            for table in &tables {
                let one = run::feed(&edge, table, args.rate, &mut chance);
                let one = tokio::select! {
                    one = one => one,
                    broken = edge.follow() => broken.and(Err(anyhow::anyhow!("the stream ended"))),
                };
                site.check()?;
                let one = one.with_context(|| table.key.clone())?;
                println!("{}", one.line());
                fed.push(one);
            }
            site.end()?;
            report::write(
                args.report.as_deref(),
                &json!({ "rate": args.rate, "data_sets": fed }),
            )
        })?;
    Ok(ExitCode::SUCCESS)
}
