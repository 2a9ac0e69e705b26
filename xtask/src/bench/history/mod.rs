//! What history is worth: regret of a start with it and without, and of one that it misleads.

mod world;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tiltwise_core::revision::PolicyKind;

use self::world::{BLOCKS, Past, World};

/// What rows of history say. The truth that visitors meet afterwards is always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    None,
    /// The same truth.
    True,
    /// Half the differences.
    Faded,
    /// No differences.
    Flat,
    /// The best and the worst variant changed places, for everybody.
    Misleading,
    /// Only the control was shown.
    OneVariant,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::None,
        Self::True,
        Self::Faded,
        Self::Flat,
        Self::Misleading,
        Self::OneVariant,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::True => "true",
            Self::Faded => "faded",
            Self::Flat => "flat",
            Self::Misleading => "misleading",
            Self::OneVariant => "one-variant",
        }
    }
}

/// Regret over the first 2,000 visitors with and without history.
///
/// Two kinds of visitors, three variants, a refit every 50 visitors, through the core's own decide, join, fold and fit.
/// History is 5,000 visitors of an even split in the week before. Regret is in expected rewards that always showing the
/// best variant would have brought on top; the later blocks show whether a history that misleads is outweighed.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Repetitions of each row.
    #[arg(long, default_value_t = 100, value_name = "R")]
    repetitions: usize,
    /// For how many visitors history may count.
    #[arg(long, value_delimiter = ',', default_values_t = [100.0, 200.0, 300.0, 600.0], value_name = "N,…")]
    worth: Vec<f64>,
}

/// One row of the report.
#[derive(Clone, Copy, Debug)]
struct Setting {
    policy: PolicyKind,
    kind: Kind,
    worth: f64,
}

pub(super) fn run(args: &Args) -> Result<Value> {
    let settings = settings(args);
    let regrets = measure(args, &settings)?;
    println!(
        "{:<12} {:<12} {:>6}   regret in visitors 0–2,000, 2,000–4,000, 4,000–8,000",
        "policy", "history", "worth"
    );
    let rows: Vec<Value> = settings
        .iter()
        .zip(&regrets)
        .map(|(setting, runs)| row(*setting, runs))
        .collect();
    Ok(json!({ "history": rows }))
}

fn settings(args: &Args) -> Vec<Setting> {
    let mut settings = Vec::new();
    for policy in [PolicyKind::Contextual, PolicyKind::Thompson] {
        for kind in Kind::ALL {
            let worths = if kind == Kind::None {
                &[0.0][..]
            } else {
                &args.worth
            };
            settings.extend(worths.iter().map(|&worth| Setting { policy, kind, worth }));
        }
    }
    settings
}

/// For each setting the regrets of all repetitions, by block of visitors.
fn measure(args: &Args, settings: &[Setting]) -> Result<Vec<Vec<[f64; BLOCKS.len()]>>> {
    let progress = ProgressBar::new(args.repetitions as u64);
    progress.set_style(ProgressStyle::with_template(
        "{bar:40} {pos} of {len} repetitions, {eta} left",
    )?);
    let next = AtomicUsize::new(0);
    let all = Mutex::new(vec![vec![[0.0; BLOCKS.len()]; args.repetitions]; settings.len()]);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let repetition = next.fetch_add(1, Ordering::Relaxed);
                    if repetition >= args.repetitions {
                        break;
                    }
                    let runs = repeat(settings, repetition as u64);
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    for (runs, run) in all.iter_mut().zip(runs) {
                        runs[repetition] = run;
                    }
                    progress.inc(1);
                }
            });
        }
    });
    progress.finish_and_clear();
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// One repetition of every setting: the same history and the same visitors for all of them.
fn repeat(settings: &[Setting], seed: u64) -> Vec<[f64; BLOCKS.len()]> {
    let mut pasts: Vec<(PolicyKind, Kind, Past)> = Vec::new();
    settings
        .iter()
        .map(|setting| {
            if setting.kind == Kind::None {
                return World::new(setting.policy, seed).run(None);
            }
            let there = pasts
                .iter()
                .position(|(policy, kind, _)| (*policy, *kind) == (setting.policy, setting.kind));
            let place = there.unwrap_or_else(|| {
                pasts.push((
                    setting.policy,
                    setting.kind,
                    Past::of(setting.policy, setting.kind, seed),
                ));
                pasts.len() - 1
            });
            pasts[place].2.worth = setting.worth;
            World::new(setting.policy, seed).run(Some(&pasts[place].2))
        })
        .collect()
}

fn row(setting: Setting, runs: &[[f64; BLOCKS.len()]]) -> Value {
    let n = runs.len() as f64;
    let figure = |block: usize| {
        let mean = runs.iter().map(|run| run[block]).sum::<f64>() / n;
        let square = runs.iter().map(|run| (run[block] - mean).powi(2)).sum::<f64>();
        (mean, (square / (n - 1.0).max(1.0) / n).sqrt())
    };
    let policy = match setting.policy {
        PolicyKind::Contextual => "contextual",
        _ => "thompson",
    };
    let figures: Vec<(f64, f64)> = (0..BLOCKS.len()).map(figure).collect();
    let said: Vec<String> = figures
        .iter()
        .map(|(mean, error)| format!("{mean:>7.1} ± {error:.1}"))
        .collect();
    println!(
        "{policy:<12} {:<12} {:>6}   {}",
        setting.kind.name(),
        setting.worth,
        said.join("  ")
    );
    json!({
        "policy": policy,
        "history": setting.kind.name(),
        "worth": setting.worth,
        "repetitions": runs.len(),
        "regret": figures[0].0,
        "standard_error": figures[0].1,
        "regret_2000_4000": figures[1].0,
        "regret_4000_8000": figures[2].0,
    })
}
