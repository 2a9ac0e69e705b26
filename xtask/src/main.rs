//! The developer's commands: `cargo xtask --help` lists them.
//!
//! A command is a module with `Args` (its help teaches) and `run`. What they share: [`child`] starts programs and ends
//! what it started, [`tools`] says how to get a missing one, [`stage`] names, times and counts, [`npm`] installs what a
//! lock file names, [`repo`] knows where things are.

mod bench;
mod child;
mod count;
mod demo;
mod edge;
mod feed;
mod flink;
mod kafka;
mod make;
mod npm;
mod python;
mod repo;
mod report;
mod sim;
mod site;
mod stage;
mod stamp;
mod test;
mod tidy;
mod tools;
mod torture;
mod wasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The developer's commands.
///
/// Run from anywhere inside the repository. Every command says what it is doing, ends what it has started, and exits
/// with 0 only when all went well.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bench(bench::Args),
    Demo(demo::Args),
    Feed(feed::Args),
    Flink(flink::Args),
    Kafka(kafka::Args),
    Wasm(wasm::Args),
    Test(test::Args),
    Tidy(tidy::Args),
    Torture(torture::Args),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let result = match command {
        Command::Bench(args) => bench::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Feed(args) => feed::run(&args),
        Command::Flink(args) => flink::run(&args),
        Command::Kafka(args) => kafka::run(&args),
        Command::Wasm(args) => wasm::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Tidy(args) => tidy::run(&args),
        Command::Torture(args) => torture::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
