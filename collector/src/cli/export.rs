//! `tiltwise export`: every decision that counts, with what came of it, for other tools.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::serve::{read_log, trainer_options};
use super::{Failure, Settings};
use crate::config::Config;
use crate::experiments::Revisions;
use crate::export::{Choice, Sink, jsonl, rows};
use crate::history::time;
use crate::log::LogError;
use crate::trainer::replay::{self, Until};
use crate::trainer::{Checkpoints, State};

/// A file is written in pieces of this size.
const BUFFER: usize = 1 << 20;

/// Write every decision that counts, and what came of it, for a warehouse, a notebook or another learner.
///
/// A row is a decision: when it was made, for whom (a pseudonym), the experiment, the variation, the probability with which it
/// was drawn, and what followed within the windows of the experiment's metrics. The rows are those that the results are
/// counted from: duplicates, quarantined and forced decisions are in none, and of an erased visitor there is nothing. Columns
/// and the assignment query of a warehouse tool: docs/export.md.
///
/// Counts on from the newest checkpoint to the end of the log. Beside a running collector whose log is in a folder, which it
/// has to itself, the rows are those of its newest checkpoint: half a minute old at most.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise export --output decisions.jsonl
  tiltwise export --format parquet --output decisions.parquet       a build with `--features parquet`
  tiltwise export --experiment hero --since 2026-11-01 --until 2026-12-01 | gzip > november.jsonl.gz
  tiltwise export | jq -s 'group_by(.variation_id) | map({variation: .[0].variation_id, rows: length})'

What a warehouse tool asks for as assignments is in the columns of the same names:
  SELECT anonymous_id, timestamp, experiment_id, variation_id FROM decisions

Exit codes: 0 done; 1 it cannot be read or written; 3 the collector file is wrong.")]
pub struct Args {
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,

    /// Where to; it is there when it is whole [default for jsonl: standard output].
    #[arg(long, short, value_name = "FILE", required_if_eq("format", "parquet"))]
    output: Option<PathBuf>,

    /// Decisions of this experiment only; may be repeated.
    #[arg(long, value_name = "KEY")]
    experiment: Vec<String>,

    /// Decisions made at this time or later: 2026-11-01, 2026-11-01T12:00:00Z, or a number since 1970.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<u64>,

    /// Decisions made before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<u64>,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Typed columns, compressed.
    Parquet,
}

fn moment(text: &str) -> Result<u64, String> {
    time::parse(text).ok_or_else(|| "write it like 2026-11-01 or 2026-11-01T12:00:00Z".to_owned())
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    if args.format == Format::Parquet && cfg!(not(feature = "parquet")) {
        return Err(anyhow::anyhow!(
            "this build has no Parquet. Build it with `cargo build --release --package tiltwise-collector --features parquet`, or \
             write JSON lines, which every warehouse loads too"
        )
        .into());
    }
    let state = counted(&config)?;
    known(args, &state)?;
    let choice = Choice {
        since_ms: args.since,
        until_ms: args.until,
        experiments: args.experiment.clone(),
    };
    let rows = rows(state.folds(), &choice);
    let progress = bar(rows.len());
    let beside = args.output.as_deref().map(beside);
    let mut sink = sink(args.format, beside.as_deref())?;
    for row in rows.iter() {
        if let Err(error) = sink.put(&row) {
            return ended(error, args.output.as_deref());
        }
        progress.inc(1);
    }
    if let Err(error) = sink.finish() {
        return ended(error, args.output.as_deref());
    }
    if let (Some(beside), Some(output)) = (&beside, &args.output) {
        fs::rename(beside, output).with_context(|| output.display().to_string())?;
    }
    progress.finish_and_clear();
    eprintln!("{} decisions exported.", rows.len());
    if rows.left.void > 0 {
        eprintln!(
            "{} more count for nothing (quarantined, forced, or with too many outcomes) and are left out.",
            rows.left.void
        );
    }
    Ok(())
}

/// What is known at the end of the log, or at the newest checkpoint of the collector that has the log to itself.
fn counted(config: &Config) -> Result<State, Failure> {
    let checkpoints = Checkpoints::open(&config.state_folder())?;
    let log = match read_log(config) {
        Ok(log) => log,
        Err(Failure::Failed(error)) if is_in_use(&error) => {
            let (newest, wrong) = checkpoints.newest()?;
            for error in wrong {
                eprintln!("{error}");
            }
            let state = newest.context(
                "the collector that runs has written no checkpoint yet: ask again in half a minute",
            )?;
            eprintln!(
                "A collector is running: this is its newest checkpoint, of {}.",
                jsonl::time(state.fold.clock().ms()).unwrap_or_default()
            );
            return Ok(state);
        }
        Err(failure) => return Err(failure),
    };
    let progress = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("counting the log {bar:40} {percent} %, {eta} left") {
        progress.set_style(style);
    }
    let (mut state, warnings) = replay::load(&checkpoints, &log.sources, trainer_options(config).params)?;
    for warning in warnings {
        eprintln!("{warning}");
    }
    for (id, revision) in Revisions::open(&config.revisions_folder())?.all() {
        state.add_revision(id, &revision);
    }
    let until = Until {
        offsets: log.sources.ends(),
        tick: u64::MAX,
    };
    let begun: u64 = state.offsets().iter().sum();
    progress.set_length(until.offsets.iter().sum::<u64>().saturating_sub(begun));
    replay::fold_on_telling(&mut state, &log.sources, &until, &mut |state| {
        progress.set_position(state.offsets().iter().sum::<u64>().saturating_sub(begun));
    })?;
    progress.finish_and_clear();
    log.close();
    Ok(state)
}

fn is_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<LogError>(), Some(LogError::InUse { .. }))
}

/// A key that no event names is most likely misspelt.
fn known(args: &Args, state: &State) -> Result<(), Failure> {
    let keys: std::collections::BTreeSet<&str> = state
        .folds()
        .flat_map(|fold| fold.revisions().values().map(|revision| revision.key.as_str()))
        .collect();
    for key in &args.experiment {
        if !keys.contains(key.as_str()) {
            let known: Vec<&str> = keys.into_iter().collect();
            return Err(anyhow::anyhow!(
                "there never was an experiment {key:?}. There are: {}",
                known.join(", ")
            )
            .into());
        }
    }
    Ok(())
}

fn sink(format: Format, file: Option<&Path>) -> Result<Box<dyn Sink>, Failure> {
    let to: Box<dyn Write + Send> = match file {
        Some(path) => Box::new(File::create(path).with_context(|| path.display().to_string())?),
        None => Box::new(io::stdout()),
    };
    let to = BufWriter::with_capacity(BUFFER, to);
    match format {
        Format::Jsonl => Ok(Box::new(jsonl::Lines(to))),
        #[cfg(feature = "parquet")]
        Format::Parquet => Ok(Box::new(crate::export::parquet::Groups::new(to)?)),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(anyhow::anyhow!("this build has no Parquet").into()),
    }
}

/// Where a file is written until it is whole.
fn beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Nobody who reads a pipe any more is how `head` says that it has enough.
fn ended(error: io::Error, output: Option<&Path>) -> Result<(), Failure> {
    if let Some(output) = output {
        let _ = fs::remove_file(beside(output));
        return Err(anyhow::Error::from(error)
            .context(output.display().to_string())
            .into());
    }
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(error.into())
}

/// To standard error, and only where that is a terminal.
fn bar(rows: usize) -> ProgressBar {
    let progress = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} decisions, {eta} left") {
        progress.set_style(style);
    }
    progress
}
