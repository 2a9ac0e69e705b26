//! The developer's commands: `cargo xtask --help` lists them.

use clap::Parser;

/// The developer's commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {}

fn main() {
    let Cli {} = Cli::parse();
}
