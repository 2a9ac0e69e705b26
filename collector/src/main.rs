//! The binary `tiltwise`.

use clap::Parser;

/// A/B tests that tilt traffic toward what works while they run.
#[derive(Parser)]
#[command(name = "tiltwise", version)]
struct Cli {}

fn main() {
    let Cli {} = Cli::parse();
}
