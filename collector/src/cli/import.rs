//! `tiltwise import`: what other tools already know becomes a discounted start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sha2::{Digest, Sha256};
use tiltwise_core::revision::Revision;

use super::{Failure, Settings, now_ms};
use crate::config::{Config, Place, Problem, Problems};
use crate::experiments::{Definition, Experiments};
use crate::history::choice::Refused;
use crate::history::read::Reader;
use crate::history::{About, Choice, Histories, Kept, Tally, fold, store};
use columns::{Columns, mapping, pair};
use report::report;

mod columns;
mod report;

/// History counts for this part of what it had itself within one attribution window: so long a running experiment waits
/// for its first full evidence, and a fifth of that is outweighed soon after. See docs/history.md for what was measured.
const WORTH_OF_WINDOW: f64 = 0.2;
/// And for so many visitors a variant at least: what an experiment wants to have seen of a variant before it tilts.
const WORTH_OF_VARIANT: f64 = 100.0;

/// Start from what is already known: fold a file of past visitors into an experiment's model.
///
/// FILE is CSV or JSON lines. Rows with the probability that the shown variant had, or from a declared random split, may
/// move variants against each other; the history of a single variant only says how much visitors bring. It counts for a
/// few hundred visitors however long it is, and never enters results. Rows that cannot be used are counted by reason, with
/// their lines.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise import past.csv --time at --unit visitor --variant-column shown --outcome signed_up --randomised calm=0.5,bold=0.5
  tiltwise import bandit.jsonl --mapping bandit.toml --propensity p
  tiltwise import events.jsonl --preset ga4 --only-variant calm --dry-run
  tiltwise import --forget hero

Exit codes: 0 done; 1 something failed; 3 the file cannot be used, nothing was changed.")]
pub struct Args {
    /// The file to read.
    #[arg(required_unless_present = "forget")]
    file: Option<PathBuf>,

    /// The experiment that it is about [default: the only one].
    #[arg(long, value_name = "KEY")]
    experiment: Option<String>,

    /// Rows that are all outcomes, where they are in a file of their own.
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,

    /// The variants were chosen at random in these shares.
    #[arg(long, value_name = "KEY=SHARE,…", value_parser = shares, conflicts_with_all = ["only_variant", "propensity"])]
    randomised: Option<Shares>,

    /// Everybody was shown this variant.
    #[arg(long, value_name = "KEY", conflicts_with = "propensity")]
    only_variant: Option<String>,

    /// Count it for at most so many visitors [default: a fifth of its own visitors within a window, 100 a variant at least].
    #[arg(long, value_name = "VISITORS")]
    worth: Option<f64>,

    /// Only say what would be imported.
    #[arg(long)]
    dry_run: bool,

    /// Take back what was imported for this experiment.
    #[arg(long, value_name = "EXPERIMENT", conflicts_with = "file")]
    forget: Option<String>,

