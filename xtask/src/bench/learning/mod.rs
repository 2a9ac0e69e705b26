//! `cargo xtask bench learning`: how good the decisions are that the river learns to make, on data with known answers.
//!
//! * [`definition`] makes an experiment of a table; [`river`] runs the table through it and keeps the score.
//! * [`others`] lets Vowpal Wabbit and mabwiser do the same.
//! * [`report`] prints the table of all data sets.

mod definition;
mod others;
mod report;
mod river;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::feed::table::Table;

pub use self::others::python;
use self::river::{Score, Settings};

/// The floor that the product gives a contextual policy by default.
const FLOOR: f64 = 0.01;

/// The reward that the river's own learner earns on data sets with known answers, offline and in seconds.
///
/// A file holds one stream (label,uniform,<attribute>…): before each block of rows a model is fitted; each row is encoded
/// and gets its exact probabilities from that model; the arm is the first whose cumulative probability exceeds the row's
/// `uniform`; the reward is 1 where the arm is the label; exposures and outcomes are joined and folded. Encoder, policy,
/// join, fold and fit are the river's own, with one configuration for all files. A column whose values are all numbers is
/// numeric, any other categorical, and so are a few whole numbers without a decimal point.
///
/// `mean_reward` is the policy's own, over all rows, without a floor under its probabilities; `mean_reward_floored` is the
/// same with `--floor`, by default the product's, which is the price of results that can be trusted.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The folder with the data sets, every *.csv in it.
    #[arg(long, value_name = "DIR")]
    csv: PathBuf,
    /// Rows between two fits: 500, or 1 for a learner that is always up to date.
    #[arg(long, default_value_t = 500, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    batch: u64,
    /// How numbers become features.
    #[arg(long, value_enum, default_value_t = Encoding::Linear)]
    numeric: Encoding,
    /// Rows after which a row counts half. Without it nothing is forgotten.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    half_life_events: Option<u64>,
    /// The least probability of an arm in the second score; 0 leaves that score out.
    #[arg(long, default_value_t = FLOOR, value_name = "P", value_parser = floor)]
    floor: f64,
    /// Also asks six explorers of Vowpal Wabbit and mabwiser's LinUCB, which are installed from PyPI into an environment
    /// of their own. With `--batch 1` LinUCB takes minutes a file.
    #[arg(long)]
    others: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As numbers, centred and scaled by the mean and deviation of the first 500 rows, as somebody declares who knows his
    /// data.
    Linear,
    /// In ranges, which the fitter cuts by itself once it has seen 200 rows.
    Bins,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Bins => "bins",
        }
    }
}

fn floor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(floor) if (0.0..=0.5).contains(&floor) => Ok(floor),
        _ => Err("a probability from 0 to 0.5".into()),
    }
}

pub(super) fn run(args: &Args) -> Result<Value> {
    let files = csv_files(&args.csv)?;
    let tables: Vec<(String, Table)> = files
        .iter()
        .map(|path| Ok((name(path), Table::read(path)?)))
        .collect::<Result<_>>()?;
    let runs = if args.floor > 0.0 { 2 } else { 1 };
    let rows: usize = tables.iter().map(|(_, table)| table.rows.len()).sum();
    let bar = progress(rows * runs);
    let settings = |floor| Settings {
        batch: args.batch as usize,
        encoding: args.numeric,
        half_life_events: args.half_life_events,
        floor,
    };
    let scores = in_parallel(&tables, |(file, table)| {
        bar.set_message(file.clone());
        let own = river::run(file, table, &settings(0.0), &bar);
        let floored = (runs > 1).then(|| river::run(file, table, &settings(args.floor), &bar));
        Score {
            floored: floored.map(|score| (args.floor, score.mean_reward)),
            ..own
        }
    });
    bar.finish_and_clear();
    print!("{}", report::table(&scores));
    let mut figures: Vec<Value> = scores.iter().map(Score::json).collect();
    if args.others {
        // After ours and not beside: what is compared is also how long it takes.
        let others = others::score(&files, args.batch, args.numeric)?;
        print!("\n{}", report::others(&scores, &others));
        figures.extend(others.iter().map(|other| json!(other)));
    }
    Ok(Value::Array(figures))
}

/// Mean rewards over these files, numbers as numbers: ours, the best explorer's of Vowpal Wabbit, and LinUCB's.
pub struct Means {
    pub ours: f64,
    pub vowpal: f64,
    pub linucb: f64,
}

pub fn means(files: &[PathBuf], batch: u64) -> Result<Means> {
    let settings = Settings {
        batch: batch as usize,
        encoding: Encoding::Linear,
        half_life_events: None,
        floor: 0.0,
    };
    let hidden = ProgressBar::hidden();
    let score = |path: &PathBuf| Ok(river::run(&name(path), &Table::read(path)?, &settings, &hidden));
    let scores: Vec<Score> = files.iter().map(score).collect::<Result<_>>()?;
    let others = others::score(files, batch, Encoding::Linear)?;
    let (vowpal, linucb) = report::best(&others.iter().collect::<Vec<_>>());
    Ok(Means {
        ours: report::mean(scores.iter().map(|score| score.mean_reward)),
        vowpal: vowpal.mean_reward,
        linucb: linucb.mean_reward,
    })
}

fn csv_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    files.sort();
    if files.is_empty() {
        bail!("{} holds no *.csv", folder.display());
    }
    Ok(files)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// On all processors; the results in the order of the tables, whichever was done first.
fn in_parallel<T: Sync, R: Send>(tables: &[T], run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(tables.len()));
    let work = || {
        while let Some((place, table)) = take(&next, tables) {
            let result = run(table);
            if let Ok(mut done) = done.lock() {
                done.push((place, result));
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers.min(tables.len()) {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|&(place, _)| place);
    done.into_iter().map(|(_, result)| result).collect()
}

fn take<'a, T>(next: &AtomicUsize, tables: &'a [T]) -> Option<(usize, &'a T)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    tables.get(place).map(|table| (place, table))
}

fn progress(rows: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos:>6}/{len} rows  {eta:>4} left  {msg}");
    ProgressBar::new(rows as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
