//! `cargo xtask flink`: the Flink job on this machine, in a job manager and a task manager of its own, with a real Kafka.
//!
//! [`jar`] builds the job, [`cluster`] is the two processes. What the command prints are lines for people and for tests alike:
//! `kafka HOST:PORT`, `flink http://HOST:PORT`, `task manager pid P`, and `job submitted` at the end.

mod cluster;
pub mod jar;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use self::cluster::Flink;
use crate::kafka::{self, JAVA, MAVEN};
use crate::tools::{NODE, NPM};
use crate::{child, tools};

const LOOK: Duration = Duration::from_millis(50);

/// The topics with their partitions, and what they are made with.
const TOPICS: [(&str, &str, &[&str]); 4] = [
    ("tiltwise.events", "16", &[]),
    ("tiltwise.rejected", "1", &[]),
    (
        "tiltwise.metrics",
        "1",
        &["--config", "cleanup.policy=compact,delete"],
    ),
    (
        "tiltwise.accumulators",
        "1",
        &["--config", "cleanup.policy=compact"],
    ),
];

/// Starts a real Kafka and a real Flink on free loopback ports, and submits the job of flink/ to it.
///
/// Point a collector's kafka.bootstrap_servers to the address that is printed, and the job folds what comes in, by the
/// definitions in the folder that --revisions names: `revisions` in that collector's data folder. Flink's own page is at the
/// printed address. Ends with Ctrl-C, and what was kept is gone. The first start fetches about 150 MB into target/.
#[derive(clap::Args)]
pub struct Args {
    /// The folder of published definitions, which a collector keeps in its data folder.
    #[arg(long, value_name = "FOLDER")]
    revisions: PathBuf,
    /// More settings of the job, behind `--`: `-- --lateness 30m` (docs/flink.md lists them).
    #[arg(last = true, value_name = "SETTINGS")]
    settings: Vec<String>,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    tools::need(&[&JAVA, &MAVEN, &NODE, &NPM])?;
    child::end_with_us()?;
    let stop = Arc::new(AtomicBool::new(false));
    child::once_interrupted({
        let stop = stop.clone();
        move || stop.store(true, Ordering::Release)
    });
    let revisions = std::fs::canonicalize(&args.revisions).with_context(|| {
        format!(
            "--revisions {}: a collector makes it at its first start",
            args.revisions.display()
        )
    })?;
    let jar = jar::build()?;
    let broker = kafka::Cluster::start(1, None, false, &[])?;
    let address = broker.address();
    println!("kafka {address}");
    for (name, partitions, more) in TOPICS {
        let mut topics = kafka::program(&[], "org.apache.kafka.tools.TopicCommand");
        topics.args([
            "--bootstrap-server",
            &address,
            "--create",
            "--topic",
            name,
            "--partitions",
            partitions,
        ]);
        child::output(topics.args(more)).with_context(|| format!("making the topic {name}"))?;
    }
    let mut flink = Flink::start()?;
    println!("flink http://{}", flink.rest());
    println!("task manager pid {}", flink.task_manager());
    let mut submit: Command = flink.client();
    submit.args(["run", "-d"]).arg(jar);
    submit.args(["--bootstrap.servers", &address, "--revisions"]);
    submit
        .arg(format!("file://{}", revisions.display()))
        .args(&args.settings);
    child::output(&mut submit).context("submitting the job")?;
    println!("job submitted");
    while !stop.load(Ordering::Acquire) {
        std::thread::sleep(LOOK);
        flink.look()?;
    }
    flink.end()?;
    broker.end()?;
    Ok(ExitCode::SUCCESS)
}
