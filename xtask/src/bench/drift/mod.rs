//! `cargo xtask bench drift`: how soon an alert follows a change of the truth, and how often one comes without any.

mod world;

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tiltwise_core::revision::PolicyKind;

use self::world::{Change, DAY_MS, HOUR_MS, MINUTE_MS, Seen, Setting, simulate};

/// Time from a change of the truth to the alert, and false alerts in quiet days.
///
/// Each run is one simulated day through the core's own policies, sums and fit, that of a learner which starts from nothing,
/// with traffic that swings by a factor of four. A change comes at a random moment after the eighth hour. An alert before it,
/// or on a day without one, is false.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Simulated days of each row.
    #[arg(long, default_value_t = 20, value_name = "N")]
    seeds: usize,
    /// Visitors an hour, on average over the day.
    #[arg(long, default_value_t = 6_000.0, value_name = "N")]
    hourly: f64,
    /// Only rows whose change is named like this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

const POLICIES: [(PolicyKind, &str); 4] = [
    (PolicyKind::Thompson, "thompson"),
    (PolicyKind::Contextual, "contextual"),
    (PolicyKind::BestArm, "best-arm"),
    (PolicyKind::Fixed, "fixed"),
];

pub(super) fn run(args: &Args) -> Result<Value> {
    let only = args.only.as_deref().unwrap_or_default();
    let changes: Vec<Change> = Change::ALL
        .into_iter()
        .filter(|change| change.name().contains(only))
        .collect();
    ensure!(
        !changes.is_empty() && args.seeds > 0 && args.hourly > 0.0,
        "nothing to simulate: no change is named like {only}"
    );
    println!(
        "{:<34} {:<12} {:>6} {:>9} {:>9} {:>9} {:>7} {:>7}",
        "change", "policy", "days", "in 1 h", "median", "worst", "missed", "false"
    );
    let mut rows = Vec::new();
    for change in changes {
        for (policy, name) in POLICIES {
            let setting = Setting {
                policy,
                change,
                hourly: args.hourly,
            };
            let row = row(&setting, name, &days(&setting, args.seeds));
            println!("{}", text(&row));
            rows.push(row);
        }
    }
    Ok(json!({ "drift": rows }))
}

/// All days of a setting, on every core, by seed.
fn days(setting: &Setting, seeds: usize) -> Vec<Seen> {
    let bar = ProgressBar::new(seeds as u64).with_prefix(setting.change.name());
    let style = ProgressStyle::with_template("{prefix:34} {bar:30} {pos:>5}/{len}  {eta}");
    let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    let day = simulate(setting, seed as u64);
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((seed, day));
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.sort_by_key(|&(seed, _)| seed);
    seen.into_iter().map(|(_, day)| day).collect()
}

fn row(setting: &Setting, policy: &str, days: &[Seen]) -> Value {
    let is_quiet = setting.change.is_quiet();
    let until_ms = |day: &Seen| if is_quiet { u64::MAX } else { day.changed_ms };
    let is_false = |day: &&Seen| day.alerts.iter().any(|alert| alert.seen_ms < until_ms(day));
    let mut row = json!({
        "change": setting.change.name(),
        "policy": policy,
        "visitors_an_hour": setting.hourly,
        "days": days.len(),
        "false_alerts": days.iter().filter(is_false).count(),
    });
    if is_quiet {
        row["quiet_hours"] = (days.len() as u64 * DAY_MS / HOUR_MS).into();
        return row;
    }
    let mut minutes: Vec<f64> = days
        .iter()
        .filter_map(|day| {
            let first = day.alerts.iter().find(|alert| alert.seen_ms >= day.changed_ms)?;
            Some((first.seen_ms - day.changed_ms) as f64 / MINUTE_MS as f64)
        })
        .collect();
    minutes.sort_by(f64::total_cmp);
    row["within_an_hour"] = minutes.iter().filter(|&&m| m <= 60.0).count().into();
    row["median_minutes"] = minutes.get(minutes.len() / 2).copied().into();
    row["worst_minutes"] = minutes.last().copied().into();
    row["missed"] = (days.len() - minutes.len()).into();
    row
}

fn text(row: &Value) -> String {
    let number = |name: &str| {
        row[name]
            .as_u64()
            .map_or_else(|| "–".to_owned(), |n| n.to_string())
    };
    let minutes = |name: &str| {
        row[name]
            .as_f64()
            .map_or_else(|| "–".to_owned(), |m| format!("{m:.0} min"))
    };
    format!(
        "{:<34} {:<12} {:>6} {:>9} {:>9} {:>9} {:>7} {:>7}",
        row["change"].as_str().unwrap_or_default(),
        row["policy"].as_str().unwrap_or_default(),
        number("days"),
        number("within_an_hour"),
        minutes("median_minutes"),
        minutes("worst_minutes"),
        number("missed"),
        number("false_alerts"),
    )
}
