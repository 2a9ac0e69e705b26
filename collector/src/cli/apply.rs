//! `tiltwise apply`: shows what a file of experiments would change, and publishes it.
//!
//! Publishing is one rename of a checked file into the place that the collector looks at every second. That works with a
//! collector that runs, with one that starts later, and with none of the admin listener's ways in between.

use std::path::PathBuf;

use serde_json::json;

use super::{Failure, Settings, check};
use crate::config::{Place, Problem, Problems};
use crate::durable;
use crate::experiments::{Difference, Experiments};

/// Publish a file of experiments, after showing what it changes.
///
/// FILE is checked like `tiltwise check` does and compared with the experiments that are published now; then it is put in
/// their place as it is, comments included. A running collector takes it up within a second, for all collectors where several
/// serve the site. Actions (a pause, a stopped variant, a declared winner) stay as they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise apply hero.toml --dry-run         what would change
  tiltwise apply hero.toml                   the same, and publishes it
  tiltwise apply hero.toml --json | jq       for a script

Exit codes: 0 done (also when nothing changes); 3 the file says something wrong, nothing was changed.")]
pub struct Args {
    /// The file of experiments to publish.
    file: PathBuf,

    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,

    /// Print JSON: {\"published\": true, \"difference\": {…}}.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args
        .settings
        .check()
        .map_err(|problems| Failure::of(problems, args.json))?;
    let refuse = |problems| Failure::of(problems, args.json);
    let text = text_of(args).map_err(refuse)?;
    let after = Experiments::check(&args.file.display().to_string(), &text, &config.site).map_err(refuse)?;
    let mut problems = Problems::default();
    let actions = check::actions(&mut problems, &config);
    problems
        .none_or(())
        .and_then(|()| after.check_edit(&actions))
        .map_err(refuse)?;
    let before = Experiments::load(&config.experiments, &config.site).unwrap_or_else(|_| {
        eprintln!(
            "{} is broken as it stands; the comparison is with no experiments.",
            config.experiments.display()
        );
        Experiments::default()
    });
    let difference = Difference::between(&before, &after);
    let published = !args.dry_run;
    if published {
        durable::replace(&config.experiments, text.as_bytes(), durable::PUBLIC).map_err(|error| {
            anyhow::anyhow!("{}: {error}. Nothing was published", config.experiments.display())
        })?;
    }
    if args.json {
        println!("{}", json!({ "published": published, "difference": difference }));
    } else {
        println!("{difference}");
        println!(
            "{}",
            if published {
                "Published."
            } else {
                "Nothing was published (--dry-run)."
            }
        );
    }
    Ok(())
}

fn text_of(args: &Args) -> Result<String, Problems> {
    std::fs::read_to_string(&args.file).map_err(|error| {
        let mut problems = Problems::default();
        problems.push(Problem {
            at: Place::File {
                file: args.file.display().to_string().into(),
            },
            setting: String::new(),
            value: None,
            what: format!("the file cannot be read: {error}"),
            remedy: "Name a file of experiments: tiltwise apply hero.toml".into(),
        });
        problems
    })
}
