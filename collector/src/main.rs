//! The binary `tiltwise`: reads the command line, runs the command, ends with its exit code.

use std::process::ExitCode;

use clap::Parser;
use tiltwise_collector::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
