//! The command line: `tiltwise serve`, `check`, `apply`, `keys`, … One file a command, each with its flags, its help
//! and what it does.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod apply;
mod check;
mod diagnostics;
mod erase;
mod export;
mod failure;
mod import;
mod keys;
mod rebuild;
mod results;
mod serve;
mod settings;
mod status;
mod tail;
mod topics;

pub use self::diagnostics::start as start_diagnostics;
pub use self::failure::Failure;
pub use self::settings::Settings;

/// A/B tests that tilt traffic toward what works while they run.
#[derive(Debug, Parser)]
#[command(name = "tiltwise", version, after_help = EXIT_CODES, after_long_help = FIRST_STEPS)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 something failed; 2 the command line is wrong; 3 a file says something wrong (nothing was changed); \
4 no collector answers, or it is not well.";

const FIRST_STEPS: &str = "\
First steps, in an empty folder:
  tiltwise keys init                    makes the secrets
  tiltwise check                        says what `serve` would do
  tiltwise serve                        runs, with no experiment yet
  tiltwise apply hero.toml --dry-run    shows what a file of experiments would change
  tiltwise apply hero.toml              publishes it
  tiltwise import past.csv --dry-run    shows what past visitors could tell the model
  tiltwise status                       asks how it goes, and prints the dashboard's address
  tiltwise results                      says what the experiments say
  tiltwise export --output all.jsonl    writes every decision and what came of it, for other tools

Settings come from tiltwise.toml, over it TILTWISE_… variables (TILTWISE_HTTP_LISTEN for http.listen), over them flags.

Exit codes: 0 done; 1 something failed; 2 the command line is wrong; 3 a file says something wrong (nothing was changed); \
4 no collector answers, or it is not well.";

#[derive(Debug, Subcommand)]
enum Command {
    Apply(apply::Args),
    Check(check::Args),
    Erase(erase::Args),
    Export(export::Args),
    Import(Box<import::Args>),
    Keys(keys::Args),
    Rebuild(rebuild::Args),
    Results(results::Args),
    Serve(serve::Args),
    Status(status::Args),
    Tail(tail::Args),
    Topics(topics::Args),
}

/// Runs the command and says how it ended.
pub fn run(cli: Cli) -> ExitCode {
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Apply(args) => apply::run(&args),
            Self::Check(args) => check::run(&args),
            Self::Erase(args) => erase::run(&args),
            Self::Export(args) => export::run(&args),
            Self::Import(args) => import::run(&args),
            Self::Keys(args) => keys::run(&args),
            Self::Rebuild(args) => rebuild::run(&args),
            Self::Results(args) => results::run(&args),
            Self::Serve(args) => serve::run(&args),
            Self::Status(args) => status::run(&args),
            Self::Tail(args) => tail::run(&args),
            Self::Topics(args) => topics::run(&args),
        }
    }
}

/// This machine's clock, the one place where commands read it.
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests;
