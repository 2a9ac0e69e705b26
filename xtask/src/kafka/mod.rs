//! `cargo xtask kafka`: a real Kafka on this machine, for people and for tests.
//!
//! [`jars`] brings the broker's jars from Maven once; [`broker`] is one broker process with a folder of its own;
//! [`cluster`] is one or three of them. What the command prints is read by tests too, so its lines are a contract:
//! `broker N pid P at HOST:PORT` whenever a broker was started, `secure HOST:PORT USER PASSWORD CERTIFICATE` where that was asked
//! for, and `kafka HOST:PORT[,…]` once all of them answer.

mod broker;
mod cluster;
mod jars;
mod secure;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, test_kill_process};

pub use self::cluster::Cluster;
pub use self::jars::{JAVA, MAVEN, fetch_jars, lib, program};
use crate::tools::PYTHON;
use crate::{child, python, repo, tools};

/// What the documented consumer imports.
const REQUIREMENTS: &str = "xtask/kafka/requirements.txt";

/// How often the brokers are looked at: below what a person notices, and what a restart in a test waits for.
const LOOK: Duration = Duration::from_millis(50);

/// Starts a real Kafka broker (or three) on free loopback ports, prints the address, and ends it again.
///
/// The broker is Apache's own, from Maven, in KRaft mode; the first start fetches 54 MB into target/. It creates no topic by
/// itself: `tiltwise topics create` does, or Kafka's own tools, whose jars are where this command says. Ends with Ctrl-C,
/// and what it kept is gone unless --folder named a place for it.
#[derive(clap::Args)]
pub struct Args {
    /// How many brokers: 1, or 3 for replication.
    #[arg(long, default_value_t = 1, value_name = "1|3")]
    nodes: u8,
    /// Keeps the brokers' data and ports here, to go on with at the next start.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Starts a broker that has died again, as a supervisor would.
    #[arg(long)]
    revive: bool,
    /// Ends when the process with this id has ended: for tests, which may be killed.
    #[arg(long, value_name = "PID")]
    as_long_as: Option<u32>,
    /// Opens a second listener on every broker, which demands TLS and a password, and prints how to come in there.
    #[arg(long)]
    secure: bool,
    /// Adds a setting to every broker's server.properties; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    ensure!(
        matches!(args.nodes, 1 | 3),
        "--nodes {}: write 1 or 3; a quorum of two has no majority",
        args.nodes
    );
    tools::need(&[&JAVA, &MAVEN])?;
    child::end_with_us()?;
    let stop = Arc::new(AtomicBool::new(false));
    child::once_interrupted({
        let stop = stop.clone();
        move || stop.store(true, Ordering::Release)
    });
    let beloved = args.as_long_as.map(process).transpose()?;
    let gone = || beloved.is_some_and(|pid| test_kill_process(pid).is_err());

    let mut cluster = Cluster::start(args.nodes, args.folder.as_deref(), args.secure, &args.set)?;
    if let Some(secure) = cluster.secure_address() {
        println!(
            "secure {secure} {} {} {}",
            secure::USER,
            secure::PASSWORD,
            cluster.certificate().display()
        );
    }
    println!("kafka {}", cluster.address());
    println!("jars of its tools: {}", lib().display());
    while !stop.load(Ordering::Acquire) && !gone() {
        std::thread::sleep(LOOK);
        cluster.look(args.revive)?;
    }
    cluster.end()?;
    Ok(ExitCode::SUCCESS)
}

/// The collector's tests with a real broker, to be given what follows `--`. They start it by this program.
pub fn tests() -> Result<Command> {
    tools::need(&[&JAVA, &MAVEN, &PYTHON])?;
    jars::fetch()?;
    let mut cargo = repo::cargo();
    cargo.args([
        "test",
        "--package",
        "tiltwise-collector",
        "--features",
        "kafka-tls,parquet",
        "--test",
        "kafka",
    ]);
    cargo.env("KAFKA_XTASK", std::env::current_exe()?);
    cargo.env("KAFKA_LIB", std::fs::canonicalize(lib())?);
    cargo.env("KAFKA_PYTHON", python::with(REQUIREMENTS)?.join("python"));
    Ok(cargo)
}

fn process(id: u32) -> Result<Pid> {
    let id = i32::try_from(id).ok();
    id.and_then(Pid::from_raw)
        .context("--as-long-as: that is no process id")
}
