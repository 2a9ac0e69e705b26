//! `cargo xtask bench inference`: how often the answers are wrong, and how often they find what is there.
//!
//! Simulated experiments go through the core's own accumulators, fit and policies ([`world`]); [`methods`] looks at every
//! bucket end, and [`settings`] lists what is simulated. Seeded: the same command gives the same table.

mod guard;
mod methods;
mod plot;
mod settings;
mod value;
mod world;

use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use methods::Tracked;
use settings::Setting;

/// Type-I error, power, coverage and width of every method of inference, by simulation.
///
/// Each setting is simulated so many times, with a look at every visitor. Rows without an effect carry `type_i`, rows with
/// one `power`, values of other policies neither; methods that are there only for comparison carry `reference_type_i`. Beside the report a plot of each
/// setting shows which share of the experiments had crossed by which visitor.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Simulated experiments a setting.
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    repetitions: usize,
    /// Only settings whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

pub(super) fn run(args: &Args, report: Option<&Path>) -> Result<Value> {
    let only = args.only.as_deref().unwrap_or_default();
    let settings: Vec<Setting> = settings::all()
        .into_iter()
        .filter(|s| s.name.contains(only))
        .collect();
    ensure!(
        !settings.is_empty() && args.repetitions > 0,
        "nothing to simulate: no setting is named like {only}"
    );
    let mut rows = Vec::new();
    println!(
        "{:44} {:40} {:>7} {:>8} {:>8} {:>8}",
        "setting", "method", "", "rate", "covered", "width"
    );
    for setting in &settings {
        let tracked = simulate(setting, args.repetitions);
        for track in &tracked {
            let row = track.row(setting, args.repetitions);
            println!("{}", text(&row));
            rows.push(row);
        }
        if let Some(report) = report {
            plot::write(report, setting, &tracked, args.repetitions)?;
        }
    }
    Ok(rows.into())
}

/// All repetitions of a setting, on every core. What is tracked only counts, so who simulated which does not show.
fn simulate(setting: &Setting, repetitions: usize) -> Vec<Tracked> {
    let bar = ProgressBar::new(repetitions as u64).with_prefix(setting.name);
    let style = ProgressStyle::with_template("{prefix:44} {bar:30} {pos:>5}/{len}  {eta}");
    let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (next, sums) = (AtomicUsize::new(0), Mutex::new(Vec::<Tracked>::new()));
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine: Vec<Tracked> = Vec::new();
                loop {
                    let repetition = next.fetch_add(1, Ordering::Relaxed);
                    if repetition >= repetitions {
                        break;
                    }
                    Tracked::add_all(&mut mine, setting.simulate(repetition as u64));
                    bar.inc(1);
                }
                let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                Tracked::add_all(&mut sums, mine);
            });
        }
    });
    bar.finish_and_clear();
    sums.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn text(row: &Value) -> String {
    let number = |name: &str| {
        row[name]
            .as_f64()
            .map_or_else(|| "–".to_owned(), |x| format!("{x:.4}"))
    };
    let kind = ["type_i", "power", "reference_type_i"]
        .into_iter()
        .find(|kind| !row[*kind].is_null());
    let kind = kind.unwrap_or_default();
    format!(
        "{:44} {:40} {:>7} {:>8} {:>8} {:>8}",
        row["setting"].as_str().unwrap_or_default(),
        row["method"].as_str().unwrap_or_default(),
        kind.trim_start_matches("reference_"),
        number(kind),
        number("coverage"),
        number("mean_width"),
    )
}

impl Tracked {
    fn row(&self, setting: &Setting, repetitions: usize) -> Value {
        let n = repetitions as f64;
        let missed = f64::from(self.missed.unwrap_or(0)) / n;
        let rate = if self.is_interval {
            missed
        } else {
            f64::from(self.crossed()) / n
        };
        let kind = match (self.is_reference, self.has_effect) {
            (true, _) if !self.has_effect => "reference_type_i",
            (_, true) => "power",
            (_, false) => "type_i",
        };
        let mut row = json!({
            "setting": setting.name,
            "method": self.method,
            "repetitions": repetitions,
            "standard_error": (rate * (1.0 - rate) / n).sqrt(),
        });
        if !self.is_interval {
            row[kind] = rate.into();
        }
        if self.missed.is_some() {
            row["coverage"] = (1.0 - missed).into();
        }
        if self.widths > 0 {
            row["mean_width"] = (self.width / f64::from(self.widths)).into();
        }
        row
    }
}
