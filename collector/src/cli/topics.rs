//! `tiltwise topics`: makes the topics, compares them with the collector file, and says what a collector must be allowed.

use clap::Subcommand;

use super::{Failure, Settings};
use crate::config::Config;

/// Make and check the topics of a log that is kept in Kafka.
///
/// Topics are never made silently: the number of partitions is fixed when they are, and says for good which unit is where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise topics create --dry-run     what would be made
  tiltwise topics create               makes what is missing, and changes nothing that is there
  tiltwise topics check                are they as the collector file says?
  tiltwise topics acls --principal User:tiltwise

Exit codes: 0 done; 1 Kafka does not do it; 3 a topic or the collector file is not as it should be.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make the topics that are missing.
    Create {
        /// Say what would be made, and make nothing.
        #[arg(long)]
        dry_run: bool,

        #[command(flatten)]
        settings: Settings,
    },
    /// Compare the topics with the collector file.
    Check {
        #[command(flatten)]
        settings: Settings,
    },
    /// Print the lines for Kafka's own tool that allow a collector what it does.
    Acls {
        /// Who the collector is, as Kafka calls it.
        #[arg(long, default_value = "User:tiltwise")]
        principal: String,

        #[command(flatten)]
        settings: Settings,
    },
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.what {
        What::Create { dry_run, settings } => create(&settings.load()?, *dry_run),
        What::Check { settings } => check(&settings.load()?),
        What::Acls { principal, settings } => {
            acls(&settings.load()?, principal);
            Ok(())
        }
    }
}

#[cfg(feature = "kafka")]
fn create(config: &Config, dry_run: bool) -> Result<(), Failure> {
    use crate::log::kafka::{Options, topics};
    let options = Options::of(config);
    for topic in topics::all(&options) {
        let what = format!(
            "{}: {} partitions, {} copies, {}",
            topic.name,
            topic.partitions,
            topic.replication,
            topic
                .settings
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        );
        if dry_run {
            println!("would make {what}");
        } else if topics::create(&options, &topic).map_err(said)? {
            println!("made {what}");
        } else {
            println!(
                "{} is there; `tiltwise topics check` says whether it is as it should be",
                topic.name
            );
        }
    }
    Ok(())
}

#[cfg(feature = "kafka")]
fn check(config: &Config) -> Result<(), Failure> {
    use crate::log::kafka::{Options, topics};
    let findings = topics::compare(&Options::of(config)).map_err(said)?;
    if findings.is_empty() {
        println!("The topics are as the collector file says.");
        return Ok(());
    }
    Err(Failure::Refused(super::check::as_problems(config, findings)))
}

#[cfg(feature = "kafka")]
fn said(trouble: crate::log::kafka::client::Trouble) -> Failure {
    anyhow::anyhow!("{trouble}").into()
}

#[cfg(not(feature = "kafka"))]
fn create(_config: &Config, _dry_run: bool) -> Result<(), Failure> {
    Err(without_kafka())
}

#[cfg(not(feature = "kafka"))]
fn check(_config: &Config) -> Result<(), Failure> {
    Err(without_kafka())
}

#[cfg(not(feature = "kafka"))]
fn without_kafka() -> Failure {
    anyhow::anyhow!(
        "this build has no Kafka. Build it with `cargo build --release --package tiltwise-collector --features kafka-tls`"
    )
    .into()
}

/// What a collector does: it writes and reads its topics, looks at their settings, reads under the name of a group that it
/// never joins, and writes in transactions while it leads.
fn acls(config: &Config, principal: &str) {
    let servers = config.kafka.bootstrap_servers.join(",");
    let servers = if servers.is_empty() {
        "BROKER:9092"
    } else {
        &servers
    };
    let line = |what: &str| {
        println!("kafka-acls --bootstrap-server {servers} --add --allow-principal {principal} {what}");
    };
    let prefix = &config.kafka.topic_prefix;
    line(&format!(
        "--operation Read --operation Write --operation Describe --operation DescribeConfigs \
         --resource-pattern-type prefixed --topic {prefix}"
    ));
    line("--operation Describe --group tiltwise");
    if config.kafka.plain_topics {
        line(&format!("--operation Read --group {prefix}plain"));
    }
    line("--operation IdempotentWrite --cluster");
    line(&format!(
        "--operation Write --operation Describe --resource-pattern-type prefixed --transactional-id {prefix}"
    ));
    println!("# for `tiltwise topics create`, which a person may run under another name:");
    line(&format!(
        "--operation Create --resource-pattern-type prefixed --topic {prefix}"
    ));
}