    /// Print JSON: {\"imported\": true, \"leftOut\": [{\"reason\", \"rows\", \"lines\"}], …}.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    columns: Columns,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Clone)]
struct Shares(Vec<(String, f64)>);

fn shares(text: &str) -> Result<Shares, String> {
    let mut shares = Vec::new();
    for part in text.split(',') {
        let (key, share) = pair(part).map_err(|_| "write it like calm=0.5,bold=0.5")?;
        let share: f64 = share.parse().map_err(|_| format!("{share} is no share"))?;
        if !(share > 0.0 && share < 1.0) {
            return Err(format!("{key}={share}: a share lies between 0 and 1"));
        }
        shares.push((key, share));
    }
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    if (sum - 1.0).abs() > 0.001 {
        return Err(format!("the shares add up to {sum}, not to 1"));
    }
    Ok(Shares(shares))
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args
        .settings
        .check()
        .map_err(|problems| Failure::of(problems, args.json))?;
    let histories = Histories::at(config.history_folder());
    if let Some(experiment) = &args.forget {
        return forget(args, &histories, experiment);
    }
    let file = args.file.as_deref().context("name a file")?;
    let refuse = |refused: Refused| Failure::of(problem(file, refused), args.json);
    let definition = definition(args, &config)?;
    let revision = &definition.revision;
    let choice = choice(args, revision).map_err(refuse)?;
    let mapping = mapping(args, revision, &choice).map_err(refuse)?;
    let choice = match choice {
        Choice::Unknown if mapping.propensity.is_some() => Choice::Logged,
        choice => choice,
    };
    let now_ms = now_ms();
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut reader = Reader::new(revision, &mapping, &choice, now_ms, secret);
    read(args, file, &mut reader).map_err(|(file, what)| {
        let remedy = "CSV with a header, or one JSON object a line, are what can be read".to_owned();
        Failure::of(problem(&file, Refused { what, remedy }), args.json)
    })?;
    let content = reader.content();
    let Reader {
        mut rows,
        mut tally,
        inverse,
        absent,
        ..
    } = reader;
    // The propensities are checked on the rows as they were written, the shares on those that count.
    let all = rows.decisions.len() as f64;
    fold::settle(&mut rows, &mut tally, revision, now_ms);
    if rows.decisions.is_empty() {
        return Err(refuse(nothing(&tally)));
    }
    choice
        .check(
            &rows.decisions,
            inverse * rows.decisions.len() as f64 / all,
            revision,
        )
        .map_err(refuse)?;
    let declared = Sha256::digest(format!("{mapping:?} {choice:?} {:?}", args.worth));
    let about = About {
        experiment: revision.key.clone(),
        file: file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        content: hex::encode(content),
        declared: hex::encode(declared),
        choice: choice.say(revision),
        moves_variants: matches!(choice, Choice::Logged | Choice::Randomised(_)),
        rows: tally.rows,
        decisions: tally.decisions,
        outcomes: tally.outcomes,
        left_out: by_reason(&tally),
        first_ms: rows.first_ms,
        last_ms: rows.last_ms,
        as_of_ms: now_ms,
        worth: worth(args, revision, &rows),
    };
    let kept = Kept {
        parts: fold::fold(&rows, revision, now_ms),
        revision: revision.clone(),
        about,
    };
    let path = histories.path(&revision.key, &content);
    let imported = if args.dry_run {
        false
    } else {
        keep(&histories, &path, &kept).map_err(refuse)?
    };
    report(args, &kept, &tally, &absent, imported);
    Ok(())
}

fn forget(args: &Args, histories: &Histories, experiment: &str) -> Result<(), Failure> {
    let forgotten = histories.forget(experiment)?;
    if args.json {
        println!("{}", json!({ "forgotten": forgotten }));
    } else if forgotten == 0 {
        println!("Nothing was imported for {experiment}.");
    } else {
        let word = if forgotten == 1 { "import" } else { "imports" };
        println!(
            "Forgotten: {forgotten} {word} for {experiment}. A running collector's next snapshot is without."
        );
    }
    Ok(())
}

fn definition(args: &Args, config: &Config) -> Result<Definition, Failure> {
    let experiments = Experiments::load(&config.experiments, &config.site)
        .map_err(|problems| Failure::of(problems, args.json))?;
    let keys: Vec<&str> = experiments
        .definitions
        .iter()
        .map(|d| d.revision.key.as_str())
        .collect();
    let found = match (&args.experiment, experiments.definitions.as_slice()) {
        (Some(key), _) => experiments.find(key).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    let named = args
        .experiment
        .as_ref()
        .map_or_else(String::new, |key| format!("no experiment {key:?}; "));
    found.ok_or_else(|| {
        let refused = Refused {
            what: format!(
                "declares {named}{}",
                match keys.as_slice() {
                    [] => "no experiments at all".to_owned(),
                    keys => format!("these: {}", keys.join(", ")),
                }
            ),
            remedy: "Name one with --experiment KEY, after `tiltwise apply` has published it".to_owned(),
        };
        Failure::of(problem(&config.experiments, refused), args.json)
    })
}

fn choice(args: &Args, revision: &Revision) -> Result<Choice, Refused> {
    let arm = |key: &str| {
        let place = revision.variants.iter().position(|variant| variant.key == key);
        let keys: Vec<&str> = revision
            .variants
            .iter()
            .map(|variant| variant.key.as_str())
            .collect();
        place.map(|place| place as u8).ok_or_else(|| Refused {
            what: format!("is said to show {key:?}, which is no variant of {}", revision.key),
            remedy: format!("Its variants are {}", keys.join(", ")),
        })
    };
    if let Some(Shares(shares)) = &args.randomised {
        let shares: Result<Vec<(u8, f64)>, Refused> = shares
            .iter()
            .map(|(key, share)| Ok((arm(key)?, *share)))
            .collect();
        return Ok(Choice::Randomised(shares?));
    }
    if let Some(key) = &args.only_variant {
        return Ok(Choice::Only(arm(key)?));
    }
    Ok(Choice::Unknown)
}

type ReadFailure = (PathBuf, String);

fn read(args: &Args, file: &Path, reader: &mut Reader<'_>) -> Result<(), ReadFailure> {
    let size = |path: &Path| {
        let told = |error: std::io::Error| (path.to_owned(), error.to_string());
        fs::metadata(path).map(|metadata| metadata.len()).map_err(told)
    };
    let mut total = size(file)?;
    if let Some(outcomes) = &args.outcomes {
        total += size(outcomes)?;
    }
    // To standard error, and only where that is a terminal.
    let progress = ProgressBar::new(total);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left")
    {
        progress.set_style(style);
    }
    reader
        .read(file, args.outcomes.is_none(), &progress)
        .map_err(|what| (file.to_owned(), what))?;
    if let Some(outcomes) = &args.outcomes {
        reader
            .read_outcomes(outcomes, &progress)
            .map_err(|what| (outcomes.clone(), what))?;
    }
    progress.finish_and_clear();
    Ok(())
}

fn by_reason(tally: &Tally) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for (reason, _, entry) in tally.left_out() {
        *rows.entry(reason.label().to_owned()).or_default() += entry.rows;
    }
    rows
}

/// No row can be used.
fn nothing(tally: &Tally) -> Refused {
    let reasons = tally.lines().join("\n");
    let what = format!("has no row that can be used, of {}:\n{reasons}\n", tally.rows);
    Refused {
        what,
        remedy: "Name the columns as the file has them; `--dry-run` shows what is read".to_owned(),
    }
}

/// For how many visitors it may count.
fn worth(args: &Args, revision: &Revision, rows: &crate::history::Rows) -> f64 {
    let least = WORTH_OF_VARIANT * revision.arms() as f64;
    let window_ms = revision.metric().window_ms as f64;
    let span_ms = rows.last_ms.saturating_sub(rows.first_ms).max(1) as f64;
    let in_a_window = rows.decisions.len() as f64 * (window_ms / span_ms).min(1.0);
    args.worth
        .unwrap_or_else(|| (WORTH_OF_WINDOW * in_a_window).max(least).round())
}

/// Keeps it, unless it is there; whether it is new.
fn keep(histories: &Histories, path: &Path, kept: &Kept) -> Result<bool, Refused> {
    match store::read(path) {
        Ok(there) if there.about.declared == kept.about.declared && there.revision == kept.revision => {
            Ok(false)
        }
        Ok(there) => Err(Refused {
            what: format!(
                "is imported already, as {} and {}: twice would count its visitors twice",
                there.about.file, there.about.choice
            ),
            remedy: format!(
                "To import it otherwise, take it back first: tiltwise import --forget {}",
                kept.about.experiment
            ),
        }),
        // Not there, or damaged: then this one takes its place.
        Err(_) => histories
            .keep(path, kept)
            .map(|()| true)
            .map_err(|error| Refused {
                what: error.to_string(),
                remedy: "Nothing was imported".to_owned(),
            }),
    }
}

fn problem(file: &Path, refused: Refused) -> Problems {
    let mut problems = Problems::default();
    problems.push(Problem {
        at: Place::File {
            file: file.display().to_string().into(),
        },
        setting: String::new(),
        value: None,
        what: refused.what,
        remedy: refused.remedy,
    });
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_wrong_ones_are_said_to_be_wrong() {
        let read = shares("calm=0.25, bold=0.75").unwrap().0;
        assert_eq!(read, [("calm".to_owned(), 0.25), ("bold".to_owned(), 0.75)]);
        assert!(shares("calm=0.5,bold=0.4").unwrap_err().contains("add up to 0.9"));
        assert!(shares("calm=1").unwrap_err().contains("between 0 and 1"));
        assert!(shares("even").unwrap_err().contains("calm=0.5"));
    }
}
